//! Unpooling: values back to where their maxima were.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp2, DType, Device, Error, Layout, Result, Shape, Tensor, bail,
};

use super::composed;
use super::cpu::{Values, dense, for_float, in_float, maps, named, owned, room, slice, tensor};
use super::max_pool2d::Switches;
use crate::kernels::{self, Real, unpool::UnpoolShape};

const NAME: &str = "max_unpool2d";

/// Puts each value where its switch points, in a plane of zeros: y[cell(switch)] += x.
///
/// # Shapes
/// `xs` and the switches (N, C, H, W); the result is (N, C, `output_size`).
///
/// # Convention
/// A switch means a row and a column of the pooled map; in an output of another size it keeps both.
/// Where switches coincide, as those of overlapping windows may, the values add up.
///
/// # Gradient
/// Each value receives the gradient of its cell; the switches receive none.
///
/// # Errors
/// Integer values, switches of another shape or dtype than u32, a switch that has no cell in the output, a result that memory cannot hold.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351); Zeiler and Fergus 2014.
///
/// See [`max_pool2d_with_switches`](super::max_pool2d_with_switches) for an example.
pub fn max_unpool2d(
    xs: &Tensor,
    switches: &Switches,
    output_size: (usize, usize),
) -> Result<Tensor> {
    let (op, indices) = MaxUnpool::new(xs, switches, output_size)?;
    in_float(NAME, xs, |xs| match xs.device() {
        Device::Cpu => xs.apply_op2(&indices, op),
        _ => composed::max_unpool2d(xs, &indices, &op.shape),
    })
}

/// The error for a switch that has no cell in the output.
pub(super) fn misplaced(shape: &UnpoolShape, index: usize, switch: u32) -> Error {
    let (h, w) = shape.output();
    Error::Msg(format!(
        "{NAME}: switch {index} is {switch}, which has no cell in an output of {h} x {w} (pooled map {:?}); \
         pass the size of the map that was pooled",
        shape.source()
    ))
    .bt()
}

pub(super) struct MaxUnpool {
    shape: UnpoolShape,
}

impl MaxUnpool {
    /// The op for `xs`, and the positions that it reads.
    pub(super) fn new(
        xs: &Tensor,
        switches: &Switches,
        output_size: (usize, usize),
    ) -> Result<(Self, Tensor)> {
        let (n, c, h, w) = maps(NAME, xs)?;
        let indices = &switches.indices;
        if indices.dims() != xs.dims() {
            bail!(
                "{NAME}: the switches have shape {:?}, the values {:?}; they must be equal",
                indices.dims(),
                xs.dims()
            );
        }
        if indices.dtype() != DType::U32 {
            bail!(
                "{NAME}: the switches have dtype {:?}; they must be u32, for example through to_dtype(DType::U32)",
                indices.dtype()
            );
        }
        let shape = UnpoolShape::new(n * c, h * w, switches.source, output_size);
        let shape = shape.map_err(|error| named(NAME, error))?;
        room(NAME, n * c * output_size.0 * output_size.1, xs.dtype())?;
        Ok((Self { shape }, dense(NAME, indices)?))
    }

    /// The gradient with respect to x.
    pub(super) fn gradient<F: Real>(&self, indices: &Tensor, dy: &[F]) -> Result<Vec<F>> {
        let at = Values::of(indices)?;
        Ok(kernels::unpool::backward(&self.shape, at.slice()?, dy))
    }
}

impl CustomOp2 for MaxUnpool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        values: &CpuStorage,
        layout: &Layout,
        switches: &CpuStorage,
        switches_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let (h, w) = self.shape.output();
        let at = slice::<u32>(switches, switches_layout)?;
        for_float!(NAME, values.dtype(), F => {
            match kernels::unpool::forward(&self.shape, slice::<F>(values, layout)?, at) {
                Ok(y) => owned(y, (n, c, h, w)),
                Err(index) => Err(misplaced(&self.shape, index, at[index])),
            }
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        switches: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let dy = Values::of(&dy)?;
        let dx = for_float!(NAME, x.dtype(), F => {
            tensor(self.gradient::<F>(switches, dy.slice()?)?, x.shape())
        })?;
        Ok((Some(dx), None))
    }
}

#[cfg(test)]
mod tests;
