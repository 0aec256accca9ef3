//! Sizes and counts against the paper's files.

use candle_core::Result;

use super::*;
use crate::PlainCnnConfig;

#[test]
fn parameter_counts() -> Result<()> {
    let counts = [
        (NinConfig::cifar10(), 966_986),
        (NinConfig::cifar100(), 984_356),
        (NinConfig::svhn(), 1_986_026),
        (NinConfig::mnist(), 349_674),
        (NinConfig::cifar10_model_zoo(), 966_986),
        (NinConfig::cifar10_pytorch_port(), 966_986),
    ];
    for (config, expected) in counts {
        assert_eq!(config.parameter_count()?, expected, "{config}");
        config.check()?;
    }
    Ok(())
}

#[test]
fn shapes() -> Result<()> {
    let sides = |config: NinConfig| -> Result<Vec<usize>> {
        let shapes = config.output_shapes()?;
        Ok(shapes.iter().map(|(_, (_, h, _))| *h).collect())
    };
    let cifar = [32, 32, 32, 16, 16, 16, 16, 8, 8, 8, 8];
    assert_eq!(sides(NinConfig::cifar10())?, cifar);
    assert_eq!(sides(NinConfig::cifar10_model_zoo())?, cifar);
    assert_eq!(sides(NinConfig::cifar10_pytorch_port())?, cifar);
    assert_eq!(sides(NinConfig::svhn())?, cifar);
    assert_eq!(
        sides(NinConfig::mnist())?,
        [28, 28, 28, 14, 14, 14, 14, 7, 7, 7, 7]
    );
    let names: Vec<String> = NinConfig::mnist()
        .output_shapes()?
        .into_iter()
        .map(|(n, _)| n)
        .collect();
    let expected = "conv1 cccp1 cccp2 pool1 conv2 cccp3 cccp4 pool2 conv3 cccp5 cccp6";
    assert_eq!(names.join(" "), expected);
    let maps = |config: NinConfig| config.class_map_shape(config.image_size);
    assert_eq!(maps(NinConfig::cifar100())?, (100, 8, 8));
    assert_eq!(maps(NinConfig::mnist())?, (10, 7, 7));
    Ok(())
}

#[test]
fn widths() -> Result<()> {
    let narrow = NinConfig {
        width: 0.125,
        ..NinConfig::cifar10()
    };
    let expected =
        "NIN 5x5(24-20-12) max3/2 5x5(24-24-24) max3/2 3x3(24-24-10) global average pooling";
    assert_eq!(narrow.to_string(), expected);
    Ok(())
}

#[test]
fn errors() {
    let message = |config: NinConfig| config.check().expect_err("accepted").to_string();
    let good = NinConfig::cifar10;
    let no_classes = NinConfig {
        classes: 0,
        ..good()
    };
    assert!(message(no_classes).contains("0 classes"));
    let no_width = NinConfig {
        width: f64::NAN,
        ..good()
    };
    assert!(message(no_width).contains("width NaN"));
    let dropout = NinConfig {
        dropout: 1.0,
        ..good()
    };
    assert!(message(dropout).contains("probability 1"));
    let head = NinConfig {
        head: Head::FullyConnectedDropout { p: -0.5 },
        ..good()
    };
    assert!(message(head).contains("head"));
    for others in [f64::NAN, -0.1, f64::INFINITY] {
        let initialization = Initialization::Gaussian {
            first_conv: 0.05,
            first_cccp: 0.05,
            others,
        };
        let said = format!("the standard deviation others is {others}");
        let drawn = NinConfig {
            initialization,
            ..good()
        };
        assert!(message(drawn).contains(&said));
        let plain = PlainCnnConfig {
            initialization,
            ..PlainCnnConfig::cifar10(Head::FullyConnected)
        };
        let plain = plain.check().expect_err("accepted");
        assert!(plain.to_string().contains(&said));
    }
    let no_blocks = NinConfig {
        blocks: Vec::new(),
        ..good()
    };
    assert!(message(no_blocks).contains("without blocks"));
    let mut no_maps = good();
    no_maps.blocks[1].mlpconv.channels[2] = 0;
    assert!(message(no_maps).contains("block 2"));
    let small = message(NinConfig {
        image_size: (2, 32),
        ..good()
    });
    assert!(
        small.contains("2x32") && small.contains("smallest is 4x4"),
        "{small}"
    );
}
