//! Convolutions of stride 1 with few channels on one side, whose direct computation would leave most lanes empty.
//!
//! The lanes of the register block run over the channels of a result.
//! One map out of 64 (the last layer of a decoder) would use one lane of 16.
//! Two identities put another axis into the lanes:
//!
//! ```text
//! forward, few results:   t[(o,u,v)] = sum over c of w[o,c,u,v] * x[c]              a 1x1 convolution, lanes over (o,u,v)
//!                         y[o][i,j]  = b[o] + sum over u,v of t[(o,u,v)][i + u*d - p, j + v*d - p]
//! weight gradient:        dw[o,c,u,v] = dw'[c,o,K-1-u,K-1-v]                        lanes over c
//!     where dw' is the weight gradient of the convolution that has x and dy exchanged and padding K - 1 - p
//! ```
//!
//! The input gradient of a convolution with few input channels is the first one, with filters rotated by 180 degrees and padding K - 1 - p.

use rayon::prelude::*;

use super::{ConvShape, direct, weight};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::real::Real;
use crate::kernels::simd::{Lanes, width};
use crate::kernels::vectorize::vectorize;

/// Most numbers in the maps t of the images that are computed together, if one image does not have more.
const AT_ONCE: usize = 2 << 20;
/// Most numbers in the maps t of one image; with more of them the memory would cost more than the lanes are worth.
const MOST: usize = 32 << 20;

/// Whether [`forward`] needs less than half of the direct computation's products.
pub(super) fn is_faster<T: Lanes>(level: Level, s: &ConvShape) -> bool {
    let lanes = width::<T>(level).lanes;
    let cells = s.kh * s.kw;
    s.stride == (1, 1)
        && s.groups == 1
        && s.c_in >= 16
        && s.c_out > 0
        && cells > 1
        && (s.c_out * cells).saturating_mul(s.h * s.w) <= MOST
        && 2 * (s.c_out * cells).next_multiple_of(lanes) <= s.c_out.next_multiple_of(lanes) * cells
}

/// The convolution that is the input gradient of `s`, if there is one.
pub(super) fn transposed(s: &ConvShape) -> Option<ConvShape> {
    let span = (s.dilation.0 * (s.kh - 1), s.dilation.1 * (s.kw - 1));
    Some(ConvShape {
        c_in: s.c_out,
        c_out: s.c_in,
        h: s.h_out(),
        w: s.w_out(),
        padding: (
            span.0.checked_sub(s.padding.0)?,
            span.1.checked_sub(s.padding.1)?,
        ),
        ..*s
    })
}

/// y; `weight(o, c, cell)`.
pub(super) fn forward<T: Lanes>(
    level: Level,
    s: &ConvShape,
    x: &[T],
    weight: impl Fn(usize, usize, usize) -> T,
    bias: Option<&[T]>,
    relu: bool,
) -> Vec<T> {
    let cells = s.kh * s.kw;
    let (maps, plane) = (s.c_out * cells, s.h * s.w);
    let mut filters = Vec::with_capacity(maps * s.c_in);
    for map in 0..maps {
        filters.extend((0..s.c_in).map(|c| weight(map / cells, c, map % cells)));
    }
    let images = images_at_once(s);
    let pixels = s.h_out() * s.w_out();
    let fill = |y: &mut [T]| {
        let inputs = x.chunks(images * s.c_in * plane);
        for (x, y) in inputs.zip(y.chunks_mut(images * s.c_out * pixels)) {
            let point = point(s, x.len() / (s.c_in * plane));
            let t = direct::forward(level, &point, x, &filters, None, false);
            t.par_chunks(cells * plane)
                .zip(y.par_chunks_mut(pixels))
                .enumerate()
                .for_each(|(map, (t, y))| {
                    let bias = bias.map_or(T::ZERO, |bias| bias[map % s.c_out]);
                    vectorize!(gather(s, t, bias, relu, y));
                });
        }
    };
    // SAFETY: `gather` starts with a fill of its map, and the chunks cover all maps.
    unsafe { written_by(s.y_len(), fill) }
}

/// Images whose maps t are computed together.
fn images_at_once(s: &ConvShape) -> usize {
    (AT_ONCE / (s.c_out * s.kh * s.kw * s.h * s.w)).clamp(1, s.n.max(1))
}

/// The 1x1 convolution that makes the maps t of `n` images.
fn point(s: &ConvShape, n: usize) -> ConvShape {
    ConvShape {
        n,
        c_out: s.c_out * s.kh * s.kw,
        kh: 1,
        kw: 1,
        padding: (0, 0),
        dilation: (1, 1),
        ..*s
    }
}

/// Independent parts of [`forward`]: of the images that are computed together.
pub(super) fn forward_parts<T: Lanes>(level: Level, s: &ConvShape) -> usize {
    direct::forward_parts::<T>(level, &point(s, images_at_once(s)))
}

/// One map of y from the maps of its cells.
#[inline(always)]
fn gather<T: Real>(s: &ConvShape, t: &[T], bias: T, relu: bool, y: &mut [T]) {
    let (h_out, w_out) = (s.h_out(), s.w_out());
    // The outputs along an axis whose input at `offset` exists, and the first of these inputs.
    let inside = |offset: isize, len: usize, out: usize| {
        let first = (-offset).clamp(0, out as isize) as usize;
        let end = (len as isize - offset).clamp(first as isize, out as isize) as usize;
        (first, end, (first as isize + offset).max(0) as usize)
    };
    y.fill(bias);
    for (cell, t) in t.chunks_exact(s.h * s.w).enumerate() {
        let row = (cell / s.kw * s.dilation.0) as isize - s.padding.0 as isize;
        let column = (cell % s.kw * s.dilation.1) as isize - s.padding.1 as isize;
        let (top, bottom, from_row) = inside(row, s.h, h_out);
        let (left, right, from_column) = inside(column, s.w, w_out);
        if left == right {
            // Every output reads this cell from the padding.
            continue;
        }
        for i in top..bottom {
            let from = &t[(from_row + i - top) * s.w + from_column..][..right - left];
            let y = &mut y[i * w_out + left..][..right - left];
            y.iter_mut().zip(from).for_each(|(y, &t)| *y += t);
        }
    }
    if relu {
        for y in y {
            *y = if *y < T::ZERO { T::ZERO } else { *y };
        }
    }
}

/// The convolution with x and dy exchanged, if its weight gradient fills the lanes better by a third or more.
pub(super) fn exchanged<T: Lanes>(level: Level, s: &ConvShape) -> Option<ConvShape> {
    let lanes = width::<T>(level).lanes;
    let plain = (s.stride, s.dilation, s.groups) == ((1, 1), (1, 1), 1);
    let (own, other) = (
        s.c_in * s.c_out.next_multiple_of(lanes),
        s.c_out * s.c_in.next_multiple_of(lanes),
    );
    if plain && 3 * own >= 4 * other {
        transposed(s)
    } else {
        None
    }
}

/// dw by the weight gradient of the convolution that [`exchanged`] gives.
pub(super) fn backward_weight<T: Lanes>(
    level: Level,
    s: &ConvShape,
    exchanged: &ConvShape,
    x: &[T],
    dy: &[T],
) -> Vec<T> {
    let cells = s.kh * s.kw;
    let rotated = weight::backward_weight(level, exchanged, dy, x);
    let fill = |dw: &mut [T]| {
        for (o, dw) in dw.chunks_exact_mut(s.c_in * cells).enumerate() {
            for (c, dw) in dw.chunks_exact_mut(cells).enumerate() {
                let filter = &rotated[(c * s.c_out + o) * cells..][..cells];
                dw.iter_mut()
                    .zip(filter.iter().rev())
                    .for_each(|(dw, &weight)| *dw = weight);
            }
        }
    };
    // SAFETY: the loops store to every filter.
    unsafe { written_by(s.weight_len(), fill) }
}
