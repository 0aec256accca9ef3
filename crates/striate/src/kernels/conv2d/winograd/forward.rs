//! The forward pass, which is the input gradient too (on dy, with rotated filters and padding K - 1 - p).
//!
//! ```text
//! U[cell][panel][c][lanes] = transformed weights
//! for each block of strips (in parallel):
//!     V[cell][tile][c]  = B^T d B of its input tiles
//!     M[cell][tile][o]  = V U, a matrix product for each cell
//!     outputs         = A^T M A, bias, ReLU, to maps
//! ```
//!
//! V and M of a block stay in the second cache; U stays there too if there is room, and else streams through it once a block,
//! fetched while the product before it is computed.
//! An output's sum runs over c in order whatever the block, so neither blocks nor threads change a bit.
//!
//! Safety: a block stores the outputs of its own tiles; [`strips`](super::strips) states the layouts.

use std::marker::PhantomData;

use super::few::{self, are_few};
use super::form::Form;
use super::strips::{Run, Strips, TileLayout};
use super::tiles::{Maps, outputs, transform};
use super::weights::{Reading, transformed};
use crate::kernels::conv2d::block::{Ahead, Along, Operands, rows};
use crate::kernels::conv2d::panels::{Panel, padded, panels};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// Bytes of a second cache that U, V and M share where there is room for all.
const CACHE: usize = 1800 << 10;
/// Most bytes of V and M beside U in the cache: all of one of 1 MB.
const BESIDE: usize = 1 << 20;
/// Bytes of V and M of a block where U is too large to stay in the cache: with more tiles it comes less often.
const BLOCK: usize = 1500 << 10;

/// A convolution by tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) n: usize,
    pub(super) from: Maps,
    pub(super) to: Maps,
    pub(super) padding: (usize, usize),
    pub(super) weight: Reading,
}

/// The results of all images.
pub(super) fn run<F: Form>(
    level: Level,
    pass: &Pass,
    from: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
) -> Vec<f32> {
    let width = width::<f32>(level);
    let wide = padded(pass.to.channels, width.lanes);
    let mut padded_bias = Scratch::<f32>::new(wide);
    padded_bias.fill(0.0);
    if let Some(bias) = bias {
        padded_bias[..bias.len()].copy_from_slice(bias);
    }
    let strips = Strips::new(pass.n, pass.to.h, pass.to.w, F::RESULTS);
    let len = pass.n * pass.to.channels * pass.to.h * pass.to.w;
    if are_few(strips) {
        let bias = &padded_bias[..];
        let fill = |to: &mut [f32]| {
            few::forward::<F>(level, pass, strips, from, weight, bias, relu, to);
        };
        // SAFETY: every output is stored, and none is loaded.
        return unsafe { written_by(len, fill) };
    }
    let panels = panels(width, pass.to.channels);
    let packed = transformed::<F>(level, pass.weight, &panels, weight);
    let per_block = strips_a_block::<F>(pass, strips, width.lanes);
    let fill = |to: &mut [f32]| {
        let to = Shared::new(to);
        run_tasks(strips.count.div_ceil(per_block), &|block| {
            let first = block * per_block;
            let block = Block::<F> {
                form: PhantomData,
                level,
                pass,
                strips,
                first,
                last: (first + per_block).min(strips.count),
                panels: &panels,
                packed: &packed,
                bias: &padded_bias,
                relu,
                from,
                to,
            };
            dispatch(level, block);
        });
    };
    // SAFETY: the blocks together store every output, and load none.
    unsafe { written_by(len, fill) }
}

/// Strips of a block: V and M fit the cache, and small convolutions are cut finer, so that every thread has work.
fn strips_a_block<F: Form>(pass: &Pass, strips: Strips, lanes: usize) -> usize {
    let bytes = |channels: usize| F::CELLS * size_of::<f32>() * padded(channels, lanes);
    let strip = strips.tiles * (bytes(pass.from.channels) + bytes(pass.to.channels));
    let share = strips.count.div_ceil(2 * rayon::current_num_threads());
    let weights = bytes(pass.from.channels) * padded(pass.to.channels, lanes);
    let block = match CACHE.checked_sub(weights) {
        Some(left) if left >= CACHE / 4 => left.min(BESIDE),
        _ => BLOCK,
    };
    (block / strip).clamp(1, share.max(1))
}

/// Independent parts of the pass.
pub(super) fn independent<F: Form>(level: Level, pass: &Pass) -> usize {
    let strips = Strips::new(pass.n, pass.to.h, pass.to.w, F::RESULTS);
    if are_few(strips) {
        return few::forward_parts(level, pass.to.channels);
    }
    let lanes = width::<f32>(level).lanes;
    strips
        .count
        .div_ceil(strips_a_block::<F>(pass, strips, lanes))
}

/// The strips `first..last`.
struct Block<'a, F> {
    form: PhantomData<F>,
    level: Level,
    pass: &'a Pass,
    strips: Strips,
    first: usize,
    last: usize,
    panels: &'a [Panel],
    packed: &'a [f32],
    bias: &'a [f32],
    relu: bool,
    from: &'a [f32],
    to: Shared<f32>,
}

impl<F: Form> Kernel<f32> for Block<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let (pass, count) = (self.pass, self.pass.from.channels);
        let tiles = (self.last - self.first) * self.strips.tiles;
        let layout_v = TileLayout::new(tiles, count, S::LANES);
        let layout_m = TileLayout::new(tiles, pass.to.channels, S::LANES);
        let mut v = Scratch::<f32>::new(layout_v.len(F::CELLS));
        let mut m = Scratch::<f32>::new(layout_m.len(F::CELLS));
        let runs: Vec<Run> = self.strips.runs(self.first, self.last).collect();
        let shared_v = Shared::new(&mut v);
        for &run in &runs {
            // SAFETY: the run is a part of the block, which belongs to this task.
            unsafe {
                transform::<S, F::Input>(
                    pass.from,
                    self.from,
                    run,
                    pass.padding,
                    shared_v,
                    layout_v,
                )
            };
        }
        let v_rows: Vec<u32> = (0..tiles)
            .map(|tile| (tile * layout_v.step) as u32)
            .collect();
        let m_rows: Vec<u32> = (0..tiles)
            .map(|tile| (tile * layout_m.step) as u32)
            .collect();
        // U of one cell after the other, and of one panel after the other.
        let plane = count * padded(pass.to.channels, S::LANES);
        for cell in 0..F::CELLS {
            for panel in self.panels {
                let lanes = panel.vectors * S::LANES;
                let at = cell * plane + panel.start * count;
                // SAFETY: tiles are inside V and M, the panel's rows inside U.
                unsafe {
                    let operands = Operands {
                        a: v.as_ptr().add(cell * layout_v.plane),
                        along: Along::Step { count, step: 1 },
                        b: self.packed.as_ptr().add(at),
                        b_step: lanes,
                        c: m.as_mut_ptr().add(cell * layout_m.plane + panel.start),
                        accumulate: false,
                        finish: None,
                        ahead: Ahead::Factors(
                            self.packed.as_ptr().wrapping_add(at + lanes * count),
                        ),
                    };
                    rows(self.level, panel.vectors, operands, &v_rows, &m_rows);
                }
            }
        }
        for &run in &runs {
            // SAFETY: the run is a part of the block, and its outputs belong to this task.
            unsafe {
                let channels = 0..pass.to.channels;
                outputs::<S, F>(
                    pass.to, channels, &m, layout_m, run, self.bias, self.relu, self.to,
                );
            }
        }
    }
}
