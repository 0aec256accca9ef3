//! The files in `models`: they are read by their crates, err as much as their cards say, and give the numbers they gave.
//!
//! `STRIATE_CIFAR10=DIR` checks the networks of CIFAR-10 on the test images in that folder.

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use allconv::attribution::class_maps_over;
use candle_core::{DType, Device, Tensor};
use candle_nn::ModuleT;
use lab::data::{Batches, Dataset, Preprocess, Source, Synthetic, load};
use striate::model_file::{ModelCard, ModelFile, Pretrained};

type Failure = Box<dyn Error>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// Pixels of a drawn picture.
fn drawn((c, h, w): (usize, usize, usize)) -> Result<Tensor, Failure> {
    let pixel = |at: usize| ((at * 37 + at / w * 11) % 256) as u8;
    let pixels: Vec<u8> = (0..c * h * w).map(pixel).collect();
    Ok(Tensor::from_vec(pixels, (1, c, h, w), &Device::Cpu)?)
}

/// The logits of a drawn picture are those of the day the file was made, up to the order of sums.
fn gives<N: ModuleT>(model: &Pretrained<N>, file: &str) -> Result<(), Failure> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models.json");
    let kept: HashMap<String, Vec<f32>> = serde_json::from_str(&std::fs::read_to_string(kept)?)?;
    let wanted = kept.get(file).ok_or("no logits of this file")?;
    let xs = model.prepare(&drawn(model.picture_shape())?)?;
    let logits = model.network.forward_t(&xs, false)?;
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    assert_eq!(logits.len(), wanted.len(), "{file}: {logits:?}");
    for (found, wanted) in logits.iter().zip(wanted) {
        let near = (found - wanted).abs() <= 1e-3 * wanted.abs().max(1.0);
        assert!(near, "{file}: {logits:?}");
    }
    Ok(())
}

/// The error on the embedded test digits is that of the card, as far as so few digits can tell.
fn errs_as_its_card_says<N: ModuleT>(
    model: &Pretrained<N>,
    synthetic: Option<Synthetic>,
) -> Result<(), Failure> {
    errs_on(load("mnist", &Source::Embedded)?, model, synthetic)
}

/// The same on the photographs of CIFAR-10, of which none is embedded.
fn errs_on_cifar10_as_its_card_says<N: ModuleT>(model: &Pretrained<N>) -> Result<(), Failure> {
    assert_eq!(model.card.classes.len(), 10);
    match std::env::var_os("STRIATE_CIFAR10") {
        Some(folder) => errs_on(load("cifar10", &Source::Dir(folder.into()))?, model, None),
        None => Ok(()),
    }
}

fn errs_on<N: ModuleT>(
    digits: Dataset,
    model: &Pretrained<N>,
    synthetic: Option<Synthetic>,
) -> Result<(), Failure> {
    let fitted = Preprocess::UnitRange.fit(&digits.train)?;
    let sets = (fitted.apply(&digits.train)?, fitted.apply(&digits.test)?);
    let (_, test) = match synthetic {
        Some(synthetic) => synthetic.apply(sets)?,
        None => sets,
    };
    let (mut wrong, mut count) = (0usize, 0usize);
    for batch in Batches::eval(&test, 100, &Device::Cpu)? {
        let batch = batch?;
        let answers = model.classify(&(batch.xs * 255.0)?)?;
        for (answer, label) in answers.iter().zip(batch.labels.to_vec1::<u32>()?) {
            wrong += usize::from(answer.class != label as usize);
            count += 1;
        }
    }
    let card = measured(&model.card);
    let (found, n) = (wrong as f64 / count as f64, count as f64);
    let spread = 4.0 * (card * (1.0 - card) / n).sqrt() + 1.0 / n;
    assert!(
        (found - card).abs() < spread,
        "{found} of {n} wrong, the card says {card}"
    );
    Ok(())
}

/// The test error of a card, as a part.
fn measured(card: &ModelCard) -> f64 {
    let measured = card.measured.as_ref().expect("a card with an error");
    assert_eq!(
        (measured.quantity.as_str(), measured.unit.as_str()),
        ("test error", "%")
    );
    measured.value / 100.0
}

#[test]
fn all_convolutional_net() -> Result<(), Failure> {
    let model = allconv::pretrained(folder(), &Device::Cpu)?;
    assert_eq!(model.picture_shape(), (3, 32, 32));
    errs_on_cifar10_as_its_card_says(&model)?;
    gives(&model, allconv::CIFAR10)
}

#[test]
fn all_convolutional_net_with_pooling() -> Result<(), Failure> {
    let model = allconv::pretrained(folder().join(allconv::CIFAR10_C), &Device::Cpu)?;
    errs_on_cifar10_as_its_card_says(&model)?;
    gives(&model, allconv::CIFAR10_C)
}

#[test]
fn network_in_network() -> Result<(), Failure> {
    let model = nin::pretrained(folder(), &Device::Cpu)?;
    assert_eq!(model.picture_shape(), (3, 32, 32));
    errs_on_cifar10_as_its_card_says(&model)?;
    gives(&model, nin::CIFAR10)
}

#[test]
fn network_in_network_of_digits() -> Result<(), Failure> {
    let model = nin::pretrained(folder().join(nin::MNIST), &Device::Cpu)?;
    errs_as_its_card_says(&model, None)?;
    gives(&model, nin::MNIST)
}

/// The map of the class that the network answers with is the reddest: of nearly all digits, since the mean of the map decides.
#[test]
fn class_maps_show_the_answer() -> Result<(), Failure> {
    let model = nin::pretrained(folder().join(nin::MNIST), &Device::Cpu)?;
    let digits = load("mnist", &Source::Embedded)?;
    let test = Preprocess::UnitRange
        .fit(&digits.test)?
        .apply(&digits.test)?;
    let mut batches = Batches::eval(&test, 100, &Device::Cpu)?;
    let pictures = batches.next().expect("a batch")?.xs;
    let maps = model
        .network
        .class_maps(&model.prepare(&(&pictures * 255.0)?)?)?;
    let answers = model.answers(&model.network.logits(&maps)?)?;
    let over = class_maps_over(&pictures, &maps, 1.0)?;
    // Gray has as much green as red.
    let red = (over.narrow(2, 0, 1)? - over.narrow(2, 1, 1)?)?;
    let reddest: Vec<u32> = red.flatten_from(2)?.sum(2)?.argmax(1)?.to_vec1()?;
    let shown = answers.iter().zip(reddest);
    let shown = shown.filter(|(answer, class)| answer.class == *class as usize);
    assert!(shown.count() >= 95);
    Ok(())
}

#[test]
fn spatial_transformer() -> Result<(), Failure> {
    let model = stn::networks::pretrained(folder(), &Device::Cpu)?;
    let scenes = Synthetic::Distorted {
        distortion: lab::data::Distortion::RotatedScaledPlaced,
        canvas: 42,
    };
    errs_as_its_card_says(&model, Some(scenes))?;
    gives(&model, stn::networks::RTS)
}

#[test]
fn what_where_autoencoder() -> Result<(), Failure> {
    let model = swwae::pretrained(folder(), &Device::Cpu)?;
    errs_as_its_card_says(&model, None)?;
    gives(&model, swwae::MNIST)?;
    // A digit comes back: the error is a small part of its variance.
    let digits = load("mnist", &Source::Embedded)?;
    let fitted = Preprocess::UnitRange.fit(&digits.test)?;
    let test = fitted.apply(&digits.test)?;
    let batch = Batches::eval(&test, 100, &Device::Cpu)?
        .next()
        .expect("a batch")?;
    let xs = model.prepare(&(batch.xs * 255.0)?)?;
    let square = |xs: Tensor| xs.sqr()?.mean_all()?.to_scalar::<f32>();
    let error = square((model.network.reconstruct(&xs)? - &xs)?)?;
    let variance = square(xs.broadcast_sub(&xs.mean_all()?)?)?;
    assert!(error < 0.1 * variance, "{error} of {variance}");
    Ok(())
}

#[test]
fn all_files_are_small_enough_to_come_along() -> Result<(), Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder())? {
        let entry = entry?;
        bytes += entry.metadata()?.len();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".safetensors") && !name.starts_with("whitening-") {
            let file = ModelFile::open(entry.path())?;
            assert!(!file.card().license.is_empty(), "{name}");
        }
    }
    assert!(bytes < 16 << 20, "{bytes} bytes");
    Ok(())
}

/// A picture of zeros is f32, u8 or any other number type.
#[test]
fn pixels_are_of_any_type() -> Result<(), Failure> {
    let model = stn::networks::pretrained(folder(), &Device::Cpu)?;
    let (c, h, w) = model.picture_shape();
    let answer = |dtype| -> Result<usize, Failure> {
        let pixels = Tensor::zeros((1, c, h, w), dtype, &Device::Cpu)?;
        Ok(model.classify(&pixels)?[0].class)
    };
    assert_eq!(answer(DType::U8)?, answer(DType::F64)?);
    Ok(())
}
