//! One training run: stochastic gradient descent with momentum, the schedule of the recipe, the test error of every epoch.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor};
use lab::data::{Augment, Batches, FloatSet, Preprocess};
use serde::Serialize;
use striate::{Initializer, Network, Parameters, cross_entropy, upsample_nearest2d};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Recipe {
    /// Passes over the training images.
    pub(crate) epochs: usize,
    /// Images in one step.
    pub(crate) batch_size: usize,
    /// Learning rates; with several, the best on held-out training images is taken.
    pub(crate) learning_rates: Vec<f64>,
    /// Momentum.
    pub(crate) momentum: f64,
    /// L2 penalty on every tensor.
    pub(crate) weight_decay: f64,
    /// Fractions of the run after which the rate falls to a tenth.
    pub(crate) milestones: Vec<f64>,
    /// Steps in which the rate rises from 0.
    pub(crate) warmup_steps: usize,
    /// Training images; all unless set.
    pub(crate) train_images: Option<usize>,
    /// Test images; all unless set.
    pub(crate) test_images: Option<usize>,
    /// Draw of the weights.
    pub(crate) initializer: Initializer,
    /// Bytes to numbers.
    pub(crate) preprocess: Preprocess,
    /// Changes to the training images.
    pub(crate) augment: Augment,
    /// A larger image that the image is put into.
    pub(crate) canvas: Option<Canvas>,
}

/// Enlarges an image by whole pixels and puts it in the middle of a square of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Canvas {
    /// Side of the square.
    pub(crate) side: usize,
    /// Factor of the enlargement.
    pub(crate) scale: usize,
}

impl Canvas {
    fn place(self, xs: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        let (big_h, big_w) = (h * self.scale, w * self.scale);
        if big_h > self.side || big_w > self.side {
            bail!(
                "an image of {h}x{w}, enlarged {} times, does not fit into {}x{}; use smaller images",
                self.scale,
                self.side,
                self.side
            );
        }
        let xs = upsample_nearest2d(xs, (self.scale, self.scale))?;
        let (top, left) = ((self.side - big_h) / 2, (self.side - big_w) / 2);
        let xs = xs.pad_with_zeros(2, top, self.side - big_h - top)?;
        Ok(xs.pad_with_zeros(3, left, self.side - big_w - left)?)
    }
}

/// What one epoch brought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Epoch {
    /// Number of the epoch, from 1.
    pub(crate) epoch: usize,
    /// Mean training loss.
    pub(crate) loss: f64,
    /// Test error in percent.
    pub(crate) error: f64,
    /// Learning rate of the last step.
    pub(crate) learning_rate: f64,
}

/// Trains `network` and returns one entry an epoch.
///
/// # Errors
/// A loss that is not a number, and those of the network and the data.
pub(crate) fn train(
    network: &dyn Network,
    parameters: &Parameters,
    (train, test): (&FloatSet, &FloatSet),
    (recipe, learning_rate): (&Recipe, f64),
    seed: u64,
    mut on_epoch: impl FnMut(&Epoch),
) -> Result<Vec<Epoch>> {
    let device = parameters.device();
    let steps_per_epoch = train.len().div_ceil(recipe.batch_size);
    let total = steps_per_epoch * recipe.epochs;
    let mut sgd = Sgd::new(parameters, recipe)?;
    let mut log = Vec::with_capacity(recipe.epochs);
    network.clock().seek(seed, 0);
    let mut step = 0;
    for epoch in 0..recipe.epochs {
        let mut sum = 0.0;
        let mut rate = learning_rate;
        let batches = Batches::train(
            train,
            recipe.batch_size,
            &recipe.augment,
            seed,
            epoch as u64,
            device,
        )?;
        for batch in batches {
            let batch = batch?;
            rate = learning_rate * factor(recipe, step, total);
            let logits = network.forward_t(&place(&batch.xs, recipe)?, true)?;
            let loss = cross_entropy(&logits, &batch.labels)?;
            let value = loss.to_scalar::<f32>()?;
            if !value.is_finite() {
                bail!(
                    "the loss is {value} in step {} at learning rate {rate}; use a smaller one",
                    step + 1
                );
            }
            sum += f64::from(value) * batch.labels.elem_count() as f64;
            sgd.step(&loss, rate)?;
            step += 1;
        }
        let entry = Epoch {
            epoch: epoch + 1,
            loss: sum / train.len() as f64,
            error: test_error(network, test, recipe, device)?,
            learning_rate: rate,
        };
        on_epoch(&entry);
        log.push(entry);
    }
    Ok(log)
}

fn place(xs: &Tensor, recipe: &Recipe) -> Result<Tensor> {
    match recipe.canvas {
        Some(canvas) => canvas.place(xs),
        None => Ok(xs.clone()),
    }
}

/// What the learning rate is multiplied by in `step` of `total`.
fn factor(recipe: &Recipe, step: usize, total: usize) -> f64 {
    let passed = |fraction: &&f64| step as f64 >= **fraction * total as f64;
    let fall = 0.1f64.powi(recipe.milestones.iter().filter(passed).count() as i32);
    let rise = (step + 1) as f64 / recipe.warmup_steps.max(1) as f64;
    fall * rise.min(1.0)
}

/// Test error in percent.
fn test_error(
    network: &dyn Network,
    test: &FloatSet,
    recipe: &Recipe,
    device: &Device,
) -> Result<f64> {
    let mut wrong = 0usize;
    for batch in Batches::eval(test, 250, device)? {
        let batch = batch?;
        let logits = network.forward_t(&place(&batch.xs, recipe)?, false)?;
        let answers: Vec<u32> = logits.argmax(1)?.to_vec1()?;
        let labels: Vec<u32> = batch.labels.to_vec1()?;
        wrong += answers.iter().zip(&labels).filter(|(a, b)| a != b).count();
    }
    Ok(100.0 * wrong as f64 / test.len() as f64)
}

/// `v = momentum * v + g + weight_decay * w`, `w = w - rate * v`.
struct Sgd {
    momentum: f64,
    weight_decay: f64,
    state: Vec<(candle_core::Var, Tensor)>,
}

impl Sgd {
    fn new(parameters: &Parameters, recipe: &Recipe) -> Result<Self> {
        let vars = parameters.named().into_iter();
        let state = vars.map(|(_, var)| Ok((var.clone(), var.zeros_like()?)));
        Ok(Self {
            momentum: recipe.momentum,
            weight_decay: recipe.weight_decay,
            state: state.collect::<Result<_>>()?,
        })
    }

    fn step(&mut self, loss: &Tensor, rate: f64) -> Result<()> {
        let grads = loss.backward()?;
        for (var, velocity) in &mut self.state {
            let Some(grad) = grads.get(var.as_tensor()) else {
                continue;
            };
            let weight = var.as_detached_tensor();
            let push = (grad.detach() + (&weight * self.weight_decay)?)?;
            *velocity = ((&*velocity * self.momentum)? + push)?;
            var.set(&(weight - (&*velocity * rate)?)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls() {
        let recipe = Recipe {
            epochs: 1,
            batch_size: 1,
            learning_rates: vec![1.0],
            momentum: 0.9,
            weight_decay: 0.0,
            milestones: vec![0.5, 0.75],
            warmup_steps: 4,
            train_images: None,
            test_images: None,
            initializer: Initializer::kaiming(),
            preprocess: Preprocess::UnitRange,
            augment: Augment::NONE,
            canvas: None,
        };
        let factors: Vec<f64> = [0, 3, 49, 50, 75]
            .map(|step| factor(&recipe, step, 100))
            .to_vec();
        for (found, wanted) in factors.iter().zip([0.25, 1.0, 1.0, 0.1, 0.01]) {
            assert!((found - wanted).abs() < 1e-12, "{factors:?}");
        }
    }

    #[test]
    fn a_canvas_centers() -> Result<()> {
        let xs = Tensor::ones((1, 1, 2, 1), candle_core::DType::F32, &Device::Cpu)?;
        let ys = Canvas { side: 6, scale: 2 }.place(&xs)?;
        assert_eq!(ys.dims(), [1, 1, 6, 6]);
        assert_eq!(ys.sum_all()?.to_scalar::<f32>()?, 8.0);
        assert_eq!(
            ys.narrow(2, 1, 4)?
                .narrow(3, 2, 2)?
                .sum_all()?
                .to_scalar::<f32>()?,
            8.0
        );
        assert!(Canvas { side: 3, scale: 2 }.place(&xs).is_err());
        Ok(())
    }
}
