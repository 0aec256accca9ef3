//! Soft pooling and unpooling put together from Candle's ops: for devices without kernels of ours, and to judge the kernels.

use candle_core::{D, Device, Result, Tensor};

use crate::kernels::SoftShape;
use crate::upsample::fit;

/// (N, C, 3, Ho, Wo): what, x and y of each window.
pub(super) fn pool(xs: &Tensor, s: &SoftShape, beta: f64) -> Result<Tensor> {
    let (n, c, _, _) = xs.dims4()?;
    let (k, ho, wo) = (s.k, s.ho, s.wo);
    let covered = cover(&cover(xs, 2, ho * k)?, 3, wo * k)?.contiguous()?;
    let windows = covered.reshape(vec![n, c, ho, k, wo, k])?.transpose(3, 4)?;
    let windows = windows.contiguous()?.reshape(vec![n, c, ho, wo, k * k])?;
    // The maximum is only there for range; softmax does not depend on it.
    let top = windows.detach().max_keepdim(D::Minus1)?;
    let mut e = (windows.broadcast_sub(&top)? * beta)?.exp()?;
    // Candle casts from f64 on the CPU, but not on every other device.
    let grid = |values: Vec<f64>, shape: &[usize]| {
        Tensor::from_vec(values, shape, &Device::Cpu)?
            .to_dtype(windows.dtype())?
            .to_device(windows.device())
    };
    if ho * k > s.h || wo * k > s.w {
        // A cell beyond the edge weighs nothing.
        let exists = |at: usize| {
            let (window, cell) = (at / (k * k), at % (k * k));
            let row = window / wo * k + cell / k;
            let column = window % wo * k + cell % k;
            f64::from(u8::from(row < s.h && column < s.w))
        };
        let mask = (0..ho * wo * k * k).map(exists).collect();
        e = e.broadcast_mul(&grid(mask, &[ho, wo, k * k])?)?;
    }
    let share = e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?;
    let xs: Vec<f64> = (0..k * k).map(|i| s.coordinate(i % k)).collect();
    let ys: Vec<f64> = (0..k * k).map(|i| s.coordinate(i / k)).collect();
    let mean = |of: &Tensor| share.broadcast_mul(of)?.sum(D::Minus1);
    let (xs, ys) = (grid(xs, &[k * k])?, grid(ys, &[k * k])?);
    Tensor::stack(&[mean(&windows)?, mean(&xs)?, mean(&ys)?], 2)
}

/// The first `len` rows or columns; beyond the edge the last one again, whose cells are those of the last windows.
fn cover(xs: &Tensor, dim: usize, len: usize) -> Result<Tensor> {
    let have = xs.dim(dim)?;
    if len <= have {
        return xs.narrow(dim, 0, len);
    }
    let mut parts = vec![xs.clone()];
    parts.resize(1 + len - have, xs.narrow(dim, have - 1, 1)?);
    Tensor::cat(&parts, dim)
}

/// `what` (N, C, Ho, Wo) spread around `place` (N, C, 2, Ho, Wo), in maps of `s`.
///
/// Along each axis the cell before the position and the next one have a share, as in the kernel:
/// Candle's own gradients of a distance have other values at its kinks.
pub(super) fn unpool(what: &Tensor, place: &Tensor, s: &SoftShape) -> Result<Tensor> {
    let (n, c, ho, wo) = what.dims4()?;
    let k = s.k;
    let cells = Tensor::arange(0u32, k as u32, what.device())?.to_dtype(what.dtype())?;
    let of_cell = |cell: &Tensor, share: &Tensor| {
        let here = cell.unsqueeze(4)?.broadcast_eq(&cells)?;
        let share = share.unsqueeze(4)?.broadcast_as(here.shape())?;
        let share = share.contiguous()?;
        here.where_cond(&share, &share.zeros_like()?)
    };
    let shares = |axis: usize| -> Result<Tensor> {
        let coordinate = place.narrow(2, axis, 1)?.squeeze(2)?.contiguous()?;
        let (cell, past) = position(&coordinate, k)?;
        of_cell(&cell, &past.affine(-1.0, 1.0)?)?.add(&of_cell(&(&cell + 1.0)?, &past)?)
    };
    let (across, down) = (shares(0)?.unsqueeze(4)?, shares(1)?.unsqueeze(5)?);
    let spread = down.broadcast_mul(&across)?;
    let spread = spread.broadcast_mul(&what.reshape(vec![n, c, ho, wo, 1, 1])?)?;
    let maps = spread
        .transpose(3, 4)?
        .contiguous()?
        .reshape((n, c, ho * k, wo * k))?;
    fit(&fit(&maps, 2, s.h)?, 3, s.w)
}

/// The cell before a coordinate in a window of `k` cells, and how far the position lies past it.
///
/// A coordinate outside [-1, 1] counts as the nearest one inside, and has no gradient.
fn position(coordinate: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let value = coordinate.detach();
    let outside = value.abs()?.gt(1f64)?;
    let held = outside.where_cond(&value.clamp(-1.0, 1.0)?, coordinate)?;
    let at = ((held + 1.0)? * ((k - 1) as f64 / 2.0))?;
    let floor = at.detach().floor()?;
    // At the last cell, the one before it; for a coordinate that is not a number, the first.
    let before = floor.gt(0f64)?.where_cond(&floor, &floor.zeros_like()?)?;
    let cell = before.minimum(k.saturating_sub(2) as f64)?;
    let past = (at - &cell)?;
    Ok((cell, past))
}
