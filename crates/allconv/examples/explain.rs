//! What a network looks at in a picture, by three methods:
//! `cargo run --release -p allconv --example explain -- picture.png --weights model.safetensors --class 3`.
//!
//! Writes `picture-gradient.png`, `picture-deconvnet.png` and `picture-guided.png` beside the picture:
//! gray is no influence, lighter is positive, darker is negative, the strongest value of a picture is black or white.
//! Width, channels and classes are read from the weights; the picture is standardized channel by channel.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::{Path, PathBuf};

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target, normalized};
use allconv::candle_core::{DType, Device, Error, Result, Tensor, bail, safetensors};
use allconv::{AllConv, Architecture, ClassMapActivation, Config};
use clap::Parser;
use striate::Parameters;
use striate::init::Match;

/// Shows what a network looks at in a picture.
#[derive(Parser)]
struct Args {
    /// The picture, PNG or JPEG.
    picture: PathBuf,
    /// Weights of the network, safetensors.
    #[arg(long)]
    weights: PathBuf,
    /// The class; the network's answer unless given.
    #[arg(long)]
    class: Option<usize>,
    /// The network, by the paper's name.
    #[arg(long, default_value = "All-CNN-C")]
    architecture: Architecture,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let unread = |error| {
        Error::Msg(format!(
            "{}: {error}; give a safetensors file",
            args.weights.display()
        ))
    };
    let weights = safetensors::load(&args.weights, &Device::Cpu).map_err(unread)?;
    let shape = |name: &str| match weights.get(name) {
        Some(tensor) => tensor.dims4(),
        None => bail!(
            "{}: there is no tensor {name}; is it a network of this crate?",
            args.weights.display()
        ),
    };
    let (first, in_channels, _, _) = shape("conv1.weight")?;
    let layers = weights
        .keys()
        .filter(|name| name.ends_with(".weight"))
        .count();
    let (classes, _, _, _) = shape(&format!("conv{layers}.weight"))?;
    let xs = read(&args.picture, in_channels)?;
    let (_, _, height, width) = xs.dims4()?;
    let config = Config {
        classes,
        in_channels,
        image_size: (height, width),
        width: first as f64 / 96.0,
        class_map_activation: ClassMapActivation::Identity,
        ..Config::cifar10(args.architecture)
    };
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let network = AllConv::new(&config, parameters.builder())?;
    parameters.load(&args.weights, Match::Strict)?;

    let answer = network.forward(&xs)?.argmax(1)?.to_vec1::<u32>()?;
    let class = args.class.unwrap_or(answer[0] as usize);
    println!(
        "the network answers class {}; shown is class {class}",
        answer[0]
    );
    let methods: [(&str, &dyn Attribution); 3] = [
        ("gradient", &Gradient::new(&network)),
        ("deconvnet", &Deconvnet::new(&network)),
        ("guided", &GuidedBackprop::new(&network)),
    ];
    for (name, method) in methods {
        let signal = method.attribute(&xs, &Target::class(class))?;
        let stem = args
            .picture
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let path = args.picture.with_file_name(format!("{stem}-{name}.png"));
        write(&path, &normalized(&signal)?)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The picture as (1, C, H, W), each channel with mean 0 and deviation 1.
fn read(path: &Path, channels: usize) -> Result<Tensor> {
    let failed = |error| Error::Msg(format!("{}: {error}", path.display()));
    let picture = image::open(path).map_err(failed)?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let bytes = match channels {
        1 => picture.to_luma8().into_raw(),
        3 => picture.to_rgb8().into_raw(),
        n => bail!("the network takes {n} channels; a picture has 1 or 3"),
    };
    let xs = Tensor::from_vec(bytes, (height, width, channels), &Device::Cpu)?;
    let xs = xs.permute((2, 0, 1))?.to_dtype(DType::F32)?.unsqueeze(0)?;
    let centered = xs.broadcast_sub(&xs.mean_keepdim((2, 3))?)?;
    let deviation = centered.sqr()?.mean_keepdim((2, 3))?.sqrt()?;
    centered.broadcast_div(&(deviation + 1e-6)?)
}

/// Writes values from 0 to 1, (1, C, H, W), as a PNG file.
fn write(path: &Path, values: &Tensor) -> Result<()> {
    let (_, channels, height, width) = values.dims4()?;
    let bytes = (values.squeeze(0)?.permute((1, 2, 0))? * 255.0)?
        .round()?
        .to_dtype(DType::U8)?;
    let bytes = bytes.flatten_all()?.to_vec1::<u8>()?;
    let color = match channels {
        1 => image::ExtendedColorType::L8,
        _ => image::ExtendedColorType::Rgb8,
    };
    let written = image::save_buffer(path, &bytes, width as u32, height as u32, color);
    written.map_err(|error| Error::Msg(format!("{}: {error}", path.display())))
}
