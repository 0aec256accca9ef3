//! The sampler as an op of Candle's autograd: checks, dtypes, and the calls of the kernels.

use std::sync::Arc;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use striate::kernels::level::Level;
use striate::kernels::parts::stay_awake;
use striate::ops::cpu::{Values, dense, owned, set_aside, slice, tensor, unsupported_dtype};

use crate::grid::SamplingGrid;
use crate::kernels::bilinear::{self, ChannelLayout};
use crate::kernels::taps::{self, Rule, SeparableKernel};
use crate::kernels::{Gradients, NeedsGrad, Number, SampleShape};
use crate::options::{AlignCorners, PaddingMode};
use crate::size::{MAX_CELLS, product};

/// How a value is interpolated.
#[derive(Clone, Debug)]
pub(super) enum Method {
    Bilinear,
    Nearest,
    Bicubic,
    Custom(Arc<dyn SeparableKernel>),
}

/// The op: arguments are the maps or volumes, and the coordinates.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) padding: PaddingMode,
    pub(super) align_corners: AlignCorners,
}

/// Checks maps and a grid of (x, y).
pub(super) fn plane(op: &str, xs: &Tensor, grid: &SamplingGrid) -> Result<()> {
    let ([n, c, h, w], [batch, ho, wo, 2]) = (xs.dims(), grid.coords.dims()) else {
        return Err(ranks(op, xs, grid, "(N, C, H, W)", "(N, H_out, W_out, 2)"));
    };
    sizes(op, (*n, *c), &[*h, *w], *batch, &[*ho, *wo])
}

/// Checks volumes and a grid of (x, y, z).
pub(super) fn volume(op: &str, xs: &Tensor, grid: &SamplingGrid) -> Result<()> {
    let ([n, c, d, h, w], [batch, depth, ho, wo, 3]) = (xs.dims(), grid.coords.dims()) else {
        return Err(ranks(
            op,
            xs,
            grid,
            "(N, C, D, H, W)",
            "(N, D_out, H_out, W_out, 3)",
        ));
    };
    sizes(op, (*n, *c), &[*d, *h, *w], *batch, &[*depth, *ho, *wo])
}

fn ranks(
    op: &str,
    xs: &Tensor,
    grid: &SamplingGrid,
    input: &str,
    coords: &str,
) -> candle_core::Error {
    candle_core::Error::Msg(format!(
        "{op}: the input has shape {:?} and the grid {:?}; they must be {input} and {coords}",
        xs.dims(),
        grid.coords.dims()
    ))
    .bt()
}

fn sizes(
    op: &str,
    (n, c): (usize, usize),
    size: &[usize],
    batch: usize,
    out: &[usize],
) -> Result<()> {
    if n != batch {
        bail!("{op}: the input has {n} images and the grid {batch}; both must be equal");
    }
    if size.contains(&0) || out.contains(&0) {
        bail!(
            "{op}: the input has maps of {size:?} cells and the grid {out:?} points; every side must be at least 1"
        );
    }
    let cells = product(op, "a map of the input", size)?;
    if cells > MAX_CELLS {
        bail!(
            "{op}: maps of {size:?} cells are too large; at most {MAX_CELLS} cells are supported"
        );
    }
    let points = product(op, "the grid of an image", out)?;
    product(op, "the input (n, c, cells)", &[n, c, cells])?;
    product(op, "the output (n, c, points)", &[n, c, points])?;
    product(op, "the grid (n, points, axes)", &[n, points, out.len()])?;
    Ok(())
}

/// Runs `f` on contiguous f32 or f64 versions of `xs` and the coordinates; half precision is computed in f32.
pub(super) fn in_float(
    op: &'static str,
    xs: &Tensor,
    grid: &SamplingGrid,
    f: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let working = |dtype| match dtype {
        DType::F32 | DType::F16 | DType::BF16 => Ok(DType::F32),
        DType::F64 => Ok(DType::F64),
        dtype => Err(unsupported_dtype(op, dtype)),
    };
    let (dtype, other) = (working(xs.dtype())?, working(grid.coords.dtype())?);
    if dtype != other {
        bail!(
            "{op}: the input has dtype {:?} and the grid {:?}; convert one of them",
            xs.dtype(),
            grid.coords.dtype()
        );
    }
    if !xs.device().same_device(grid.coords.device()) {
        bail!(
            "{op}: the input is on {:?} and the grid on {:?}; move one of them",
            xs.device(),
            grid.coords.device()
        );
    }
    let float = |tensor: &Tensor| dense(op, tensor)?.to_dtype(dtype);
    f(&float(xs)?, &float(&grid.coords)?)?.to_dtype(xs.dtype())
}

/// The level of the kernels; an error where the environment names one that is not available.
fn level() -> Result<Level> {
    Level::current().map_err(candle_core::Error::wrap)
}

impl Sampling {
    /// The sizes; the last D dimensions of `xs` are a map, those of `coords` but the first and the last a grid.
    fn shape<const D: usize>(&self, xs: &[usize], coords: &[usize]) -> Result<SampleShape<D>> {
        SampleShape::new(
            (xs[0], xs[1]),
            std::array::from_fn(|d| xs[2 + d]),
            coords[1..1 + D].iter().product(),
            self.align_corners,
            self.padding,
        )
    }

    fn rule(&self) -> Rule<'_> {
        match &self.method {
            Method::Bilinear => Rule::Linear,
            Method::Nearest => Rule::Nearest,
            Method::Bicubic => Rule::Cubic,
            Method::Custom(kernel) => Rule::Custom(&**kernel),
        }
    }

    fn forward<T: Number>(&self, xs: (&[T], &[usize]), coords: (&[T], &[usize])) -> Result<Vec<T>> {
        let _rules = set_aside();
        stay_awake();
        match (&self.method, xs.1.len()) {
            (Method::Bilinear, 4) => {
                let shape = self.shape(xs.1, coords.1)?;
                let layout = ChannelLayout::best(&shape);
                bilinear::forward(level()?, layout, &shape, xs.0, coords.0)
            }
            (_, 4) => {
                taps::forward::<T, 2>(&self.shape(xs.1, coords.1)?, self.rule(), xs.0, coords.0)
            }
            _ => taps::forward::<T, 3>(&self.shape(xs.1, coords.1)?, self.rule(), xs.0, coords.0),
        }
    }

    fn backward<T: Number + WithDType>(
        &self,
        xs: &Tensor,
        coords: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let needs = NeedsGrad {
            input: xs.track_op(),
            grid: coords.track_op(),
        };
        let (x, g, dy) = (Values::of(xs)?, Values::of(coords)?, Values::of(dy)?);
        let slices = [x.slice::<T>()?, g.slice::<T>()?, dy.slice::<T>()?];
        let (input, at) = (xs.dims(), coords.dims());
        let _rules = set_aside();
        stay_awake();
        let Gradients { input, grid } = match (&self.method, input.len()) {
            (Method::Bilinear, 4) => {
                let shape = self.shape(input, at)?;
                let layout = ChannelLayout::best(&shape);
                bilinear::backward(level()?, layout, &shape, slices, needs)?
            }
            (_, 4) => taps::backward(&self.shape::<2>(input, at)?, self.rule(), slices, needs)?,
            _ => taps::backward(&self.shape::<3>(input, at)?, self.rule(), slices, needs)?,
        };
        let gradient = |needed: bool, values: Vec<T>, of: &Tensor| {
            needed.then(|| tensor(values, of.shape())).transpose()
        };
        Ok((
            gradient(needs.input, input, xs)?,
            gradient(needs.grid, grid, coords)?,
        ))
    }
}

impl CustomOp2 for Sampling {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        coords: &CpuStorage,
        coords_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (input, grid) = (xs_layout.dims(), coords_layout.dims());
        let mut out = input[..2].to_vec();
        out.extend_from_slice(&grid[1..grid.len() - 1]);
        match xs.dtype() {
            DType::F32 => {
                let (xs, coords) = (slice::<f32>(xs, xs_layout)?, slice(coords, coords_layout)?);
                owned(self.forward((xs, input), (coords, grid))?, out)
            }
            DType::F64 => {
                let (xs, coords) = (slice::<f64>(xs, xs_layout)?, slice(coords, coords_layout)?);
                owned(self.forward((xs, input), (coords, grid))?, out)
            }
            dtype => Err(unsupported_dtype(self.name, dtype)),
        }
    }

    fn bwd(
        &self,
        xs: &Tensor,
        coords: &Tensor,
        _ys: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        match xs.dtype() {
            DType::F64 => self.backward::<f64>(xs, coords, &dy),
            _ => self.backward::<f32>(xs, coords, &dy),
        }
    }
}
