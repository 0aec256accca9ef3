//! Direct convolution without a patch matrix: the forward pass and the input gradient.
//!
//! Both are one computation, a sum over taps:
//!
//! ```text
//! to[o][i * spread + start] = sum over c, taps t of  packed[c, t, o] * from[c][i * step + t]        (per axis)
//! ```
//!
//! | pass | from | step | spread | taps t |
//! |:--|:--|:--|:--|:--|
//! | forward | x | stride | 1 | u * dilation - padding |
//! | input gradient | dy | 1 | stride | (start + padding - u * dilation) / stride, where that is whole |
//!
//! A tap is a kernel cell together with the place where it reads.
//! The input gradient has one phase for each `start` below the stride, each with its own taps,
//! so no product with a zero is ever computed.
//!
//! | file | what it holds |
//! |:--|:--|
//! | [`phases`] | the taps of both passes |
//! | [`pack`] | packed weights |
//! | [`plan`] | the cut into tiles, the loop over tiles |
//! | [`tile`] | one tile: patch, sums, maps |
//!
//! Safety: a tile writes its own rectangle of each output map; offsets into the patch are built with its sizes.

use rayon::prelude::*;

use super::ConvShape;
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::simd::Lanes;
use pack::Weights;
use phases::{Phases, forward_phases, gradient_phases};
use plan::{Maps, Plan};

mod pack;
mod phases;
mod plan;
mod tile;

/// See [`super::forward`].
pub(super) fn forward<T: Lanes>(
    level: Level,
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    relu: bool,
) -> Vec<T> {
    let s = &flattened(s);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    let phases = forward_phases(s);
    let fill = |y: &mut [T]| {
        for group in 0..s.groups {
            let weight = &weight[group * o * c * cells..][..o * c * cells];
            let bias = bias.map(|bias| &bias[group * o..][..o]);
            forward_plan(level, s, &phases, group, bias, relu).run(
                s.n,
                x,
                y,
                Weights {
                    values: weight,
                    cells,
                    from_step: 1,
                    to_step: c,
                },
            );
        }
    };
    // SAFETY: the tiles of all groups together store every output pixel, and load none before.
    unsafe { written_by(s.y_len(), fill) }
}

/// See [`super::backward_input`].
pub(super) fn backward_input<T: Lanes>(
    level: Level,
    s: &ConvShape,
    dy: &[T],
    weight: &[T],
) -> Vec<T> {
    let s = &flattened(s);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    let phases = gradient_phases(s);
    let (rows, columns) = phases.reached(s.h, s.w);
    let fill = |dx: &mut [T]| {
        for group in 0..s.groups {
            let weight = &weight[group * o * c * cells..][..o * c * cells];
            input_gradient_plan(level, s, &phases, group).run(
                s.n,
                dy,
                dx,
                Weights {
                    values: weight,
                    cells,
                    from_step: c,
                    to_step: 1,
                },
            );
        }
    };
    if rows.is_empty() || columns.is_empty() {
        return vec![T::ZERO; s.x_len()];
    }
    let maps = s.n * s.c_in;
    // SAFETY: the phases of all tiles of all groups together store every pixel, and load none before.
    let reached = unsafe { written_by(maps * rows.len() * columns.len(), fill) };
    if (rows.len(), columns.len()) == (s.h, s.w) {
        return reached;
    }
    spread_out(s, &reached, &rows, &columns)
}

/// The plan of the forward pass of a group.
fn forward_plan<'a, T>(
    level: Level,
    s: &ConvShape,
    phases: &'a Phases,
    group: usize,
    bias: Option<&'a [T]>,
    relu: bool,
) -> Plan<'a, T> {
    Plan {
        level,
        from: x_maps(s, group),
        to: y_maps(s, group),
        step: s.stride,
        phases,
        bias,
        relu,
    }
}

/// The plan of the input gradient of a group, whose results are the pixels that a window reaches.
fn input_gradient_plan<'a, T>(
    level: Level,
    s: &ConvShape,
    phases: &'a Phases,
    group: usize,
) -> Plan<'a, T> {
    let (rows, columns) = phases.reached(s.h, s.w);
    Plan {
        level,
        from: y_maps(s, group),
        to: Maps {
            h: rows.len(),
            w: columns.len(),
            ..x_maps(s, group)
        },
        step: (1, 1),
        phases,
        bias: None,
        relu: false,
    }
}

fn x_maps(s: &ConvShape, group: usize) -> Maps {
    let c = s.c_in / s.groups;
    Maps {
        channels: s.c_in,
        first: group * c,
        count: c,
        h: s.h,
        w: s.w,
    }
}

fn y_maps(s: &ConvShape, group: usize) -> Maps {
    let o = s.c_out / s.groups;
    Maps {
        channels: s.c_out,
        first: group * o,
        count: o,
        h: s.h_out(),
        w: s.w_out(),
    }
}

/// Independent parts of the forward pass of a group.
pub(super) fn forward_parts<T: Lanes>(level: Level, s: &ConvShape) -> usize {
    let s = &flattened(s);
    let phases = forward_phases(s);
    forward_plan::<T>(level, s, &phases, 0, None, false).independent(s.n)
}

/// Independent parts of the input gradient of a group.
pub(super) fn input_gradient_parts<T: Lanes>(level: Level, s: &ConvShape) -> usize {
    let s = &flattened(s);
    let phases = gradient_phases(s);
    let (rows, columns) = phases.reached(s.h, s.w);
    if rows.is_empty() || columns.is_empty() {
        return 0;
    }
    input_gradient_plan::<T>(level, s, &phases, 0).independent(s.n)
}

/// Maps of zeros, with `reached` in these rows and columns: where a large stride leaves most of x without a window.
fn spread_out<T: Lanes>(s: &ConvShape, reached: &[T], rows: &[usize], columns: &[usize]) -> Vec<T> {
    let mut dx = vec![T::ZERO; s.x_len()];
    let maps = dx.par_chunks_exact_mut(s.h * s.w);
    let reached = reached.par_chunks_exact(rows.len() * columns.len());
    maps.zip(reached).for_each(|(map, reached)| {
        for (&row, reached) in rows.iter().zip(reached.chunks_exact(columns.len())) {
            for (&column, &value) in columns.iter().zip(reached) {
                map[row * s.w + column] = value;
            }
        }
    });
    dx
}

/// A 1x1 convolution does not care where a row ends: one long row makes even tiles.
pub(super) fn flattened(s: &ConvShape) -> ConvShape {
    if (s.kh, s.kw, s.stride, s.padding) == (1, 1, (1, 1), (0, 0)) {
        ConvShape {
            h: 1,
            w: s.h * s.w,
            ..*s
        }
    } else {
        *s
    }
}
