//! Nearest-neighbor upsampling by whole factors.
//!
//! ```text
//! y[i, j] = x[i / fh, j / fw]            forward
//! dx[i, j] = sum of the fh x fw block of dy that x[i, j] was copied to, row by row
//! ```

use candle_core::{Result, bail};

use super::output::written_by;
use super::planes::split;
use super::real::Real;
use super::sizes::product;

/// Sizes of an upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpsampleShape {
    /// Images times channels.
    planes: usize,
    /// Input height.
    h: usize,
    /// Input width.
    w: usize,
    /// Repetitions (down, across).
    factor: (usize, usize),
}

impl UpsampleShape {
    /// The sizes for `planes` maps of `h` x `w`, each cell repeated `factor.0` times down and `factor.1` times across.
    ///
    /// # Errors
    /// A map without cells, a factor of 0, sizes that are too large.
    pub fn new(planes: usize, h: usize, w: usize, factor: (usize, usize)) -> Result<Self> {
        if [h, w, factor.0, factor.1].contains(&0) {
            bail!(
                "the factor is {factor:?} on maps of {h} x {w} cells; all numbers must be at least 1"
            );
        }
        product("the output", &[planes, h, factor.0, w, factor.1])?;
        Ok(Self {
            planes,
            h,
            w,
            factor,
        })
    }

    /// Height and width of the output maps.
    pub fn output_size(&self) -> (usize, usize) {
        (self.h * self.factor.0, self.w * self.factor.1)
    }

    /// Cells in all output maps.
    pub fn output_len(&self) -> usize {
        self.planes * self.output()
    }

    fn input(&self) -> usize {
        self.h * self.w
    }

    fn output(&self) -> usize {
        self.input() * self.factor.0 * self.factor.1
    }
}

/// The upsampled planes.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Real>(s: &UpsampleShape, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.planes * s.input());
    let line = s.w * s.factor.1;
    let fill = |y: &mut [T]| {
        split((x, s.input()), (y, s.output()), |x, y| {
            let bands = y.chunks_exact_mut(line * s.factor.0);
            for (x, band) in x.chunks_exact(s.w).zip(bands) {
                let (first, others) = band.split_at_mut(line);
                for (x, cells) in x.iter().zip(first.chunks_exact_mut(s.factor.1)) {
                    cells.fill(*x);
                }
                for other in others.chunks_exact_mut(line) {
                    other.copy_from_slice(first);
                }
            }
        });
    };
    // SAFETY: every band is stored to, its first line by the fills and the others by copies.
    unsafe { written_by(s.planes * s.output(), fill) }
}

/// The gradient with respect to the input.
///
/// # Panics
/// If `dy` does not have the length that `s` says.
pub fn backward<T: Real>(s: &UpsampleShape, dy: &[T]) -> Vec<T> {
    assert_eq!(dy.len(), s.planes * s.output());
    let line = s.w * s.factor.1;
    let fill = |dx: &mut [T]| {
        split((dy, s.output()), (dx, s.input()), |dy, dx| {
            let bands = dy.chunks_exact(line * s.factor.0);
            for (dx, band) in dx.chunks_exact_mut(s.w).zip(bands) {
                dx.fill(T::ZERO);
                for line in band.chunks_exact(line) {
                    for (dx, cells) in dx.iter_mut().zip(line.chunks_exact(s.factor.1)) {
                        cells.iter().for_each(|&cell| *dx += cell);
                    }
                }
            }
        });
    };
    // SAFETY: every row starts with a fill.
    unsafe { written_by(s.planes * s.input(), fill) }
}
