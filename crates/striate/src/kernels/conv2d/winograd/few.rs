//! Few tiles: small batches and small maps, where the weights are the larger side.
//!
//! All tiles are transformed first; then the work is cut by channels instead of by tiles, so that each weight
//! is read once and its transform never leaves the cache:
//!
//! ```text
//! forward:   for each panel of results (in parallel), for each run of k:
//!                U[cell][k][lanes] = transformed weights
//!                M[cell][tile][lanes] += V[cell][tile][k] U
//!            outputs = A^T M A, bias, ReLU, to maps
//! gradient:  for each panel of o and each piece of c (in parallel):
//!                D[cell][c][lanes] = V^T Z, for both halves of the tiles
//!                dw = G^T (the halves' D, added) G
//! ```
//!
//! No sum changes its order, so which way is taken changes no bit.
//!
//! Safety: [`strips`](super::strips) states the layouts; each task writes its own channels.

mod gradient;

use std::marker::PhantomData;

use super::form::Form;
use super::forward::Pass;
use super::strips::{Strips, TileLayout};
use super::tiles::outputs;
use super::transformed::Tiles;
use super::weights::{RUN, transform_filters};
use crate::kernels::conv2d::block::{Ahead, Along, Operands, rows};
use crate::kernels::conv2d::panels::{Panel, narrower, panels};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

pub(super) use gradient::{gradient, gradient_parts};

/// Most tiles: from here on the sums of a panel leave the second cache.
const FEW: usize = 128;

/// Whether these are few tiles.
pub(super) fn are_few(strips: Strips) -> bool {
    strips.count * strips.tiles <= FEW
}

/// Independent parts of the forward pass.
pub(super) fn forward_parts(level: Level, channels: usize) -> usize {
    panels_for_threads(level, channels).len()
}

/// Panels of which every thread gets one, if the channels suffice.
fn panels_for_threads(level: Level, channels: usize) -> Vec<Panel> {
    let width = width::<f32>(level);
    let wide = panels(width, channels);
    narrower(wide, width.lanes, rayon::current_num_threads())
}

/// Stores the results of all images.
#[expect(clippy::too_many_arguments, reason = "the operands of a convolution")]
pub(super) fn forward<F: Form>(
    level: Level,
    pass: &Pass,
    strips: Strips,
    from: &[f32],
    weight: &[f32],
    bias: &[f32],
    relu: bool,
    to: &mut [f32],
) {
    let panels = panels_for_threads(level, pass.to.channels);
    let all = 0..strips.count;
    let tiles = Tiles::of::<F::Input>(level, strips, all, pass.from, from, pass.padding);
    let to = Shared::new(to);
    run_tasks(panels.len(), &|at| {
        let results = Results::<F> {
            form: PhantomData,
            level,
            pass,
            tiles: &tiles,
            panel: panels[at],
            weight,
            bias,
            relu,
            to,
        };
        dispatch(level, results);
    });
}

/// The results of a panel.
struct Results<'a, F> {
    form: PhantomData<F>,
    level: Level,
    pass: &'a Pass,
    tiles: &'a Tiles,
    panel: Panel,
    weight: &'a [f32],
    bias: &'a [f32],
    relu: bool,
    to: Shared<f32>,
}

impl<F: Form> Kernel<f32> for Results<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let Self {
            pass, tiles, panel, ..
        } = self;
        let (count, lanes) = (pass.from.channels, panel.vectors * S::LANES);
        let layout = TileLayout::new(tiles.count(), lanes, S::LANES);
        let mut filters = Scratch::<f32>::new(F::CELLS * RUN * lanes);
        let mut products = Scratch::<f32>::new(layout.len(F::CELLS));
        if count == 0 {
            products.fill(0.0);
        }
        let row = |tile: usize, step: usize| (tile * step) as u32;
        let from_rows: Vec<u32> = (0..tiles.count())
            .map(|tile| row(tile, tiles.layout.step))
            .collect();
        let to_rows: Vec<u32> = (0..tiles.count())
            .map(|tile| row(tile, layout.step))
            .collect();
        for k in (0..count).step_by(RUN) {
            let run = k..(k + RUN).min(count);
            let (len, plane) = (run.len(), run.len() * lanes);
            let shared = Shared::new(&mut filters);
            // SAFETY: `filters` has room for a run of the panel and belongs to this task.
            unsafe {
                transform_filters::<S, F>(pass.weight, panel, run, self.weight, shared, 0, plane);
            }
            for cell in 0..F::CELLS {
                // SAFETY: tiles are inside both sides, the run's rows inside `filters`.
                unsafe {
                    let operands = Operands {
                        a: tiles.values.as_ptr().add(cell * tiles.layout.plane + k),
                        along: Along::Step {
                            count: len,
                            step: 1,
                        },
                        b: filters.as_ptr().add(cell * plane),
                        b_step: lanes,
                        c: products.as_mut_ptr().add(cell * layout.plane),
                        accumulate: k > 0,
                        finish: None,
                        ahead: Ahead::Nothing,
                    };
                    rows(self.level, panel.vectors, operands, &from_rows, &to_rows);
                }
            }
        }
        let channels = panel.start..(panel.start + lanes).min(pass.to.channels);
        for run in tiles.strips.runs(0, tiles.strips.count) {
            let maps = channels.clone();
            // SAFETY: the run is a part of all tiles, and its outputs in the panel belong to this task.
            unsafe {
                outputs::<S, F>(
                    pass.to, maps, &products, layout, run, self.bias, self.relu, self.to,
                );
            }
        }
    }
}
