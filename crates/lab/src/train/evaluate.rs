//! Loss and error of class scores, on the host and in f64.

use candle_core::{D, DType, Device, Tensor};

use super::{Mistakes, Objective, TrainError};
use crate::data::{Batches, FloatSet, UNLABELLED};

/// How well a set is classified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The images whose highest score is not their label's.
    pub mistakes: Mistakes,
    /// Sum over the images of the negative log-likelihood of the label under softmax(scores).
    pub loss_sum: f64,
}

impl Evaluation {
    /// Share of the images that are classified wrongly, in percent.
    pub fn error(&self) -> f64 {
        100.0 * self.mistakes.count() as f64 / self.images()
    }

    /// Mean negative log-likelihood.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.images()
    }

    fn images(&self) -> f64 {
        self.mistakes.images().max(1) as f64
    }

    /// What the scores (N, K) of one batch say. Among equal scores the first class is chosen.
    ///
    /// Scores (N, D, K) with labels (N, D) are those of sequences: an image is wrong if one of its D classes is.
    pub(super) fn of_scores(scores: &Tensor, labels: &Tensor) -> candle_core::Result<Self> {
        let places = match (scores.dims(), labels.dims()) {
            ([n, _], [labels]) if n == labels => 1,
            ([n, d, _], [labels, of_each]) if (n, d) == (labels, of_each) && *d > 0 => *d,
            (scores, labels) => candle_core::bail!(
                "evaluate: scores of shape {scores:?} with labels of shape {labels:?}; (N, K) and (N), or (N, D, K) and (N, D) are wanted"
            ),
        };
        let classes = scores.dim(D::Minus1)?;
        let scores = scores.reshape(((), classes))?;
        let scores = scores.to_dtype(DType::F64)?.to_vec2::<f64>()?;
        let labels = labels.flatten_all()?.to_vec1::<u32>()?;
        let mut sum = Self::default();
        for (scores, labels) in scores.chunks(places).zip(labels.chunks(places)) {
            let mut right = true;
            for (scores, &label) in scores.iter().zip(labels) {
                let (hit, loss) = score(scores, label)?;
                right &= hit;
                sum.loss_sum += loss;
            }
            sum.mistakes.extend([!right]);
        }
        Ok(sum)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.mistakes.extend(other.mistakes.iter());
        self.loss_sum += other.loss_sum;
    }
}

/// Whether the label has the highest score, and its negative log-likelihood.
fn score(scores: &[f64], label: u32) -> candle_core::Result<(bool, f64)> {
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
    // A score that is not a number is never the right answer.
    let right = best_class == label as usize && own.is_finite();
    Ok((right, best + partition.ln() - own))
}

/// Classifies a whole set, in evaluation mode; `None` if `goes_on`, which is asked before every batch, says no.
///
/// # Errors
/// An empty set, a batch size of 0, what the network refuses, or what `goes_on` fails with.
pub fn evaluate(
    objective: &dyn Objective,
    set: &FloatSet,
    batch_size: usize,
    device: &Device,
    mut goes_on: impl FnMut() -> Result<bool, TrainError>,
) -> Result<Option<Evaluation>, TrainError> {
    let mut sum = Evaluation::default();
    for batch in Batches::eval(set, batch_size, device)? {
        if !goes_on()? {
            return Ok(None);
        }
        let batch = batch?;
        let scores = objective.predict(&batch.xs)?.detach();
        let labels = objective.targets(&batch.labels)?;
        sum.add(Evaluation::of_scores(&scores, &labels)?);
    }
    Ok(Some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        let scores = Tensor::new(&[[0f32, 0.0, 0.0], [1.0, 3.0, 2.0]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32, 2], &Device::Cpu).unwrap();
        let sum = Evaluation::of_scores(&scores, &labels).unwrap();
        assert_eq!(sum.mistakes, Mistakes::from_iter([false, true]));
        assert_eq!(sum.error(), 50.0);
        let second = ((-2f64).exp() + 1.0 + (-1f64).exp()).ln() + 1.0;
        assert!((sum.loss_sum - (3f64.ln() + second)).abs() < 1e-12);
    }

    #[test]
    fn a_sequence_is_right_if_all_of_it_is() {
        let scores = [
            [[3f32, 1.0, 2.0], [0.0, 0.0, 5.0]],
            [[3.0, 1.0, 2.0], [0.0, 9.0, 5.0]],
        ];
        let scores = Tensor::new(&scores, &Device::Cpu).unwrap();
        let labels = Tensor::new(&[[0u32, 2], [0, 2]], &Device::Cpu).unwrap();
        let sum = Evaluation::of_scores(&scores, &labels).unwrap();
        assert_eq!(sum.mistakes, Mistakes::from_iter([false, true]));
        // The loss is the sum over the places, as if each were an image.
        let (scores, labels) = (scores.reshape((4, 3)), labels.flatten_all());
        let apart = Evaluation::of_scores(&scores.unwrap(), &labels.unwrap()).unwrap();
        let last_is_wrong = Mistakes::from_iter([false, false, false, true]);
        assert_eq!(apart.mistakes, last_is_wrong);
        assert!((sum.loss_sum - apart.loss_sum).abs() < 1e-12);
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
        let pair = Tensor::new(&[0u32, 1], &Device::Cpu).unwrap();
        let text = Evaluation::of_scores(&scores, &pair)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("scores of shape [1, 3] with labels of shape [2]"),
            "{text}"
        );
        let unlabelled = Tensor::new(&[UNLABELLED], &Device::Cpu).unwrap();
        let error = Evaluation::of_scores(&scores, &unlabelled).unwrap_err();
        assert!(
            error.to_string().contains("an image without a label"),
            "{error}"
        );
    }
}
