//! The videos that came with the paper: the grid of a transformer as training goes on.
//!
//! Command: `cargo xtask reproduce stn/animation`
//! Expected: the grids begin as the whole canvas, close in on the digits and turn with them.
//! Cost: that of one row of Table 1.
//! Deviations: the paper's videos show moving inputs; here the network moves and the inputs stay.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use candle_core::{Device, Result as CandleResult, Tensor};
use candle_nn::ModuleT;
use lab::data::{Batch, Dataset, Distortion, FloatSet};
use lab::report::{Animation, Claim, ImageGrid, Mark, Picture, Scale};
use lab::train::{Classifier, Loss, Objective, Recipe, Run, TrainError, TrainLog, fit_objective};
use stn::networks::{DigitConfig, DigitNet, Transform};
use striate::{Clock, Network, Parameters};

use super::digits::{self, Digit, Kind};
use super::{looked, recipe, table1};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::pictures;
use crate::scenery::Scenery;
use crate::training::{Model, Sets, Training};

/// What is trained.
const DISTORTION: Distortion = Distortion::RotatedScaledPlaced;
const DIGIT: Digit = Digit {
    kind: Kind::Fcn,
    transform: Some(Transform::Affine),
};
/// Frames of the animation, the start included and the end not.
const FRAMES: u64 = 40;
/// Milliseconds a frame.
const PACE: u16 = 120;
/// Test digits that are shown: the first ones.
const SHOWN: usize = 6;

pub(crate) struct Moving;

/// Frames, in the order of training.
type Film = Rc<RefCell<Vec<Picture>>>;

/// A digit network that is filmed while it is trained.
struct Filmed {
    config: DigitConfig,
    film: Film,
}

impl Model for Filmed {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        self.config.build(parameters)
    }

    fn settings(&self) -> Result<toml::Table> {
        let mut settings = self.config.settings()?;
        settings.insert("filmed".to_owned(), true.into());
        Ok(settings)
    }

    fn multiplications(&self) -> f64 {
        self.config.multiplications()
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let network = DigitNet::new(&self.config, parameters.builder())?;
        let steps = (train.len().div_ceil(recipe.batch_size) * recipe.epochs) as u64;
        let camera = Camera {
            classifier: Classifier::new(&network),
            network: &network,
            test,
            every: (steps / FRAMES).max(1),
            film: &self.film,
        };
        let log = fit_objective(&camera, parameters, train, test, recipe, run)?;
        // A run that was only read back from its checkpoint has no film to end.
        if !self.film.borrow().is_empty() {
            camera.shoot(log.steps)?;
        }
        Ok(log)
    }
}

/// The classifier's objective, which draws a frame every so many steps.
struct Camera<'a> {
    classifier: Classifier<'a>,
    network: &'a DigitNet,
    test: &'a FloatSet,
    every: u64,
    film: &'a Film,
}

impl Camera<'_> {
    fn shoot(&self, step: u64) -> CandleResult<()> {
        let frame = frame(self.network, self.test, step)
            .map_err(|error| candle_core::Error::Msg(format!("animation: {error:#}")))?;
        self.film.borrow_mut().push(frame);
        Ok(())
    }
}

impl Objective for Camera<'_> {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let step = self.clock().step();
        if step.is_multiple_of(self.every) {
            self.shoot(step)?;
        }
        self.classifier.loss(batch)
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward_t(xs, false)
    }

    fn clock(&self) -> &Clock {
        self.classifier.clock()
    }
}

/// The grids over the first test digits, and what they read.
fn frame(network: &DigitNet, test: &FloatSet, step: u64) -> Result<Picture> {
    let generators = network.generators();
    let (mut grids, mut outputs) = (Vec::new(), Vec::new());
    for index in 0..SHOWN.min(test.len()) {
        let input = pictures::input(test, index, &Device::Cpu)?;
        let transformed = network.transform(&input)?;
        if let (Some(generator), Some(transformed)) = (generators.first(), transformed.first()) {
            let image = input.squeeze(0)?.squeeze(0)?;
            let theta = transformed.theta.detach();
            grids.push(looked::with_grid(&image, *generator, &theta)?);
            let output = transformed.output.detach().squeeze(0)?.squeeze(0)?;
            outputs.push(looked::gray(&output)?);
        }
    }
    let mut frame = ImageGrid::new(format!("step {step:5}"));
    frame.row("grid", grids);
    frame.row("output", outputs);
    Ok(frame.draw()?)
}

impl Moving {
    fn training(scale: Scale, images: Images, film: &Film) -> Option<Training> {
        let config = DIGIT.config(DISTORTION, scale, images).ok()?;
        let scenery = Scenery::Distorted {
            distortion: DISTORTION,
            canvas: digits::canvas(DISTORTION, images),
        };
        let model = Filmed {
            config,
            film: Rc::clone(film),
        };
        let training = recipe::training(table1::label(DISTORTION, DIGIT), model, scenery, scale);
        Some(recipe::slow_localisation(training, scale))
    }
}

impl Experiment for Moving {
    fn id(&self) -> &'static str {
        "stn/animation"
    }

    fn title(&self) -> &'static str {
        "the grid as training goes on"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim {
            mark: Mark::Absent,
            ..Claim::new(
                self.id(),
                table1::label(DISTORTION, DIGIT),
                "test error",
                "%",
            )
        }]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = Self::training(scale, images, &Film::default());
        training.into_iter().collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let film = Film::default();
        let images = Images::of(&data.train);
        if let Some(training) = Self::training(laboratory.scale(), images, &film) {
            laboratory.trained(&training, data)?;
        }
        let frames = film.take();
        // A run that was resumed from its middle or its end was not filmed from its start: an earlier film stays.
        match frames.len() as u64 >= FRAMES.min(2) {
            true => laboratory.animation("grid", &Animation::new(frames, PACE)),
            false => Ok(()),
        }
    }
}
