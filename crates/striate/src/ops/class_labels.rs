//! Class labels in the dtypes that data sets come with.

use candle_core::{DType, Result, Tensor, bail};

use super::cpu::dense;

/// Labels as u32, the dtype that the losses compute with; i64, PyTorch's dtype, is converted.
///
/// # Shapes
/// Any; the result has the same.
///
/// # Errors
/// Another dtype, an i64 that is negative or above `u32::MAX`.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let labels = Tensor::new(&[3i64, 0], &Device::Cpu)?;
///     assert_eq!(striate::ops::class_labels(&labels)?.to_vec1::<u32>()?, [3, 0]);
///     Ok(())
/// }
/// ```
pub fn class_labels(labels: &Tensor) -> Result<Tensor> {
    match labels.dtype() {
        DType::U32 => dense("labels", labels),
        DType::I64 => {
            let wide = dense("labels", labels)?.flatten_all()?.to_vec1::<i64>()?;
            let narrow = wide.iter().enumerate().map(|(row, &label)| {
                let narrow = u32::try_from(label);
                narrow.or_else(|_| bail!("labels: {label} in row {row} is no class"))
            });
            let narrow: Vec<u32> = narrow.collect::<Result<_>>()?;
            Tensor::from_vec(narrow, labels.shape(), labels.device())
        }
        other => bail!(
            "labels: their dtype is {other:?}; it must be u32 or i64, for example through to_dtype(DType::U32)"
        ),
    }
}
