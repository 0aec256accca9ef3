//! Terms of the objective on and off, and what L2M does to the upper levels.
//!
//! Command: `cargo xtask reproduce swwae/ablation --scale cpu --data DIR`
//! Expected: without L2M the decoder's upper states have nothing to do with the encoder's, since nothing asks for it;
//! with it they are close at every level.
//! Cost: `--list` prints it.
//! Deviations: the paper argues for L2M without such a table; everything here is an addition.

use anyhow::Result;
use candle_core::{Device, Tensor};
use lab::data::{Batches, Dataset, FloatSet};
use lab::report::{Claim, Record, Scale};
use swwae::{EncoderSide, LossWeights, Swwae, Unpooling};

use super::mnist;
use super::model::{KeptLabels, SemiSupervised};
use super::recipe::{self, CONVNET, Kind};
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, file_name};
use crate::training::Training;

/// Labels that are kept.
const LABELS: usize = 1000;
/// What is measured of the levels: the squared distance of encoder and decoder, as a share of the encoder's square.
const DISTANCE: [&str; 2] = ["distance at level 1", "distance at level 2"];

/// A row: which terms there are and how.
#[derive(Clone, Copy, Debug)]
struct Variant {
    label: &'static str,
    weights: LossWeights,
    side: EncoderSide,
    unpooling: Unpooling,
}

fn variants(scale: Scale) -> [Variant; 6] {
    let weights = recipe::weights(scale);
    let full = Variant {
        label: "all terms",
        weights,
        side: EncoderSide::Joint,
        unpooling: Unpooling::Where,
    };
    [
        Variant {
            label: "L_NLL alone (Convnet)",
            weights: CONVNET,
            ..full
        },
        Variant {
            label: "without L2M",
            weights: LossWeights {
                l2_m: 0.0,
                ..weights
            },
            ..full
        },
        Variant {
            label: "without L2rec",
            weights: LossWeights {
                l2_rec: 0.0,
                ..weights
            },
            ..full
        },
        full,
        Variant {
            label: "all terms, L2M not into the encoder",
            side: EncoderSide::Detached,
            ..full
        },
        Variant {
            label: "all terms, upsampling instead of where",
            unpooling: Unpooling::Copy,
            ..full
        },
    ]
}

pub(crate) struct Ablation;

impl Variant {
    fn is_convnet(&self) -> bool {
        self.weights == CONVNET
    }

    fn model(&self, scale: Scale, images: Images) -> SemiSupervised {
        let mut model = Kind::Swwae.model(
            mnist::config(scale, images),
            KeptLabels::Balanced(recipe::few(LABELS, scale)),
            scale,
        );
        model.config.unpooling = self.unpooling;
        SemiSupervised {
            weights: self.weights,
            side: self.side,
            ..model
        }
    }
}

impl Experiment for Ablation {
    fn id(&self) -> &'static str {
        "swwae/ablation"
    }

    fn title(&self) -> &'static str {
        "terms of the objective on and off"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        mnist::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for variant in variants(Scale::Paper) {
            let claim = |quantity: &str, unit| {
                super::measured("swwae/ablation", variant.label, quantity, unit)
            };
            claims.push(claim("test error", "%"));
            if !variant.is_convnet() {
                claims.extend(DISTANCE.map(|quantity| claim(quantity, "")));
            }
        }
        claims
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(format!(
            "{LABELS} labels; a distance is the squared distance of the decoder's state from the encoder's what at that level, \
             as a share of the what's square, over the test images of the first seed: 0 is equal, 1 is as far as nothing at all."
        ));
        notes
    }

    fn seeds(&self, scale: Scale) -> u64 {
        mnist::seeds(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = |variant: Variant| {
            let model = variant.model(scale, images);
            mnist::training(variant.label.to_owned(), model, LABELS, scale, images)
        };
        variants(scale).map(training).into()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let (scale, images) = (laboratory.scale(), Images::of(&data.train));
        let trainings = self.trainings(scale, images);
        for (training, variant) in trainings.iter().zip(variants(scale)) {
            laboratory.train(training, data)?;
            if variant.is_convnet() {
                continue;
            }
            let Some(trained) = laboratory.trained(training, data)? else {
                continue;
            };
            let config = variant.model(scale, images).config;
            let network = Swwae::new(&config, trained.parameters.builder())?;
            let sets = laboratory.prepare(training, data)?;
            let distances = distances(&network, &sets.1, &laboratory.settings.device)?;
            for (quantity, distance) in DISTANCE.into_iter().zip(distances) {
                let claim = Claim::new(self.id(), variant.label, quantity, "");
                let dataset = laboratory.described(training, data);
                let record = Record::new(&claim, dataset, scale);
                let name = file_name(&format!("{} {quantity}", variant.label));
                let record = Record {
                    notes: self.deviations(scale),
                    ..record.value(trained.seed, Some(distance))
                };
                laboratory.keep(&laboratory.folder().join("levels").join(name), &record)?;
            }
        }
        laboratory.draw_curves()
    }
}

/// For each level that the decoder has a state for: its squared distance from the what, as a share of the what's square.
fn distances(network: &Swwae, set: &FloatSet, device: &Device) -> Result<Vec<f64>> {
    let square =
        |xs: &Tensor| -> Result<f64> { Ok(f64::from(xs.sqr()?.sum_all()?.to_scalar::<f32>()?)) };
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for batch in Batches::eval(set, 100, device)? {
        let pass = network.pass(&batch?.xs, false)?;
        let levels = pass.encoding.levels.iter().zip(&pass.decoding.states);
        for (at, (level, state)) in levels.enumerate() {
            let Some(state) = state else { continue };
            sums.resize(sums.len().max(at + 1), (0.0, 0.0));
            sums[at].0 += square(&(state.detach() - level.what.detach())?)?;
            sums[at].1 += square(&level.what.detach())?;
        }
    }
    let share = |(distance, of): (f64, f64)| distance / of.max(f64::MIN_POSITIVE);
    Ok(sums.into_iter().map(share).collect())
}
