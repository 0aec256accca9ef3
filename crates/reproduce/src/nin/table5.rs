//! Table 5 and Sec. 4.6: global average pooling against fully connected heads, for mlpconv and for a plain network.
//!
//! Command: `cargo xtask reproduce nin/table5 --scale paper --data DIR`
//! Expected: the average is better than both dense heads; in the plain network it is nearly as good as dropout.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`.
//! Beside the paper's rows: the average with dropout, which GoogLeNet's authors found essential,
//! and the epochs until a fixed training error, since the average is said to converge more slowly.

use anyhow::Result;
use lab::data::Dataset;
use lab::report::{Claim, Mark, Record, Scale};
use lab::train::TrainLog;
use nin::{Head, NinConfig, PlainCnnConfig};

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, file_name};
use crate::training::Training;

/// Dropout of the heads.
const HALF: f32 = 0.5;

/// Label, head, and the paper's error, which is from memory; the first four are mlpconv networks.
const ROWS: [(&str, Head, Option<f64>); 7] = [
    (
        "mlpconv + fully connected",
        Head::FullyConnected,
        Some(11.59),
    ),
    (
        "mlpconv + fully connected + dropout",
        Head::FullyConnectedDropout { p: HALF },
        Some(10.88),
    ),
    ("mlpconv + GAP", Head::GlobalAvgPool, Some(10.41)),
    (
        "mlpconv + GAP + dropout",
        Head::GlobalAvgPoolDropout { p: HALF },
        None,
    ),
    ("plain + fully connected", Head::FullyConnected, Some(17.56)),
    (
        "plain + fully connected + dropout",
        Head::FullyConnectedDropout { p: HALF },
        Some(15.99),
    ),
    ("plain + GAP", Head::GlobalAvgPool, Some(16.46)),
];

/// Training error, in percent, that the speed of training is measured by.
const REACHED: f64 = 30.0;
/// What is measured by it.
const EPOCHS: &str = "epochs until 30 % training error";

pub(crate) struct Table5;

impl Experiment for Table5 {
    fn id(&self) -> &'static str {
        "nin/table5"
    }

    fn title(&self) -> &'static str {
        "global average pooling against fully connected heads"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let of_row = |(label, _, value): (&str, Head, Option<f64>)| {
            let error = match value {
                Some(value) => super::error(
                    self.id(),
                    label,
                    value,
                    Mark::FromMemory,
                    "Table 5 and Sec. 4.6, CIFAR-10",
                ),
                None => super::measured(self.id(), label, "test error", "%"),
            };
            [error, super::measured(self.id(), label, EPOCHS, "")]
        };
        ROWS.into_iter().flat_map(of_row).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training =
            |(label, head, _): (&str, Head, Option<f64>)| match label.starts_with("mlpconv") {
                true => {
                    let config = NinConfig {
                        head,
                        ..recipe::config(NinConfig::cifar10(), scale, images)
                    };
                    recipe::slow_class_maps(recipe::training(label, config, scale), scale)
                }
                false => {
                    let (in_channels, height, width) = images.size;
                    let config = PlainCnnConfig {
                        classes: images.classes,
                        in_channels,
                        image_size: (height, width),
                        width: match scale {
                            Scale::Paper | Scale::Cpu => 1.0,
                            Scale::Quick | Scale::Smoke => 0.25,
                        },
                        class_map_activation: recipe::class_maps(scale),
                        ..PlainCnnConfig::cifar10(head)
                    };
                    recipe::training(label, config, scale)
                }
            };
        ROWS.map(training).into()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        for training in self.trainings(laboratory.scale(), Images::of(&data.train)) {
            laboratory.train(&training, data)?;
            let dataset = laboratory.described(&training, data);
            for (seed, log) in laboratory.logs(&training.label) {
                let claim = Claim::new(self.id(), &training.label, EPOCHS, "");
                let record =
                    Record::new(&claim, &dataset, laboratory.scale()).value(seed, reached(log));
                let folder = laboratory
                    .folder()
                    .join("epochs")
                    .join(file_name(&training.label))
                    .join(format!("seed-{seed}"));
                laboratory.keep(&folder, &record)?;
            }
        }
        laboratory.draw_curves()
    }
}

/// The first epoch whose training error is [`REACHED`]; `None` if there is none.
fn reached(log: &TrainLog) -> Option<f64> {
    let good = |error: Option<f64>| error.is_some_and(|error| error <= REACHED);
    log.epochs
        .iter()
        .find(|epoch| good(epoch.train_error))
        .map(|epoch| epoch.epoch as f64)
}
