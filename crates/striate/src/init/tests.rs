//! Tests of draws, sharing and files.

use candle_core::{DType, Device, Result};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, Init};

use super::*;

fn values(parameters: &Parameters, name: &str) -> Result<Vec<f32>> {
    let named = parameters.named();
    let (_, var) = named.iter().find(|(n, _)| n == name).expect(name);
    var.flatten_all()?.to_vec1()
}

fn build(order: &[&str], seed: u64) -> Result<Parameters> {
    let parameters = Parameters::new(seed, DType::F32, &Device::Cpu);
    let vb = parameters.builder();
    for name in order {
        vb.pp(name)
            .get_with_hints((64, 16, 3, 3), "weight", DEFAULT_KAIMING_NORMAL)?;
        vb.pp(name).get(64, "bias")?;
    }
    Ok(parameters)
}

#[test]
fn a_draw_depends_on_seed_and_name_only() -> Result<()> {
    let (ab, ba) = (build(&["a", "b"], 1)?, build(&["b", "a"], 1)?);
    assert_eq!(values(&ab, "a.weight")?, values(&ba, "a.weight")?);
    assert_ne!(values(&ab, "a.weight")?, values(&ab, "b.weight")?);
    assert_ne!(
        values(&ab, "a.weight")?,
        values(&build(&["a"], 2)?, "a.weight")?
    );
    assert_eq!(ab.count(), 2 * (64 * 16 * 9 + 64));
    Ok(())
}

#[test]
fn standard_deviations() -> Result<()> {
    let shape = [64, 32, 3, 3];
    let (fan_in, fan_out) = (32.0 * 9.0, 64.0 * 9.0);
    let uniform = Distribution::Uniform;
    let cases = [
        (Initializer::kaiming(), (2.0f64 / fan_in).sqrt()),
        (
            Initializer::Kaiming {
                fan: Fan::Out,
                distribution: uniform,
            },
            (2.0f64 / fan_out).sqrt(),
        ),
        (Initializer::xavier(), (2.0f64 / (fan_in + fan_out)).sqrt()),
        (
            Initializer::Xavier {
                distribution: uniform,
            },
            (2.0f64 / (fan_in + fan_out)).sqrt(),
        ),
        (Initializer::Gaussian { std: 0.05 }, 0.05),
        (Initializer::Constant(0.3), 0.0),
    ];
    for (initializer, expected) in cases {
        let draw = initializer.draw(1, "w", &shape)?;
        let mean = draw.iter().sum::<f64>() / draw.len() as f64;
        let variance = draw.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / draw.len() as f64;
        let std = variance.sqrt();
        assert!(
            (std - expected).abs() <= 0.02 * expected + 1e-12,
            "{initializer:?}: {std} for {expected}"
        );
        let bound = draw.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if matches!(
            initializer,
            Initializer::Xavier {
                distribution: Distribution::Uniform
            }
        ) {
            assert!(bound <= 3f64.sqrt() * expected);
        }
    }
    Ok(())
}

#[test]
fn weights_can_be_overridden() -> Result<()> {
    let parameters =
        Parameters::new(1, DType::F32, &Device::Cpu).with_weights(Initializer::Constant(0.5));
    let vb = parameters.builder();
    vb.get_with_hints((2, 2), "weight", Init::Const(1.0))?;
    vb.get_with_hints(2, "bias", Init::Const(1.0))?;
    vb.get_with_hints(2, "norm.weight", Init::Const(1.0))?;
    assert_eq!(values(&parameters, "weight")?, [0.5; 4]);
    assert_eq!(values(&parameters, "bias")?, [1.0; 2]);
    // The scale of a normalization.
    assert_eq!(values(&parameters, "norm.weight")?, [1.0; 2]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let vb = build(&["a"], 1)?.builder();
    let error = vb.pp("a").get((1, 2), "weight").unwrap_err().to_string();
    assert!(error.contains("a.weight exists with shape"), "{error}");
    assert!(
        vb.get_unchecked("nothing")
            .unwrap_err()
            .to_string()
            .contains("nothing does not exist")
    );
    Ok(())
}

#[test]
fn sizes_that_no_memory_holds_are_errors() {
    let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
    for shape in [
        vec![1 << 40, 1 << 40],
        vec![1 << 61],
        vec![0, 1 << 40, 1 << 40],
    ] {
        assert!(Initializer::xavier().draw(1, "w", &shape).is_err());
        let weight = vb.get_with_hints(shape, "weight", DEFAULT_KAIMING_NORMAL);
        let error = weight.expect_err("accepted").to_string();
        assert!(
            error.contains("weight") && error.contains("memory"),
            "{error}"
        );
    }
}

/// A training that diverged, or a damaged file: one number that is not finite, in each precision.
#[test]
fn weights_that_are_not_finite_are_refused() -> Result<()> {
    let path = std::env::temp_dir().join(format!("striate-nan-{}.safetensors", std::process::id()));
    let ones = |dtype| Tensor::ones((64, 16, 3, 3), dtype, &Device::Cpu);
    for (dtype, bad) in [
        (DType::F32, f64::NAN),
        (DType::F64, f64::NEG_INFINITY),
        (DType::BF16, f64::INFINITY),
        // Finite in the file, infinite as f32.
        (DType::F64, 1e300),
    ] {
        let mut flat = ones(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        flat[5000] = bad;
        let weight = Tensor::from_vec(flat, (64, 16, 3, 3), &Device::Cpu)?.to_dtype(dtype)?;
        let bias = Tensor::zeros(64, dtype, &Device::Cpu)?;
        let file = [("a.weight", weight), ("a.bias", bias)];
        candle_core::safetensors::save(&file.into_iter().collect(), &path)?;
        let parameters = build(&["a"], 1)?;
        let before = values(&parameters, "a.weight")?;
        for strictness in [Match::Strict, Match::Partial] {
            let error = parameters.load(&path, strictness).expect_err("accepted");
            let error = error.to_string();
            assert!(
                error.contains("a.weight") && error.contains("striate-nan"),
                "{error}"
            );
            assert!(error.contains("5000"), "{error}");
        }
        let layers = ["a".to_string()];
        let error = state_dict::load(&parameters, &layers, &path, Match::Strict);
        let error = error.expect_err("accepted").to_string();
        assert!(
            error.contains("a.weight") && error.contains("striate-nan"),
            "{error}"
        );
        assert_eq!(values(&parameters, "a.weight")?, before);
    }
    std::fs::remove_file(&path)?;
    Ok(())
}

#[test]
fn save_and_load() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("striate-init-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("a.safetensors");
    let (one, two) = (build(&["a", "b"], 1)?, build(&["a", "b"], 2)?);
    one.save(&path)?;
    let any = folder.join("any file");
    std::fs::write(&any, "")?;
    let permissions = |path: &std::path::Path| -> Result<_> { Ok(path.metadata()?.permissions()) };
    assert_eq!(permissions(&path)?, permissions(&any)?);
    std::fs::remove_file(&any)?;
    let report = two.load(&path, Match::Strict)?;
    assert_eq!(report.loaded, ["a.bias", "a.weight", "b.bias", "b.weight"]);
    assert_eq!(values(&one, "b.weight")?, values(&two, "b.weight")?);

    let other = build(&["a", "c"], 3)?;
    let before = values(&other, "a.weight")?;
    let error = other.load(&path, Match::Strict).unwrap_err().to_string();
    assert!(
        error.contains("missing [c.bias, c.weight], unexpected [b.bias, b.weight]"),
        "{error}"
    );
    assert_eq!(values(&other, "a.weight")?, before);
    let report = other.load(&path, Match::Partial)?;
    assert_eq!(report.loaded, ["a.bias", "a.weight"]);
    assert_eq!(values(&other, "a.weight")?, values(&one, "a.weight")?);

    assert!(
        one.load(folder.join("none"), Match::Strict)
            .unwrap_err()
            .to_string()
            .contains("none")
    );
    assert!(one.save(folder.join("no/such/folder")).is_err());
    assert_eq!(
        std::fs::read_dir(&folder)?.count(),
        1,
        "no partial files are left"
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Every writer of one path writes a whole file, and every reader finds one.
#[test]
fn threads_save_under_one_name() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a");
    std::thread::scope(|scope| {
        for writer in 1..=4u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..25 {
                    let len = 20_000 * usize::from(writer);
                    write_bytes(path, &vec![writer; len]).expect("a whole file");
                    let found = std::fs::read(path).expect("a file");
                    let first = found[0];
                    assert_eq!(found.len(), 20_000 * usize::from(first));
                    assert!(found.iter().all(|&byte| byte == first));
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}
