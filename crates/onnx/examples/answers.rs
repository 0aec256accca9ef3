//! What the network of a model file says of pixels, for the comparison with other runtimes in `tests/onnx`:
//! `answers MODEL PIXELS OUT` reads the tensor `pixels` and writes `normalized`, `logits` and, of an auto-encoder, `reconstruction`.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor, bail, safetensors};
use candle_nn::ModuleT;
use striate::ModelFile;
use striate::model_file::{FileConfig, Pretrained};

fn main() -> Result<()> {
    let [model, pixels, out] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        bail!("answers: give MODEL PIXELS OUT");
    };
    let mut found = safetensors::load(pixels, &Device::Cpu)?;
    let Some(pixels) = found.remove("pixels") else {
        bail!("{pixels}: there is no tensor pixels");
    };
    let file = ModelFile::open(model)?;
    let results = match file.card().network.as_str() {
        allconv::Config::NAME => logits(&file.build::<allconv::Config>(&Device::Cpu)?, &pixels)?,
        nin::NinConfig::NAME => logits(&file.build::<nin::NinConfig>(&Device::Cpu)?, &pixels)?,
        stn::networks::DigitConfig::NAME => logits(
            &file.build::<stn::networks::DigitConfig>(&Device::Cpu)?,
            &pixels,
        )?,
        swwae::SwwaeConfig::NAME => {
            let model = file.build::<swwae::SwwaeConfig>(&Device::Cpu)?;
            let pass = model.network.pass(&model.prepare(&pixels)?, false)?;
            let mut results = logits(&model, &pixels)?;
            let image = pass.decoding.reconstruction;
            results.insert("reconstruction".to_owned(), image.detach());
            results
        }
        other => bail!("answers: {other} is none of the networks in models"),
    };
    safetensors::save(&results, out)
}

fn logits<N: ModuleT>(model: &Pretrained<N>, pixels: &Tensor) -> Result<HashMap<String, Tensor>> {
    let xs = model.prepare(pixels)?;
    let logits = model.network.forward_t(&xs, false)?.detach();
    Ok(HashMap::from([
        ("normalized".to_owned(), xs),
        ("logits".to_owned(), logits),
    ]))
}
