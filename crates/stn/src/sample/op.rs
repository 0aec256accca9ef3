//! The sampler behind Candle's autograd: checks, dtypes, and the way to the kernels.

use std::sync::Arc;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use striate::kernels::level::Level;
use striate::ops::cpu::{Values, owned, slice, tensor, unsupported_dtype};

use crate::grid::SamplingGrid;
use crate::kernels::Number;
use crate::kernels::bilinear::{self, Gradients, Path, SampleShape, Wanted};
use crate::kernels::taps::{self, Rule, SeparableKernel, TapShape};
use crate::options::{AlignCorners, PaddingMode};

/// How a value is made of pixels.
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
    let ([n, _, h, w], [batch, ho, wo, 2]) = (xs.dims(), grid.coords.dims()) else {
        return Err(ranks(op, xs, grid, "(N, C, H, W)", "(N, H_out, W_out, 2)"));
    };
    sizes(op, *n, &[*h, *w], *batch, &[*ho, *wo])
}

/// Checks volumes and a grid of (x, y, z).
pub(super) fn volume(op: &str, xs: &Tensor, grid: &SamplingGrid) -> Result<()> {
    let ([n, _, d, h, w], [batch, depth, ho, wo, 3]) = (xs.dims(), grid.coords.dims()) else {
        return Err(ranks(
            op,
            xs,
            grid,
            "(N, C, D, H, W)",
            "(N, D_out, H_out, W_out, 3)",
        ));
    };
    sizes(op, *n, &[*d, *h, *w], *batch, &[*depth, *ho, *wo])
}

fn ranks(
    op: &str,
    xs: &Tensor,
    grid: &SamplingGrid,
    input: &str,
    coords: &str,
) -> candle_core::Error {
    candle_core::Error::Msg(format!(
        "{op}: the input has shape {:?} and the grid {:?}; {input} and {coords} are wanted",
        xs.dims(),
        grid.coords.dims()
    ))
    .bt()
}

fn sizes(op: &str, n: usize, size: &[usize], batch: usize, out: &[usize]) -> Result<()> {
    if n != batch {
        bail!("{op}: the input has {n} images and the grid {batch}; both must be equal");
    }
    if size.contains(&0) || out.contains(&0) {
        bail!(
            "{op}: the input has maps of {size:?} cells and the grid {out:?} points; every side must be at least 1"
        );
    }
    let cells = size
        .iter()
        .try_fold(1usize, |cells, side| cells.checked_mul(*side));
    if cells.is_none_or(|cells| cells > (i32::MAX / 4) as usize) {
        bail!(
            "{op}: maps of {size:?} cells are too large; at most {} cells are supported",
            i32::MAX / 4
        );
    }
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
    let ys = f(
        &xs.to_dtype(dtype)?.contiguous()?,
        &grid.coords.to_dtype(dtype)?.contiguous()?,
    )?;
    ys.to_dtype(xs.dtype())
}

/// The level of the kernels, or why it cannot be followed.
fn level() -> Result<Level> {
    Level::current().map_err(candle_core::Error::wrap)
}

impl Sampling {
    /// Sizes for the bilinear kernels, which have maps only.
    fn bilinear(&self, xs: &[usize], coords: &[usize]) -> Option<SampleShape> {
        match (&self.method, xs, coords) {
            (Method::Bilinear, &[n, c, h, w], &[_, ho, wo, _]) => Some(SampleShape {
                n,
                c,
                h,
                w,
                points: ho * wo,
                align_corners: self.align_corners,
                padding: self.padding,
            }),
            _ => None,
        }
    }

    fn rule(&self) -> Rule<'_> {
        match &self.method {
            Method::Bilinear => Rule::Linear,
            Method::Nearest => Rule::Nearest,
            Method::Bicubic => Rule::Cubic,
            Method::Custom(kernel) => Rule::Custom(&**kernel),
        }
    }

    fn taps<const D: usize>(&self, xs: &[usize], coords: &[usize]) -> TapShape<'_, D> {
        TapShape {
            n: xs[0],
            c: xs[1],
            size: std::array::from_fn(|d| xs[2 + d]),
            points: coords[1..1 + D].iter().product(),
            align_corners: self.align_corners,
            padding: self.padding,
            rule: self.rule(),
        }
    }

    fn forward<T: Number>(&self, xs: (&[T], &[usize]), coords: (&[T], &[usize])) -> Result<Vec<T>> {
        let level = level()?;
        if let Some(shape) = self.bilinear(xs.1, coords.1) {
            return Ok(bilinear::forward(
                level,
                Path::best(&shape),
                &shape,
                xs.0,
                coords.0,
            ));
        }
        Ok(match xs.1.len() {
            4 => taps::forward(&self.taps::<2>(xs.1, coords.1), xs.0, coords.0),
            _ => taps::forward(&self.taps::<3>(xs.1, coords.1), xs.0, coords.0),
        })
    }

    fn backward<T: Number + WithDType>(
        &self,
        xs: &Tensor,
        coords: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let level = level()?;
        let wanted = Wanted {
            input: xs.track_op(),
            grid: coords.track_op(),
        };
        let (x, g, dy) = (Values::of(xs)?, Values::of(coords)?, Values::of(dy)?);
        let (x, g, dy) = (x.slice::<T>()?, g.slice::<T>()?, dy.slice::<T>()?);
        let Gradients { input, grid } = match self.bilinear(xs.dims(), coords.dims()) {
            Some(shape) => bilinear::backward(level, Path::best(&shape), &shape, x, g, dy, wanted),
            None if xs.rank() == 4 => {
                taps::backward(&self.taps::<2>(xs.dims(), coords.dims()), x, g, dy, wanted)
            }
            None => taps::backward(&self.taps::<3>(xs.dims(), coords.dims()), x, g, dy, wanted),
        };
        let input = wanted
            .input
            .then(|| tensor(input, xs.shape()))
            .transpose()?;
        let grid = wanted
            .grid
            .then(|| tensor(grid, coords.shape()))
            .transpose()?;
        Ok((input, grid))
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
