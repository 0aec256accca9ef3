//! The model file of a finished run: its weights with everything that it takes to use them.

use std::path::Path;

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use lab::report::Record;
use lab::train::{Console, TrainLog};
use striate::Parameters;
use striate::init::Match;
use striate::model_file::{
    Measured, ModelCard, ModelFile, Normalization, Precision, Preprocessing, Whitening,
};

use crate::model::Described;
use crate::planned::Planned;

/// The name of the file in the folder of a run.
pub(crate) const NAME: &str = "model.safetensors";

/// The terms for the weights that the project trains.
const LICENSE: &str = env!("CARGO_PKG_LICENSE");

/// A run that is done, as its model file names it.
pub(crate) struct Finished<'a> {
    pub(crate) network: Described,
    pub(crate) experiment: &'a str,
    /// What is measured of it, still without a value.
    pub(crate) record: &'a Record,
    pub(crate) seed: u64,
    pub(crate) log: &'a TrainLog,
    pub(crate) command: String,
    /// Its weights.
    pub(crate) weights: &'a Path,
}

/// Writes the model file of a row's run into `folder`.
pub(crate) fn write(
    row: &Planned,
    finished: &Finished<'_>,
    folder: &Path,
    cache: &Path,
    console: &Console,
) -> Result<()> {
    let training = &row.training;
    let described = &finished.network;
    let (fitted, _) = training.fitted(&row.data, cache, console)?;
    let normalization = match fitted.normalization() {
        Ok(normalization) => normalization,
        Err(error) => {
            console.warn(format!("{}: no model file is written: {error}", row.label));
            return Ok(());
        }
    };
    let whitening = match fitted.zca() {
        Some(zca) => {
            let len = zca.image_len();
            let matrix = Tensor::from_slice(&zca.matrix, (len, len), &Device::Cpu)?;
            Some(Whitening {
                mean: zca.mean.clone(),
                matrix: matrix.to_dtype(DType::F32)?,
            })
        }
        None => None,
    };
    let record = finished.record;
    let error = match training.model.classifies() {
        true => finished.log.final_error(),
        false => None,
    };
    let names = &row.data.train.class_names;
    let card = ModelCard {
        network: described.network.to_owned(),
        config: described.config.clone(),
        preprocessing: Preprocessing {
            normalization: of_channels(normalization, described.channels),
            canvas: described.canvas,
        },
        classes: match training.synthetic {
            _ if !training.model.classifies() => Vec::new(),
            Some(synthetic) => synthetic.class_names(names),
            None => names.clone(),
        },
        data_set: match training.synthetic {
            Some(synthetic) => format!("{} {}", record.dataset, serde_json::to_string(&synthetic)?),
            None => record.dataset.clone(),
        },
        measured: error.map(|value| Measured {
            experiment: finished.experiment.to_owned(),
            row: row.label.clone(),
            scale: record.scale.name().to_owned(),
            seed: finished.seed,
            quantity: record.quantity.clone(),
            unit: record.unit.clone(),
            value,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: finished.command.clone(),
        }),
        license: LICENSE.to_owned(),
    };
    let parameters = Parameters::new(finished.seed, DType::F32, &Device::Cpu);
    training.model.build(&parameters)?;
    parameters.load(finished.weights, Match::Strict)?;
    ModelFile::new(card, &parameters, whitening).save(folder.join(NAME), Precision::Full)?;
    Ok(())
}

/// The same for scenes that put images of one channel into several.
fn of_channels(normalization: Normalization, channels: usize) -> Normalization {
    match normalization {
        Normalization::Affine { mean, factor } if mean.len() == 1 => Normalization::Affine {
            mean: mean.repeat(channels),
            factor: factor.repeat(channels),
        },
        other => other,
    }
}
