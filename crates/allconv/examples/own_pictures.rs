//! Trains All-CNN-C on pictures of your own, with candle-nn's optimizer:
//! `cargo run --release -p allconv --example own_pictures -- DIR`, where each class has a folder: `DIR/cat/1.png`.
//!
//! It leaves `model.safetensors`, which `--example explain -- picture.png --model model.safetensors` reads.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::Path;

use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::candle_nn::{AdamW, ModuleT, Optimizer, ParamsAdamW};
use allconv::{AllConv, ClassMapActivation, Config};
use striate::model_file::{
    ModelCard, ModelFile, Normalization, Precision, Preprocessing, open_picture,
};
use striate::{Parameters, cross_entropy, rng};

fn main() -> Result<()> {
    match std::env::args_os().nth(1) {
        Some(dir) => train(dir.as_ref(), 20, "model.safetensors".as_ref()),
        None => candle_core::bail!("give the folder of the pictures"),
    }
}

fn train(dir: &Path, epochs: u64, file: &Path) -> Result<()> {
    let (pictures, labels, classes) = read(dir)?;
    let preprocessing = Preprocessing {
        normalization: Normalization::Affine {
            mean: vec![127.5; 3],
            factor: vec![1.0 / 64.0; 3],
        },
        canvas: None,
    };
    let xs = preprocessing.apply(&pictures, None)?;
    let config = Config {
        classes: classes.len(),
        class_map_activation: ClassMapActivation::Identity,
        ..Config::all_cnn_c()
    };
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let network = AllConv::new(&config, parameters.builder())?;
    let mut optimizer = AdamW::new(parameters.all_vars(), ParamsAdamW::default())?;
    let mut order: Vec<u32> = (0..labels.dim(0)? as u32).collect();
    for epoch in 0..epochs {
        rng::stream(0, "order", epoch).shuffle(&mut order);
        let mut sum = 0.0;
        for batch in order.chunks(32) {
            let rows = Tensor::new(batch, &Device::Cpu)?;
            let scores = network.forward_t(&xs.index_select(&rows, 0)?, true)?;
            let loss = cross_entropy(&scores, &labels.index_select(&rows, 0)?)?;
            optimizer.backward_step(&loss)?;
            sum += loss.to_scalar::<f32>()? * batch.len() as f32;
        }
        println!("epoch {}: loss {:.3}", epoch + 1, sum / order.len() as f32);
    }
    let card = ModelCard {
        classes,
        data_set: dir.display().to_string(),
        license: "yours".to_owned(),
        ..ModelCard::of(&config, preprocessing)?
    };
    ModelFile::new(card, &parameters, None).save(file, Precision::Full)
}

/// The pictures, u8 (N, 3, 32, 32), the class of each, and the names of the classes.
fn read(dir: &Path) -> Result<(Tensor, Tensor, Vec<String>)> {
    let sorted = |dir: &Path| {
        let entries = std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Result::Ok(paths)
    };
    let (mut pictures, mut labels, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for folder in sorted(dir)? {
        for path in sorted(&folder)? {
            pictures.push(open_picture(path, (3, 32, 32))?);
            labels.push(classes.len() as u32);
        }
        let name = folder.file_name().unwrap_or_default();
        classes.push(name.to_string_lossy().into_owned());
    }
    Ok((
        Tensor::cat(&pictures, 0)?,
        Tensor::new(labels, &Device::Cpu)?,
        classes,
    ))
}

/// Pictures of two colors are told apart by the file that is left.
#[test]
fn two_colors() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("own-pictures-{}", std::process::id()));
    let picture = |class: &str, at: usize| dir.join(class).join(format!("{at}.png"));
    for (class, color) in [("blue", [0.1f32, 0.2, 0.9]), ("red", [0.9, 0.2, 0.1])] {
        std::fs::create_dir_all(dir.join(class))?;
        for at in 0..16 {
            let shade = 0.5 + at as f32 / 32.0;
            let color = Tensor::new(&color.map(|value| value * shade), &Device::Cpu)?;
            let color = color.reshape((3, 1, 1))?.broadcast_as((3, 40, 50))?;
            striate::model_file::save_picture(picture(class, at), &color, 1)?;
        }
    }
    let file = dir.join("model.safetensors");
    // The file lies beside the classes only after they were read.
    train(&dir, 8, &file)?;
    let model = allconv::pretrained(&file, &Device::Cpu)?;
    for class in ["blue", "red"] {
        let answers = model.classify(&model.open_picture(picture(class, 3))?)?;
        assert_eq!(answers[0].name, class);
    }
    Ok(std::fs::remove_dir_all(&dir)?)
}
