//! Training: steps of All-CNN-C without dropout as in W1, with its dropout, and in the training loop of `lab`.
//!
//! What the loop adds are its batches, which a thread of its own puts together, the count of errors, and its sums.

use allconv::{AllConv, Config};
use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device};
use lab::data::FloatSet;
use lab::train::{Console, Recipe, Run, SgdConfig, fit};
use striate::Parameters;

use crate::classifier;
use crate::draw;
use crate::work::{Case, Options, Work};

/// Steps of a sample.
const STEPS: usize = 8;

/// The three ways, each with as many steps.
pub(crate) fn training(options: &Options) -> Result<Work> {
    let alone = classifier::all_cnn_c(options)?;
    let with_dropout = classifier::all_cnn_c_with_dropout(options)?;
    Ok(Work {
        check: alone.check,
        cases: vec![
            in_a_row("step", alone.cases)?,
            in_a_row("dropout", with_dropout.cases)?,
            in_the_loop(options)?,
        ],
    })
}

/// [`STEPS`] runs of the case `step`.
fn in_a_row(name: &str, cases: Vec<Case>) -> Result<Case> {
    let step = cases.into_iter().find(|case| case.name == "step");
    let mut step = step.context("the workload has no case \"step\"")?;
    Ok(Case {
        name: name.to_owned(),
        gflop: step.gflop * STEPS as f64,
        inner: 1,
        run: Box::new(move || {
            for _ in 1..STEPS {
                (step.run)()?;
            }
            (step.run)()
        }),
    })
}

/// An epoch of [`STEPS`] batches in memory.
fn in_the_loop(options: &Options) -> Result<Case> {
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let network = AllConv::new(&Config::all_cnn_c(), parameters.builder())?;
    let train = set(STEPS * options.batch, options.size)?;
    // The loop measures a test set after each epoch; of one image that is nothing.
    let (test, _) = train.split_at(1);
    let sgd = SgdConfig {
        lr: 0.001,
        momentum: 0.9,
        ..SgdConfig::default()
    };
    let recipe = Recipe::new(1, options.batch, sgd);
    let run = move || {
        let mut run = Run::in_memory(&Console::silent());
        let log = fit(&network, &parameters, &train, &test, &recipe, &mut run)?;
        ensure!(
            log.steps == STEPS as u64,
            "the loop made {} steps",
            log.steps
        );
        let epoch = log.epochs.first().context("the loop made no epoch")?;
        Ok(epoch.train_loss)
    };
    Ok(Case {
        name: "loop".to_owned(),
        gflop: 0.0,
        inner: 1,
        run: Box::new(run),
    })
}

/// Images of noise and their classes.
fn set(images: usize, size: usize) -> Result<FloatSet> {
    let values = draw::uniform(1002, 1.7, &[images, 3, size, size])?;
    let labels = draw::labels(1003, 10, images)?;
    let values = values.flatten_all()?.to_vec1()?;
    Ok(FloatSet::new(
        (3, size, size),
        values,
        labels.to_vec1()?,
        10,
    )?)
}
