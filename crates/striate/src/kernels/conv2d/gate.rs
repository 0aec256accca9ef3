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
    let plane = s.h_out() * s.w_out();
    let (channels, image) = (s.c_out.max(1), (s.c_out * plane).max(1));
    let mut sums = vec![T::ZERO; s.n * s.c_out];
    let fill = |gated: &mut [T]| {
        let inputs = y.par_chunks(image).zip(dy.par_chunks(image));
        let outputs = gated
            .par_chunks_mut(image)
            .zip(sums.par_chunks_mut(channels));
        inputs
            .zip(outputs)
            .for_each(|((y, dy), (gated, sums))| match rule {
                ReluRule::Backprop => planes(plane, y, dy, gated, sums, |y, g| {
                    ReluRule::Backprop.gate(y, g)
                }),
                ReluRule::Deconvnet => planes(plane, y, dy, gated, sums, |y, g| {
                    ReluRule::Deconvnet.gate(y, g)
                }),
                ReluRule::Guided => planes(plane, y, dy, gated, sums, |y, g| {
                    ReluRule::Guided.gate(y, g)
                }),
            });
    };
    // SAFETY: the planes of all images together store every element, and load none.
    let gated = unsafe { written_by(dy.len(), fill) };
    let mut total = vec![T::ZERO; s.c_out];
    for image in sums.chunks(channels) {
        for (total, &sum) in total.iter_mut().zip(image) {
            *total += sum;
        }
    }
    (gated, total)
}

/// The planes of one image.
#[inline(always)]
fn planes<T: Real>(
    plane: usize,
    y: &[T],
    dy: &[T],
    gated: &mut [T],
    sums: &mut [T],
    gate: impl Fn(T, T) -> T + Copy,
) {
    const RUNS: usize = 16;
    vectorize!({
        let inputs = y.chunks_exact(plane).zip(dy.chunks_exact(plane));
        let outputs = gated.chunks_exact_mut(plane).zip(sums);
        for ((y, dy), (gated, sum)) in inputs.zip(outputs) {
            let mut runs = [T::ZERO; RUNS];
            let (y, y_rest) = y.as_chunks::<RUNS>();
            let (dy, dy_rest) = dy.as_chunks::<RUNS>();
            let (gated, gated_rest) = gated.as_chunks_mut::<RUNS>();
            for ((y, dy), gated) in y.iter().zip(dy).zip(gated) {
                for k in 0..RUNS {
                    let g = gate(y[k], dy[k]);
                    gated[k] = g;
                    runs[k] += g;
                }
            }
            let rest = y_rest.iter().zip(dy_rest).zip(gated_rest);
            for ((&y, &dy), gated) in rest {
                *gated = gate(y, dy);
                runs[0] += *gated;
            }
            *sum = runs.iter().fold(T::ZERO, |total, &run| total + run);
        }
    });
}
