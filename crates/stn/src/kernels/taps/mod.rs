//! Sampling with any separable kernel, in the plane and in a volume: equation 3 with a kernel of bounded support.
//!
//! ```text
//! for each image, for each point:
//!     along each axis: the taps (index, weight k(x - m), slope k'(x - m)) in reach of the kernel    (point)
//!     their products: one weight and one slope an axis for each pixel in reach
//!     for each channel:  y = sum of weight * x;  outside the map the padding's value
//! ```
//!
//! Nearest, bilinear and bicubic sampling are kernels with 1, 2 and 4 taps.

use std::fmt::Debug;
use std::ops::Range;

use candle_core::{Result, bail};
use striate::kernels::parts::{Shared, written_by};

use super::number::Number;
use super::shape::{Gradients, NeedsGrad, SampleShape};
use super::split;
use point::PointTaps;

mod point;

/// The largest radius of a kernel; an image is rarely larger.
pub const MAX_RADIUS: usize = 256;

/// A kernel k of equation 3 and its derivative; both are 0 beyond the radius.
pub trait SeparableKernel: Debug + Send + Sync {
    /// How many pixels the kernel reaches, from 1 to [`MAX_RADIUS`]; farther pixels are not read.
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

/// A kernel with its radius, asked for once.
#[derive(Clone, Copy)]
enum Kernel<'a> {
    Nearest,
    Linear,
    Cubic,
    Custom {
        kernel: &'a dyn SeparableKernel,
        radius: usize,
    },
}

impl<'a> Kernel<'a> {
    fn new(rule: Rule<'a>) -> Result<Self> {
        Ok(match rule {
            Rule::Nearest => Self::Nearest,
            Rule::Linear => Self::Linear,
            Rule::Cubic => Self::Cubic,
            Rule::Custom(kernel) => match kernel.radius() {
                radius @ 1..=MAX_RADIUS => Self::Custom { kernel, radius },
                radius => bail!(
                    "sampling: the kernel {kernel:?} has radius {radius}; it must be from 1 to {MAX_RADIUS}"
                ),
            },
        })
    }

    /// The most taps along an axis.
    fn count(self) -> usize {
        match self {
            Self::Nearest => 1,
            Self::Linear => 2,
            Self::Cubic => 4,
            Self::Custom { radius, .. } => 2 * radius + 1,
        }
    }
}

/// What one image costs, in elements, roughly.
fn elements<const D: usize>(shape: &SampleShape<D>, kernel: Kernel) -> usize {
    let taps = kernel.count().pow(D as u32);
    shape
        .points
        .saturating_mul(shape.c + D)
        .saturating_mul(taps)
}

/// The values of `x`, (n, c, size), at the points of `grid`, (n, points, D): (n, c, points).
///
/// # Errors
/// A slice whose length is not that of the shape, a radius of 0 or above [`MAX_RADIUS`].
pub fn forward<T: Number, const D: usize>(
    shape: &SampleShape<D>,
    rule: Rule,
    x: &[T],
    grid: &[T],
) -> Result<Vec<T>> {
    let kernel = Kernel::new(rule)?;
    shape.check(&[
        ("the input", x.len(), shape.input_len()),
        ("the grid", grid.len(), shape.grid_len()),
    ])?;
    if shape.is_empty() {
        return Ok(Vec::new());
    }
    let elements = elements(shape, kernel);
    let runs = split::runs(shape.points, elements / shape.points);
    let fill = |y: &mut [T]| {
        let y = Shared::new(y);
        split::run(
            shape.n * runs.len(),
            shape.n.saturating_mul(elements),
            |task| {
                let (image, points) = (task / runs.len(), runs[task % runs.len()].clone());
                ForwardRun {
                    shape,
                    kernel,
                    x,
                    grid,
                    y,
                    image,
                    points,
                }
                .run();
            },
        );
    };
    // SAFETY: each run stores all channels of its points, and reads none.
    Ok(unsafe { written_by(shape.output_len(), fill) })
}

/// The gradients with respect to `x` and `grid`, from `dy`, that with respect to the output.
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Number, const D: usize>(
    shape: &SampleShape<D>,
    rule: Rule,
    [x, grid, dy]: [&[T]; 3],
    needs: NeedsGrad,
) -> Result<Gradients<T>> {
    let kernel = Kernel::new(rule)?;
    shape.check(&[
        ("the input", x.len(), shape.input_len()),
        ("the grid", grid.len(), shape.grid_len()),
        ("the gradient of the output", dy.len(), shape.output_len()),
    ])?;
    let mut gradients = Gradients::zeros(shape, needs);
    if shape.is_empty() {
        return Ok(gradients);
    }
    let dx = Shared::new(&mut gradients.input);
    let dgrid = Shared::new(&mut gradients.grid);
    // An image's gradient is divided by the rows of its slowest axis; points are divided likewise.
    let elements = elements(shape, kernel).saturating_mul(2);
    let bands = split::bands(shape.n, shape.size[0], elements);
    split::run(
        shape.n * bands.len(),
        shape.n.saturating_mul(elements),
        |task| {
            let (image, band) = (task / bands.len(), task % bands.len());
            let share = |k: usize| shape.points * k / bands.len();
            let (rows, owned) = (bands[band].clone(), share(band)..share(band + 1));
            BackwardBand {
                shape,
                kernel,
                x,
                grid,
                dy,
                dx,
                dgrid,
                needs,
                image,
                rows,
                owned,
            }
            .run();
        },
    );
    Ok(gradients)
}

struct ForwardRun<'a, T, const D: usize> {
    shape: &'a SampleShape<D>,
    kernel: Kernel<'a>,
    x: &'a [T],
    grid: &'a [T],
    y: Shared<T>,
    image: usize,
    points: Range<usize>,
}

impl<T: Number, const D: usize> ForwardRun<'_, T, D> {
    fn run(self) {
        let shape = self.shape;
        let (cells, outside) = (shape.cells(), T::from_f64(shape.outside()));
        let mut taps = PointTaps::new(shape);
        for point in self.points {
            let at = (self.image * shape.points + point) * D;
            let found = taps.find(self.kernel, shape.padding, &self.grid[at..at + D]);
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

/// One band of rows of an image's gradient, and the gradients of the points in `owned`.
struct BackwardBand<'a, T, const D: usize> {
    shape: &'a SampleShape<D>,
    kernel: Kernel<'a>,
    x: &'a [T],
    grid: &'a [T],
    dy: &'a [T],
    dx: Shared<T>,
    dgrid: Shared<T>,
    needs: NeedsGrad,
    image: usize,
    rows: Range<usize>,
    owned: Range<usize>,
}

impl<T: Number, const D: usize> BackwardBand<'_, T, D> {
    fn run(self) {
        let shape = self.shape;
        let (cells, outside) = (shape.cells(), T::from_f64(shape.outside()));
        let rows = self.rows.start as i32..self.rows.end as i32;
        let whole = self.rows.len() == shape.size[0];
        let mut taps = PointTaps::new(shape);
        for point in 0..shape.points {
            let owned = self.needs.grid && self.owned.contains(&point);
            if !owned && !self.needs.input {
                continue;
            }
            let at = (self.image * shape.points + point) * D;
            if !taps.find(self.kernel, shape.padding, &self.grid[at..at + D]) {
                continue;
            }
            let mut slope = [T::ZERO; D];
            for c in 0..shape.c {
                let map = (self.image * shape.c + c) * cells;
                let g = self.dy[(self.image * shape.c + c) * shape.points + point];
                for (k, &offset) in taps.offset.iter().enumerate() {
                    if self.needs.input && offset >= 0 && (whole || rows.contains(&taps.row[k])) {
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
