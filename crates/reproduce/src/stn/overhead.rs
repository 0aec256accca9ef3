//! Section 4.2: what a training step costs with no, one and four transformers.
//!
//! Command: `cargo xtask reproduce stn/overhead`
//! Expected: four transformers make a step 6 % slower.
//! Cost: less than a minute on two cores at scale quick.
//! Deviations: [`Overhead::deviations`].

use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::ModuleT;
use lab::data::Dataset;
use lab::report::{Claim, Mark, Record, Scale};
use stn::networks::{HouseNumberConfig, HouseNumberNet, Placement, sequence_loss};
use striate::Parameters;
use striate::rng::stream;

use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, file_name};
use crate::training::Training;

/// The rows: name and place of the transformers.
const ROWS: [(&str, Placement); 3] = [
    ("CNN", Placement::None),
    ("ST-CNN Single", Placement::Single),
    ("ST-CNN Multi", Placement::Multi),
];
const STEP: &str = "training step";
const MORE: &str = "time over the CNN";

/// Sizes and repetitions of a measurement.
struct Work {
    side: usize,
    width: f64,
    batch: usize,
    rounds: usize,
}

fn work(scale: Scale) -> Work {
    let (side, width, batch, rounds) = match scale {
        Scale::Paper => (64, 1.0, 128, 20),
        Scale::Cpu => (64, 1.0, 16, 10),
        Scale::Quick => (64, 0.25, 16, 12),
        Scale::Smoke => (16, 0.05, 2, 2),
    };
    Work {
        side,
        width,
        batch,
        rounds,
    }
}

pub(crate) struct Overhead;

impl Experiment for Overhead {
    fn id(&self) -> &'static str {
        "stn/overhead"
    }

    fn title(&self) -> &'static str {
        "what transformers cost in time"
    }

    /// Time does not depend on what the images show: they are noise, and the digits only say that nothing is needed.
    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, _: Scale) -> Option<&'static str> {
        Some("mnist")
    }

    fn claims(&self) -> Vec<Claim> {
        let times = ROWS.map(|(row, _)| Claim {
            mark: Mark::Absent,
            ..Claim::new(self.id(), row, STEP, "ms")
        });
        let [_, single, multi] = ROWS.map(|(row, _)| Claim::new(self.id(), row, MORE, "%"));
        let single = Claim {
            mark: Mark::Absent,
            ..single
        };
        let multi = multi.value(6.0, Mark::Verified).source("Sec. 4.2");
        times.into_iter().chain([single, multi]).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let Work {
            side,
            width,
            batch,
            rounds,
        } = work(scale);
        vec![format!(
            "A step is forward and backward pass on {batch} images of {side}x{side} noise, at {width} of the paper's width, without the optimizer; \
             the median of {rounds} rounds, in each of which every network takes one step. The paper does not say what it timed on."
        )]
    }

    fn trainings(&self, _: Scale, _: Images) -> Vec<Training> {
        Vec::new()
    }

    fn run(&self, laboratory: &mut Laboratory, _: &Dataset) -> Result<()> {
        let (scale, device) = (laboratory.scale(), &laboratory.settings.device);
        let work = work(scale);
        let seed = laboratory.settings.seed;
        let networks = ROWS.map(|(_, placement)| {
            let config = HouseNumberConfig {
                width: work.width,
                ..HouseNumberConfig::paper(work.side, placement)
            };
            let parameters = Parameters::new(seed, DType::F32, device);
            HouseNumberNet::new(&config, parameters.builder())
                .map(|network| (network, parameters.count()))
        });
        let networks: Vec<_> = networks.into_iter().collect::<candle_core::Result<_>>()?;
        let (xs, labels) = noise(&work, seed, device)?;
        let mut times = vec![Vec::new(); networks.len()];
        for round in 0..=work.rounds {
            for ((network, _), times) in networks.iter().zip(&mut times) {
                let milliseconds = step(network, &xs, &labels)?;
                // The first round grows buffers.
                if round > 0 {
                    times.push(milliseconds);
                }
            }
        }
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        let plain = *medians.first().context("there are networks")?;
        for ((row, _), (&time, (_, count))) in ROWS.into_iter().zip(medians.iter().zip(&networks)) {
            let more = 100.0 * (time / plain - 1.0);
            let numbers = [(STEP, "ms", time), (MORE, "%", more)];
            let of_row = if row == ROWS[0].0 { 1 } else { 2 };
            for (quantity, unit, value) in numbers.into_iter().take(of_row) {
                let claim = Claim::new(self.id(), row, quantity, unit);
                let record = Record {
                    parameters: Some(*count),
                    notes: self.deviations(scale),
                    ..Record::new(&claim, "noise", scale).value(seed, Some(value))
                };
                let folder = laboratory.folder().join(file_name(row));
                laboratory.keep(&folder.join(file_name(quantity)), &record)?;
            }
        }
        Ok(())
    }
}

/// Images (N, 3, side, side) and digits (N, 5).
fn noise(work: &Work, seed: u64, device: &Device) -> Result<(Tensor, Tensor)> {
    let mut draws = stream(seed, "overhead", 0);
    let mut values = vec![0f32; work.batch * 3 * work.side * work.side];
    draws.fill_uniform(&mut values);
    let labels: Vec<u32> = (0..work.batch * 5)
        .map(|_| draws.below(11) as u32)
        .collect();
    let xs = Tensor::from_vec(values, (work.batch, 3, work.side, work.side), device)?;
    Ok((xs, Tensor::from_vec(labels, (work.batch, 5), device)?))
}

/// Milliseconds of a forward and a backward pass.
fn step(network: &HouseNumberNet, xs: &Tensor, labels: &Tensor) -> Result<f64> {
    let begun = Instant::now();
    let loss = sequence_loss(&network.forward_t(xs, true)?, labels)?;
    let gradients = loss.backward()?;
    // A device that works on its own must be done before the clock is read.
    loss.device().synchronize()?;
    drop(gradients);
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// The middle value; between the two middle ones for an even number.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => f64::NAN,
        (Some(&value), 1) => value,
        (Some(&value), _) => (value + values[middle - 1]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
