//! The loss of a sequence of digits, each with a softmax of its own.

use candle_core::{D, Result, Tensor, bail};
use striate::cross_entropy;

/// The loss of a batch of numbers: the sum over the digits of the mean cross-entropies.
///
/// # Shapes
/// `logits` (N, digits, classes), `labels` u32 (N, digits); the result is a scalar.
///
/// # Errors
/// Other shapes; those of [`cross_entropy`].
pub fn sequence_loss(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let (n, digits, _) = match *logits.dims() {
        [n, digits, classes] if labels.dims() == [n, digits] => (n, digits, classes),
        _ => bail!(
            "sequence loss: the logits have shape {:?} and the labels {:?}; they must be (N, digits, classes) and (N, digits)",
            logits.dims(),
            labels.dims()
        ),
    };
    // The mean over all digits times their number is the sum over digits of the means over images.
    let flat = logits.reshape((n * digits, logits.dim(D::Minus1)?))?;
    cross_entropy(&flat, &labels.flatten_all()?)? * digits as f64
}
