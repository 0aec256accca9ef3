//! The sizes of a sampling, checked once; the gradients that a backward pass needs, and those that it returns.

use std::ops::Range;

use candle_core::{Result, bail};

use crate::options::{AlignCorners, PaddingMode};
use crate::size::{MAX_CELLS, product};

const NAME: &str = "sampling";

/// Sizes and conventions of a sampling: maps (n, c, size) are read at `points` points an image.
///
/// `size` is (h, w) for D = 2 and (d, h, w) for D = 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleShape<const D: usize> {
    /// Images.
    pub(super) n: usize,
    /// Channels.
    pub(super) c: usize,
    /// Sides of the input, the last along x.
    pub(super) size: [usize; D],
    /// Points of the grid of one image.
    pub(super) points: usize,
    /// What -1 and +1 mean.
    pub(super) align_corners: AlignCorners,
    /// What lies outside.
    pub(super) padding: PaddingMode,
}

impl<const D: usize> SampleShape<D> {
    /// Sizes whose products are known to fit.
    ///
    /// # Errors
    /// Other than one to three axes, a side of 0, maps of more than 2^29 cells, products that memory cannot hold.
    pub fn new(
        (n, c): (usize, usize),
        size: [usize; D],
        points: usize,
        align_corners: AlignCorners,
        padding: PaddingMode,
    ) -> Result<Self> {
        if !(1..=3).contains(&D) {
            bail!("{NAME}: maps have {D} axes; one to three are supported");
        }
        if size.contains(&0) {
            bail!("{NAME}: the maps have sides {size:?}; every side must be at least 1");
        }
        let cells = product(NAME, "the size of a map", &size)?;
        if cells > MAX_CELLS {
            bail!(
                "{NAME}: maps of {size:?} cells are too large; at most {MAX_CELLS} cells are supported"
            );
        }
        product(NAME, "the input (n, c, cells)", &[n, c, cells])?;
        product(NAME, "the output (n, c, points)", &[n, c, points])?;
        product(NAME, "the grid (n, points, axes)", &[n, points, D])?;
        Ok(Self {
            n,
            c,
            size,
            points,
            align_corners,
            padding,
        })
    }

    /// Cells of one map.
    pub(super) fn cells(&self) -> usize {
        self.size.iter().product()
    }

    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.n * self.c * self.cells()
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.n * self.c * self.points
    }

    /// Elements of the grid.
    pub fn grid_len(&self) -> usize {
        self.n * self.points * D
    }

    /// Whether there is nothing to compute: no value and no term of a gradient.
    pub(super) fn is_empty(&self) -> bool {
        self.n == 0 || self.c == 0 || self.points == 0
    }

    /// Checks the lengths of the slices of a pass.
    ///
    /// # Errors
    /// A slice of another length; the error names it.
    pub(super) fn check(&self, slices: &[(&str, usize, usize)]) -> Result<()> {
        for &(name, found, expected) in slices {
            if found != expected {
                bail!("{NAME}: {name} has {found} elements; {self:?} needs {expected}");
            }
        }
        Ok(())
    }

    /// The value outside the map, where the padding has one.
    pub(super) fn outside(&self) -> f64 {
        match self.padding {
            PaddingMode::Constant(value) => value,
            _ => 0.0,
        }
    }
}

impl SampleShape<2> {
    /// Height of the input.
    pub(super) fn h(&self) -> usize {
        self.size[0]
    }

    /// Width of the input.
    pub(super) fn w(&self) -> usize {
        self.size[1]
    }

    /// All channels of image `image`.
    #[inline(always)]
    pub(super) fn image<'a, T>(&self, x: &'a [T], image: usize) -> &'a [T] {
        let len = self.c * self.cells();
        &x[image * len..][..len]
    }

    /// The coordinates of `points` of image `image`.
    #[inline(always)]
    pub(super) fn coords<'a, T>(
        &self,
        grid: &'a [T],
        image: usize,
        points: Range<usize>,
    ) -> &'a [T] {
        let first = image * self.points;
        &grid[2 * (first + points.start)..2 * (first + points.end)]
    }
}

/// Which gradients a backward pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedsGrad {
    /// That of the input.
    pub input: bool,
    /// That of the grid.
    pub grid: bool,
}

/// The gradients of a backward pass; one that was not needed is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients<T> {
    /// With respect to the input.
    pub input: Vec<T>,
    /// With respect to the grid.
    pub grid: Vec<T>,
}

impl<T: Clone + Default> Gradients<T> {
    /// Zeros, as far as they are needed.
    pub(super) fn zeros<const D: usize>(shape: &SampleShape<D>, needs: NeedsGrad) -> Self {
        let zeros = |needed: bool, len: usize| vec![T::default(); if needed { len } else { 0 }];
        Self {
            input: zeros(needs.input, shape.input_len()),
            grid: zeros(needs.grid, shape.grid_len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(nc: (usize, usize), size: [usize; 2], points: usize) -> Result<SampleShape<2>> {
        SampleShape::new(nc, size, points, AlignCorners::Yes, PaddingMode::Zeros)
    }

    #[test]
    fn sizes_that_overflow_are_errors() {
        let huge = 1usize << 62;
        for (nc, size, points, named) in [
            ((1, 1), [huge, 4], 1, "the size of a map"),
            ((1, 1), [1 << 29, 2], 1, "too large"),
            ((huge, 4), [1, 1], 1, "the input"),
            ((1 << 31, 1 << 31), [1, 1], 0, "the input"),
            ((1, 2), [1, 1], huge, "the output"),
            ((huge, 0), [1, 1], 4, "the grid"),
            ((1, 1), [0, 3], 1, "every side"),
        ] {
            let text = shape(nc, size, points).err().map(|error| error.to_string());
            let text = text.unwrap_or_default();
            assert!(text.contains(named), "{nc:?} {size:?} {points}: {text}");
        }
        let none = SampleShape::<0>::new((1, 1), [], 1, AlignCorners::Yes, PaddingMode::Zeros);
        assert!(none.is_err());
        assert!(shape((0, 3), [2, 2], 5).is_ok_and(|shape| shape.is_empty()));
    }
}
