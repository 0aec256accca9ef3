//! Sizes and counts against what is known of the paper's networks.

use super::*;

#[test]
fn parameter_counts() -> Result<()> {
    // (preset, encoder, classifier), as counted from the layer strings of the paper.
    let counts = [
        (SwwaeConfig::mnist(), 75_520, 5_770),
        (SwwaeConfig::mnist_padded(), 75_520, 10_250),
        (SwwaeConfig::svhn(), 9_728 + 147_584 + 295_168, 40_970),
        (SwwaeConfig::stl10(), 7_635_264, 20_490),
        (SwwaeConfig::cifar10(), 4_576_384, 81_930),
    ];
    for (config, encoder, classifier) in counts {
        let count = config.parameter_count()?;
        assert_eq!(
            (count.encoder, count.classifier),
            (encoder, classifier),
            "{}",
            config.architecture
        );
        config.check()?;
    }
    Ok(())
}

#[test]
fn presets_are_in_the_papers_notation() {
    let texts = [
        (SwwaeConfig::mnist(), "(64)5c-2p-(64)3c-2p-(64)3c-2p-10fc"),
        (SwwaeConfig::svhn(), "(128)5c-2p-(128)3c-2p-(256)3c-2p-10fc"),
        (
            SwwaeConfig::stl10(),
            "(64)3c-4p-(64)3c-3p-(128)3c-(128)3c-2p-(256)3c-(256)3c-(256)3c-(512)3c-(512)3c-(512)3c-2p-10fc",
        ),
        (
            SwwaeConfig::cifar100(),
            "(128)3c-(128)3c-2p-(256)3c-(256)3c-2p-(512)3c-(512)3c-2p-100fc",
        ),
        (SwwaeConfig::necessity_of_where(16), "(16)5c-(32)3c-16p"),
        (
            SwwaeConfig::equivariance(10.0),
            "(32)5c-(32)3c-2p-(32)3c-16p",
        ),
    ];
    for (config, text) in texts {
        assert_eq!(config.architecture.to_string(), text);
        assert_eq!(text.parse(), Ok(config.architecture));
    }
}

#[test]
fn shapes() -> Result<()> {
    let sides = |config: SwwaeConfig| -> Result<Vec<usize>> {
        let shapes = config.output_shapes()?;
        Ok(shapes.iter().map(|shape| shape.1).collect())
    };
    assert_eq!(sides(SwwaeConfig::mnist())?, [28, 14, 14, 7, 7, 3, 1]);
    let ceil = SwwaeConfig {
        rounding: Rounding::Ceil,
        ..SwwaeConfig::mnist()
    };
    assert_eq!(sides(ceil)?, [28, 14, 14, 7, 7, 4, 1]);
    let stl = sides(SwwaeConfig::stl10())?;
    assert_eq!((stl[1], stl[3], stl[6], stl[13]), (24, 8, 4, 2));
    for pool in [2, 4, 8, 16] {
        assert_eq!(
            sides(SwwaeConfig::necessity_of_where(pool))?,
            [32, 32, 32 / pool]
        );
    }
    Ok(())
}

#[test]
fn errors() {
    let message = |config: SwwaeConfig| config.check().expect_err("accepted").to_string();
    let with = |text: &str| {
        let architecture = text.parse().expect("the text is an architecture");
        SwwaeConfig::new(architecture, 1, (28, 28))
    };
    assert!(message(with("2p")).contains("no convolution"));
    let small = message(with("(4)3c-2p-30p"));
    assert!(
        small.contains("pool2 cannot take its maps of 14x14"),
        "{small}"
    );
    assert!(small.contains("smallest is 60x60"), "{small}");
    let huge = message(with("(1000000)999999c-(1000000)999999c"));
    assert!(huge.contains("more parameters than memory"), "{huge}");
    let good = SwwaeConfig::mnist;
    assert!(
        message(SwwaeConfig {
            in_channels: 0,
            ..good()
        })
        .contains("0 input channels")
    );
    assert!(
        message(SwwaeConfig {
            fc_dropout: 1.0,
            ..good()
        })
        .contains("fc_dropout: the dropout probability 1")
    );
    let soft = SwwaeConfig {
        pooling: Pooling::Soft { beta: f64::NAN },
        ..good()
    };
    assert!(message(soft).contains("beta NaN"));
    let logits = SwwaeConfig {
        decoder_input: DecoderInput::Logits,
        ..with("(4)3c-2p")
    };
    assert!(message(logits).contains("DecoderInput::Features"));
}
