//! Transformations that are linear in theta: T_theta(G) = theta * B with a fixed matrix B (section 3.2 of the paper).

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Result, Tensor};

/// A constant matrix in f64, with copies in the dtypes and on the devices that were asked for.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    master: Tensor,
    copies: Arc<Mutex<Vec<Tensor>>>,
}

impl Constant {
    /// The matrix with these values in row-major order.
    pub(super) fn new(values: Vec<f64>, shape: (usize, usize)) -> Result<Self> {
        Ok(Self {
            master: Tensor::from_vec(values, shape, &Device::Cpu)?,
            copies: Arc::default(),
        })
    }

    /// The matrix in the dtype and on the device of `like`.
    pub(super) fn like(&self, like: &Tensor) -> Result<Tensor> {
        let fits = |copy: &&Tensor| {
            copy.dtype() == like.dtype() && copy.device().same_device(like.device())
        };
        // Copies are only ever pushed whole, so a poisoned lock still guards valid data.
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = copies.iter().find(fits) {
            return Ok(copy.clone());
        }
        let copy = self
            .master
            .to_dtype(like.dtype())?
            .to_device(like.device())?;
        copies.push(copy.clone());
        Ok(copy)
    }
}

/// Runs `f` in the dtype for transformations of `theta`: half precision is computed in f32.
pub(super) fn in_float(
    theta: &Tensor,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    match theta.dtype() {
        DType::F16 | DType::BF16 => f(&theta.to_dtype(DType::F32)?)?.to_dtype(theta.dtype()),
        _ => f(theta),
    }
}
