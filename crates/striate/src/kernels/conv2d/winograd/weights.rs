//! Transformed weights: `[36][panel][k][vectors * LANES]`, the register block's right operand.
//!
//! ```text
//! forward:         U = G w[o, c] G^T,             k = c, lanes = o
//! input gradient:  U = G w[o, c] rotated by 180 degrees G^T,   k = o, lanes = c
//! ```
//!
//! Safety: each task writes the rows of its own panel.

use rayon::prelude::*;

use super::transforms::{CELLS, SIDE, weight_tile};
use crate::kernels::conv2d::panels::{Panel, padded};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};

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
pub(super) fn transformed<const K: usize>(
    level: Level,
    reading: Reading,
    panels: &[Panel],
    weight: &[f32],
) -> Scratch<f32> {
    /// Filters a task transforms for each lane.
    const RUN: usize = 32;
    let wide = padded(reading.channels, width::<f32>(level).lanes);
    let mut to = Scratch::new(CELLS * reading.count * wide);
    let shared = Shared::new(&mut to);
    let runs = reading.count.div_ceil(RUN);
    (0..panels.len() * runs).into_par_iter().for_each(|task| {
        let from = task % runs * RUN;
        let filters = Filters::<K> {
            reading,
            panel: panels[task / runs],
            from,
            to: (from + RUN).min(reading.count),
            weight,
            plane: reading.count * wide,
            packed: shared,
        };
        dispatch(level, filters);
    });
    to
}

/// The filters `from..to` of a panel.
struct Filters<'a, const K: usize> {
    reading: Reading,
    panel: Panel,
    from: usize,
    to: usize,
    weight: &'a [f32],
    plane: usize,
    packed: Shared<f32>,
}

#[expect(
    clippy::needless_range_loop,
    reason = "the loops are the formula's indices"
)]
impl<const K: usize> Kernel<f32> for Filters<'_, K> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let r = self.reading;
        let lanes = self.panel.vectors * S::LANES;
        for k in self.from..self.to {
            for vector in 0..self.panel.vectors {
                let channel = self.panel.start + vector * S::LANES;
                let mut taps = [[[0.0; 16]; K]; K];
                for lane in 0..S::LANES.min(r.channels - channel) {
                    let filter = (channel + lane) * r.channel_step + k * r.count_step;
                    let filter = &self.weight[filter * K * K..][..K * K];
                    for (at, &tap) in filter.iter().enumerate() {
                        let at = if r.rotated { K * K - 1 - at } else { at };
                        taps[at / K][at % K][lane] = tap;
                    }
                }
                // SAFETY: `taps` has room for any vector; the packed rows are this task's own.
                unsafe {
                    let mut filter = [[S::zero(); K]; K];
                    for i in 0..K {
                        for j in 0..K {
                            filter[i][j] = S::load(taps[i][j].as_ptr());
                        }
                    }
                    let tile = weight_tile::<S, K>(filter);
                    let at = self.panel.start * r.count + k * lanes + vector * S::LANES;
                    for cell in 0..CELLS {
                        let to = self.packed.at(cell * self.plane + at, S::LANES);
                        S::store(to, tile[cell / SIDE][cell % SIDE]);
                    }
                }
            }
        }
    }
}
