//! The trait of all grid generators, and the checks of their arguments.

use std::fmt::Debug;

use candle_core::{Result, Tensor, bail};
use striate::ops::cpu::dense;

use super::SamplingGrid;
use crate::options::AlignCorners;

/// Makes a sampling grid from the parameters theta of a transformation: T_theta(G) of the paper.
///
/// # Convention
/// theta is (N, P), one row of [`parameter_count`](Self::parameter_count) numbers an image;
/// a generator may accept more shapes with the same numbers in the same order, such as (N, 2, 3) for an affine one.
/// The transformation maps points of the output (target) to points of the input (source).
/// Size and meaning of the output's corners belong to the generator.
///
/// # Source
/// Jaderberg et al., "Spatial Transformer Networks", 2015, section 3.2.
pub trait GridGenerator: Debug + Send + Sync {
    /// P: how many numbers describe one transformation.
    fn parameter_count(&self) -> usize;

    /// The parameters of the identity: the start of a localisation net.
    fn identity(&self) -> Vec<f64>;

    /// (height, width) of the output.
    fn size(&self) -> (usize, usize);

    /// What -1 and +1 mean.
    fn align_corners(&self) -> AlignCorners;

    /// The grid of each row of `theta`, with a gradient to `theta`.
    ///
    /// # Errors
    /// Another number of parameters, an integer dtype, more parameters or points than memory can hold.
    fn grid(&self, theta: &Tensor) -> Result<SamplingGrid>;

    /// Where single points of the output lie in the input: for drawing the region that a transformer sampled.
    ///
    /// `points` is (K, 2), the same for every image, or (N, K, 2); the result is (N, K, 2); all are (x, y).
    ///
    /// # Errors
    /// As [`grid`](Self::grid), and points of another shape.
    fn transform_points(&self, theta: &Tensor, points: &Tensor) -> Result<Tensor>;

    /// The grid, of `size` points, of the inverse of `theta`: it maps points of the input to points of the output,
    /// so that sampling an output with it puts the picture back into the input's frame.
    ///
    /// # Errors
    /// A transformation without an inverse in closed form (thin plate splines), parameters that have none.
    fn inverse_grid(&self, theta: &Tensor, size: (usize, usize)) -> Result<SamplingGrid> {
        let _ = (theta, size);
        bail!("{self:?} has no inverse in closed form; draw transform_points instead")
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
impl<G: GridGenerator + ?Sized> GridGenerator for $pointer {
    fn parameter_count(&self) -> usize {
        (**self).parameter_count()
    }

    fn identity(&self) -> Vec<f64> {
        (**self).identity()
    }

    fn size(&self) -> (usize, usize) {
        (**self).size()
    }

    fn align_corners(&self) -> AlignCorners {
        (**self).align_corners()
    }

    fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
        (**self).grid(theta)
    }

    fn transform_points(&self, theta: &Tensor, points: &Tensor) -> Result<Tensor> {
        (**self).transform_points(theta, points)
    }

    fn inverse_grid(&self, theta: &Tensor, size: (usize, usize)) -> Result<SamplingGrid> {
        (**self).inverse_grid(theta, size)
    }
}
    )*};
}

pointers!(Box<G>, std::sync::Arc<G>);

/// `theta` as (N, P), contiguous, from any of the accepted shapes.
pub(super) fn rows(op: &'static str, theta: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    if !theta.dtype().is_float() {
        bail!(
            "{op}: theta has dtype {:?}; it must be a float, for example through to_dtype(DType::F32)",
            theta.dtype()
        );
    }
    match *theta.dims() {
        [_, p] if p == count => dense(op, theta),
        [n, ref rest @ ..] if rest == shape => dense(op, theta)?.reshape((n, count)),
        _ if shape.len() == 1 => bail!(
            "{op}: theta has shape {:?}; it must be (N, {count})",
            theta.dims()
        ),
        _ => bail!(
            "{op}: theta has shape {:?}; it must be (N, {}) or (N, {count})",
            theta.dims(),
            shape
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

/// `points` as (N, K, D), contiguous, for a batch of `n`.
pub(super) fn points(op: &'static str, points: &Tensor, n: usize, dims: usize) -> Result<Tensor> {
    match *points.dims() {
        [k, d] if d == dims => dense(op, &points.broadcast_as((n, k, d))?),
        [batch, _, d] if d == dims && batch == n => dense(op, points),
        _ => bail!(
            "{op}: the points have shape {:?}; it must be (K, {dims}) or ({n}, K, {dims})",
            points.dims()
        ),
    }
}
