//! The weight gradient of few tiles.

use std::marker::PhantomData;
use std::ops::Range;

use super::panels_for_threads;
use crate::kernels::conv2d::block::{Ahead, Along, Operands, rows};
use crate::kernels::conv2d::panels::Panel;
use crate::kernels::conv2d::winograd::form::WeightGradient;
use crate::kernels::conv2d::winograd::gradient::{Pass, Sums, parts};
use crate::kernels::conv2d::winograd::strips::Strips;
use crate::kernels::conv2d::winograd::transformed::Tiles;
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch};
use crate::kernels::tasks::run_tasks;

/// Input channels of a piece.
const PIECE: usize = 16;

/// Stores the weight gradient.
pub(in crate::kernels::conv2d::winograd) fn gradient<F: WeightGradient>(
    level: Level,
    pass: &Pass,
    strips: Strips,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let all = 0..strips.count;
    let input = Tiles::of::<F::Input>(level, strips, all.clone(), pass.x, x, pass.padding);
    let output = Tiles::of::<F::Gradient>(level, strips, all, pass.dy, dy, (0, 0));
    let panels = panels_for_threads(level, pass.dy.channels);
    let dw = Shared::new(dw);
    let pieces = pass.x.channels.div_ceil(PIECE);
    run_tasks(panels.len() * pieces, &|task| {
        let from = task % pieces * PIECE;
        let weights = Weights::<F> {
            form: PhantomData,
            level,
            pass,
            input: &input,
            output: &output,
            panel: panels[task / pieces],
            inputs: from..(from + PIECE).min(pass.x.channels),
            dw,
        };
        dispatch(level, weights);
    });
}

/// Independent parts of the weight gradient.
pub(in crate::kernels::conv2d::winograd) fn gradient_parts(level: Level, pass: &Pass) -> usize {
    panels_for_threads(level, pass.dy.channels).len() * pass.x.channels.div_ceil(PIECE)
}

/// The gradient of the filters between a piece of the input channels and a panel of the output channels.
struct Weights<'a, F> {
    form: PhantomData<F>,
    level: Level,
    pass: &'a Pass,
    input: &'a Tiles,
    output: &'a Tiles,
    panel: Panel,
    inputs: Range<usize>,
    dw: Shared<f32>,
}

impl<F: WeightGradient> Kernel<f32> for Weights<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let Self { input, output, .. } = self;
        let lanes = self.panel.vectors * S::LANES;
        let count = parts(input.strips);
        let plane = self.inputs.len() * lanes;
        let mut sums = Scratch::<f32>::new(count * F::CELLS * plane);
        let from_rows: Vec<u32> = self.inputs.clone().map(|c| c as u32).collect();
        let to_rows: Vec<u32> = (0..self.inputs.len()).map(|c| (c * lanes) as u32).collect();
        for part in 0..count {
            let first = input.strips.count * part / count * input.strips.tiles;
            let end = input.strips.count * (part + 1) / count * input.strips.tiles;
            for cell in 0..F::CELLS {
                let from = cell * input.layout.plane + first * input.layout.step;
                let by = cell * output.layout.plane + first * output.layout.step;
                // SAFETY: channels and tiles are inside both sides, rows inside `sums`.
                unsafe {
                    let operands = Operands {
                        a: input.values.as_ptr().add(from),
                        along: Along::Step {
                            count: end - first,
                            step: input.layout.step,
                        },
                        b: output.values.as_ptr().add(by + self.panel.start),
                        b_step: output.layout.step,
                        c: sums.as_mut_ptr().add((part * F::CELLS + cell) * plane),
                        accumulate: false,
                        finish: None,
                        ahead: Ahead::Nothing,
                    };
                    let vectors = self.panel.vectors;
                    rows(self.level, vectors, operands, &from_rows, &to_rows);
                }
            }
        }
        let sums = Sums {
            values: &sums,
            parts: count,
            inputs: self.inputs.len(),
            wide: lanes,
        };
        let end = (self.panel.start + lanes).min(self.pass.dy.channels);
        // SAFETY: each task stores the filters between its own channels.
        unsafe {
            sums.store_gradient::<S, F>(self.pass, self.inputs, self.panel.start..end, self.dw);
        }
    }
}
