//! Max unpooling: every value goes to a position in a plane of zeros; what meets there is added.
//!
//! ```text
//! y = 0;  for each k in order:  y[cell(at[k])] += x[k]          forward
//!         for each k:           dx[k] = dy[cell(at[k])]         backward
//! ```
//!
//! `cell` is the same row and column in the output plane, which may be wider or taller than the plane that the positions count in.
//! A plane is zeroed and filled while it lies in the first-level cache.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{Result, bail};

use super::output::written_by;
use super::planes::split2;
use super::real::Real;
use super::sizes::product;

/// Sizes of an unpooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpoolShape {
    /// Images times channels.
    planes: usize,
    /// Values in an input plane.
    values: usize,
    /// Height and width of the plane that positions count in.
    source: (usize, usize),
    /// Height and width of an output plane.
    output: (usize, usize),
}

impl UnpoolShape {
    /// The sizes for `planes` planes of `values` values, at positions in planes of `source` cells, to planes of `output` cells;
    /// pairs are (height, width).
    ///
    /// # Errors
    /// A plane without values or cells; sizes that are too large.
    pub fn new(
        planes: usize,
        values: usize,
        source: (usize, usize),
        output: (usize, usize),
    ) -> Result<Self> {
        if [values, source.0, source.1, output.0, output.1].contains(&0) {
            bail!(
                "output size {output:?} and source size {source:?} must be at least 1 x 1, with at least one value a plane (there are {values})"
            );
        }
        product("the values", &[planes, values])?;
        product("the source", &[source.0, source.1])?;
        product("the output", &[planes, output.0, output.1])?;
        Ok(Self {
            planes,
            values,
            source,
            output,
        })
    }

    /// Values in an input plane.
    pub fn values(&self) -> usize {
        self.values
    }

    /// Height and width of the plane that positions count in.
    pub fn source(&self) -> (usize, usize) {
        self.source
    }

    /// Height and width of an output plane.
    pub fn output(&self) -> (usize, usize) {
        self.output
    }

    /// The output cell of a position, if there is one.
    #[inline(always)]
    pub fn cell(&self, at: u32) -> Option<usize> {
        let at = at as usize;
        let (h, w) = self.output;
        if self.source == self.output {
            return (at < h * w).then_some(at);
        }
        let (row, column) = (at / self.source.1, at % self.source.1);
        (row < h && column < w && row < self.source.0).then_some(row * w + column)
    }
}

/// The unpooled planes, or the index in `at` of the first position that has no cell in the output.
///
/// # Errors
/// A position outside the output plane.
///
/// # Panics
/// If `x` or `at` do not have the length that `s` says.
pub fn forward<T: Real>(
    s: &UnpoolShape,
    x: &[T],
    at: &[u32],
) -> std::result::Result<Vec<T>, usize> {
    let len = s.planes * s.values;
    assert_eq!((x.len(), at.len()), (len, len));
    let out = s.output.0 * s.output.1;
    let first_bad = AtomicUsize::new(usize::MAX);
    let fill = |y: &mut [T]| {
        split2(
            (x, s.values),
            (at, s.values),
            (y, out),
            |first_plane, x, at, y| {
                let inputs = x.chunks_exact(s.values).zip(at.chunks_exact(s.values));
                for (plane, ((x, at), y)) in inputs.zip(y.chunks_exact_mut(out)).enumerate() {
                    if let Err(k) = scatter(s, x, at, y) {
                        let index = (first_plane + plane) * s.values + k;
                        first_bad.fetch_min(index, Ordering::Relaxed);
                    }
                }
            },
        );
    };
    // SAFETY: every plane starts with a fill.
    let y = unsafe { written_by(s.planes * out, fill) };
    match first_bad.into_inner() {
        usize::MAX => Ok(y),
        index => Err(index),
    }
}

/// One plane; on failure the index of the first position without a cell.
fn scatter<T: Real>(
    s: &UnpoolShape,
    x: &[T],
    at: &[u32],
    y: &mut [T],
) -> std::result::Result<(), usize> {
    y.fill(T::ZERO);
    for (k, (&x, &position)) in x.iter().zip(at).enumerate() {
        *s.cell(position).and_then(|cell| y.get_mut(cell)).ok_or(k)? += x;
    }
    Ok(())
}

/// The gradient with respect to the values; a position outside the output plane gives 0.
///
/// # Panics
/// If `at` or `dy` do not have the length that `s` says.
pub fn backward<T: Real>(s: &UnpoolShape, at: &[u32], dy: &[T]) -> Vec<T> {
    let out = s.output.0 * s.output.1;
    let len = s.planes * s.values;
    assert_eq!((at.len(), dy.len()), (len, s.planes * out));
    let fill = |dx: &mut [T]| {
        split2(
            (at, s.values),
            (dy, out),
            (dx, s.values),
            |_, at, dy, dx| {
                let inputs = at.chunks_exact(s.values).zip(dy.chunks_exact(out));
                for ((at, dy), dx) in inputs.zip(dx.chunks_exact_mut(s.values)) {
                    for (dx, &position) in dx.iter_mut().zip(at) {
                        let cell = s.cell(position);
                        *dx = cell
                            .and_then(|cell| dy.get(cell).copied())
                            .unwrap_or(T::ZERO);
                    }
                }
            },
        );
    };
    // SAFETY: the loop stores to every value of every plane.
    unsafe { written_by(len, fill) }
}
