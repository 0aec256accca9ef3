//! Transformed weights, the register block's right operand.
//!
//! ```text
//! forward:         U = G w[o, c] G^T,             k = c, lanes = o
//! input gradient:  U = G w[o, c] rotated by 180 degrees G^T,   k = o, lanes = c
//! ```
//!
//! [`transformed`] makes all of them, `[cell][panel][k][vectors * LANES]`; [`transform_filters`] a run of one panel.
//!
//! Safety: each task writes the rows of its own panel.

use std::marker::PhantomData;
use std::ops::Range;

use super::form::Form;
use crate::kernels::conv2d::panels::{Panel, gather_cells, padded};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// Filters along the sum that are transformed at a time: for a panel their transforms stay in the second cache.
pub(super) const RUN: usize = 32;

/// How the register block reads the weights, (C_out, C_in, K, K).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Length of the sums.
    pub(super) count: usize,
    /// Results.
    pub(super) channels: usize,
    /// From filter to filter along the sum and along the results.
    pub(super) count_step: usize,
    pub(super) channel_step: usize,
    /// Whether each filter is rotated by 180 degrees.
    pub(super) rotated: bool,
}

/// Transforms all weights.
pub(super) fn transformed<F: Form>(
    level: Level,
    reading: Reading,
    panels: &[Panel],
    weight: &[f32],
) -> Scratch<f32> {
    let wide = padded(reading.channels, width::<f32>(level).lanes);
    let mut to = Scratch::new(F::CELLS * reading.count * wide);
    let shared = Shared::new(&mut to);
    let runs = reading.count.div_ceil(RUN);
    run_tasks(panels.len() * runs, &|task| {
        let from = task % runs * RUN;
        let filters = Filters::<F> {
            form: PhantomData,
            reading,
            panel: panels[task / runs],
            run: from..(from + RUN).min(reading.count),
            weight,
            plane: reading.count * wide,
            packed: shared,
        };
        dispatch(level, filters);
    });
    to
}

/// A run of a panel among all weights.
struct Filters<'a, F> {
    form: PhantomData<F>,
    reading: Reading,
    panel: Panel,
    run: Range<usize>,
    weight: &'a [f32],
    plane: usize,
    packed: Shared<f32>,
}

impl<F: Form> Kernel<f32> for Filters<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let lanes = self.panel.vectors * S::LANES;
        let first = self.panel.start * self.reading.count + self.run.start * lanes;
        // SAFETY: the run's rows of the panel are this task's own, in each plane.
        unsafe {
            transform_filters::<S, F>(
                self.reading,
                self.panel,
                self.run,
                self.weight,
                self.packed,
                first,
                self.plane,
            );
        }
    }
}

/// Transforms the filters `run` of a panel to `to[cell * plane + first + (k - run.start) * vectors * LANES ..]`.
///
/// # Safety
/// Called under `dispatch`; nobody else touches these numbers of `to`, which are inside it;
/// the run has at most [`RUN`] filters.
#[inline(always)]
pub(super) unsafe fn transform_filters<S: Simd<Elem = f32>, F: Form>(
    reading: Reading,
    panel: Panel,
    run: Range<usize>,
    weight: &[f32],
    to: Shared<f32>,
    first: usize,
    plane: usize,
) {
    let lanes = panel.vectors * S::LANES;
    let side = F::KERNEL;
    let filter = tap_rows::<S>(side) * S::LANES;
    let mut taps = Scratch::<f32>::new(RUN * filter);
    for vector in 0..panel.vectors {
        let channel = panel.start + vector * S::LANES;
        // SAFETY: `taps` has room for a run; the packed rows are the caller's own.
        unsafe {
            gather_filters::<S>(reading, side, channel, run.clone(), weight, &mut taps);
            for k in 0..run.len() {
                let taps = taps.as_ptr().add(k * filter);
                let at = first + k * lanes + vector * S::LANES;
                F::weight_tile::<S>(
                    |i, j| {
                        let tap = i * side + j;
                        let last = side * side - 1;
                        let tap = if reading.rotated { last - tap } else { tap };
                        S::load(taps.add(tap * S::LANES))
                    },
                    |cell, value| S::store(to.at(cell * plane + at, S::LANES), value),
                );
            }
        }
    }
}

/// Vectors that a filter's taps take: whole squares are transposed, even where they reach into the next filter.
fn tap_rows<S: Simd>(side: usize) -> usize {
    S::LANES.max(side * side)
}

/// Reads the filters `run` of LANES channels to `[k][tap][LANES]`, with [`tap_rows`] vectors for each k.
///
/// # Safety
/// Called under `dispatch`; `to` has room for them.
#[inline(always)]
unsafe fn gather_filters<S: Simd<Elem = f32>>(
    reading: Reading,
    side: usize,
    channel: usize,
    run: Range<usize>,
    weight: &[f32],
    to: &mut [f32],
) {
    let taps = side * side;
    let channels = (reading.channels - channel).min(S::LANES);
    for (k, to) in run.zip(to.chunks_exact_mut(tap_rows::<S>(side) * S::LANES)) {
        let filter = channel * reading.channel_step + k * reading.count_step;
        let from = &weight[filter * taps..];
        // SAFETY: passed on; `to` has room for whole squares.
        unsafe {
            gather_cells::<S>(from, reading.channel_step * taps, channels, taps, to);
        }
    }
}
