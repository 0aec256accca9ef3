//! How windows see a row of the input.

use crate::kernels::pool_shape::{Columns, PoolShape};
use crate::kernels::simd::{Lanes, Simd};

/// The widest vector of any level.
pub(super) const WIDEST: usize = 16;

/// Positions are counted in the type of the values, from the window's first row on; all below this are exact.
const EXACT: usize = 1 << 24;

/// Numbers of scratch that are nothing.
const SMALL: usize = 1 << 16;

/// How the windows of an output row see the input: the same for every row and plane.
///
/// The input rows that a row of windows sees are copied to lines of scratch, with the columns sorted by their
/// remainder by the stride: then cell v of all windows is one run of consecutive numbers.
pub(super) struct Sight<T> {
    pub(super) cells: Vec<Cell<T>>,
    /// For each output column: the first input column that its window sees.
    pub(super) starts: Vec<T>,
    /// For each output column: how far it is from the first, in input columns.
    pub(super) along: Vec<T>,
    /// Numbers before the first column of each remainder, and in all of a remainder.
    before: usize,
    pub(super) line: usize,
    /// Input rows that are kept.
    pub(super) rows: usize,
}

/// A column of the windows.
pub(super) struct Cell<T> {
    /// Its number for the first output column, in the lines of an input row.
    pub(super) start: usize,
    /// The input column there; beyond the edge the line holds what never wins.
    pub(super) column: T,
}

impl<T: Lanes> Sight<T> {
    /// The sight, or `None` where positions are too large to be exact, or the lines for the map.
    pub(super) fn new(s: &PoolShape) -> Option<Self> {
        let stride = s.window.stride.1;
        let columns = s.columns();
        let width = s.wo.max(WIDEST);
        let span = (s.window.size.0 - 1).saturating_mul(s.window.dilation.0);
        let rows = span.saturating_add(1).min(s.h);
        // Every position of a window, counted from its first row, and of lanes beyond the last window.
        let most = rows.checked_mul(s.w)?;
        let most = most
            .checked_add(width.checked_mul(stride)?)?
            .checked_add(s.w)?;
        if most >= EXACT {
            return None;
        }
        // How far the first output column of a cell is to the right of where its number would put it.
        let ahead = |c: &Columns| c.first.saturating_sub(c.input / stride);
        let before = columns.iter().map(ahead).max().unwrap_or(0);
        let start = |c: &Columns| before + c.input / stride - c.first;
        let data = before + s.w.div_ceil(stride);
        let line = columns
            .iter()
            .map(|c| start(c) + width)
            .fold(data, usize::max);
        let number = |n: usize| T::from_f64(n as f64);
        let cell = |c: &Columns| Cell {
            start: c.input % stride * line + start(c),
            column: number(c.input) - number(c.first * stride),
        };
        // Tall windows on narrow maps: lines would be much larger than the map.
        let scratch = rows.checked_mul(stride)?.checked_mul(line)?;
        if scratch > 4 * s.h * s.w + SMALL {
            return None;
        }
        let mut starts = vec![T::ZERO; width];
        for c in columns.iter().rev() {
            for (step, to) in starts[c.first..c.end].iter_mut().enumerate() {
                *to = number(c.input + step * stride);
            }
        }
        Some(Self {
            cells: columns.iter().map(cell).collect(),
            starts,
            along: (0..width).map(|j| number(j * stride)).collect(),
            before,
            line,
            rows,
        })
    }
}

/// Sorts the columns of an input row by their remainder by the stride.
///
/// # Safety
/// Called under `dispatch`, with a line of the sight.
#[inline(always)]
pub(super) unsafe fn sort<S: Simd>(
    row: &[S::Elem],
    stride: usize,
    sight: &Sight<S::Elem>,
    line: &mut [S::Elem],
) {
    let (_, line) = line.split_at_mut(sight.before);
    match stride {
        1 => line[..row.len()].copy_from_slice(row),
        2 => {
            let pairs = row.len() / 2;
            let mut pair = 0;
            while pairs >= S::LANES && pair < pairs {
                // The last vector overlaps the one before.
                let from = pair.min(pairs - S::LANES);
                // SAFETY: 2 * LANES numbers from `2 * from` on are inside the row; both places inside the line.
                unsafe {
                    let (even, odd) = S::load_pairs(row.as_ptr().add(2 * from));
                    let to = line.as_mut_ptr().add(from);
                    S::store(to, even);
                    S::store(to.add(sight.line), odd);
                }
                pair += S::LANES;
            }
            let done = if pairs >= S::LANES { 2 * pairs } else { 0 };
            for (column, &value) in row.iter().enumerate().skip(done) {
                line[column % 2 * sight.line + column / 2] = value;
            }
        }
        _ => {
            for (k, columns) in row.chunks(stride).enumerate() {
                for (remainder, &value) in columns.iter().enumerate() {
                    line[remainder * sight.line + k] = value;
                }
            }
        }
    }
}
