//! Numbers that an optimizer keeps for one tensor, and access to a variable's own numbers.

use std::cell::Cell;

use candle_core::{
    CpuStorage, DType, Device, InplaceOp2, Layout, Result, Tensor, Var, WithDType, bail,
};
use rayon::prelude::*;

/// Elements that one task updates: large enough to be worth a task, small enough to share out.
pub(super) const CHUNK: usize = 1 << 15;

/// State of the shape of one parameter.
#[derive(Clone, Debug)]
pub(super) enum Buffer {
    /// On the host, for the update in place.
    F32(Vec<f32>),
    /// On the host, for the update in place.
    F64(Vec<f64>),
    /// Wherever the parameter is, for the composed update; half precision is kept as `f32`.
    Tensor(Tensor),
}

/// Whether a variable is updated in place.
pub(super) fn in_place(var: &Var) -> bool {
    var.device().is_cpu() && matches!(var.dtype(), DType::F32 | DType::F64) && var.is_contiguous()
}

/// The dtype that updates of a variable are computed in.
pub(super) fn compute_dtype(var: &Var) -> DType {
    match var.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

impl Buffer {
    /// Zeros for a variable.
    pub(super) fn zeros(var: &Var) -> Result<Self> {
        Ok(match (in_place(var), var.dtype()) {
            (true, DType::F64) => Self::F64(vec![0.0; var.elem_count()]),
            (true, _) => Self::F32(vec![0.0; var.elem_count()]),
            _ => Self::Tensor(Tensor::zeros(
                var.shape(),
                compute_dtype(var),
                var.device(),
            )?),
        })
    }

    /// The values of a tensor that has been saved, for a variable.
    pub(super) fn from_tensor(tensor: &Tensor, var: &Var) -> Result<Self> {
        let flat = || tensor.flatten_all();
        Ok(match (in_place(var), var.dtype()) {
            (true, DType::F64) => Self::F64(flat()?.to_vec1()?),
            (true, _) => Self::F32(flat()?.to_vec1()?),
            _ => Self::Tensor(tensor.to_device(var.device())?),
        })
    }

    /// The values as a tensor on the CPU.
    pub(super) fn to_tensor(&self, var: &Var) -> Result<Tensor> {
        match self {
            Self::F32(values) => Tensor::from_slice(values, var.shape(), &Device::Cpu),
            Self::F64(values) => Tensor::from_slice(values, var.shape(), &Device::Cpu),
            Self::Tensor(tensor) => tensor.to_device(&Device::Cpu),
        }
    }

    /// The values as a tensor where the variable is, for the composed update.
    pub(super) fn as_tensor(&self) -> Result<&Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor),
            _ => bail!("optimizer: the state is on the host, but the parameter is not"),
        }
    }
}

/// f32 or f64.
pub(super) trait Float: WithDType {
    /// 0.
    const ZERO: Self;
    /// The smallest positive number that is not subnormal.
    const SMALLEST_NORMAL: Self;
    /// The buffer's values, if they are of this type.
    fn values(buffer: &mut Buffer) -> Option<&mut [Self]>;
    /// The values in a storage on the CPU, if they are of this type.
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
    /// The square root.
    fn sqrt(self) -> Self;
}

impl Float for f32 {
    const ZERO: Self = 0.0;
    const SMALLEST_NORMAL: Self = Self::MIN_POSITIVE;

    fn values(buffer: &mut Buffer) -> Option<&mut [Self]> {
        match buffer {
            Buffer::F32(values) => Some(values),
            _ => None,
        }
    }

    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        match storage {
            CpuStorage::F32(values) => Some(values),
            _ => None,
        }
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Float for f64 {
    const ZERO: Self = 0.0;
    const SMALLEST_NORMAL: Self = Self::MIN_POSITIVE;

    fn values(buffer: &mut Buffer) -> Option<&mut [Self]> {
        match buffer {
            Buffer::F64(values) => Some(values),
            _ => None,
        }
    }

    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        match storage {
            CpuStorage::F64(values) => Some(values),
            _ => None,
        }
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

/// The number, or 0 for a subnormal one; NaN stays NaN.
///
/// Where there is neither gradient nor decay, as in units that no image reaches, what an optimizer keeps
/// would be subnormal after some hundred steps.
#[inline(always)]
pub(super) fn normal_or_zero<T: Float>(x: T) -> T {
    let subnormal = x < T::SMALLEST_NORMAL && x > T::ZERO - T::SMALLEST_NORMAL;
    if subnormal { T::ZERO } else { x }
}

/// Calls `update` with a variable's values, its gradient and `N` buffers, chunk by chunk, on all threads.
pub(super) fn update_in_place<T: Float, const N: usize>(
    var: &Var,
    grad: &Tensor,
    buffers: [&mut Buffer; N],
    update: impl Fn(&mut [T], &[T], [&mut [T]; N]) + Sync,
) -> Result<()> {
    let Some(state) = all(buffers.map(T::values)) else {
        bail!("optimizer: the state is not {:?}", T::DTYPE)
    };
    if grad.shape() != var.shape() {
        let (got, wanted) = (grad.shape(), var.shape());
        bail!("optimizer: a gradient has shape {got:?}, its parameter {wanted:?}")
    }
    let whole = |values: &mut [T], grads: &[T]| {
        let mut tasks = Vec::with_capacity(values.len().div_ceil(CHUNK));
        let mut chunks = state.map(|values| values.chunks_mut(CHUNK));
        for (values, grads) in values.chunks_mut(CHUNK).zip(grads.chunks(CHUNK)) {
            let parts = all(chunks.each_mut().map(Iterator::next));
            tasks.extend(parts.map(|parts| (values, grads, parts)));
        }
        let run = |(values, grads, parts)| update(values, grads, parts);
        match tasks.len() {
            0 | 1 => tasks.into_iter().for_each(run),
            _ => tasks.into_par_iter().for_each(run),
        }
    };
    let access = Access::<T, _> {
        work: Cell::new(Some(whole)),
        marker: std::marker::PhantomData,
    };
    var.inplace_op2(&grad.contiguous()?, &access)
}

fn all<X, const N: usize>(items: [Option<X>; N]) -> Option<[X; N]> {
    let items: Option<Vec<X>> = items.into_iter().collect();
    items?.try_into().ok()
}

/// Hands the slices of a variable and its gradient to a closure.
struct Access<T, F> {
    work: Cell<Option<F>>,
    marker: std::marker::PhantomData<T>,
}

impl<T: Float, F: FnOnce(&mut [T], &[T])> InplaceOp2 for Access<T, F> {
    fn name(&self) -> &'static str {
        "optimizer"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        values_layout: &Layout,
        grads: &CpuStorage,
        grads_layout: &Layout,
    ) -> Result<()> {
        let (Some((from, to)), Some((grads_from, grads_to))) = (
            values_layout.contiguous_offsets(),
            grads_layout.contiguous_offsets(),
        ) else {
            bail!("optimizer: parameters and gradients must be contiguous")
        };
        let Some(values) = T::slice_mut(values) else {
            bail!("optimizer: the parameter is not {:?}", T::DTYPE)
        };
        let grads = &grads.as_slice::<T>()?[grads_from..grads_to];
        if let Some(work) = self.work.take() {
            work(&mut values[from..to], grads);
        }
        Ok(())
    }
}
