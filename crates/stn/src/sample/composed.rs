//! Bilinear and nearest sampling composed of Candle's ops, for devices that we have no kernels for.
//!
//! Values and gradients equal those of the kernels; it needs more time and memory.

use candle_core::{D, DType, Result, Tensor};

use crate::host;
use crate::options::{AlignCorners, GridSampleOptions, Interpolation, PaddingMode};

/// As [`grid_sample`](super::grid_sample()) for contiguous f32 or f64 tensors.
pub(super) fn grid_sample(
    xs: &Tensor,
    coords: &Tensor,
    align_corners: AlignCorners,
    options: &GridSampleOptions,
) -> Result<Tensor> {
    let (n, c, h, w) = xs.dims4()?;
    let (_, ho, wo, _) = coords.dims4()?;
    let padding = options.padding;
    let coords = coords.reshape((n, ho * wo, 2))?;
    // A point without a position: NaN, and infinities under reflection and wrap and on an axis without extent.
    let periodic = matches!(padding, PaddingMode::Reflection | PaddingMode::Wrap);
    let most = |n: usize| {
        let finite = periodic || align_corners.pixels_per_unit(n) == 0.0;
        match (finite, coords.dtype()) {
            (false, _) => f64::INFINITY,
            (true, DType::F64) => f64::MAX,
            (true, _) => f64::from(f32::MAX),
        }
    };
    let most = host::tensor(vec![most(w), most(h)], (1, 1, 2), &coords)?;
    let valid = coords.detach().abs()?.broadcast_le(&most)?;
    let coords = valid.where_cond(&coords, &coords.zeros_like()?)?;
    let valid = valid.to_dtype(DType::U8)?.min(D::Minus1)?;
    let axis = |at: usize, n: usize| -> Result<Along> {
        let g = coords.narrow(2, at, 1)?.squeeze(2)?;
        let position = unnormalized(&g, n, align_corners)?;
        along(&padded(&position, n, align_corners, padding)?, n, options)
    };
    let (x, y) = (axis(0, w)?, axis(1, h)?);
    let flat = xs.reshape((n, c, h * w))?;
    let outside = match padding {
        PaddingMode::Constant(value) => value,
        _ => 0.0,
    };
    let mut sum: Option<Tensor> = None;
    for row in &y.taps {
        for column in &x.taps {
            let offset = ((&row.index * w as f64)? + &column.index)?;
            let expand = |t: &Tensor| t.unsqueeze(1)?.broadcast_as((n, c, ho * wo))?.contiguous();
            let value = flat.gather(&expand(&offset)?, 2)?;
            let inside = expand(&row.inside.mul(&column.inside)?)?;
            let fill = (value.ones_like()? * outside)?;
            let value = inside.where_cond(&value, &fill)?;
            let term = match (&row.weight, &column.weight) {
                (Some(row), Some(column)) => value.mul(&expand(&row.mul(column)?)?)?,
                _ => value,
            };
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
    }
    let Some(ys) = sum else {
        candle_core::bail!("grid_sample: no taps");
    };
    let valid = valid.unsqueeze(1)?.broadcast_as(ys.shape())?.contiguous()?;
    let missing = (ys.ones_like()? * f64::NAN)?;
    valid.where_cond(&ys, &missing)?.reshape((n, c, ho, wo))
}

/// The taps along one axis.
struct Along {
    taps: Vec<Tap>,
}

struct Tap {
    /// The pixel, i64, on the map.
    index: Tensor,
    /// Whether the pixel is that of the tap, u8; else the tap reads the outside.
    inside: Tensor,
    /// Its weight; `None` for the only tap.
    weight: Option<Tensor>,
}

fn unnormalized(g: &Tensor, n: usize, align_corners: AlignCorners) -> Result<Tensor> {
    let shift = match align_corners {
        AlignCorners::Yes => 0.0,
        AlignCorners::No => 0.5,
    };
    (g + 1.0)?.affine(align_corners.pixels_per_unit(n), -shift)
}

/// The position on or near the map that stands for `x`, as the kernels' `axis` defines it.
fn padded(
    x: &Tensor,
    n: usize,
    align_corners: AlignCorners,
    padding: PaddingMode,
) -> Result<Tensor> {
    let length = n as f64;
    match padding {
        PaddingMode::Zeros | PaddingMode::Constant(_) => x.clamp(-2.0, length + 1.0),
        PaddingMode::Border => held(x, length - 1.0),
        PaddingMode::Wrap => {
            let turns = (x.detach() / length)?.floor()?;
            let wrapped = (x - (turns * length)?)?;
            let zero = wrapped.zeros_like()?;
            let wrapped = wrapped.detach().ge(length)?.where_cond(&zero, &wrapped)?;
            wrapped.detach().lt(0f64)?.where_cond(&zero, &wrapped)
        }
        PaddingMode::Reflection => {
            let (mirror, span) = match align_corners {
                AlignCorners::Yes => (0.0, length - 1.0),
                AlignCorners::No => (-0.5, length),
            };
            if span == 0.0 {
                return x.zeros_like();
            }
            let distance = (x - mirror)?.abs()?;
            let flips = (distance.detach() / span)?.floor()?;
            let odd = (&flips - ((&flips * 0.5)?.floor()? * 2.0)?)?;
            let rest = (distance - (flips * span)?)?;
            let folded = odd.gt(0.5)?.where_cond(&rest.affine(-1.0, span)?, &rest)?;
            held(&(folded + mirror)?, length - 1.0)
        }
    }
}

/// `x` kept in 0 to `last`, without a gradient at both ends and beyond, as the kernels have it.
///
/// Candle's `clamp` passes half of the gradient at an end.
fn held(x: &Tensor, last: f64) -> Result<Tensor> {
    let value = x.detach();
    let inside = value.gt(0f64)?.mul(&value.lt(last)?)?;
    inside.where_cond(x, &value.clamp(0.0, last)?)
}

fn along(x: &Tensor, n: usize, options: &GridSampleOptions) -> Result<Along> {
    let last = n as f64 - 1.0;
    let tap = |at: Tensor, weight: Option<Tensor>| -> Result<Tap> {
        let at = match options.padding {
            PaddingMode::Wrap => at.gt(last)?.where_cond(&at.zeros_like()?, &at)?,
            _ => at,
        };
        let inside = at.ge(0f64)?.mul(&at.le(last)?)?;
        let index = at.clamp(0.0, last)?.to_dtype(DType::I64)?;
        Ok(Tap {
            index,
            inside,
            weight,
        })
    };
    let below = x.detach().floor()?;
    let taps = match options.interpolation {
        Interpolation::Nearest => {
            // Halves go to the even neighbor.
            let up = (x.detach() + 0.5)?;
            let nearest = up.floor()?;
            let odd = (&nearest - ((&nearest * 0.5)?.floor()? * 2.0)?)?;
            let half = up.eq(&nearest)?.to_dtype(x.dtype())?;
            vec![tap((nearest - half.mul(&odd)?)?, None)?]
        }
        _ => {
            let fraction = (x - &below)?;
            vec![
                tap(below.clone(), Some(fraction.affine(-1.0, 1.0)?))?,
                tap((below + 1.0)?, Some(fraction))?,
            ]
        }
    };
    Ok(Along { taps })
}
