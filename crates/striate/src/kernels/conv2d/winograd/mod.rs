//! Winograd's short convolutions: F(4x4, 3x3) and F(4x4, 5x5) with stride 1, and 3x3 with stride 2.
//!
//! A tile of 4x4 outputs of a 3x3 kernel takes 36 multiplications instead of 144, of a 5x5 kernel 64 instead of 400;
//! one of 2x2 outputs of a 3x3 kernel with stride 2, 25 instead of 36.
//! Transforms of input, weights and outputs are the price, so it wins where channels are many:
//! each transformed number is used once a channel of the other side.
//!
//! | file | what it holds |
//! |:--|:--|
//! | [`form`] | sizes and transforms of any of them |
//! | [`unit`], [`six`], [`eight`] | stride 1: the matrices A, B, G as short sums, for tiles of 6x6 and 8x8 |
//! | [`halving`] | stride 2 |
//! | [`strips`] | how maps are cut into tiles |
//! | [`tiles`], [`transformed`] | maps to tiles and back |
//! | [`weights`] | transformed weights |
//! | [`forward`] | forward pass and input gradient |
//! | [`gradient`] | weight gradient |
//! | [`few`] | both where tiles are few |
//!
//! Rounding: the points +-2 and their powers cost digits; errors are about 1e-5 of the largest value, so f32 only.
//!
//! Source: Lavin and Gray 2015 (arXiv 1509.09308).

mod eight;
mod few;
mod form;
mod forward;
mod gradient;
mod halving;
mod six;
mod strips;
mod tiles;
mod transformed;
mod unit;
mod weights;

#[cfg(test)]
mod tests;

use super::ConvShape;
use crate::kernels::level::Level;
use halving::{Doubling, Halving};
use tiles::Maps;
use unit::Unit;
use weights::Reading;

/// Whether the algorithm computes this convolution at all.
///
/// The input gradient is a convolution with padding k - 1 - p, which must not be negative.
pub(super) fn applies(s: &ConvShape) -> bool {
    let side = s.kh;
    let square = s.kw == side && s.dilation == (1, 1) && s.groups == 1;
    let unit =
        (side == 3 || side == 5) && s.stride == (1, 1) && s.padding.0 < side && s.padding.1 < side;
    square && (unit || halves(s))
}

/// Whether it is the one with stride 2, whose input gradient knows a padding of 1.
fn halves(s: &ConvShape) -> bool {
    s.kh == 3 && s.stride == (2, 2) && s.padding == (1, 1)
}

/// Whether it is also faster than the direct way.
pub(super) fn is_faster(s: &ConvShape) -> bool {
    let least = s.c_in.min(s.c_out);
    let outputs = s.h_out().min(s.w_out());
    match s.kh {
        _ if halves(s) => least >= 32 && outputs >= 2,
        3 => least >= 16 && outputs >= 4,
        _ => least >= 32 && outputs >= 4,
    }
}

/// Whether the forward pass is faster where [`is_faster`] says no: few input channels, many outputs.
///
/// The weight gradient is not: it would transform the many channels of dy for a few products.
pub(super) fn forward_is_faster(s: &ConvShape) -> bool {
    let summed = s.c_in * s.kh * s.kw;
    s.stride == (1, 1) && summed >= 27 && s.c_out >= 64 && s.h_out().min(s.w_out()) >= 4
}

fn input_maps(s: &ConvShape) -> Maps {
    Maps {
        channels: s.c_in,
        h: s.h,
        w: s.w,
    }
}

fn output_maps(s: &ConvShape) -> Maps {
    Maps {
        channels: s.c_out,
        h: s.h_out(),
        w: s.w_out(),
    }
}

/// Runs `body` with $form standing for the form of the convolution; with stride 2 the form is `$halving`.
macro_rules! by_form {
    ($s:expr, $halving:ty, $form:ident => $body:expr) => {
        match $s.kh {
            _ if halves($s) => {
                type $form = $halving;
                $body
            }
            3 => {
                type $form = Unit<4, 3, 6>;
                $body
            }
            _ => {
                type $form = Unit<4, 5, 8>;
                $body
            }
        }
    };
}

fn forward_pass(s: &ConvShape) -> forward::Pass {
    forward::Pass {
        n: s.n,
        from: input_maps(s),
        to: output_maps(s),
        padding: s.padding,
        weight: Reading {
            count: s.c_in,
            channels: s.c_out,
            count_step: 1,
            channel_step: s.c_in,
            rotated: false,
        },
    }
}

fn input_gradient_pass(s: &ConvShape) -> forward::Pass {
    forward::Pass {
        n: s.n,
        from: output_maps(s),
        to: input_maps(s),
        padding: if halves(s) {
            // A tile of dx begins with the pixel that the middle tap of its first dy meets.
            (0, 0)
        } else {
            (s.kh - 1 - s.padding.0, s.kw - 1 - s.padding.1)
        },
        weight: Reading {
            count: s.c_out,
            channels: s.c_in,
            count_step: s.c_in,
            channel_step: 1,
            rotated: true,
        },
    }
}

fn weight_gradient_pass(s: &ConvShape) -> gradient::Pass {
    gradient::Pass {
        n: s.n,
        x: input_maps(s),
        dy: output_maps(s),
        padding: s.padding,
    }
}

/// See [`super::forward`].
pub(super) fn forward(
    level: Level,
    s: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
) -> Vec<f32> {
    let pass = forward_pass(s);
    by_form!(s, Halving, F => forward::run::<F>(level, &pass, x, weight, bias, relu))
}

/// See [`super::backward_input`].
pub(super) fn backward_input(level: Level, s: &ConvShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    let pass = input_gradient_pass(s);
    by_form!(s, Doubling, F => forward::run::<F>(level, &pass, dy, weight, None, false))
}

/// See [`super::backward_weight`].
pub(super) fn backward_weight(level: Level, s: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let pass = weight_gradient_pass(s);
    by_form!(s, Halving, F => gradient::run::<F>(level, &pass, x, dy))
}

/// Independent parts of forward pass, input gradient and weight gradient.
pub(super) fn independent(level: Level, s: &ConvShape) -> [usize; 3] {
    let passes = (
        forward_pass(s),
        input_gradient_pass(s),
        weight_gradient_pass(s),
    );
    [
        by_form!(s, Halving, F => forward::independent::<F>(level, &passes.0)),
        by_form!(s, Doubling, F => forward::independent::<F>(level, &passes.1)),
        by_form!(s, Halving, F => gradient::independent::<F>(level, &passes.2)),
    ]
}
