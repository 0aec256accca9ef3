//! Loss and error of class scores, on the host and in f64.

use candle_core::{DType, Device, Tensor};

use super::{Objective, TrainError};
use crate::data::{Batches, FloatSet, UNLABELLED};

/// How well a set is classified.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Images.
    pub images: u64,
    /// Images whose highest score is not their label's.
    pub wrong: u64,
    /// Sum over the images of the negative log-likelihood of the label under softmax(scores).
    pub loss_sum: f64,
}

impl Evaluation {
    /// Share of the images that are classified wrongly, in percent.
    pub fn error(&self) -> f64 {
        100.0 * self.wrong as f64 / self.images.max(1) as f64
    }

    /// Mean negative log-likelihood.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.images.max(1) as f64
    }

    /// What the scores (N, K) of one batch say. Among equal scores the first class is chosen.
    pub(super) fn of_scores(scores: &Tensor, labels: &Tensor) -> candle_core::Result<Self> {
        let scores = scores.to_dtype(DType::F64)?.to_vec2::<f64>()?;
        let labels = labels.to_vec1::<u32>()?;
        let mut sum = Self::default();
        for (scores, &label) in scores.iter().zip(&labels) {
            if label == UNLABELLED {
                candle_core::bail!(
                    "evaluate: an image without a label; evaluate labelled images, or give the loss the labels of what it scores"
                )
            }
            let Some(&own) = scores.get(label as usize) else {
                candle_core::bail!(
                    "evaluate: label {label} with {} class scores; build the network for more classes",
                    scores.len()
                )
            };
            let (mut best, mut best_class) = (f64::NEG_INFINITY, 0);
            for (class, &score) in scores.iter().enumerate() {
                if score > best {
                    (best, best_class) = (score, class);
                }
            }
            let partition: f64 = scores.iter().map(|score| (score - best).exp()).sum();
            sum.images += 1;
            // A score that is not a number is never the right answer.
            sum.wrong += u64::from(best_class != label as usize || !own.is_finite());
            sum.loss_sum += best + partition.ln() - own;
        }
        Ok(sum)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.images += other.images;
        self.wrong += other.wrong;
        self.loss_sum += other.loss_sum;
    }
}

/// Classifies a whole set, in evaluation mode.
///
/// # Errors
/// An empty set, a batch size of 0, or what the network refuses.
pub fn evaluate(
    objective: &dyn Objective,
    set: &FloatSet,
    batch_size: usize,
    device: &Device,
) -> Result<Evaluation, TrainError> {
    let mut sum = Evaluation::default();
    for batch in Batches::eval(set, batch_size, device)? {
        let batch = batch?;
        let scores = objective.predict(&batch.xs)?.detach();
        sum.add(Evaluation::of_scores(&scores, &batch.labels)?);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        let scores = Tensor::new(&[[0f32, 0.0, 0.0], [1.0, 3.0, 2.0]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32, 2], &Device::Cpu).unwrap();
        let sum = Evaluation::of_scores(&scores, &labels).unwrap();
        assert_eq!((sum.images, sum.wrong, sum.error()), (2, 1, 50.0));
        let second = ((-2f64).exp() + 1.0 + (-1f64).exp()).ln() + 1.0;
        assert!((sum.loss_sum - (3f64.ln() + second)).abs() < 1e-12);
    }

    #[test]
    fn not_a_number_is_wrong() {
        let scores = Tensor::new(&[[f32::NAN, f32::NAN]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32], &Device::Cpu).unwrap();
        let sum = Evaluation::of_scores(&scores, &labels).unwrap();
        assert_eq!(sum.error(), 100.0);
    }

    #[test]
    fn errors() {
        let scores = Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap();
        let labels = Tensor::new(&[3u32], &Device::Cpu).unwrap();
        let text = Evaluation::of_scores(&scores, &labels)
            .unwrap_err()
            .to_string();
        assert!(text.contains("label 3 with 3 class scores"), "{text}");
        let unlabelled = Tensor::new(&[UNLABELLED], &Device::Cpu).unwrap();
        let error = Evaluation::of_scores(&scores, &unlabelled).unwrap_err();
        assert!(
            error.to_string().contains("an image without a label"),
            "{error}"
        );
    }
}
