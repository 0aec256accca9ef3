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
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::real::Real;
use crate::kernels::relu::ReluRule;
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch};

/// See [`super::backward_gate`].
pub(super) fn backward_gate<T: Lanes>(
    level: Level,
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
            gate_image(level, s, rule, y, gated, sums);
        });
    };
    // SAFETY: the images together store every element, and load what they have stored.
    let gated = unsafe { written_by(dy.len(), fill) };
    (gated, dbias)
}

/// See [`super::backward_gate_in_place`].
pub(super) fn backward_gate_in_place<T: Lanes>(
    level: Level,
    s: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &mut [T],
) -> Vec<T> {
    let image = Sizes::of(s).image;
    let images = y.par_chunks(image).zip(dy.par_chunks_mut(image));
    gate_all(s, images, |(y, dy), sums| {
        gate_image(level, s, rule, y, dy, sums);
    })
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

/// Gates one image in its place, and sums its planes.
fn gate_image<T: Lanes>(
    level: Level,
    s: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &mut [T],
    sums: &mut [T],
) {
    let plane = Sizes::of(s).plane;
    let gate = Gate {
        rule,
        plane,
        y,
        dy,
        sums,
    };
    dispatch(level, gate);
}

/// Numbers that a plane's sum takes side by side, whatever the vectors hold.
const RUNS: usize = 16;

/// See [`gate_image`].
struct Gate<'a, T> {
    rule: ReluRule,
    plane: usize,
    y: &'a [T],
    dy: &'a mut [T],
    sums: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for Gate<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: called under `dispatch`, and passed on.
        unsafe {
            match self.rule {
                ReluRule::Backprop => self.planes::<S>(|y, g| S::passed(g, y)),
                ReluRule::Deconvnet => self.planes::<S>(|_, g| S::passed(g, g)),
                ReluRule::Guided => self.planes::<S>(|y, g| S::passed(S::passed(g, g), y)),
            }
        }
    }
}

impl<T: Lanes> Gate<'_, T> {
    /// Plane by plane; `gate` is [`ReluRule::gate`] on vectors.
    ///
    /// # Safety
    /// Called under `dispatch`.
    #[inline(always)]
    unsafe fn planes<S: Simd<Elem = T>>(self, gate: impl Fn(S::V, S::V) -> S::V) {
        let planes = self.y.chunks_exact(self.plane);
        let planes = planes.zip(self.dy.chunks_exact_mut(self.plane));
        for ((y, dy), sum) in planes.zip(self.sums) {
            let mut runs = [T::ZERO; RUNS];
            let (y, y_rest) = y.as_chunks::<RUNS>();
            let (dy, dy_rest) = dy.as_chunks_mut::<RUNS>();
            const { assert!(S::LANES >= 4 && RUNS.is_multiple_of(S::LANES)) };
            // SAFETY: the vectors of a chunk are inside it: LANES divides RUNS.
            unsafe {
                // As many vectors as the narrowest level needs; a level uses the first RUNS / LANES.
                let mut vectors = [S::zero(); RUNS / 4];
                for (y, dy) in y.iter().zip(dy) {
                    for (v, sum) in vectors.iter_mut().enumerate().take(RUNS / S::LANES) {
                        let at = v * S::LANES;
                        let to = dy.as_mut_ptr().add(at);
                        let passed = gate(S::load(y.as_ptr().add(at)), S::load(to));
                        S::store(to, passed);
                        *sum = S::add(*sum, passed);
                    }
                }
                for (v, &sum) in vectors.iter().enumerate().take(RUNS / S::LANES) {
                    S::store(runs.as_mut_ptr().add(v * S::LANES), sum);
                }
            }
            for (&y, dy) in y_rest.iter().zip(dy_rest) {
                *dy = self.rule.gate(y, *dy);
                runs[0] += *dy;
            }
            *sum = runs.iter().fold(T::ZERO, |total, &run| total + run);
        }
    }
}
