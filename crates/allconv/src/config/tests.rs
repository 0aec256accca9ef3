//! Sizes and counts against the paper's tables.

use super::*;

#[test]
fn parameter_counts() {
    // Per architecture in the order of `ALL`: 10 classes, 100 classes.
    let counts = [
        (839_242, 856_612),
        (839_242, 856_612),
        (1_254_250, 1_271_620),
        (1_254_250, 1_271_620),
        (885_610, 902_980),
        (885_610, 902_980),
        (1_300_618, 1_317_988),
        (1_300_618, 1_317_988),
        (954_730, 972_100),
        (954_730, 972_100),
        (1_369_738, 1_387_108),
        (1_369_738, 1_387_108),
    ];
    for (architecture, (ten, hundred)) in Architecture::ALL.into_iter().zip(counts) {
        assert_eq!(
            Config::cifar10(architecture).parameter_count(),
            ten,
            "{architecture}"
        );
        assert_eq!(
            Config::cifar100(architecture).parameter_count(),
            hundred,
            "{architecture}"
        );
    }
}

#[test]
fn shapes() -> Result<()> {
    for architecture in Architecture::ALL {
        let valid = Config::cifar10(architecture);
        assert_eq!(
            valid.output_shapes()?.last(),
            Some(&(10, 6, 6)),
            "{architecture}"
        );
        let same = Config {
            head_padding: HeadPadding::Same,
            ..valid
        };
        assert_eq!(
            same.output_shapes()?.last(),
            Some(&(10, 8, 8)),
            "{architecture}"
        );
    }
    let floor = Config {
        pool_rounding: Rounding::Floor,
        ..Config::base_c()
    };
    assert_eq!(floor.output_shapes()?.last(), Some(&(10, 5, 5)));
    let sides: Vec<usize> = Config::all_cnn_c()
        .output_shapes()?
        .iter()
        .map(|s| s.1)
        .collect();
    assert_eq!(sides, [32, 32, 32, 16, 16, 16, 16, 8, 8, 6, 6, 6]);
    Ok(())
}

#[test]
fn errors() {
    let message = |config: Config| config.check().expect_err("accepted").to_string();
    let good = Config::all_cnn_c;
    assert!(
        message(Config {
            classes: 0,
            ..good()
        })
        .contains("0 classes")
    );
    assert!(
        message(Config {
            width: 0.0,
            ..good()
        })
        .contains("width 0")
    );
    assert!(
        message(Config {
            width: f64::NAN,
            ..good()
        })
        .contains("width NaN")
    );
    assert!(
        message(Config {
            dropout: 1.0,
            ..good()
        })
        .contains("dropout: the dropout probability 1")
    );
    let small = message(Config {
        image_size: (8, 32),
        ..good()
    });
    assert!(
        small.contains("8x32") && small.contains("smallest is 9x9"),
        "{small}"
    );
    let small = message(Config {
        image_size: (11, 11),
        ..Config::base_a()
    });
    assert!(small.contains("smallest is 12x12"), "{small}");
}

#[test]
fn widths() {
    let narrow = Config {
        width: 1.0 / 6.0,
        ..Config::all_cnn_c()
    };
    let channels: Vec<usize> = narrow
        .layers()
        .iter()
        .filter_map(|layer| match layer {
            LayerSpec::Conv { channels, .. } => Some(*channels),
            _ => None,
        })
        .collect();
    assert_eq!(channels, [16, 16, 16, 32, 32, 32, 32, 32, 10]);
}
