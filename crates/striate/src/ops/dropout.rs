//! Dropout whose mask is recomputed from a seeded stream.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

use super::composed;
use super::cpu::{Values, for_float, in_float, maps, owned, slice, tensor};
use crate::kernels;
use crate::kernels::Real;
use crate::rng::{Stream, StreamKey};

const NAME: &str = "dropout";
const CHANNELS: &str = "channel_dropout";

/// Zeroes each value with probability `p` and scales the others by 1 / (1 - p), so that the expected value stays.
///
/// The mask is read from the position of `stream`, which does not move: the same stream gives the same mask.
/// It is never stored; the backward pass computes it again.
///
/// # Gradient
/// Passes where the value passed, scaled by the same factor.
///
/// # Errors
/// Integer dtypes; `p` outside 0 <= p < 1.
///
/// # Source
/// Srivastava et al. 2014.
///
/// ```
/// use striate::candle_core::{DType, Device, Result, Tensor};
/// use striate::{dropout, rng::stream};
/// fn main() -> Result<()> {
///     let xs = Tensor::ones(8, DType::F32, &Device::Cpu)?;
///     let ys = dropout(&xs, 0.5, &stream(1, "dropout/input", 0))?;
///     assert!(ys.to_vec1::<f32>()?.iter().all(|&y| y == 0.0 || y == 2.0));
///     Ok(())
/// }
/// ```
pub fn dropout(xs: &Tensor, p: f32, stream: &Stream) -> Result<Tensor> {
    apply(NAME, xs, p, stream, Unit::Element)
}

/// Zeroes each map of (N, C, H, W) with probability `p` and scales the others by 1 / (1 - p).
///
/// Mask, gradient and errors are those of [`dropout`].
///
/// # Source
/// Tompson et al. 2015 (SpatialDropout).
pub fn channel_dropout(xs: &Tensor, p: f32, stream: &Stream) -> Result<Tensor> {
    let (_, _, h, w) = maps(CHANNELS, xs)?;
    apply(CHANNELS, xs, p, stream, Unit::Map(h * w))
}

/// What is dropped as a whole.
#[derive(Clone, Copy)]
enum Unit {
    Element,
    /// A map with this number of cells.
    Map(usize),
}

fn apply(name: &'static str, xs: &Tensor, p: f32, stream: &Stream, unit: Unit) -> Result<Tensor> {
    let op = Dropout::new(name, p, stream, unit)?;
    in_float(name, xs, |xs| match xs.device() {
        _ if p == 0.0 => Ok(xs.clone()),
        Device::Cpu => xs.apply_op1(op),
        // The mask comes from the CPU: one stream for all devices.
        _ => composed::masked(xs, |ones| op.run(ones)),
    })
}

pub(super) struct Dropout {
    name: &'static str,
    p: f64,
    key: StreamKey,
    unit: Unit,
}

impl Dropout {
    fn new(name: &'static str, p: f32, stream: &Stream, unit: Unit) -> Result<Self> {
        if !(0.0..1.0).contains(&p) {
            bail!("{name}: p is {p}; it must be at least 0 and below 1");
        }
        Ok(Self {
            name,
            p: f64::from(p),
            key: stream.key(),
            unit,
        })
    }

    /// The op of [`dropout`].
    pub(super) fn of_elements(p: f32, stream: &Stream) -> Result<Self> {
        Self::new(NAME, p, stream, Unit::Element)
    }

    /// `x` under the mask, which is the gradient's way back too.
    pub(super) fn masked<F: Real>(&self, x: &[F]) -> Vec<F> {
        match self.unit {
            Unit::Element => kernels::dropout::elements(&self.key, self.p, x),
            Unit::Map(cells) => kernels::dropout::planes(&self.key, self.p, cells, x),
        }
    }

    /// `xs` under the mask, without a gradient.
    fn run(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = xs.contiguous()?;
        let values = Values::of(&xs)?;
        for_float!(self.name, xs.dtype(), F => {
            tensor(self.masked::<F>(values.slice()?), xs.shape())
        })
    }
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_float!(self.name, storage.dtype(), F => {
            owned(self.masked::<F>(slice(storage, layout)?), layout.shape())
        })
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        self.run(dy).map(Some)
    }
}

#[cfg(test)]
mod tests;
