//! Trains a network on a folder of pictures:
//! `cargo run --release -p lab --example train -- --network all-cnn-c --data pets --epochs 20`.
//!
//! The folder has a folder for each class, in two splits: `pets/train/cat/1.jpg`, `pets/test/dog/7.png`.
//! Pictures are PNG or JPEG of any size; the network sees the square in their middle, resized.
//! With `--start models/allconv-cifar10.safetensors` in the place of `--network` it starts from that network, which pays where pictures are few.
//! Ctrl-C saves; the same command with `--resume` goes on from there.
//! Afterwards `model.safetensors` in the run's folder is a model file, which the examples of the crates read:
//! `cargo run --release -p allconv --example explain -- picture.png --model pets-run/model.safetensors`.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use allconv::{AllConv, Architecture, BaseModel, Config, Variant};
use candle_core::{DType, Device};
use clap::{Parser, ValueEnum};
use lab::data::{Augment, Fitted, Framing, Preprocess, Source, load_streamed};
use lab::train::{
    AdamConfig, AdamDecay, Console, LrSchedule, Outcome, Progress, Recipe, Run, Start, StopFlag,
    fit, sha256,
};
use nin::{Nin, NinConfig};
use striate::model_file::{
    FileConfig, Measured, ModelCard, ModelFile, Precision, Preprocessing, Pretrained,
};
use striate::{Network, Parameters};

/// Trains a network on a folder of pictures.
#[derive(Parser)]
struct Args {
    /// What is trained.
    #[arg(long, value_enum, required_unless_present = "start")]
    network: Option<Choice>,
    /// The model file of a network to start from: its configuration, its preprocessing, and every layer of the same shape
    #[arg(long, value_name = "FILE", conflicts_with_all = ["network", "side", "width"])]
    start: Option<PathBuf>,
    /// The folder with the pictures.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Passes over the training pictures.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    epochs: u64,
    /// Sides of the images that the network sees, in pixels.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(24..=256))]
    side: u64,
    /// Width of the network, as a part of the paper's.
    #[arg(long, default_value_t = 1.0)]
    width: f64,
    /// Images in a batch.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    batch: u64,
    /// The learning rate of AdamW after the warm-up; it falls to nothing by a cosine.
    #[arg(long, default_value_t = 0.001)]
    rate: f64,
    /// Seed of weights, order, augmentation and dropout.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The run's folder; that of the data with `-run` at its end unless given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on from the checkpoint in the run's folder.
    #[arg(long)]
    resume: bool,
}

/// The networks.
#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// All-CNN-C of the All-CNN paper.
    AllCnnC,
    /// Its base network, with max pooling.
    C,
    /// The CIFAR network of Network In Network, with global average pooling.
    Nin,
}

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let args = Args::parse();
    match train(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be left to read it.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn train(args: &Args) -> Result<(), Failure> {
    let side = usize::try_from(args.side)?;
    let all_conv = |variant| Config {
        image_size: (side, side),
        width: args.width,
        // With the paper's ReLU on the class maps a training may never begin.
        class_map_activation: allconv::ClassMapActivation::Identity,
        ..Config::cifar10(Architecture::new(BaseModel::C, variant))
    };
    let all_cnn = |config: Config, start| {
        let size = config.image_size;
        let with = |classes| Config { classes, ..config };
        run::<Config, AllConv>(args, size, with, start)
    };
    let nin = |config: NinConfig, start| {
        let size = config.image_size;
        let with = |classes| NinConfig { classes, ..config };
        run::<NinConfig, Nin>(args, size, with, start)
    };
    if let Some(path) = &args.start {
        let file = ModelFile::open(path)?;
        if file.card().network == NinConfig::NAME {
            let start = file.build::<NinConfig>(&Device::Cpu)?;
            return nin(start.card.parse_config()?, Some(start));
        }
        // A network of another crate is refused there.
        let start = file.build::<Config>(&Device::Cpu)?;
        return all_cnn(start.card.parse_config()?, Some(start));
    }
    match args.network {
        Some(Choice::Nin) => nin(
            NinConfig {
                image_size: (side, side),
                width: args.width,
                class_map_activation: nin::ClassMapActivation::Identity,
                ..NinConfig::cifar10()
            },
            None,
        ),
        Some(Choice::C) => all_cnn(all_conv(Variant::Base), None),
        Some(Choice::AllCnnC) | None => all_cnn(all_conv(Variant::AllConv), None),
    }
}

/// Trains the network of `config`, which takes the number of classes, from `start` or from a draw, and writes its model file.
fn run<C: FileConfig<Network = N>, N: Network>(
    args: &Args,
    (side, width): (usize, usize),
    config: impl FnOnce(usize) -> C,
    start: Option<Pretrained<N>>,
) -> Result<(), Failure> {
    if side != width {
        return Err(format!(
            "the network to start from takes images of {side}x{width} pixels; it must be a square"
        )
        .into());
    }
    let framing = Framing::of_side(side);
    let data = load_streamed("pictures", &Source::Dir(args.data.clone()), framing)?;
    let config = config(data.train.classes());
    let parameters = Parameters::new(args.seed, DType::F32, &Device::Cpu);
    let network = config.build(parameters.builder())?;
    let fitted = match &start {
        Some(start) => {
            parameters.start_from(&start.parameters)?;
            let normalization = &start.card.preprocessing.normalization;
            Fitted::of_model(config.image_shape(), normalization, start.whitening())?
        }
        None => Preprocess::Standardize.fit(&data.train)?,
    };
    let (train, test) = (fitted.apply(&data.train)?, fitted.apply(&data.test)?);
    // Own pictures are few, and so are the steps: Adam needs fewer of them.
    let optimizer = AdamConfig {
        lr: args.rate,
        weight_decay: 0.01,
        decay: AdamDecay::Decoupled,
        ..AdamConfig::default()
    };
    let recipe = Recipe {
        label: name_of(&args.data),
        seed: args.seed,
        schedule: LrSchedule::cosine(0.0).warmup(1.0),
        augment: Augment {
            flip: true,
            translate: 2,
        },
        ..Recipe::new(args.epochs.try_into()?, args.batch.try_into()?, optimizer)
    };
    let folder = args.out.clone().unwrap_or_else(|| beside(&args.data));
    let begin = match args.resume {
        true => Start::Resume,
        false => Start::Afresh,
    };
    let console = Console::stderr(Progress::detect());
    let words = std::env::args_os().skip(1);
    let command: Vec<String> = words.map(|word| cli::quoted(&word)).collect();
    let command = format!(
        "cargo run --release -p lab --example train -- {}",
        command.join(" ")
    );
    let mut settings = toml::Table::try_from(&config)?;
    // By their content: the same folder may hold other pictures another day.
    settings.insert("data_sha256".to_owned(), data.digest().into());
    if let Some(path) = &args.start {
        // Its preprocessing is not that of a network from a draw.
        let digest = sha256(&std::fs::read(path)?);
        settings.insert("start_sha256".to_owned(), digest.into());
    }
    let mut run = Run::in_folder(&folder, begin, &console)?
        .settings(&settings)?
        .command(&command)
        .stop_flag(&StopFlag::on_signals()?);
    let log = fit(&network, &parameters, &train, &test, &recipe, &mut run)?;
    if log.outcome == Outcome::Interrupted {
        console.note("interrupted; what was done is saved, and the same command with --resume goes on from there");
        return Ok(());
    }
    let measured = log.final_error().map(|value| Measured {
        experiment: "pictures".to_owned(),
        row: C::NAME.to_owned(),
        scale: "own pictures".to_owned(),
        seed: args.seed,
        quantity: "test error".to_owned(),
        unit: "%".to_owned(),
        value,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command,
    });
    let preprocessing = Preprocessing {
        normalization: fitted.normalization()?,
        canvas: None,
    };
    let card = ModelCard {
        classes: data.train.class_names.clone(),
        data_set: format!(
            "{} ({} training and {} test images)",
            recipe.label,
            train.len(),
            test.len()
        ),
        measured,
        license: "that of the pictures' owner".to_owned(),
        ..ModelCard::of(&config, preprocessing)?
    };
    let path = folder.join("model.safetensors");
    let whitening = start.and_then(|start| start.whitening().cloned());
    ModelFile::new(card, &parameters, whitening).save(&path, Precision::Full)?;
    console.note(format!("wrote {}", path.display()));
    Ok(())
}

/// The folder of a run on the pictures in `data`.
fn beside(data: &Path) -> PathBuf {
    data.with_file_name(format!("{}-run", name_of(data)))
}

/// What the data is called.
fn name_of(data: &Path) -> String {
    let name = data.file_name().unwrap_or("pictures".as_ref());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// A folder with a picture of each class in both splits.
    fn pictures(folder: &Path, classes: [&str; 2], shade: u8) {
        for split in ["train", "test"] {
            for (class, red) in classes.into_iter().zip([10, 200]) {
                let place = folder.join(split).join(class);
                std::fs::create_dir_all(&place).expect("a folder");
                let picture = RgbImage::from_pixel(24, 24, Rgb([red, shade, 90]));
                picture.save(place.join("1.png")).expect("a picture");
            }
        }
    }

    #[test]
    fn a_run_goes_on_with_its_own_pictures_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let (pets, cars) = (dir.path().join("pets"), dir.path().join("cars"));
        pictures(&pets, ["cat", "dog"], 50);
        pictures(&cars, ["bus", "van"], 50);
        let call = |data: &Path, more: &[&str]| {
            let line = "train --epochs 1 --batch 2 --resume --data".split(' ');
            let out = dir.path().join("run");
            let words = line.map(PathBuf::from).chain([data.to_owned()]);
            let words = words.chain(["--out".into(), out]);
            let words = words.chain(more.iter().map(PathBuf::from));
            train(&Args::parse_from(words)).map_err(|error| error.to_string())
        };
        let draw = ["--network", "c", "--side", "24", "--width", "0.05"];
        let model = dir.path().join("run/model.safetensors");
        call(&pets, &draw).expect("a training");
        call(&pets, &draw).expect("finished earlier");
        let trained = std::fs::read(&model).expect("a model file");
        let error = call(&cars, &draw).expect_err("other pictures");
        assert!(error.contains("settings.data_sha256"), "{error}");
        let start = dir.path().join("start.safetensors");
        std::fs::copy(&model, &start).expect("copied");
        let error = call(&pets, &["--start", &start.to_string_lossy()]).expect_err("another start");
        assert!(error.contains("settings.start_sha256"), "{error}");
        assert!(trained == std::fs::read(&model).expect("a model file"));
    }
}
