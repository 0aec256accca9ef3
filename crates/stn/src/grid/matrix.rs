//! Affine parameters as matrices: composition and inverse, in the plane and in a volume.

use candle_core::{Result, Tensor, bail};
use striate::ops::cpu::dense;

use crate::host;

/// The transformation of two transformers in series; `first` is nearer to the input.
///
/// If the first makes V from U and the second makes W from V, one transformer with the result makes W from U:
/// `x_s = T_first(T_second(x_t))`, the product of the matrices in this order.
///
/// # Shapes
/// Both (N, 2, 3) or both (N, 3, 4); the result has the same shape.
///
/// # Gradient
/// To both.
///
/// # Errors
/// Other shapes.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let zoom = Tensor::new(&[[[0.5f32, 0.0, 0.0], [0.0, 0.5, 0.0]]], &Device::Cpu)?;
///     let shift = Tensor::new(&[[[1f32, 0.0, 1.0], [0.0, 1.0, 0.0]]], &Device::Cpu)?;
///     let both = stn::grid::compose(&zoom, &shift)?;
///     assert_eq!(both.to_vec3::<f32>()?, [[[0.5, 0.0, 0.5], [0.0, 0.5, 0.0]]]);
///     Ok(())
/// }
/// ```
pub fn compose(first: &Tensor, second: &Tensor) -> Result<Tensor> {
    const NAME: &str = "compose";
    let d = dimensions(NAME, first)?;
    if first.dims() != second.dims() {
        bail!(
            "{NAME}: the first transformations have shape {:?}, the second {:?}; both must be equal",
            first.dims(),
            second.dims()
        );
    }
    let (first, second) = (dense(NAME, first)?, dense(NAME, second)?);
    let (left, shift) = (first.narrow(2, 0, d)?, first.narrow(2, d, 1)?);
    let product = left.contiguous()?.matmul(&second)?;
    let moved = (product.narrow(2, d, 1)? + shift)?;
    Tensor::cat(&[product.narrow(2, 0, d)?, moved], 2)
}

/// The inverse of the transformation `theta`.
///
/// # Shapes
/// (N, 2, 3) or (N, 3, 4); the result has the same shape.
///
/// # Gradient
/// To theta.
///
/// # Errors
/// Another shape; a matrix without an inverse, with the index of its image.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let zoom = Tensor::new(&[[[0.5f32, 0.0, 0.25], [0.0, 0.5, 0.0]]], &Device::Cpu)?;
///     let out = stn::grid::inverse(&zoom)?;
///     assert_eq!(out.to_vec3::<f32>()?, [[[2.0, 0.0, -0.5], [0.0, 2.0, 0.0]]]);
///     Ok(())
/// }
/// ```
pub fn inverse(theta: &Tensor) -> Result<Tensor> {
    const NAME: &str = "inverse";
    let d = dimensions(NAME, theta)?;
    let theta = dense(NAME, theta)?;
    // a(i, j) is (N, 1, 1).
    let a = |i: usize, j: usize| theta.narrow(1, i % d, 1)?.narrow(2, j % d, 1);
    // The minor without row i and column j, with its sign.
    let cofactor = |i: usize, j: usize| -> Result<Tensor> {
        match (d, (i + j) % 2) {
            (2, 0) => a(i + 1, j + 1),
            (2, _) => a(i + 1, j + 1)?.neg(),
            // Cyclic indices carry the sign of a 3x3 cofactor.
            _ => {
                let main = a(i + 1, j + 1)?.mul(&a(i + 2, j + 2)?)?;
                main.sub(&a(i + 1, j + 2)?.mul(&a(i + 2, j + 1)?)?)
            }
        }
    };
    let mut determinant = a(0, 0)?.mul(&cofactor(0, 0)?)?;
    for j in 1..d {
        determinant = (determinant + a(0, j)?.mul(&cofactor(0, j)?)?)?;
    }
    let values: Vec<f64> = host::values(NAME, &determinant)?.flatten_all()?.to_vec1()?;
    if let Some(image) = values
        .iter()
        .position(|det| *det == 0.0 || !det.is_finite())
    {
        bail!(
            "{NAME}: the matrix of image {image} has determinant {}; it has no inverse",
            values[image]
        );
    }
    let rows = (0..d).map(|i| {
        let row = (0..d).map(|j| cofactor(j, i)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&row, 2)
    });
    let adjugate = Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 1)?;
    let left = adjugate.broadcast_div(&determinant)?;
    let shift = left.matmul(&theta.narrow(2, d, 1)?.contiguous()?)?.neg()?;
    Tensor::cat(&[left, shift], 2)
}

/// 2 for (N, 2, 3), 3 for (N, 3, 4).
fn dimensions(op: &str, theta: &Tensor) -> Result<usize> {
    match *theta.dims() {
        [_, 2, 3] => Ok(2),
        [_, 3, 4] => Ok(3),
        _ => bail!(
            "{op}: the affine parameters have shape {:?}; it must be (N, 2, 3) or (N, 3, 4)",
            theta.dims()
        ),
    }
}
