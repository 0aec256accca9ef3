//! Global contrast normalization and ZCA whitening equal to NumPy's in double precision.
//!
//! Reads every case of the group `preprocess` in the folder named by `STRIATE_FIXTURES`
//! (default `tests/fixtures`).

use anyhow::{Context, Result, ensure};
use lab::data::{Gcn, Zca, ZcaTransform};
use safetensors::{Dtype, SafeTensors};

use crate::fixtures;

#[derive(serde::Deserialize)]
struct Group {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    scale: f64,
    sqrt_bias: f64,
    min_divisor: f64,
    zca_regularisation: f64,
}

/// A tensor's values and how far a result may be from them; the shape goes to `shape`.
struct Values {
    shape: Vec<usize>,
    values: Vec<f64>,
    tolerance: f64,
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<Values> {
    let tensor = file.tensor(name).with_context(|| name.to_owned())?;
    let shape = tensor.shape().to_vec();
    let data = tensor.data();
    let (values, tolerance) = match tensor.dtype() {
        Dtype::F64 => {
            let (words, _) = data.as_chunks::<8>();
            (
                words.iter().map(|&word| f64::from_le_bytes(word)).collect(),
                1e-9,
            )
        }
        Dtype::F32 => {
            let (words, _) = data.as_chunks::<4>();
            (
                words
                    .iter()
                    .map(|&word| f32::from_le_bytes(word).into())
                    .collect(),
                1e-4,
            )
        }
        other => anyhow::bail!("{name}: expected f32 or f64, found {other:?}"),
    };
    Ok(Values {
        shape,
        values,
        tolerance,
    })
}

fn assert_close(name: &str, found: &[f64], expected: &Values) -> Result<()> {
    ensure!(
        found.len() == expected.values.len(),
        "{name}: {} values",
        found.len()
    );
    for (at, (a, b)) in found.iter().zip(&expected.values).enumerate() {
        let tolerance = expected.tolerance * (1.0 + b.abs());
        ensure!(
            (a - b).abs() <= tolerance,
            "{name}[{at}]: {a}, expected {b}"
        );
    }
    Ok(())
}

#[test]
fn matches_reference() -> Result<()> {
    let Some(folder) = fixtures::folder_of("preprocess") else {
        return Ok(());
    };
    let json = std::fs::read(folder.join("preprocess.json"))?;
    let group: Group = serde_json::from_slice(&json)?;
    ensure!(!group.cases.is_empty(), "preprocess.json lists no case");
    let file = std::fs::read(folder.join("preprocess.safetensors"))?;
    let file = SafeTensors::deserialize(&file)?;
    for case in &group.cases {
        check(case, &file).with_context(|| case.name.clone())?;
    }
    Ok(())
}

fn check(case: &Case, file: &SafeTensors<'_>) -> Result<()> {
    let get = |what: &str| tensor(file, &format!("{}.{what}", case.name));
    let images = get("images")?;
    let image_len = images.shape[1..].iter().product();
    let gcn = Gcn {
        scale: case.scale,
        sqrt_bias: case.sqrt_bias,
        min_divisor: case.min_divisor,
    };
    let mut normalized = images.values;
    gcn.apply_f64(&mut normalized, image_len)?;
    assert_close("gcn", &normalized, &get("gcn")?)?;
    let zca = Zca {
        regularization: case.zca_regularisation,
    };
    let ZcaTransform { mean, matrix } = zca.fit_f64(&normalized, image_len)?;
    assert_close("zca_mean", &mean, &get("zca_mean")?)?;
    assert_close("zca_matrix", &matrix, &get("zca_matrix")?)?;
    let white = ZcaTransform { mean, matrix }.apply_f64(&normalized)?;
    assert_close("zca", &white, &get("zca")?)
}
