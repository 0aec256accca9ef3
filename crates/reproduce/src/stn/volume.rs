//! App. A.3: digits as bodies in a volume, turned in space; the classifier sees their shadow.
//!
//! Command: `cargo xtask reproduce stn/volume`
//! Expected: a transformer turns the body until its shadow can be read, and beats the same classifier without one.
//! Cost: `--list` prints it.
//! Deviations: the paper gives no error and no ranges of the pose; the bodies are those of `lab::data::Extrude`.

use anyhow::Result;
use candle_core::{Result as CandleResult, Tensor};
use candle_nn::{Module, ModuleT};
use lab::data::{Dataset, FloatSet};
use lab::report::{Claim, ImageGrid, Mark, Picture, Scale};
use serde::Serialize;
use stn::ConvLocalisationConfig;
use stn::networks::{Body, Classifier, VolumeConfig, VolumeNet};
use striate::network::unknown_layer;
use striate::{Clock, Network, Parameters};

use super::{looked, model, recipe};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::pictures;
use crate::scenery::Scenery;
use crate::training::{Model, Training};

/// The rows: without and with a transformer.
const ROWS: [&str; 2] = ["CNN on the shadow", "ST-CNN, 3-D affine"];

pub(crate) struct Volume;

/// A network for volumes, whose slices are the channels of its input.
#[derive(Clone, Debug, Serialize)]
struct VolumeModel {
    transformer: bool,
    network: VolumeConfig,
}

impl Model for VolumeModel {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(Shadow::new(self, parameters)?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        let VolumeConfig {
            side,
            classes,
            body,
            ..
        } = self.network;
        let localisation = match self.transformer {
            true => model::convolutions(&ConvLocalisationConfig::mnist(side, (side, side))),
            false => 0.0,
        };
        localisation + model::classifier(body, 1, side, classes)
    }
}

/// Sums a volume along its depth, behind a transformer if there is one, and classifies the picture.
struct Shadow {
    network: Projector,
    clock: Clock,
}

enum Projector {
    Plain(Classifier),
    Transformed(Box<VolumeNet>),
}

impl Shadow {
    fn new(model: &VolumeModel, parameters: &Parameters) -> CandleResult<Self> {
        let VolumeConfig {
            side,
            classes,
            body,
            ..
        } = model.network;
        let vb = parameters.builder();
        Ok(Self {
            network: match model.transformer {
                true => Projector::Transformed(VolumeNet::new(&model.network, vb)?.into()),
                false => Projector::Plain(Classifier::new(body, 1, side, classes, vb)?),
            },
            clock: Clock::new(0),
        })
    }

    /// The pictures that are classified, (N, 1, side, side), of volumes (N, side, side, side).
    fn shadow(&self, xs: &Tensor) -> CandleResult<Tensor> {
        match &self.network {
            Projector::Plain(_) => xs.sum_keepdim(1),
            Projector::Transformed(network) => Ok(network.project(&xs.unsqueeze(1)?)?.output),
        }
    }
}

impl ModuleT for Shadow {
    fn forward_t(&self, xs: &Tensor, train: bool) -> CandleResult<Tensor> {
        let logits = match &self.network {
            Projector::Plain(classifier) => classifier.forward(&self.shadow(xs)?),
            Projector::Transformed(network) => network.forward(&xs.unsqueeze(1)?),
        };
        if train {
            self.clock.tick();
        }
        logits
    }
}

impl Network for Shadow {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        ["shadow", "logits"].map(str::to_owned).into()
    }

    fn forward_features(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.shadow(xs)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> CandleResult<Tensor> {
        match layer {
            "shadow" => self.shadow(xs),
            "logits" => self.forward_t(xs, false),
            _ => Err(unknown_layer(layer, &self.layer_names())),
        }
    }
}

impl Experiment for Volume {
    fn id(&self) -> &'static str {
        "stn/volume"
    }

    fn title(&self) -> &'static str {
        "digits in a volume, seen as a shadow"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |row| Claim {
            mark: Mark::Unknown,
            ..Claim::new(self.id(), row, "test error", "%").source("App. A.3")
        };
        ROWS.map(claim).into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let bodies = "bodies are turned by up to 45 degrees about each axis and moved by a tenth of the side, which the paper does not state";
        vec![match scale {
            Scale::Smoke => {
                "Deviations: a smoke run shows that everything works, its numbers mean nothing."
                    .to_owned()
            }
            Scale::Quick => format!(
                "Deviations: 1,500 training and 300 test digits, volumes of 28x28x28 instead of 60x60x60, 5 epochs of Adam at 0.0007, narrow networks; {bodies}."
            ),
            Scale::Cpu => format!(
                "Deviations: volumes of 28x28x28 instead of 60x60x60, 10 epochs of Adam; {bodies}."
            ),
            Scale::Paper => format!("Deviations: {bodies}."),
        }]
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let (side, filters) = match scale {
            Scale::Paper => (60, 64),
            Scale::Cpu => (28, 32),
            Scale::Quick | Scale::Smoke => (28, 10),
        };
        let training = |(row, transformer): (&str, bool)| {
            let model = VolumeModel {
                transformer,
                network: VolumeConfig {
                    side,
                    classes: images.classes,
                    body: Body::Cnn { filters },
                    gradient_scale: recipe::gradient_scale(scale),
                },
            };
            let training = recipe::training(row.to_owned(), model, Scenery::Volume { side }, scale);
            let training = match transformer {
                true => recipe::slow_localisation(training, scale),
                false => training,
            };
            let (train_images, test_images) = match scale {
                Scale::Quick => (Some(1_500), Some(300)),
                _ => (training.train_images, training.test_images),
            };
            let training = Training {
                train_images,
                test_images,
                ..training
            };
            // Shadows are sums over a depth: at the rate of the other networks the first steps leave ReLUs that never open again.
            match scale {
                Scale::Quick => recipe::at_rate(recipe::lasting(training, 5), 0.0007, 1.0),
                _ => training,
            }
        };
        ROWS.into_iter().zip([false, true]).map(training).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let mut shadows: Vec<(String, Vec<Picture>)> = Vec::new();
        for training in self.trainings(laboratory.scale(), Images::of(&data.train)) {
            laboratory.train(&training, data)?;
            let Some(trained) = laboratory.trained(&training, data)? else {
                continue;
            };
            let sets = laboratory.prepare(&training, data)?;
            let row = row(trained.network.as_ref(), &sets.1)?;
            shadows.push((training.label.clone(), row));
        }
        let mut figure = ImageGrid::new("shadows of the first test body of each class");
        for (label, row) in shadows {
            figure.row(label, row);
        }
        match figure.draw() {
            Ok(picture) => laboratory.figure("shadows", &picture)?,
            // Every run belongs to another shard.
            Err(_) => return Ok(()),
        }
        laboratory.draw_curves()
    }
}

/// What the classifier sees of the first test body of each class.
fn row(network: &dyn Network, test: &FloatSet) -> Result<Vec<Picture>> {
    let mut row = Vec::new();
    for class in 0..test.classes as u32 {
        let first = test.labels.iter().position(|&label| label == class);
        let Some(index) = first else { continue };
        let input = pictures::input(test, index, &candle_core::Device::Cpu)?;
        let shadow = network.forward_features(&input)?.detach();
        let (_, c, h, w) = shadow.dims4()?;
        let values: Vec<f32> = shadow.flatten_all()?.to_vec1()?;
        row.push(Picture::stretched(&values, (c, h, w))?.enlarged(looked::FACTOR));
    }
    Ok(row)
}
