//! Softmax and negative log-likelihood in one pass.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor, bail};

use super::class_labels::class_labels;
use super::cpu::{Values, for_float, in_float, owned, slice, tensor};
use crate::kernels;

const NAME: &str = "cross_entropy";

/// The mean negative log-likelihood of `labels` under softmax(`logits`): mean over n of `-ln softmax(z[n])[label[n]]`.
///
/// # Shapes
/// `logits` (N, K), `labels` u32 or i64 (N), every label below K; the result is a scalar.
///
/// # Gradient
/// (softmax(z) - onehot(label)) / N with respect to the logits, none with respect to the labels.
///
/// # Errors
/// Other shapes or dtypes, an empty batch, a label that is not below K.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let logits = Tensor::new(&[[0f32, 0.0], [0.0, 0.0]], &Device::Cpu)?;
///     let labels = Tensor::new(&[0u32, 1], &Device::Cpu)?;
///     let loss = striate::cross_entropy(&logits, &labels)?.to_scalar::<f32>()?;
///     assert!((loss - 2f32.ln()).abs() < 1e-6);
///     Ok(())
/// }
/// ```
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let [rows, classes] = *logits.dims() else {
        bail!(
            "{NAME}: the logits have shape {:?}; it must be (N, K)",
            logits.dims()
        );
    };
    if rows == 0 || classes == 0 {
        bail!(
            "{NAME}: the logits have shape {:?}; the mean needs at least one row and one class",
            logits.dims()
        );
    }
    if labels.dims() != [rows] {
        bail!(
            "{NAME}: the labels have shape {:?}; for logits of shape {:?} it must be [{rows}]",
            labels.dims(),
            logits.dims()
        );
    }
    let labels = class_labels(labels)?;
    in_float(NAME, logits, |logits| match logits.device() {
        Device::Cpu => logits.apply_op2(&labels, CrossEntropy { classes }),
        _ => candle_nn::loss::cross_entropy(logits, &labels),
    })
}

struct CrossEntropy {
    classes: usize,
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        logits_layout: &Layout,
        labels: &CpuStorage,
        labels_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let labels = slice::<u32>(labels, labels_layout)?;
        let classes = self.classes;
        if let Some(row) = labels.iter().position(|&label| label as usize >= classes) {
            bail!(
                "{NAME}: label {} in row {row} is not below the number of classes {classes}",
                labels[row]
            );
        }
        for_float!(NAME, logits.dtype(), F => {
            let logits = slice::<F>(logits, logits_layout)?;
            owned(vec![kernels::cross_entropy::forward(classes, logits, labels)], ())
        })
    }

    fn bwd(
        &self,
        logits: &Tensor,
        labels: &Tensor,
        _loss: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (z, labels) = (Values::of(logits)?, Values::of(labels)?);
        let dz = for_float!(NAME, logits.dtype(), F => {
            let g = g.to_scalar::<F>()?;
            let dz = kernels::cross_entropy::backward(self.classes, z.slice()?, labels.slice()?, g);
            tensor(dz, logits.shape())
        })?;
        Ok((Some(dz), None))
    }
}

#[cfg(test)]
mod tests;
