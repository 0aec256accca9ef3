//! The videos that came with the paper: the grid of a transformer as training goes on.
//!
//! Expected: the grids begin as the whole canvas, close in on the digits and turn with them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candle_core::{Device, Result as CandleResult, Tensor};
use candle_nn::ModuleT;
use lab::data::{Batch, Distortion, FloatSet, Synthetic};
use lab::report::{Animation, ImageGrid, Note, Picture};
use lab::train::{
    Classifier, Loss, Objective, Outcome, Recipe, Run, TrainError, TrainLog, fit_objective,
};
use stn::networks::{DigitConfig, DigitNet, Transform};
use striate::{Clock, Network, Parameters};

use super::digits::{self, Digit, Kind};
use super::setup::{CHOICES, MNIST, RECIPE, SETUPS};
use super::{grid_overlay, table1};
use crate::experiment::{Experiment, Row};
use crate::model::{Described, Model, Sets};
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;
use crate::training::Training;

/// What is trained.
const DISTORTION: Distortion = Distortion::RotatedScaledPlaced;
const DIGIT: Digit = Digit::of_paper(Kind::Fcn, Some(Transform::Affine));
/// Frames of the animation, the start included and the end not.
const FRAMES: u64 = 40;
/// Milliseconds a frame.
const PACE: u16 = 120;
/// Test digits that are shown: the first ones.
const SHOWN: usize = 6;

/// Where a run keeps its frames, so that a run that is resumed in its middle has those of its start.
const FILM: &str = "film";

pub(crate) const ANIMATION: Experiment =
    Experiment::new("stn/animation", "the grid as training goes on", MNIST, rows)
        .choices(&[CHOICES])
        .notes(&[
            RECIPE,
            Note::new(
                "The paper's videos show moving inputs; here the network moves and the inputs \
                 stay.",
            ),
        ])
        .of_one_seed()
        .run(run);

/// A digit network that is filmed while it is trained.
struct Filmed(DigitConfig);

impl Model for Filmed {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        self.0.build(parameters)
    }

    fn settings(&self) -> Result<toml::Table> {
        let mut settings = self.0.settings()?;
        settings.insert("filmed".to_owned(), true.into());
        Ok(settings)
    }

    fn described(&self) -> CandleResult<Option<Described>> {
        self.0.described()
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let network = DigitNet::new(&self.0, parameters.builder())?;
        let steps = (train.len().div_ceil(recipe.batch_size) * recipe.epochs) as u64;
        let camera = Camera {
            classifier: Classifier::new(&network),
            network: &network,
            test,
            every: (steps / FRAMES).max(1),
            film: run.folder().map(|folder| folder.join(FILM)),
        };
        let log = fit_objective(&camera, parameters, train, test, recipe, run)?;
        if log.outcome != Outcome::Interrupted {
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
    /// Where frames go.
    film: Option<PathBuf>,
}

impl Camera<'_> {
    fn shoot(&self, step: u64) -> CandleResult<()> {
        let Some(film) = &self.film else {
            return Ok(());
        };
        let shot = frame(self.network, self.test, step)
            .and_then(|frame| Ok(frame.save(&film.join(format!("{step:08}.png")))?));
        shot.map_err(|error| candle_core::Error::Msg(format!("animation: {error:#}")))
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
            grids.push(grid_overlay::with_grid(&image, *generator, &theta)?);
            let output = transformed.output.detach().squeeze(0)?.squeeze(0)?;
            outputs.push(grid_overlay::gray(&output)?);
        }
    }
    let mut frame = ImageGrid::new(format!("step {step:5}"));
    frame.row("grid", grids);
    frame.row("output", outputs);
    Ok(frame.draw()?)
}

fn rows() -> Vec<Row> {
    let row = Row::new(table1::label(DISTORTION, DIGIT), |scale, images| {
        let model = Filmed(DIGIT.config(DISTORTION, scale, images).ok()?);
        let setup = SETUPS.at(scale);
        Some(Training {
            synthetic: Some(Synthetic::Distorted {
                distortion: DISTORTION,
                canvas: digits::canvas(DISTORTION, images),
            }),
            ..setup.training(model, setup.epochs, true)
        })
    });
    vec![row.measured_error()]
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    for row in rows {
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let frames = frames(&trained.folder.join(FILM))?;
        session.animation("grid", &Animation::new(frames, PACE))?;
    }
    Ok(())
}

/// The frames of a film in the order of its steps.
fn frames(film: &Path) -> Result<Vec<Picture>> {
    let unreadable = || format!("cannot read {}", film.display());
    let entries = std::fs::read_dir(film).with_context(unreadable)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(unreadable)?;
    files.retain(|file| file.extension().is_some_and(|e| e == "png"));
    files.sort();
    let frames = files.iter().map(|file| Ok(Picture::open(file)?));
    frames.collect()
}
