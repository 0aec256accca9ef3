//! The gradient's way back through a fused ReLU, and the bias gradient, in one pass over dy.
//!
//! ```text
//! for each image (in parallel), each output channel o:
//!     gated[n,o,i,j] = dy[n,o,i,j] where the rule's gate is open at y[n,o,i,j], 0 elsewhere
//!     sums[n,o]      = sum over i, j of gated[n,o,i,j]
//! db[o] = sum over n of sums[n,o]
//! ```
//!
//! A plane is summed in 16 interleaved runs, planes in the order of the images, so threads do not change a bit.
//!
//! Safety: an image writes its own planes of `gated` and its own row of `sums`.

use rayon::prelude::*;

use super::ConvShape;
use crate::kernels::output::written_by;
use crate::kernels::real::Real;
use crate::kernels::relu::ReluRule;
use crate::kernels::vectorize::vectorize;

/// See [`super::backward_gate`].
pub(super) fn backward_gate<T: Real>(
    s: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &[T],
) -> (Vec<T>, Vec<T>) {
    let image = Sizes::of(s).image;
    let mut dbias = Vec::new();
    let fill = |gated: &mut [T]| {
        let inputs = y.par_chunks(image).zip(dy.par_chunks(image));
        let images = inputs.zip(gated.par_chunks_mut(image));
        dbias = gate_all(s, images, |((y, dy), gated), sums| {
            // The copy stays in the cache until it is gated.
            gated.copy_from_slice(dy);
            gate_image(s, rule, y, gated, sums);
        });
    };
    // SAFETY: the images together store every element, and load what they have stored.
    let gated = unsafe { written_by(dy.len(), fill) };
    (gated, dbias)
}

/// See [`super::backward_gate_in_place`].
pub(super) fn backward_gate_in_place<T: Real>(
    s: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &mut [T],
) -> Vec<T> {
    let image = Sizes::of(s).image;
    let images = y.par_chunks(image).zip(dy.par_chunks_mut(image));
    gate_all(s, images, |(y, dy), sums| gate_image(s, rule, y, dy, sums))
}

/// Lengths that chunks are cut by, at least 1.
struct Sizes {
    plane: usize,
    channels: usize,
    image: usize,
}

impl Sizes {
    fn of(s: &ConvShape) -> Self {
        let plane = s.h_out() * s.w_out();
        Self {
            plane: plane.max(1),
            channels: s.c_out.max(1),
            image: (s.c_out * plane).max(1),
        }
    }
}

/// Gates every image, and sums the sums of their planes.
fn gate_all<T: Real, I: Send>(
    s: &ConvShape,
    images: impl IndexedParallelIterator<Item = I>,
    gate: impl Fn(I, &mut [T]) + Sync,
) -> Vec<T> {
    let channels = Sizes::of(s).channels;
    let mut sums = vec![T::ZERO; s.n * s.c_out];
    images
        .zip(sums.par_chunks_mut(channels))
        .for_each(|(image, sums)| gate(image, sums));
    let mut total = vec![T::ZERO; s.c_out];
    for image in sums.chunks(channels) {
        for (total, &sum) in total.iter_mut().zip(image) {
            *total += sum;
        }
    }
    total
}

/// Gates one image in its place.
fn gate_image<T: Real>(s: &ConvShape, rule: ReluRule, y: &[T], dy: &mut [T], sums: &mut [T]) {
    let plane = Sizes::of(s).plane;
    match rule {
        ReluRule::Backprop => planes(plane, y, dy, sums, |y, g| ReluRule::Backprop.gate(y, g)),
        ReluRule::Deconvnet => planes(plane, y, dy, sums, |y, g| ReluRule::Deconvnet.gate(y, g)),
        ReluRule::Guided => planes(plane, y, dy, sums, |y, g| ReluRule::Guided.gate(y, g)),
    }
}

/// The planes of one image.
#[inline(always)]
fn planes<T: Real>(
    plane: usize,
    y: &[T],
    dy: &mut [T],
    sums: &mut [T],
    gate: impl Fn(T, T) -> T + Copy,
) {
    const RUNS: usize = 16;
    vectorize!({
        let planes = y.chunks_exact(plane).zip(dy.chunks_exact_mut(plane));
        for ((y, dy), sum) in planes.zip(sums) {
            let mut runs = [T::ZERO; RUNS];
            let (y, y_rest) = y.as_chunks::<RUNS>();
            let (dy, dy_rest) = dy.as_chunks_mut::<RUNS>();
            for (y, dy) in y.iter().zip(dy) {
                for k in 0..RUNS {
                    dy[k] = gate(y[k], dy[k]);
                    runs[k] += dy[k];
                }
            }
            for (&y, dy) in y_rest.iter().zip(dy_rest) {
                *dy = gate(y, *dy);
                runs[0] += *dy;
            }
            *sum = runs.iter().fold(T::ZERO, |total, &run| total + run);
        }
    });
}
