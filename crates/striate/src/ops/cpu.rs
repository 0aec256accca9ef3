//! The way between tensors and kernels: dtypes, strides and slices.

use std::ops::Range;

use candle_core::{
    CpuStorage, DType, Device, Error, Layout, Result, Shape, Storage, StorageRef, Tensor,
    WithDType, bail,
};

pub use super::rules::set_aside;
use crate::kernels::level::Level;
use crate::kernels::product;

/// Runs `body`, the call of a kernel, with `$float` standing for the element type of `$dtype`, f32 or f64,
/// and with the rules of the scope set aside.
macro_rules! for_float {
    ($op:expr, $dtype:expr, $float:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $float = f32;
                let _rules = $crate::ops::rules::set_aside();
                $body
            }
            candle_core::DType::F64 => {
                type $float = f64;
                let _rules = $crate::ops::rules::set_aside();
                $body
            }
            dtype => Err($crate::ops::cpu::unsupported_dtype($op, dtype)),
        }
    };
}

pub(super) use for_float;

/// Runs `op` on a contiguous f32 or f64 version of `xs`; f16 and bf16 are computed in f32 and rounded back.
pub fn in_float(
    name: &'static str,
    xs: &Tensor,
    op: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    match xs.dtype() {
        DType::F32 | DType::F64 => op(&checked(name, xs)?),
        DType::F16 | DType::BF16 => {
            op(&checked(name, xs)?.to_dtype(DType::F32)?)?.to_dtype(xs.dtype())
        }
        dtype => Err(unsupported_dtype(name, dtype)),
    }
}

/// A contiguous version of `xs`, about to be computed with.
///
/// # Errors
/// Those of [`dense`], and a vector level that this CPU does not have.
pub(super) fn checked(name: &'static str, xs: &Tensor) -> Result<Tensor> {
    if let Device::Cpu = xs.device() {
        // A level that cannot be followed is reported here, once for all kernels.
        Level::current().map_err(Error::wrap)?;
    }
    dense(name, xs)
}

/// A contiguous version of `xs`.
///
/// # Errors
/// A view of more elements than there is memory for: a broadcast one may claim any number.
pub fn dense(name: &'static str, xs: &Tensor) -> Result<Tensor> {
    let len = checked_len(name, xs.dims())?;
    if !xs.is_contiguous() {
        room(name, len, xs.dtype())?;
    }
    let converted = matches!(xs.dtype(), DType::F16 | DType::BF16);
    if converted && len == 0 && xs.layout().start_offset() > 0 {
        // Candle's conversion would look for the view's beginning after the end of its storage.
        return Tensor::zeros(xs.shape(), xs.dtype(), xs.device());
    }
    xs.contiguous()
}

/// The number of elements of a shape, which a view may claim without having them.
///
/// # Errors
/// More than memory can address.
pub fn checked_len(name: &'static str, dims: &[usize]) -> Result<usize> {
    product("a tensor", dims).map_err(|error| named(name, error))
}

/// `error` with the name of the op that met it.
pub fn named(name: &'static str, error: Error) -> Error {
    Error::Msg(format!("{name}: {error}")).bt()
}

/// Refuses a result of `len` elements for which there is no memory: to run out of it later would end the process.
///
/// # Errors
/// Memory that the system does not grant.
pub fn room(name: &'static str, len: usize, dtype: DType) -> Result<()> {
    /// Bytes that are not asked about.
    const SMALL: usize = 1 << 28;
    let bytes = len.saturating_mul(dtype.size_in_bytes());
    if bytes > SMALL && Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
        bail!("{name}: no memory for {len} elements of {dtype:?}; use smaller sizes");
    }
    Ok(())
}

/// The four sizes of `xs`, whose product memory can address.
///
/// # Errors
/// Another rank, maps without cells, sizes that are too large.
pub fn maps(name: &'static str, xs: &Tensor) -> Result<(usize, usize, usize, usize)> {
    match *xs.dims() {
        [n, c, h, w] if h > 0 && w > 0 => {
            checked_len(name, xs.dims())?;
            Ok((n, c, h, w))
        }
        [_, _, h, w] => {
            bail!("{name}: the input has maps of {h} x {w} cells; both must be at least 1")
        }
        _ => bail!(
            "{name}: the input has shape {:?}; it must be (N, C, H, W)",
            xs.dims()
        ),
    }
}

/// The values of a contiguous CPU tensor.
pub struct Values<'a> {
    storage: StorageRef<'a>,
    range: Range<usize>,
}

impl<'a> Values<'a> {
    /// Locks the storage of `tensor` for reading.
    ///
    /// # Errors
    /// A tensor that is not contiguous.
    pub fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let range = contiguous(layout)?;
        Ok(Self { storage, range })
    }

    /// The values as a slice of `T`.
    ///
    /// # Errors
    /// Another dtype or device.
    pub fn slice<T: WithDType>(&self) -> Result<&[T]> {
        match &*self.storage {
            Storage::Cpu(storage) => Ok(&storage.as_slice::<T>()?[self.range.clone()]),
            other => bail!(
                "expected a tensor on the CPU, found one on {:?}",
                other.device()
            ),
        }
    }
}

/// The values of a CPU storage as an op's forward pass receives it.
pub fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    Ok(&storage.as_slice::<T>()?[contiguous(layout)?])
}

/// A CPU storage that owns `values`.
pub fn owned<T: WithDType>(values: Vec<T>, shape: impl Into<Shape>) -> Result<(CpuStorage, Shape)> {
    Ok((T::to_cpu_storage_owned(values), shape.into()))
}

/// A CPU tensor that owns `values`.
pub fn tensor<T: WithDType>(values: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &Device::Cpu)
}

/// The error for a dtype that an op cannot compute with.
pub fn unsupported_dtype(op: &'static str, dtype: DType) -> Error {
    Error::Msg(format!(
        "{op}: dtype {dtype:?} is not supported; convert to f32 or f64 first, for example with to_dtype(DType::F32)"
    ))
    .bt()
}

/// The range of a contiguous layout.
fn contiguous(layout: &Layout) -> Result<Range<usize>> {
    match layout.contiguous_offsets() {
        // A view without elements may begin anywhere, even after the end of the storage.
        Some((start, end)) if start == end => Ok(0..0),
        Some((start, end)) => Ok(start..end),
        None => bail!(
            "expected a contiguous tensor, found strides {:?}",
            layout.stride()
        ),
    }
}
