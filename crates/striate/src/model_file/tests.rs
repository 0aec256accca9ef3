//! What is written is read again; a damaged file is an error and never a panic.

use std::error::Error;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::Parameters;

mod mistakes;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    units: usize,
    inputs: usize,
}

struct Network(Linear);

impl ModuleT for Network {
    fn forward_t(&self, xs: &Tensor, _: bool) -> Result<Tensor> {
        self.0.forward(&xs.flatten_from(1)?)
    }
}

impl FileConfig for Config {
    const NAME: &'static str = "tests::Config";
    type Network = Network;

    fn build(&self, vb: VarBuilder) -> Result<Network> {
        let weight = vb.get((self.units, self.inputs), "weight")?;
        Ok(Network(Linear::new(weight, None)))
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (1, 2, 2)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.units)
    }
}

fn card(normalization: Normalization) -> ModelCard {
    ModelCard {
        network: Config::NAME.to_owned(),
        config: r#"{"units":3,"inputs":4}"#.to_owned(),
        preprocessing: Preprocessing {
            normalization,
            canvas: None,
        },
        classes: ["a", "b", "c"].map(str::to_owned).into(),
        data_set: "none".to_owned(),
        measured: Some(Measured {
            experiment: "paper/table".to_owned(),
            row: "Row \"1\"".to_owned(),
            scale: "cpu".to_owned(),
            seed: 0,
            quantity: "test error".to_owned(),
            unit: "%".to_owned(),
            value: 1.0 / 3.0,
            version: "0.1.0".to_owned(),
            command: "cargo xtask reproduce paper/table".to_owned(),
        }),
        license: "MIT OR Apache-2.0".to_owned(),
    }
}

fn affine() -> Normalization {
    Normalization::Affine {
        mean: vec![127.5],
        factor: vec![1.0 / 64.0],
    }
}

fn parameters() -> Result<Parameters> {
    let parameters = Parameters::new(5, DType::F32, &Device::Cpu);
    Config {
        units: 3,
        inputs: 4,
    }
    .build(parameters.builder())?;
    Ok(parameters)
}

/// A file with this card, as bytes.
fn file(card: &ModelCard, precision: Precision) -> std::result::Result<Vec<u8>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    let whitening = Whitening {
        mean: vec![1.0; 4],
        matrix: Tensor::from_slice(&IDENTITY, (4, 4), &Device::Cpu)?,
    };
    ModelFile::new(card.clone(), &parameters()?, Some(whitening)).save(&path, precision)?;
    Ok(std::fs::read(path)?)
}

const IDENTITY: [f32; 16] = [
    1.0, 0.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 1.0,
];

#[test]
fn what_is_written_is_read_again() -> std::result::Result<(), Box<dyn Error>> {
    let card = card(affine());
    let bytes = file(&card, Precision::Full)?;
    let model = ModelFile::from_bytes(&bytes)?;
    assert_eq!(*model.card(), card);
    let pretrained = model.build::<Config>(&Device::Cpu)?;
    let pixels = Tensor::new(&[[[[0u8, 255], [127, 3]]]], &Device::Cpu)?;
    let xs = ((pixels.to_dtype(DType::F64)? - 127.5)? / 64.0)?.to_dtype(DType::F32)?;
    let network = Config {
        units: 3,
        inputs: 4,
    }
    .build(parameters()?.builder())?;
    let wanted = network.forward_t(&xs, false)?.to_vec2::<f32>()?;
    let found = pretrained
        .network
        .forward_t(&pretrained.prepare(&pixels)?, false)?;
    assert_eq!(found.to_vec2::<f32>()?, wanted);
    let answers = pretrained.classify(&pixels)?;
    let largest = wanted[0].iter().copied().fold(f32::MIN, f32::max);
    assert_eq!(wanted[0][answers[0].class], largest);
    assert_eq!(answers[0].name, card.classes[answers[0].class]);
    let shares = pretrained.probabilities(&pixels)?.to_vec2::<f32>()?;
    assert_eq!(shares[0][answers[0].class], answers[0].probability);
    assert_eq!(pretrained.classify(&pixels.narrow(0, 0, 0)?)?, []);
    let error = pretrained.prepare(&pixels.squeeze(0)?).expect_err("rank 3");
    assert!(
        error.to_string().contains("of one picture (1, C, H, W)"),
        "{error}"
    );
    Ok(())
}

#[test]
fn prepared_images_can_be_drawn() -> Result<()> {
    let pixels = Tensor::new(&[[[[0u8, 255], [127, 3]]]], &Device::Cpu)?;
    let preprocessing = Preprocessing {
        normalization: affine(),
        canvas: None,
    };
    let xs = preprocessing.apply(&pixels, None)?;
    let shown = (preprocessing.undo(&xs)? * 255.0)?.round()?;
    let shown = shown.to_dtype(DType::U8)?.flatten_all()?.to_vec1::<u8>()?;
    assert_eq!(shown, [0, 255, 127, 3]);
    let outside = preprocessing.undo(&(xs * 9.0)?)?.flatten_all()?;
    assert_eq!(outside.to_vec1::<f32>()?[..2], [0.0, 1.0]);
    for normalization in [
        Normalization::Affine {
            mean: vec![0.0],
            factor: vec![0.0],
        },
        Normalization::Affine {
            mean: vec![0.0; 3],
            factor: vec![1.0; 3],
        },
        Normalization::GcnZca {
            scale: 1.0,
            sqrt_bias: 0.0,
            min_divisor: 1e-8,
            whitening: None,
        },
    ] {
        let other = Preprocessing {
            normalization,
            canvas: None,
        };
        assert!(other.undo(&pixels).is_err(), "{other:?}");
    }
    Ok(())
}

#[test]
fn a_whitening_comes_with_the_file() -> std::result::Result<(), Box<dyn Error>> {
    let card = card(Normalization::GcnZca {
        scale: 1.0,
        sqrt_bias: 0.0,
        min_divisor: 1e-8,
        whitening: None,
    });
    let model = ModelFile::from_bytes(&file(&card, Precision::Half)?)?;
    let pretrained = model.build::<Config>(&Device::Cpu)?;
    let pixels = Tensor::new(&[[[[0f32, 2.0], [2.0, 4.0]]]], &Device::Cpu)?;
    let root = 8f64.sqrt();
    let centered = [-2.0 / root - 1.0, -1.0, -1.0, 2.0 / root - 1.0];
    let wanted = [
        centered[0] + 0.5 * centered[3],
        -1.0,
        -1.0,
        0.5 * centered[0] + centered[3],
    ];
    let found = pretrained
        .prepare(&pixels)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    for (found, wanted) in found.into_iter().zip(wanted) {
        assert!((f64::from(found) - wanted).abs() < 1e-6, "{found} {wanted}");
    }
    let small = Tensor::zeros((1, 1, 2, 1), DType::U8, &Device::Cpu)?;
    let error = pretrained.prepare(&small).expect_err("too small");
    assert!(error.to_string().contains("the whitening has 4"), "{error}");
    Ok(())
}

#[test]
fn networks_share_a_whitening() -> std::result::Result<(), Box<dyn Error>> {
    let card = card(Normalization::GcnZca {
        scale: 1.0,
        sqrt_bias: 0.0,
        min_divisor: 1e-8,
        whitening: None,
    });
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let own = ModelFile::from_bytes(&file(&card, Precision::Full)?)?;
    own.save_sharing(path("a"), Precision::Full, "white.safetensors")?;
    own.save_sharing(path("b"), Precision::Full, "white.safetensors")?;
    let pixels = Tensor::new(&[[[[0f32, 2.0], [2.0, 4.0]]]], &Device::Cpu)?;
    let prepared = |file: &ModelFile| {
        let model = file.build::<Config>(&Device::Cpu)?;
        model.prepare(&pixels)?.flatten_all()?.to_vec1::<f32>()
    };
    assert_eq!(prepared(&ModelFile::open(path("b"))?)?, prepared(&own)?);
    // Alone, the file says what it needs.
    let error = ModelFile::from_bytes(&std::fs::read(path("a"))?).expect_err("no whitening");
    assert!(error.to_string().contains("white.safetensors"), "{error}");
    // Another whitening does not take the place of the one that others use.
    let other = ModelFile {
        whitening: Some(Whitening {
            mean: vec![2.0; 4],
            matrix: Tensor::from_slice(&IDENTITY, (4, 4), &Device::Cpu)?,
        }),
        ..own.clone()
    };
    let error = other.save_sharing(path("c"), Precision::Full, "white.safetensors");
    assert!(error.is_err_and(|error| error.to_string().contains("another whitening")));
    let error = own.save_sharing(path("c"), Precision::Full, "../white.safetensors");
    assert!(error.is_err_and(|error| error.to_string().contains("no file name")));
    Ok(())
}

#[test]
fn errors_say_what_to_do() -> std::result::Result<(), Box<dyn Error>> {
    let text = |card: ModelCard| -> std::result::Result<String, Box<dyn Error>> {
        let model = ModelFile::from_bytes(&file(&card, Precision::Full)?)?;
        let error = model.build::<Config>(&Device::Cpu).err();
        Ok(error.map(|error| error.to_string()).unwrap_or_default())
    };
    let good = card(affine());
    let other = ModelCard {
        network: "nin::NinConfig".to_owned(),
        ..good.clone()
    };
    assert!(text(other)?.contains("not of tests::Config"));
    let config = |config: &str| ModelCard {
        config: config.to_owned(),
        ..good.clone()
    };
    let wide = text(config(r#"{"units":1000000000000,"inputs":4}"#))?;
    assert!(wide.contains("weight has shape [3, 4]"), "{wide}");
    let unknown = text(config(r#"{"units":3,"inputs":4,"depth":1}"#))?;
    assert!(unknown.contains("unknown field `depth`"), "{unknown}");
    let canvas = |side, scale| ModelCard {
        preprocessing: Preprocessing {
            canvas: Some(Canvas { side, scale }),
            ..good.preprocessing.clone()
        },
        ..good.clone()
    };
    assert_eq!(text(canvas(2, 1))?, "");
    for (side, scale) in [(usize::MAX, 1), (2, 0), (3, 1)] {
        assert!(text(canvas(side, scale))?.contains("its canvas"));
    }
    let pixels = Tensor::zeros((1, 1, 1, 1), DType::U8, &Device::Cpu)?;
    for (side, scale) in [(usize::MAX, 1), (1 << 15, usize::MAX), (2, 0)] {
        assert!(Canvas { side, scale }.place(&pixels).is_err());
    }
    // Weights alone.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("weights.safetensors");
    parameters()?.save(&path)?;
    let error = ModelFile::open(&path).expect_err("no card").to_string();
    assert!(error.contains("no word on their network"), "{error}");
    let error = ModelFile::open(folder.path().join("none")).expect_err("no file");
    assert!(error.to_string().contains("none: "), "{error}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Cut short, or with a byte changed, a file is read or is an error.
    #[test]
    fn damage(cut in 0usize..2_000, at in 0usize..2_000, byte in any::<u8>(), whitens in any::<bool>()) {
        let normalization = match whitens {
            true => Normalization::GcnZca { scale: 1.0, sqrt_bias: 0.0, min_divisor: 1e-8, whitening: None },
            false => affine(),
        };
        let mut bytes = file(&card(normalization), Precision::Full).expect("a file");
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(if cut % 4 == 0 { cut } else { bytes.len() });
        if let Ok(model) = ModelFile::from_bytes(&bytes)
            && let Ok(pretrained) = model.build::<Config>(&Device::Cpu)
        {
            let _ = pretrained.classify(&Tensor::zeros((1, 1, 2, 2), DType::U8, &Device::Cpu).expect("a tensor"));
        }
    }
}
