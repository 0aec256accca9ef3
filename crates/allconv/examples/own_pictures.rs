//! Trains All-CNN-C on pictures of your own, with candle-nn's optimizer:
//! `cargo run --release -p allconv --example own_pictures -- DIR`, where each class has a folder: `DIR/cat/1.png`.
//!
//! With a model file behind it, such as `models/allconv-cifar10.safetensors`, the training starts from that network: every layer of the same shape is taken over, all but the last.
//! It leaves `model.safetensors`, which `--example explain -- picture.png --model model.safetensors` reads.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::{Path, PathBuf};

use allconv::candle_core::{self, DType, Device, Result, Tensor};
use allconv::candle_nn::{AdamW, ModuleT, Optimizer, ParamsAdamW};
use allconv::{AllConv, ClassMapActivation, Config};
use striate::model_file::{
    FileConfig, ModelCard, ModelFile, Normalization, Precision, Preprocessing, Pretrained,
    open_picture,
};
use striate::{Parameters, cross_entropy, rng};

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(dir) = args.next() else {
        candle_core::bail!("give the folder of the pictures");
    };
    let start = args.next();
    train(
        dir.as_ref(),
        start.as_deref().map(Path::new),
        20,
        "model.safetensors".as_ref(),
    )
}

fn train(dir: &Path, start: Option<&Path>, epochs: u64, file: &Path) -> Result<()> {
    let start = start
        .map(|file| allconv::pretrained(file, &Device::Cpu))
        .transpose()?;
    let (config, preprocessing) = match &start {
        Some(start) => (start.card.parse_config()?, start.card.preprocessing.clone()),
        None => (all_cnn_c(), centered()),
    };
    let (pictures, labels, classes) = read(dir, config.image_shape())?;
    let whitening = start.as_ref().and_then(Pretrained::whitening);
    let xs = preprocessing.apply(&pictures, whitening)?;
    let config = Config {
        classes: classes.len(),
        ..config
    };
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let network = AllConv::new(&config, parameters.builder())?;
    if let Some(start) = &start {
        parameters.start_from(&start.parameters)?;
    }
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
    ModelFile::new(card, &parameters, whitening.cloned()).save(file, Precision::Full)
}

/// All-CNN-C for images of 32x32 pixels.
fn all_cnn_c() -> Config {
    Config {
        // With the paper's ReLU on the class maps a training may never begin.
        class_map_activation: ClassMapActivation::Identity,
        ..Config::all_cnn_c()
    }
}

/// Pixels from 0 to 255 become numbers from -2 to 2.
fn centered() -> Preprocessing {
    Preprocessing {
        normalization: Normalization::Affine {
            mean: vec![127.5; 3],
            factor: vec![1.0 / 64.0; 3],
        },
        canvas: None,
    }
}

/// The pictures, u8 (N, C, H, W), the class of each, and the names of the classes.
fn read(dir: &Path, shape: (usize, usize, usize)) -> Result<(Tensor, Tensor, Vec<String>)> {
    let (mut pictures, mut labels, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for folder in sorted(dir)?.iter().filter(|path| path.is_dir()) {
        let before = pictures.len();
        for path in sorted(folder)?.iter().filter(|path| is_picture(path)) {
            pictures.push(open_picture(path, shape)?);
            labels.push(classes.len() as u32);
        }
        if pictures.len() == before {
            candle_core::bail!("{}: no PNG or JPEG file", folder.display());
        }
        let name = folder.file_name().unwrap_or_default();
        classes.push(name.to_string_lossy().into_owned());
    }
    if classes.len() < 2 {
        let dir = dir.display();
        candle_core::bail!("{dir}: fewer than two folders; give one with a folder for each class");
    }
    Ok((
        Tensor::cat(&pictures, 0)?,
        Tensor::new(labels, &Device::Cpu)?,
        classes,
    ))
}

/// What is in a folder, in the order of the names.
fn sorted(dir: &Path) -> Result<Vec<PathBuf>> {
    let named = |error| candle_core::Error::Msg(format!("{}: {error}", dir.display()));
    let entries = std::fs::read_dir(dir).map_err(named)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>().map_err(named)?;
    paths.sort();
    Ok(paths)
}

/// Whether the name is that of a picture.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    ["png", "jpg", "jpeg"].contains(&&*ending.to_lowercase())
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
    std::fs::write(dir.join("notes.txt"), "no class")?;
    std::fs::write(dir.join("red/.hidden"), "no picture")?;
    train(&dir, None, 8, &file)?;
    let model = allconv::pretrained(&file, &Device::Cpu)?;
    for class in ["blue", "red"] {
        let answers = model.classify(&model.open_picture(picture(class, 3))?)?;
        assert_eq!(answers[0].name, class);
    }
    // Another training starts from that file, and need not learn anew.
    let again = dir.join("again.safetensors");
    train(&dir, Some(&file), 1, &again)?;
    let model = allconv::pretrained(&again, &Device::Cpu)?;
    let answers = model.classify(&model.open_picture(picture("red", 7))?)?;
    assert_eq!(answers[0].name, "red");
    std::fs::create_dir_all(dir.join("none"))?;
    for (folder, part) in [
        (dir.as_path(), "none: no PNG or JPEG file"),
        (&dir.join("red"), "red: fewer than two folders"),
        (&dir.join("missing"), "missing: "),
    ] {
        let error = read(folder, (3, 32, 32))
            .expect_err("no classes")
            .to_string();
        assert!(error.contains(part), "{error}");
    }
    Ok(std::fs::remove_dir_all(&dir)?)
}
