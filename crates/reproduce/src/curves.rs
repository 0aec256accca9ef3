//! The learning curves of an experiment's runs.

use lab::report::Plot;
use lab::train::TrainLog;

/// The histories of the runs of one experiment, each once.
#[derive(Default)]
pub(crate) struct Curves(Vec<Curve>);

struct Curve {
    label: String,
    seed: u64,
    log: TrainLog,
}

impl Curves {
    /// Adds the history of a run, unless it is there.
    pub(crate) fn add(&mut self, label: &str, seed: u64, log: &TrainLog) {
        if !self.of_row(label).iter().any(|(known, _)| *known == seed) {
            self.0.push(Curve {
                label: label.to_owned(),
                seed,
                log: log.clone(),
            });
        }
    }

    /// Seed and history of the runs of a row.
    pub(crate) fn of_row(&self, label: &str) -> Vec<(u64, TrainLog)> {
        let of_row = self.0.iter().filter(|curve| curve.label == label);
        of_row
            .map(|curve| (curve.seed, curve.log.clone()))
            .collect()
    }

    /// The test errors over the epochs; nothing unless a run has two epochs.
    pub(crate) fn plot(&self, title: &str, seeds: u64) -> Option<Plot> {
        let mut plot = Plot::new(title, "epoch", "test error, %");
        let mut drawn = false;
        for Curve { label, seed, log } in &self.0 {
            let label = match seeds {
                1 => label.clone(),
                _ => format!("{label}, seed {seed}"),
            };
            let curve = log.test_curve();
            drawn |= curve.len() > 1;
            plot = plot.line(label, curve);
        }
        drawn.then_some(plot)
    }
}
