//! An attribution as a picture.

use candle_core::{DType, Result, Tensor};

/// The attribution as values from 0 to 1, each image on its own: 0.5 + a / (2 max|a|).
///
/// So 0.5 is no influence, lighter is positive and darker negative, and the strongest value of an image is 0 or 1.
/// An image of zeros becomes 0.5 throughout.
/// The paper shows signed pictures normalized image by image and does not give its formula; this one is ours.
///
/// # Errors
/// Another rank than (N, C, H, W).
///
/// ```
/// use allconv::attribution::normalized;
/// use allconv::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let signal = Tensor::new(&[[[[-1f32, 0.0, 2.0]]], [[[0.0, 0.0, 0.0]]]], &Device::Cpu)?;
///     let values = normalized(&signal)?.flatten_all()?.to_vec1::<f32>()?;
///     assert_eq!(values, [0.25, 0.5, 1.0, 0.5, 0.5, 0.5]);
///     Ok(())
/// }
/// ```
pub fn normalized(signal: &Tensor) -> Result<Tensor> {
    let (n, _, _, _) = signal.dims4()?;
    let signal = signal.detach().to_dtype(DType::F32)?;
    let most: Vec<f32> = signal.abs()?.flatten_from(1)?.max(1)?.to_vec1()?;
    let factor = |most: f32| if most > 0.0 { 0.5 / most } else { 0.0 };
    let factors: Vec<f32> = most.into_iter().map(factor).collect();
    let factors = Tensor::from_vec(factors, (n, 1, 1, 1), signal.device())?;
    signal.broadcast_mul(&factors)? + 0.5
}
