//! Pooling and unpooling from Candle's selections, gathers and scatters.
//!
//! A pooling looks at one cell of every window at a time: the cells (u, v) of all windows are one selection from the flattened maps.

use candle_core::{Result, Tensor, bail};

use super::super::max_unpool2d::misplaced;
use super::carried1;
use crate::kernels::{PoolShape, avg_pool2d::Counted, unpool::UnpoolShape};

/// The maxima of `xs`, (N, C, Ho, Wo), and their positions, u32 of the same shape.
pub(in crate::ops) fn max_pool2d(xs: &Tensor, shape: &PoolShape) -> Result<(Tensor, Tensor)> {
    let (n, c, _, _) = xs.dims4()?;
    let (device, out) = (xs.device(), shape.ho * shape.wo);
    let spread = |values: Vec<u32>| {
        Tensor::from_vec(values, out, device)?
            .broadcast_as((n, c, out))?
            .contiguous()
    };
    let maps = xs.flatten_from(2)?;
    let values = maps.detach();
    let lowest = Tensor::full(f32::NEG_INFINITY, (n, c, out), device)?.to_dtype(xs.dtype())?;
    let (mut best, mut at) = (lowest.clone(), spread(first_positions(shape))?);
    for cell in window_cells(shape) {
        let inside = spread(cell.inside.iter().map(|&inside| inside.into()).collect())?;
        let position = spread(cell.positions.clone())?;
        let positions = Tensor::from_vec(cell.positions, out, device)?;
        let x = inside.where_cond(&values.index_select(&positions, 2)?, &lowest)?;
        // NaN is the value that differs from itself.
        let wins = x.gt(&best)?.add(&x.ne(&x)?)?;
        best = wins.where_cond(&x, &best)?;
        at = wins.where_cond(&position, &at)?;
    }
    let ys = maps.contiguous()?.gather(&at, 2)?;
    let dims = (n, c, shape.ho, shape.wo);
    Ok((ys.reshape(dims)?, at.reshape(dims)?))
}

/// The averages of `xs`.
pub(in crate::ops) fn avg_pool2d(
    xs: &Tensor,
    shape: &PoolShape,
    counted: Counted,
) -> Result<Tensor> {
    let (n, c, _, _) = xs.dims4()?;
    let (device, out) = (xs.device(), shape.ho * shape.wo);
    let maps = xs.flatten_from(2)?;
    let (rows, columns) = counted.cells(shape);
    let cells = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| row * column));
    let weights: Vec<f64> = cells.map(|cells| 1.0 / cells as f64).collect();
    let weights = Tensor::from_vec(weights, out, &candle_core::Device::Cpu)?;
    let weights = weights.to_dtype(xs.dtype())?.to_device(device)?;
    let zeros = Tensor::zeros((n, c, out), xs.dtype(), device)?;
    let mut sum: Option<Tensor> = None;
    for cell in window_cells(shape) {
        let inside: Vec<u8> = cell.inside.iter().map(|&inside| inside.into()).collect();
        let inside = Tensor::from_vec(inside, out, device)?
            .broadcast_as((n, c, out))?
            .contiguous()?;
        let position = Tensor::from_vec(cell.positions, out, device)?;
        // A choice rather than a weight of 0, which would make NaN of an infinite cell.
        let seen = inside.where_cond(&maps.index_select(&position, 2)?, &zeros)?;
        let part = seen.broadcast_mul(&weights)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&part)?,
            None => part,
        });
    }
    match sum {
        Some(sum) => sum.reshape((n, c, shape.ho, shape.wo)),
        None => bail!("avg_pool2d: the window has no cells"),
    }
}

/// The values of `xs` at the cells of `switches` in planes of zeros.
pub(in crate::ops) fn max_unpool2d(
    xs: &Tensor,
    switches: &Tensor,
    shape: &UnpoolShape,
) -> Result<Tensor> {
    let (n, c, _, _) = xs.dims4()?;
    let (h, w) = shape.output();
    let positions = switches.flatten_all()?.to_vec1::<u32>()?;
    let mut cells = Vec::with_capacity(positions.len());
    for (index, position) in positions.into_iter().enumerate() {
        match shape.cell(position) {
            Some(cell) => cells.push(cell as u32),
            None => return Err(misplaced(shape, index, position)),
        }
    }
    let cells = Tensor::from_vec(cells, (n, c, shape.values()), xs.device())?;
    let values = xs.detach().flatten_from(2)?.contiguous()?;
    let ys = Tensor::zeros((n, c, h * w), xs.dtype(), xs.device())?
        .scatter_add(&cells, &values, 2)?
        .reshape((n, c, h, w))?;
    let dims = xs.shape().clone();
    // Candle's rule for the gradient of a scattered source fails where source and target differ in size.
    carried1(xs, ys, move |dy| {
        let maps = dy.flatten_from(2)?.contiguous()?;
        maps.gather(&cells, 2)?.reshape(&dims)
    })
}

/// One cell of every window.
struct WindowCell {
    /// Where it lies in the flattened map; 0 where it is padding.
    positions: Vec<u32>,
    /// Whether it lies inside the map.
    inside: Vec<bool>,
}

/// The cells of the windows that any window sees, in row-major order.
fn window_cells(shape: &PoolShape) -> Vec<WindowCell> {
    let rows = shape.window.rows(shape.h).ever_seen(shape.ho);
    let columns = shape.window.columns(shape.w).ever_seen(shape.wo);
    let cells = rows
        .iter()
        .flat_map(|&u| columns.iter().map(move |&v| (u, v)));
    cells
        .map(|(u, v)| {
            let outputs = (0..shape.ho).flat_map(|i| (0..shape.wo).map(move |j| (i, j)));
            let found: Vec<Option<u32>> = outputs
                .map(|(i, j)| Some(shape.row(i, u)? * shape.w + shape.column(j, v)?))
                .map(|position| position.map(|at| at as u32))
                .collect();
            WindowCell {
                positions: found.iter().map(|at| at.unwrap_or(0)).collect(),
                inside: found.iter().map(Option::is_some).collect(),
            }
        })
        .collect()
}

/// For every window the position of its first cell inside the map.
fn first_positions(shape: &PoolShape) -> Vec<u32> {
    let mut first = vec![0; shape.ho * shape.wo];
    for cell in window_cells(shape).iter().rev() {
        for (first, (&at, &inside)) in first
            .iter_mut()
            .zip(cell.positions.iter().zip(&cell.inside))
        {
            *first = if inside { at } else { *first };
        }
    }
    first
}
