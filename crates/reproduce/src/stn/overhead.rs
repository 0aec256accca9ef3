//! Section 4.2: what a training step costs with no, one and four transformers.
//!
//! Expected: four transformers make a step 6 % slower.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::ModuleT;
use lab::report::{Claim, Finding, Mark, Note, Record, Relation, Scales, file_name};
use stn::networks::{HouseNumberConfig, HouseNumberNet, Placement, sequence_loss};
use striate::Parameters;
use striate::rng::stream;

use super::setup::MNIST;
use crate::experiment::{Experiment, Row};
use crate::images::Data;
use crate::planned::Planned;
use crate::session::Session;

/// The rows: name and place of the transformers.
const ROWS: [(&str, Placement); 3] = [
    ("CNN", Placement::None),
    ("ST-CNN Single", Placement::Single),
    ("ST-CNN Multi", Placement::Multi),
];
const STEP: (&str, &str) = ("training step", "ms");
const MORE: (&str, &str) = ("time over the CNN", "%");

/// Sizes and repetitions of a measurement.
struct Work {
    side: usize,
    width: f64,
    batch: usize,
    rounds: usize,
}

const WORK: Scales<Work> = Scales::new(
    Work {
        side: 64,
        width: 1.0,
        batch: 128,
        rounds: 20,
    },
    Work {
        side: 64,
        width: 1.0,
        batch: 16,
        rounds: 10,
    },
    Work {
        side: 64,
        width: 0.25,
        batch: 16,
        rounds: 12,
    },
    Work {
        side: 16,
        width: 0.05,
        batch: 2,
        rounds: 2,
    },
);

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::new(
    "Four transformers make a training step little slower (this project's limit: twice the \
     paper's 6 %).",
    "Sec. 4.2",
    MORE.0,
    Relation::AtMost {
        row: "ST-CNN Multi",
        limit: 12.0,
    },
)];

// Time does not depend on what the images show: they are noise, and the digits only say that nothing is needed.
pub(crate) const OVERHEAD: Experiment = Experiment::new(
    "stn/overhead",
    "what transformers cost in time",
    Data {
        stand_in: Scales::all(Some("mnist")),
        ..MNIST
    },
    rows,
)
.findings(FINDINGS)
.notes(&[Note::new(
    "The paper does not say what it timed on. A step is a forward and a backward \
     pass without the optimizer; the time is the median of rounds, in each of which \
     every network takes one step.",
)])
.of_one_seed()
.run(measure);

fn rows() -> Vec<Row> {
    let [cnn, single, multi] = ROWS.map(|(row, _)| Row::untrained(row).measured(STEP));
    vec![
        cnn,
        single.measured(MORE),
        multi.number(MORE, 6.0, Mark::Verified, "Sec. 4.2"),
    ]
}

/// The work of a step, as a note.
fn described(work: &Work) -> String {
    let Work {
        side,
        width,
        batch,
        rounds,
    } = work;
    format!("{batch} images of {side}x{side} noise, {width} of the paper's width, {rounds} rounds.")
}

fn measure(session: &mut Session, _: &[Planned]) -> Result<()> {
    let scale = session.scale();
    let device = session.device().clone();
    let work = WORK.at(scale);
    let seed = session.settings.seed;
    let networks = ROWS.map(|(_, placement)| {
        let config = HouseNumberConfig {
            width: work.width,
            ..HouseNumberConfig::paper(work.side, placement)
        };
        let parameters = Parameters::new(seed, DType::F32, &device);
        HouseNumberNet::new(&config, parameters.builder())
            .map(|network| (network, parameters.count()))
    });
    let networks: Vec<_> = networks.into_iter().collect::<candle_core::Result<_>>()?;
    let (xs, labels) = noise(work, seed, &device)?;
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
        let numbers = [(STEP, time), (MORE, more)];
        let of_row = if row == ROWS[0].0 { 1 } else { 2 };
        for ((quantity, unit), value) in numbers.into_iter().take(of_row) {
            let claim = Claim::new(session.id(), row, quantity, unit);
            let notes = OVERHEAD.notes.iter().map(Note::text);
            let record = Record {
                parameters: Some(*count),
                notes: [described(work)].into_iter().chain(notes).collect(),
                ..Record::new(&claim, "noise", scale).value(seed, Some(value))
            };
            let folder = PathBuf::from(file_name(row)).join(file_name(quantity));
            session.keep(&folder, &record)?;
        }
    }
    Ok(())
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
