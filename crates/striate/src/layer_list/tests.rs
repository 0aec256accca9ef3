//! Tests of sizes, counts and refusals.

use super::*;

fn conv(name: &str, window: Window2d, channels: usize) -> LayerSpec {
    LayerSpec::Conv {
        name: name.into(),
        window,
        channels,
        nonlinearity: Nonlinearity::Relu,
    }
}

fn pool(name: &str, window: Window2d) -> LayerSpec {
    LayerSpec::MaxPool {
        name: name.into(),
        window,
    }
}

fn network() -> Vec<LayerSpec> {
    vec![
        conv("conv1", Window2d::new((1, 5)).paddings((0, 2)), 4),
        pool("pool1", Window2d::square(3).stride(2)),
        LayerSpec::Dropout {
            name: "drop1".into(),
            p: 0.5,
        },
        conv("conv2", Window2d::square(3), 6),
        LayerSpec::Linear {
            name: "fc1".into(),
            units: 10,
        },
    ]
}

#[test]
fn shapes() -> Result<()> {
    let shapes = output_shapes("net", (3, 9, 12), &network())?;
    let expected = [(4, 9, 12), (4, 4, 5), (4, 4, 5), (6, 2, 3), (10, 1, 1)];
    assert_eq!(shapes, expected);
    assert_eq!(minimum_input(&network()), Some(7));
    let never = [conv("conv1", Window2d::square(5000), 1)];
    assert_eq!(minimum_input(&never), None);
    Ok(())
}

#[test]
fn parameter_counts() {
    let layers = network();
    assert_eq!(convolution_parameters(3, &layers), 4 * 16 + 6 * 37);
    assert_eq!(layers[4].parameter_count((6, 2, 3)), 10 * 37);
    assert_eq!(layers[1].parameter_count((6, 2, 3)), 0);
    let huge = conv("conv1", Window2d::square(1 << 20), 1 << 20);
    assert_eq!(huge.parameter_count((1 << 20, 1, 1)), usize::MAX);
    assert_eq!(
        convolution_parameters(1 << 20, &[huge.clone(), huge]),
        usize::MAX
    );
}

#[test]
fn scaling() {
    let widths = [1.0, 0.5, 1.0 / 6.0, 1e-9, f64::NAN];
    assert_eq!(widths.map(|width| scaled(96, width)), [96, 48, 16, 1, 1]);
}

#[test]
fn errors() {
    #[track_caller]
    fn check(layers: &[LayerSpec], reason: &str) {
        let error = check_layers("net", 3, layers).expect_err("accepted");
        let error = error.to_string();
        assert!(error.contains("net: ") && error.contains(reason), "{error}");
    }
    assert!(check_layers("net", 3, &network()).is_ok());
    let good = Window2d::square(3);
    check(&[conv("a", good, 1), pool("a", good)], "called a");
    check(&[conv("a", good.ceil(), 1)], "a: the window rounds up");
    check(&[conv("a", good, 0)], "a: 0 channels");
    check(
        &[conv("a", Window2d::square(1 << 40), 1)],
        "more parameters than memory",
    );
    check(
        &[pool("a", good.stride(0))],
        "a: the window has stride (0, 0)",
    );
    check(&[conv("a", Window2d::new((3, 0)), 1)], "size (3, 0)");
    let name = || "a".to_string();
    check(
        &[LayerSpec::Linear {
            name: name(),
            units: 0,
        }],
        "0 units",
    );
    check(
        &[LayerSpec::Dropout {
            name: name(),
            p: 1.0,
        }],
        "probability 1",
    );
    let slope = LayerSpec::Conv {
        name: name(),
        window: good,
        channels: 1,
        nonlinearity: Nonlinearity::LeakyRelu { slope: f64::NAN },
    };
    check(&[slope], "slope NaN");
    let small = output_shapes("net", (3, 6, 40), &network()).expect_err("accepted");
    let small = small.to_string();
    assert!(
        small.contains("net: an image of 6x40 is too small"),
        "{small}"
    );
    assert!(
        small.contains("conv2 cannot take its maps of 2x19"),
        "{small}"
    );
    assert!(small.contains("smallest is 7x7"), "{small}");
}
