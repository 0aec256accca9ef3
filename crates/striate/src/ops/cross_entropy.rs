//! Softmax and negative log-likelihood in one pass.

use candle_core::{Result, Tensor, bail};

/// The mean negative log-likelihood of `labels`, u32 (N), under softmax(`logits`), (N, K); a scalar.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let _ = labels;
    bail!("cross_entropy: not available yet for {:?}", logits.shape())
}
