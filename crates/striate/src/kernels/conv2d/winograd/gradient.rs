//! The weight gradient: dw = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G.
//!
//! ```text
//! for each part, a fixed share of the strips (in parallel):
//!     for each block of strips (its tiles and its cells in parallel again):
//!         V[cell][tile][c] = B^T d B of the tiles of x
//!         Z[cell][tile][o] = A dy A^T of the tiles of dy
//!         D[cell][c][o]   += V^T Z, a matrix product for each cell
//! dw = G^T (the parts' D, added in order) G
//! ```
//!
//! The number of parts depends on the sizes alone, so the bits do not depend on the number of threads.
//!
//! Safety: a part writes its own D; [`strips`](super::strips) states the layouts of V and Z.

use std::marker::PhantomData;
use std::ops::Range;

use super::few::{self, are_few};
use super::form::WeightGradient;
use super::strips::Strips;
use super::tiles::Maps;
use super::transformed::Tiles;
use crate::kernels::conv2d::block::{Ahead, Along, Operands, rows};
use crate::kernels::conv2d::panels::{Panel, padded, panels};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// Bytes of V and Z of a block; longer blocks read and write D less often.
const BLOCK: usize = 1800 << 10;
/// Parts of many tiles.
const PARTS: usize = 4;

/// Sizes: x (`n` images of `x`), dy (of `dy`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) n: usize,
    pub(super) x: Maps,
    pub(super) dy: Maps,
    pub(super) padding: (usize, usize),
}

/// dw, (C_out, C_in, K, K).
pub(super) fn run<F: WeightGradient>(level: Level, pass: &Pass, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let (c, len) = (
        pass.x.channels,
        pass.dy.channels * pass.x.channels * F::KERNEL * F::KERNEL,
    );
    let strips = Strips::new(pass.n, pass.dy.h, pass.dy.w, F::RESULTS);
    if are_few(strips) {
        let fill = |dw: &mut [f32]| few::gradient::<F>(level, pass, strips, x, dy, dw);
        // SAFETY: every filter is stored, and none is loaded.
        return unsafe { written_by(len, fill) };
    }
    let width = width::<f32>(level);
    let panels = panels(width, pass.dy.channels);
    let wide = padded(pass.dy.channels, width.lanes);
    let bytes = F::CELLS * size_of::<f32>() * (padded(c, width.lanes) + wide);
    let per_block = (BLOCK / (strips.tiles * bytes)).max(1);
    let parts = parts(strips);
    let mut sums = Scratch::<f32>::new(parts * F::CELLS * c * wide);
    let shared = Shared::new(&mut sums);
    run_tasks(parts, &|part| {
        Part::<F> {
            form: PhantomData,
            level,
            pass,
            strips,
            per_block,
            first: strips.count * part / parts,
            last: strips.count * (part + 1) / parts,
            panels: &panels,
            x,
            dy,
            sums: shared,
            start: part * F::CELLS * c * wide,
        }
        .run();
    });
    let fill = |dw: &mut [f32]| {
        // Pieces of 8 input channels.
        let dw = Shared::new(dw);
        run_tasks(c.div_ceil(8), &|piece| {
            let total = Total::<F> {
                form: PhantomData,
                pass,
                sums: Sums {
                    values: &sums,
                    parts,
                    inputs: c,
                    wide,
                },
                inputs: piece * 8..(piece * 8 + 8).min(c),
                dw,
            };
            dispatch(level, total);
        });
    };
    // SAFETY: the totals of all input channels together store every weight, and load none.
    unsafe { written_by(len, fill) }
}

/// Independent parts of the pass: the cells of each part of the sums.
pub(super) fn independent<F: WeightGradient>(level: Level, pass: &Pass) -> usize {
    let strips = Strips::new(pass.n, pass.dy.h, pass.dy.w, F::RESULTS);
    match are_few(strips) {
        true => few::gradient_parts(level, pass),
        false => parts(strips) * F::CELLS,
    }
}

/// Parts with a D of their own: with few tiles, clearing and adding many D would take longer than it saves.
pub(super) fn parts(strips: Strips) -> usize {
    let most = match strips.count * strips.tiles < 1024 {
        true => 2,
        false => PARTS,
    };
    most.min(strips.count).max(1)
}

/// The strips `first..last`, added up.
struct Part<'a, F> {
    form: PhantomData<F>,
    level: Level,
    pass: &'a Pass,
    strips: Strips,
    per_block: usize,
    first: usize,
    last: usize,
    panels: &'a [Panel],
    x: &'a [f32],
    dy: &'a [f32],
    sums: Shared<f32>,
    /// Where this part's D begins.
    start: usize,
}

impl<F: WeightGradient> Part<'_, F> {
    /// Cells are independent, so threads without a part of their own find work in others'.
    fn run(self) {
        let pass = self.pass;
        let c = pass.x.channels;
        let wide = padded(pass.dy.channels, width::<f32>(self.level).lanes);
        let v_rows: Vec<u32> = (0..c as u32).collect();
        let d_rows: Vec<u32> = (0..c).map(|channel| (channel * wide) as u32).collect();
        if self.first == self.last {
            // SAFETY: each part has its own D.
            unsafe {
                self.sums
                    .at(self.start, F::CELLS * c * wide)
                    .write_bytes(0, F::CELLS * c * wide)
            };
        }
        for first in (self.first..self.last).step_by(self.per_block) {
            let block = first..(first + self.per_block).min(self.last);
            let (level, strips) = (self.level, self.strips);
            let v =
                Tiles::of::<F::Input>(level, strips, block.clone(), pass.x, self.x, pass.padding);
            let z = Tiles::of::<F::Gradient>(level, strips, block, pass.dy, self.dy, (0, 0));
            run_tasks(F::CELLS, &|cell| {
                for panel in self.panels {
                    // SAFETY: tiles are inside V and Z, rows inside D; each cell has its own.
                    unsafe {
                        let operands = Operands {
                            a: v.values.as_ptr().add(cell * v.layout.plane),
                            along: Along::Step {
                                count: v.count(),
                                step: v.layout.step,
                            },
                            b: z.values.as_ptr().add(cell * z.layout.plane + panel.start),
                            b_step: z.layout.step,
                            c: self
                                .sums
                                .at(self.start + cell * c * wide + panel.start, panel.vectors),
                            accumulate: first > self.first,
                            finish: None,
                            ahead: Ahead::Sums,
                        };
                        rows(level, panel.vectors, operands, &v_rows, &d_rows);
                    }
                }
            });
        }
    }
}

/// Adds the parts of some input channels and transforms them back.
struct Total<'a, F> {
    form: PhantomData<F>,
    pass: &'a Pass,
    sums: Sums<'a>,
    inputs: Range<usize>,
    dw: Shared<f32>,
}

impl<F: WeightGradient> Kernel<f32> for Total<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let Range { start, end } = self.inputs;
        let inputs = self
            .sums
            .values
            .get(start * self.sums.wide..)
            .unwrap_or(&[]);
        let sums = Sums {
            values: inputs,
            ..self.sums
        };
        let outputs = 0..self.pass.dy.channels;
        // SAFETY: each task stores the filters of its own input channels.
        unsafe { sums.store_gradient::<S, F>(self.pass, start..end, outputs, self.dw) };
    }
}

/// D, `[part][cell][input channel][wide]`.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    /// From the first of the wanted channels on.
    pub(super) values: &'a [f32],
    pub(super) parts: usize,
    pub(super) inputs: usize,
    pub(super) wide: usize,
}

impl Sums<'_> {
    /// Adds the parts, transforms them back, and stores the filters between these channels.
    ///
    /// # Safety
    /// Called under `dispatch`; the values hold these channels; no other task stores to their filters.
    #[inline(always)]
    pub(super) unsafe fn store_gradient<S: Simd<Elem = f32>, F: WeightGradient>(
        &self,
        pass: &Pass,
        inputs: Range<usize>,
        outputs: Range<usize>,
        dw: Shared<f32>,
    ) {
        let taps = F::KERNEL * F::KERNEL;
        for channel in outputs.clone().step_by(S::LANES) {
            for k in inputs.clone() {
                let mut lanes = [[0.0; 16]; 25];
                let first = (k - inputs.start) * self.wide + channel - outputs.start;
                // SAFETY: reads stay inside the parts' sums; `lanes` has room for any vector.
                unsafe {
                    let sum = |cell: usize| {
                        let at = |part: usize| {
                            (part * F::CELLS + cell) * self.inputs * self.wide + first
                        };
                        let mut sum = S::load(self.values.as_ptr().add(at(0)));
                        for part in 1..self.parts {
                            sum = S::add(sum, S::load(self.values.as_ptr().add(at(part))));
                        }
                        sum
                    };
                    F::weight_gradient_tile::<S>(sum, |at, tap| {
                        S::store(lanes[at].as_mut_ptr(), tap);
                    });
                }
                for lane in 0..S::LANES.min(outputs.end - channel) {
                    let filter = ((channel + lane) * pass.x.channels + k) * taps;
                    // SAFETY: the filter is the caller's own.
                    let filter = unsafe { dw.at(filter, taps) };
                    for (at, tap) in lanes.iter().enumerate().take(taps) {
                        // SAFETY: as above.
                        unsafe { filter.add(at).write(tap[lane]) };
                    }
                }
            }
        }
    }
}
