//! Training a network of one layer with seeded dropout.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use striate::{Clock, Parameters};

use super::*;
use crate::data::{Augment, Batch, FloatSet};

mod checkpoint;
mod console;
mod fit;
mod folder;
mod lock;
mod resume;
mod stop;
mod streamed;

/// One linear layer after dropout of a half.
struct Linear {
    params: Parameters,
    clock: Clock,
    calls: Cell<u64>,
    /// Asks to stop after this many training steps.
    stop: Option<(u64, StopFlag)>,
    /// What the scores are multiplied by: 0 is a dead network.
    gain: f64,
}

impl Linear {
    fn new() -> Self {
        Self::of_channels(1)
    }

    /// For images of 4x4 pixels.
    fn of_channels(channels: usize) -> Self {
        let params = Parameters::new(5, DType::F32, &Device::Cpu);
        let linear = Self {
            params,
            clock: Clock::new(0),
            calls: Cell::new(0),
            stop: None,
            gain: 1.0,
        };
        linear
            .scores(&Tensor::zeros((1, channels, 4, 4), DType::F32, &Device::Cpu).unwrap())
            .unwrap();
        linear
    }

    fn scores(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        let vb = self.params.builder();
        let weight = vb.get_with_hints(
            (xs.elem_count() / xs.dim(0)?, 3),
            "fc.weight",
            Init::Randn {
                mean: 0.0,
                stdev: 0.1,
            },
        )?;
        let bias = vb.get_with_hints(3, "fc.bias", Init::Const(0.0))?;
        xs.flatten_from(1)?.matmul(&weight)?.broadcast_add(&bias)? * self.gain
    }

    fn weights(&self) -> Vec<(String, Vec<f32>)> {
        weights(&self.params)
    }
}

fn weights(params: &Parameters) -> Vec<(String, Vec<f32>)> {
    let named = params.named().into_iter();
    let values = |var: candle_core::Var| var.flatten_all().unwrap().to_vec1().unwrap();
    named.map(|(name, var)| (name, values(var))).collect()
}

impl Objective for Linear {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        let mut mask = vec![0f32; batch.xs.elem_count()];
        self.clock.stream("dropout/test").fill_uniform(&mut mask);
        self.clock.tick();
        let mask: Vec<f32> = mask
            .iter()
            .map(|&u| if u < 0.5 { 0.0 } else { 2.0 })
            .collect();
        let xs = (&batch.xs * Tensor::from_vec(mask, batch.xs.shape(), &Device::Cpu)?)?;
        let scores = self.scores(&xs)?;
        self.calls.set(self.calls.get() + 1);
        if let Some((after, flag)) = &self.stop
            && self.calls.get() == *after
        {
            flag.set();
        }
        let total = candle_nn::loss::cross_entropy(&scores, &batch.labels)?;
        Ok(Loss::new(total.clone()).logits(scores).term("nll", total))
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.scores(xs)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// Noise with a bright quarter that tells the class.
fn set(n: usize) -> FloatSet {
    let mut draws = striate::rng::stream(9, "images", n as u64);
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
    let mut images = vec![0f32; n * 16];
    draws.fill_normal(&mut images);
    for (image, &label) in images.chunks_mut(16).zip(&labels) {
        image[4 * label as usize..][..4]
            .iter_mut()
            .for_each(|v| *v += 2.0);
    }
    FloatSet::new((1, 4, 4), images, labels, 3).unwrap()
}

fn recipe() -> Recipe {
    let sgd = SgdConfig {
        lr: 0.05,
        momentum: 0.9,
        weight_decay: 1e-3,
        ..Default::default()
    };
    Recipe {
        label: "linear".to_owned(),
        seed: 3,
        schedule: LrSchedule::steps_at_fractions(&[0.5], 0.1).warmup(0.2),
        augment: Augment {
            flip: true,
            translate: 0,
        },
        ..Recipe::new(4, 16, sgd)
    }
}

fn train(linear: &Linear, recipe: &Recipe, run: &mut Run) -> Result<TrainLog, TrainError> {
    fit_objective(linear, &linear.params, &set(100), &set(60), recipe, run)
}

fn run_in(folder: &Path, start: Start) -> Run {
    Run::in_folder(folder, start, &Console::silent()).unwrap()
}

/// A log without its timings.
fn timeless(mut log: TrainLog) -> TrainLog {
    (log.train_seconds, log.eval_seconds) = (0.0, 0.0);
    for epoch in &mut log.epochs {
        (
            epoch.seconds,
            epoch.images_per_second,
            epoch.waiting_seconds,
        ) = (0.0, 0.0, 0.0);
    }
    log
}

/// Fails in a given training step.
struct Crash {
    inner: Linear,
    at: u64,
}

impl Objective for Crash {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        match self.inner.calls.get() + 1 == self.at {
            true => candle_core::bail!("crash"),
            false => self.inner.loss(batch),
        }
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.inner.predict(xs)
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }
}

/// What a console wrote.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn console(&self) -> Console {
        Console::new(Progress::Lines, Box::new(self.clone()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs one test of this crate in a process of its own, with a value that only such a process gets.
fn child(test: &str, key: &str, value: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
        .env(key, value)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Reads what a child prints until a line ends with `word`; false if it ends first.
fn wait_for(out: &mut impl BufRead, word: &str) -> bool {
    out.lines()
        .map_while(Result::ok)
        .any(|line| line.ends_with(word))
}
