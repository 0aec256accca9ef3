//! One training step.

use super::super::console::Task;
use super::super::objective::scalar;
use super::super::stopwatch::Stopwatch;
use super::super::{Evaluation, TrainError};
use super::session::Session;
use crate::data::Batch;

impl Session<'_> {
    /// Trains on one batch.
    pub(super) fn step(&mut self, batch: &Batch, task: &mut Task) -> Result<(), TrainError> {
        let stopwatch = Stopwatch::start();
        let step = self.position.step;
        let factor = self.rate_factor(step);
        let lr = self.optimizer.lr() * factor;
        let loss = self.objective.loss(batch)?;
        let value = scalar(&loss.total)?;
        if !value.is_finite() {
            return Err(TrainError::NotFinite {
                loss: value as f32,
                step: step + 1,
                epoch: self.position.epoch + 1,
                lr,
            });
        }
        self.optimizer.step(&loss.total.backward()?, factor)?;

        let images = batch.labels.elem_count() as u64;
        let terms = loss.term_values()?;
        let labels = loss.labels.as_ref().unwrap_or(&batch.labels);
        let scores = loss
            .logits
            .map(|logits| Evaluation::of_scores(&logits.detach(), labels));
        let scores = scores.transpose()?;
        let seconds = stopwatch.seconds();
        self.position.step += 1;
        self.position.batch += 1;
        self.position.clock = self.objective.clock().step();
        self.position.log.steps += 1;
        self.position.log.images += images;
        self.position.log.train_seconds += seconds;
        let sums = &mut self.position.sums;
        sums.images += images;
        sums.loss += value * images as f64;
        sums.seconds += seconds;
        for (name, term) in terms {
            *sums.terms.entry(name).or_default() += term * images as f64;
        }
        if let Some(scores) = scores {
            sums.add_scores(&scores.mistakes);
            self.watch(scores.loss())?;
        }
        task.advance(images, || self.message(value));
        self.log_step(value, lr, images as f64 / seconds)
    }

    /// Fails if an update left weights that are not finite, which no later loss need show.
    pub(super) fn check_weights(&mut self) -> Result<(), TrainError> {
        for (name, var) in self.params.named() {
            // Zero times anything that is not finite is not a number.
            let zero = (var.as_detached_tensor() * 0.0)?.sum_all()?;
            if !scalar(&zero)?.is_finite() {
                self.log_note(&format!("{name} holds weights that are not finite"))?;
                return Err(TrainError::NotFinite {
                    loss: f32::NAN,
                    step: self.position.step,
                    epoch: self.position.epoch + 1,
                    lr: self.lr_of_last_step(),
                });
            }
        }
        Ok(())
    }

    /// What the optimizer's rate is multiplied by in `step` of the current epoch.
    pub(super) fn rate_factor(&self, step: u64) -> f64 {
        let schedule = &self.recipe.schedule;
        schedule.factor(step, self.steps_per_epoch, self.total_steps)
            * schedule.plateau_factor(&self.position.log.epochs)
    }
}
