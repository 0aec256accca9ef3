//! Sampling with any separable kernel, in the plane and in a volume: equation 3 with a kernel of bounded support.
//!
//! ```text
//! for each image, for each point:
//!     along each axis: the taps (index, weight k(x - m), slope k'(x - m)) that the kernel reaches
//!     their products: one weight and one slope an axis for each pixel in reach
//!     for each channel:  y = sum of weight * x;  outside the map the padding's value
//! ```
//!
//! Nearest, bilinear and bicubic sampling are kernels with 1, 2 and 4 taps.

use std::fmt::Debug;
use std::ops::Range;

use striate::kernels::parts::{Shared, written_by};

use super::bilinear::{Gradients, Wanted};
use super::number::Number;
use super::place::{Axis, Outside, with_outside};
use super::split;
use crate::options::{AlignCorners, PaddingMode};

/// A kernel k of equation 3 and its derivative; both are 0 beyond the radius.
pub trait SeparableKernel: Debug + Send + Sync {
    /// How many pixels the kernel reaches; weights at a greater distance are taken for 0.
    fn radius(&self) -> usize;

    /// k(d), where d = x - m is the position minus the pixel.
    fn weight(&self, d: f64) -> f64;

    /// k'(d).
    fn derivative(&self, d: f64) -> f64;
}

/// Which kernel.
#[derive(Clone, Copy, Debug)]
pub enum Rule<'a> {
    /// The nearest pixel.
    Nearest,
    /// max(0, 1 - |d|).
    Linear,
    /// Keys' cubic convolution with a = -0.75.
    Cubic,
    /// One of the user's.
    Custom(&'a dyn SeparableKernel),
}

impl Rule<'_> {
    /// The most taps along an axis.
    fn count(&self) -> usize {
        match self {
            Self::Nearest => 1,
            Self::Linear => 2,
            Self::Cubic => 4,
            Self::Custom(kernel) => 2 * kernel.radius() + 1,
        }
    }
}

/// Sizes and rules: maps (n, c, size) are read at `points` places an image; size is (h, w) or (d, h, w).
#[derive(Clone, Copy, Debug)]
pub struct TapShape<'a, const D: usize> {
    /// Images.
    pub n: usize,
    /// Channels.
    pub c: usize,
    /// Sides of the input, the last along x.
    pub size: [usize; D],
    /// Points of the grid of one image.
    pub points: usize,
    /// What -1 and +1 mean.
    pub align_corners: AlignCorners,
    /// What lies outside.
    pub padding: PaddingMode,
    /// The kernel.
    pub rule: Rule<'a>,
}

impl<const D: usize> TapShape<'_, D> {
    fn cells(&self) -> usize {
        self.size.iter().product()
    }

    /// Numbers in the input.
    pub fn x_len(&self) -> usize {
        self.n * self.c * self.cells()
    }

    /// Numbers in the output.
    pub fn y_len(&self) -> usize {
        self.n * self.c * self.points
    }

    /// Numbers in the grid.
    pub fn grid_len(&self) -> usize {
        self.n * self.points * D
    }

    /// Numbers that a pass handles an image, roughly.
    fn numbers(&self) -> usize {
        self.points * (self.c + D) * self.rule.count().pow(D as u32)
    }
}

/// The values of `x` at the points of `grid`.
///
/// # Panics
/// If a slice does not have the length that the shape says.
pub fn forward<T: Number, const D: usize>(shape: &TapShape<D>, x: &[T], grid: &[T]) -> Vec<T> {
    assert_eq!(
        (x.len(), grid.len()),
        (shape.x_len(), shape.grid_len()),
        "{shape:?}"
    );
    let numbers = shape.numbers();
    let runs = split::runs(shape.points, numbers / shape.points.max(1));
    let fill = |y: &mut [T]| {
        let y = Shared::new(y);
        split::run(shape.n * runs.len(), shape.n * numbers, |task| {
            let (image, points) = (task / runs.len(), runs[task % runs.len()].clone());
            ForwardRun {
                shape,
                x,
                grid,
                y,
                image,
                points,
            }
            .run();
        });
    };
    // SAFETY: each run stores all channels of its points, and reads none.
    unsafe { written_by(shape.y_len(), fill) }
}

/// The gradients with respect to `x` and `grid`, from `dy`, that with respect to the output.
///
/// # Panics
/// As [`forward`].
pub fn backward<T: Number, const D: usize>(
    shape: &TapShape<D>,
    x: &[T],
    grid: &[T],
    dy: &[T],
    wanted: Wanted,
) -> Gradients<T> {
    assert_eq!(
        (x.len(), grid.len()),
        (shape.x_len(), shape.grid_len()),
        "{shape:?}"
    );
    assert_eq!(dy.len(), shape.y_len(), "{shape:?}");
    let mut input = vec![T::ZERO; if wanted.input { shape.x_len() } else { 0 }];
    let mut of_grid = vec![T::ZERO; if wanted.grid { shape.grid_len() } else { 0 }];
    let (dx, dgrid) = (Shared::new(&mut input), Shared::new(&mut of_grid));
    // An image's gradient is divided by the rows of its slowest axis; points are divided likewise.
    let numbers = 2 * shape.numbers();
    let bands = split::bands(shape.n, shape.size[0], numbers);
    split::run(shape.n * bands.len(), shape.n * numbers, |task| {
        let (image, band) = (task / bands.len(), task % bands.len());
        let share = |k: usize| shape.points * k / bands.len();
        let (rows, owned) = (bands[band].clone(), share(band)..share(band + 1));
        BackwardBand {
            shape,
            x,
            grid,
            dy,
            dx,
            dgrid,
            wanted,
            image,
            rows,
            owned,
        }
        .run();
    });
    Gradients {
        input,
        grid: of_grid,
    }
}

/// The taps along one axis.
struct AxisTaps<T> {
    /// The pixel; -1 for the value outside.
    index: Vec<i32>,
    weight: Vec<T>,
    /// Derivative of the weight with respect to the coordinate.
    slope: Vec<T>,
}

/// The taps of a point: pixels in reach with their weights.
struct PointTaps<T, const D: usize> {
    axes: [Axis<T>; D],
    along: [AxisTaps<T>; D],
    /// Offset in the map; -1 for the value outside.
    offset: Vec<i64>,
    /// Index along the slowest axis.
    row: Vec<i32>,
    weight: Vec<T>,
    /// Derivative of the weight with respect to each coordinate, x first.
    slope: [Vec<T>; D],
}

impl<T: Number, const D: usize> PointTaps<T, D> {
    fn new(shape: &TapShape<D>) -> Self {
        let empty = || AxisTaps {
            index: Vec::new(),
            weight: Vec::new(),
            slope: Vec::new(),
        };
        Self {
            axes: std::array::from_fn(|d| Axis::new(shape.size[D - 1 - d], shape.align_corners)),
            along: std::array::from_fn(|_| empty()),
            offset: Vec::new(),
            row: Vec::new(),
            weight: Vec::new(),
            slope: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// Finds the taps of the point at `coords`; false if a coordinate is missing.
    fn find(&mut self, shape: &TapShape<D>, coords: &[T]) -> bool {
        for d in 0..D {
            let axis = &self.axes[d];
            if !self.along[d].find(axis, shape.rule, shape.padding, axis.pixel(coords[d])) {
                return false;
            }
        }
        self.offset.clear();
        self.row.clear();
        self.weight.clear();
        self.slope.iter_mut().for_each(Vec::clear);
        let count: usize = self.along.iter().map(|taps| taps.index.len()).product();
        for at in 0..count {
            let (mut rest, mut stride, mut offset) = (at, 1, 0i64);
            let mut pick = [0; D];
            for d in 0..D {
                let taps = &self.along[d];
                pick[d] = rest % taps.index.len();
                rest /= taps.index.len();
                let index = taps.index[pick[d]];
                offset = if index < 0 || offset < 0 {
                    -1
                } else {
                    offset + i64::from(index) * stride
                };
                stride *= i64::from(self.axes[d].len);
            }
            let product = |except: usize| {
                let mut product = T::ONE;
                for d in 0..D {
                    let taps = &self.along[d];
                    let factor = if d == except {
                        taps.slope[pick[d]]
                    } else {
                        taps.weight[pick[d]]
                    };
                    product = product * factor;
                }
                product
            };
            self.offset.push(offset);
            self.row.push(self.along[D - 1].index[pick[D - 1]]);
            self.weight.push(product(D));
            for d in 0..D {
                self.slope[d].push(product(d));
            }
        }
        true
    }
}

impl<T: Number> AxisTaps<T> {
    /// Finds the taps at position `x`; false if there is no such position.
    fn find(&mut self, axis: &Axis<T>, rule: Rule, padding: PaddingMode, x: T) -> bool {
        self.index.clear();
        self.weight.clear();
        self.slope.clear();
        match rule {
            Rule::Nearest => {
                let x = with_outside!(padding, O => O::place(axis, x).0);
                // A wrapped place may round up to the length, which is the first pixel again.
                let at = x.round_ties_even().to_i32();
                self.push(
                    with_outside!(padding, O => O::tap(at, axis.len)),
                    T::ONE,
                    T::ZERO,
                );
                !x.missing()
            }
            Rule::Linear => {
                let (x, slope) = with_outside!(padding, O => O::place(axis, x));
                let (first, slope) = (x.floor(), slope * axis.scale);
                let (fraction, at) = (x - first, first.to_i32());
                let tap = |i| with_outside!(padding, O => O::tap(i, axis.len));
                self.push(tap(at), T::ONE - fraction, -slope);
                self.push(tap(at + 1), fraction, slope);
                !x.missing()
            }
            Rule::Cubic => {
                let x = axis.near(x, T::from_f64(2.0), padding);
                let first = x.floor();
                let (fraction, at) = (x - first, first.to_i32());
                let (weight, slope) = cubic(fraction);
                for k in 0..4 {
                    let index = axis.index(at.saturating_add(k as i32 - 1), padding);
                    self.push(index, weight[k], slope[k] * axis.scale);
                }
                !x.missing()
            }
            Rule::Custom(kernel) => {
                let radius = kernel.radius();
                let reach = T::from_f64(radius as f64);
                let x = axis.near(x, reach, padding);
                if x.missing() {
                    return false;
                }
                let (first, position) = (x.floor().to_i32() - radius as i32, x.to_f64());
                for m in first..=first + 2 * radius as i32 + 1 {
                    let d = position - f64::from(m);
                    if d.abs() <= radius as f64 {
                        let (weight, slope) = (kernel.weight(d), kernel.derivative(d));
                        let index = axis.index(m, padding);
                        self.push(index, T::from_f64(weight), T::from_f64(slope) * axis.scale);
                    }
                }
                true
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, index: i32, weight: T, slope: T) {
        self.index.push(index);
        self.weight.push(weight);
        self.slope.push(slope);
    }
}

/// Weights and slopes of the four taps around a fraction, for a = -0.75 (Keys 1981, with PyTorch's a).
#[inline(always)]
fn cubic<T: Number>(t: T) -> ([T; 4], [T; 4]) {
    let c = T::from_f64;
    let a = c(-0.75);
    // |d| <= 1: (a + 2) d^3 - (a + 3) d^2 + 1; 1 < |d| < 2: a d^3 - 5 a d^2 + 8 a d - 4 a.
    let near = |d: T| ((a + c(2.0)) * d - (a + c(3.0))) * d * d + T::ONE;
    let far = |d: T| ((a * d - c(5.0) * a) * d + c(8.0) * a) * d - c(4.0) * a;
    let near_slope = |d: T| (c(3.0) * (a + c(2.0)) * d - c(2.0) * (a + c(3.0))) * d;
    let far_slope = |d: T| (c(3.0) * a * d - c(10.0) * a) * d + c(8.0) * a;
    let rest = T::ONE - t;
    (
        [far(t + T::ONE), near(t), near(rest), far(rest + T::ONE)],
        // Distances to pixels on the right shrink as the position grows.
        [
            far_slope(t + T::ONE),
            near_slope(t),
            -near_slope(rest),
            -far_slope(rest + T::ONE),
        ],
    )
}

struct ForwardRun<'a, T, const D: usize> {
    shape: &'a TapShape<'a, D>,
    x: &'a [T],
    grid: &'a [T],
    y: Shared<T>,
    image: usize,
    points: Range<usize>,
}

fn outside<T: Number>(padding: PaddingMode) -> T {
    match padding {
        PaddingMode::Constant(value) => T::from_f64(value),
        _ => T::ZERO,
    }
}

impl<T: Number, const D: usize> ForwardRun<'_, T, D> {
    fn run(self) {
        let shape = self.shape;
        let (cells, outside) = (shape.cells(), outside::<T>(shape.padding));
        let mut taps = PointTaps::new(shape);
        for point in self.points {
            let at = (self.image * shape.points + point) * D;
            let found = taps.find(shape, &self.grid[at..at + D]);
            for c in 0..shape.c {
                let x = &self.x[(self.image * shape.c + c) * cells..][..cells];
                let mut sum = if found { T::ZERO } else { T::NAN };
                if found {
                    for (&offset, &weight) in taps.offset.iter().zip(&taps.weight) {
                        let value = if offset < 0 {
                            outside
                        } else {
                            x[offset as usize]
                        };
                        sum += weight * value;
                    }
                }
                let to = (self.image * shape.c + c) * shape.points + point;
                // SAFETY: this point belongs to this task.
                unsafe { self.y.at(to, 1).write(sum) };
            }
        }
    }
}

/// What one band of rows of an image's gradient receives, and the gradients of the points in `owned`.
struct BackwardBand<'a, T, const D: usize> {
    shape: &'a TapShape<'a, D>,
    x: &'a [T],
    grid: &'a [T],
    dy: &'a [T],
    dx: Shared<T>,
    dgrid: Shared<T>,
    wanted: Wanted,
    image: usize,
    rows: Range<usize>,
    owned: Range<usize>,
}

impl<T: Number, const D: usize> BackwardBand<'_, T, D> {
    fn run(self) {
        let shape = self.shape;
        let (cells, outside) = (shape.cells(), outside::<T>(shape.padding));
        let rows = self.rows.start as i32..self.rows.end as i32;
        let whole = self.rows.len() == shape.size[0];
        let mut taps = PointTaps::new(shape);
        for point in 0..shape.points {
            let owned = self.wanted.grid && self.owned.contains(&point);
            if !owned && !self.wanted.input {
                continue;
            }
            let at = (self.image * shape.points + point) * D;
            if !taps.find(shape, &self.grid[at..at + D]) {
                continue;
            }
            let mut slope = [T::ZERO; D];
            for c in 0..shape.c {
                let map = (self.image * shape.c + c) * cells;
                let g = self.dy[(self.image * shape.c + c) * shape.points + point];
                for (k, &offset) in taps.offset.iter().enumerate() {
                    if self.wanted.input && offset >= 0 && (whole || rows.contains(&taps.row[k])) {
                        // SAFETY: this row belongs to this task.
                        unsafe { *self.dx.at(map + offset as usize, 1) += g * taps.weight[k] };
                    }
                    if owned {
                        let value = if offset < 0 {
                            outside
                        } else {
                            self.x[map + offset as usize]
                        };
                        for d in 0..D {
                            slope[d] += g * value * taps.slope[d][k];
                        }
                    }
                }
            }
            if owned {
                for (d, &slope) in slope.iter().enumerate() {
                    // SAFETY: this point belongs to this task.
                    unsafe { self.dgrid.at(at + d, 1).write(slope) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_sum_to_one_and_slopes_to_zero() {
        for t in [0.0, 0.25, 0.5, 0.9] {
            let (weight, slope) = cubic(t);
            assert!((weight.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(slope.iter().sum::<f64>().abs() < 1e-12);
            let step = 1e-6;
            for k in 0..4 {
                let numeric = (cubic(t + step).0[k] - cubic(t - step).0[k]) / (2.0 * step);
                assert!(
                    (numeric - slope[k]).abs() < 1e-6,
                    "{t} {k}: {numeric} {}",
                    slope[k]
                );
            }
        }
    }
}
