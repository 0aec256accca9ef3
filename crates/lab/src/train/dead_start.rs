//! Detects a network that never starts to learn: its loss stays at `ln(classes)`, where guessing is.
//!
//! Deep plain networks do this when the first weights are too small, the learning rate is too high
//! or a ReLU on the class maps has died; see All-CNN's reproductions.

use serde::{Deserialize, Serialize};

/// A loss this close to `ln(classes)` says nothing about the classes.
const NEAR: f64 = 0.02;
/// The same of the loss over the last steps, which small batches scatter less.
const MEAN_NEAR: f64 = 0.01;
/// What a step adds to that mean.
const SHARE: f64 = 0.05;

/// Counts how long the loss has been at chance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct DeadStartWatch {
    /// Steps in a row, up to the last, at chance.
    at_chance: u64,
    /// Whether it has been said.
    said: bool,
    /// The loss over the last steps.
    #[serde(default)]
    mean: Option<f64>,
}

/// What the watch has to say after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing new.
    Nothing,
    /// The loss has been at chance for this many steps.
    Dead(u64),
    /// It was, and no longer is.
    Woke,
}

/// Steps at chance before it is said: a tenth of the run, within limits.
fn patience(total_steps: u64) -> u64 {
    (total_steps / 10).clamp(20, 200)
}

impl DeadStartWatch {
    /// Records the cross entropy of a step after the warm-up.
    pub(super) fn step(&mut self, loss: f64, classes: usize, total_steps: u64) -> Finding {
        let mean = self.mean.map_or(loss, |mean| mean + SHARE * (loss - mean));
        self.mean = Some(mean);
        let off = |loss: f64| (loss - chance(classes)).abs();
        if off(loss) > NEAR && off(mean) > MEAN_NEAR {
            self.at_chance = 0;
            return match std::mem::take(&mut self.said) {
                true => Finding::Woke,
                false => Finding::Nothing,
            };
        }
        self.at_chance += 1;
        if self.said || self.at_chance < patience(total_steps) {
            return Finding::Nothing;
        }
        self.said = true;
        Finding::Dead(self.at_chance)
    }

    /// Whether the loss is at chance and has been said to be.
    pub(super) fn is_dead(&self) -> bool {
        self.said
    }

    /// Whether the loss has been at chance for a tenth of the run, or for `epochs` epochs if that is shorter.
    pub(super) fn is_hopeless(&self, epochs: u64, steps_per_epoch: u64, total_steps: u64) -> bool {
        let long = (total_steps / 10).min(epochs * steps_per_epoch);
        self.said && self.at_chance >= long
    }
}

/// The loss of guessing.
pub(super) fn chance(classes: usize) -> f64 {
    (classes.max(1) as f64).ln()
}

/// The finding and its cure in one sentence.
pub(super) fn warning(steps: u64, classes: usize) -> String {
    format!(
        "dead start: the loss has stayed at ln({classes}) = {:.3}, the loss of guessing, for {steps} steps; \
         lower optimizer.lr, add schedule.warmup_epochs, draw the weights by Kaiming or Xavier, \
         or take the ReLU off the class maps",
        chance(classes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_is_said_once() {
        let mut watch = DeadStartWatch::default();
        let found: Vec<Finding> = (0..60).map(|_| watch.step(chance(10), 10, 300)).collect();
        assert_eq!(found[29], Finding::Dead(30));
        assert_eq!(found.iter().filter(|&&f| f == Finding::Nothing).count(), 59);
        assert!(watch.is_dead() && watch.is_hopeless(10, 100, 300));
        assert!(!watch.is_hopeless(10, 1000, 3000));
        // Two epochs of 30 steps are 60, a tenth of the run is 300.
        assert!(watch.is_hopeless(2, 30, 3000) && !watch.is_hopeless(10, 30, 3000));
        assert_eq!(watch.step(2.1, 10, 300), Finding::Woke);
        assert!(!watch.is_dead());
        assert_eq!(watch.step(2.1, 10, 300), Finding::Nothing);
    }

    #[test]
    fn a_slow_start_is_not_dead() {
        let mut watch = DeadStartWatch::default();
        for step in 0..1000 {
            // Around chance, but with the noise of a network that says something.
            let loss = 2.3 + if step % 2 == 0 { 0.05 } else { 0.001 };
            assert_eq!(watch.step(loss, 10, 300), Finding::Nothing);
        }
        assert!(!watch.is_dead());
    }

    #[test]
    fn the_scatter_of_small_batches_hides_nothing() {
        let mut watch = DeadStartWatch::default();
        // It diverged first, then fell back to guessing.
        for _ in 0..20 {
            assert_eq!(watch.step(3.5, 10, 300), Finding::Nothing);
        }
        for step in 0..200 {
            let scatter = if step % 2 == 0 { 0.06 } else { -0.06 };
            watch.step(chance(10) + scatter, 10, 300);
        }
        assert!(watch.is_dead());
        // The loss of a network that learns leaves at once.
        let learning: Vec<Finding> = (0..3).map(|_| watch.step(1.8, 10, 300)).collect();
        assert!(learning.contains(&Finding::Woke), "{learning:?}");
    }

    #[test]
    fn the_warning_names_the_cure() {
        let text = warning(30, 10);
        assert!(text.contains("ln(10) = 2.303") && text.contains("lower optimizer.lr"));
    }
}
