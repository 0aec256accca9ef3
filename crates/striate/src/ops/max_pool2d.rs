//! Max pooling, with the position of each maximum if wanted.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

use super::composed;
use super::cpu::{Values, for_float, in_float, maps, named, owned, room, slice, tensor};
use super::pool_rule;
use super::rules::PoolRule;
use crate::kernels::{self, PoolShape};
use crate::kernels::{Lanes, Real};
use crate::window::Window2d;

const NAME: &str = "max_pool2d";

/// Where the maxima of a pooling came from.
#[doc(alias = "where")]
#[doc(alias = "argmax")]
#[doc(alias = "indices")]
#[derive(Clone, Debug)]
pub struct Switches {
    /// u32 (N, C, Ho, Wo): position h * W + w of each maximum in its map, padding not counted.
    pub indices: Tensor,
    /// Height and width of the maps that were pooled.
    pub source: (usize, usize),
}

/// The maximum of each window: y = max over the window's cells of x.
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C, Ho, Wo), where (Ho, Wo) is [`Window2d::output_size`].
///
/// # Convention
/// Padding never wins, cells of a dilated window are `dilation` apart, NaN wins over every number.
///
/// # Gradient
/// Goes to the maximum; of equal maxima to the first in row-major order; gradients of overlapping windows add up.
/// A scope of [`PoolRule`] can change this.
///
/// # Errors
/// Integer dtypes, another rank, a window that does not fit or lies in the padding alone.
///
/// ```
/// use striate::candle_core::{DType, Device, Result, Tensor};
/// use striate::{Window2d, max_pool2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::arange(0f32, 25.0, &Device::Cpu)?.reshape((1, 1, 5, 5))?;
///     let ys = max_pool2d(&xs, &Window2d::square(3).stride(2))?;
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [12.0, 14.0, 22.0, 24.0]);
///     Ok(())
/// }
/// ```
pub fn max_pool2d(xs: &Tensor, window: &Window2d) -> Result<Tensor> {
    in_float(NAME, xs, |xs| {
        let op = MaxPool::new(xs, window)?;
        match xs.device() {
            Device::Cpu => xs.apply_op1(op),
            _ => Ok(composed::max_pool2d(xs, PoolRule::composed(&op.shape)?)?.0),
        }
    })
}

/// The maximum of each window ("what") and where it was ("where").
///
/// The values, their gradient and the errors are those of [`max_pool2d`]; the switches carry no gradient.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351); Zeiler and Fergus 2014.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// use striate::{Window2d, max_pool2d_with_switches, max_unpool2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[1f32, 5.0, 2.0, 0.0], [3.0, 4.0, 8.0, 6.0]], &Device::Cpu)?;
///     let xs = xs.reshape((1, 1, 2, 4))?;
///     let (what, switches) = max_pool2d_with_switches(&xs, &Window2d::square(2).stride(2))?;
///     assert_eq!(switches.indices.flatten_all()?.to_vec1::<u32>()?, [1, 6]);
///     let back = max_unpool2d(&what, &switches, switches.source)?;
///     let back = back.flatten_all()?.to_vec1::<f32>()?;
///     assert_eq!(back, [0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 8.0, 0.0]);
///     Ok(())
/// }
/// ```
pub fn max_pool2d_with_switches(xs: &Tensor, window: &Window2d) -> Result<(Tensor, Switches)> {
    let place = SwitchesPlace::of(xs)?;
    let ys = in_float(NAME, xs, |xs| {
        let op = MaxPoolWithSwitches::new(xs, window, &place)?;
        match xs.device() {
            Device::Cpu => xs.apply_op1(op),
            _ => {
                let (ys, at) = composed::max_pool2d(xs, PoolRule::composed(&op.shape)?)?;
                place.indices.get_or_init(|| at);
                Ok(ys)
            }
        }
    })?;
    Ok((ys, place.switches()?))
}

/// Where a forward pass leaves its switches.
pub(super) struct SwitchesPlace {
    indices: Arc<OnceLock<Tensor>>,
    source: (usize, usize),
}

impl SwitchesPlace {
    /// For the maps of `xs`.
    pub(super) fn of(xs: &Tensor) -> Result<Self> {
        let (_, _, h, w) = maps(NAME, xs)?;
        Ok(Self {
            indices: Arc::default(),
            source: (h, w),
        })
    }

    /// The switches, after the forward pass.
    pub(super) fn switches(self) -> Result<Switches> {
        let Some(indices) = self.indices.get().cloned() else {
            bail!("{NAME}: the forward pass left no switches");
        };
        Ok(Switches {
            indices,
            source: self.source,
        })
    }
}

/// The sizes of a pooling of `xs`, checked.
pub(super) fn pool_shape(name: &'static str, xs: &Tensor, window: &Window2d) -> Result<PoolShape> {
    let (n, c, h, w) = maps(name, xs)?;
    let shape = PoolShape::new(n * c, h, w, *window).map_err(|error| named(name, error))?;
    room(name, shape.output_len(), xs.dtype())?;
    Ok(shape)
}

/// The output shape of a pooling of `layout`'s maps.
pub(super) fn pooled(shape: &PoolShape, layout: &Layout) -> Result<Shape> {
    let (n, c, _, _) = layout.shape().dims4()?;
    let (ho, wo) = shape.output_size();
    Ok(Shape::from((n, c, ho, wo)))
}

/// Keeps nothing: the backward pass finds the maxima again in the saved input.
pub(super) struct MaxPool {
    shape: PoolShape,
    rule: PoolRule,
}

impl MaxPool {
    /// The op for `xs`, under the rule of the current scope.
    pub(super) fn new(xs: &Tensor, window: &Window2d) -> Result<Self> {
        Ok(Self {
            shape: pool_shape(NAME, xs, window)?,
            rule: PoolRule::current(),
        })
    }

    /// The gradient with respect to x, under [`PoolRule::Switches`].
    pub(super) fn gradient<F: Lanes>(&self, x: &[F], dy: &[F]) -> Vec<F> {
        kernels::max_pool2d::backward_from_input(&self.shape, x, dy)
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_float!(NAME, storage.dtype(), F => {
            let y = kernels::max_pool2d::forward(&self.shape, slice::<F>(storage, layout)?);
            owned(y, pooled(&self.shape, layout)?)
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        if self.rule == PoolRule::Uniform {
            return pool_rule::spread(&self.shape, x, dy).map(Some);
        }
        let dy = dy.contiguous()?;
        let (shape, dtype) = (x.shape(), x.dtype());
        let (x, dy) = (Values::of(x)?, Values::of(&dy)?);
        for_float!(NAME, dtype, F => {
            tensor(self.gradient::<F>(x.slice()?, dy.slice()?), shape)
        })
        .map(Some)
    }
}

/// Keeps the positions, which the caller wants anyway.
pub(super) struct MaxPoolWithSwitches {
    shape: PoolShape,
    rule: PoolRule,
    indices: Arc<OnceLock<Tensor>>,
}

impl MaxPoolWithSwitches {
    /// The op for `xs`, under the rule of the current scope.
    pub(super) fn new(xs: &Tensor, window: &Window2d, place: &SwitchesPlace) -> Result<Self> {
        Ok(Self {
            shape: pool_shape(NAME, xs, window)?,
            rule: PoolRule::current(),
            indices: place.indices.clone(),
        })
    }

    /// The gradient with respect to x, under [`PoolRule::Switches`].
    pub(super) fn gradient<F: Real>(&self, dy: &[F]) -> Result<Vec<F>> {
        let Some(at) = self.indices.get() else {
            bail!("{NAME}: the forward pass left no switches");
        };
        let at = Values::of(at)?;
        Ok(kernels::max_pool2d::backward(&self.shape, at.slice()?, dy))
    }
}

impl CustomOp1 for MaxPoolWithSwitches {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let out = pooled(&self.shape, layout)?;
        for_float!(NAME, storage.dtype(), F => {
            let x = slice::<F>(storage, layout)?;
            let (y, at) = kernels::max_pool2d::forward_with_positions(&self.shape, x);
            let at = tensor(at, &out)?;
            self.indices.get_or_init(|| at);
            owned(y, out)
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        if self.rule == PoolRule::Uniform {
            return pool_rule::spread(&self.shape, x, dy).map(Some);
        }
        let dy = dy.contiguous()?;
        let dy = Values::of(&dy)?;
        for_float!(NAME, x.dtype(), F => {
            tensor(self.gradient::<F>(dy.slice()?)?, x.shape())
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests;
