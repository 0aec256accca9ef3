//! 2-D convolution on slices: forward pass and the three gradients.
//!
//! ```text
//! y[n,o,i,j] = b[o] + sum over c,u,v of  w[o,c,u,v] * x[n, g*C+c, i*s + u*d - p, j*s + v*d - p]
//! ```
//!
//! Maps are N, C, H, W; weights (C_out, C_in / groups, Kh, Kw).
//! `direct` and `weight` compute every product, without a patch matrix;
//! `narrow` does so with other axes in the lanes where one side has few channels;
//! `winograd` saves multiplications where kernel, stride and number type allow.
//! The choice is one short `match` in this file and nowhere else.
//! Work is cut into parts by the sizes alone and sums have a fixed order, so threads do not change a bit.

mod bias;
mod block;
mod direct;
mod fetch;
mod gate;
mod narrow;
pub(super) mod panels;
mod patch;
mod shape;
mod weight;
mod winograd;

#[cfg(test)]
mod tests;

use super::level::Level;
use super::relu::ReluRule;
use super::simd::Lanes;
pub use shape::ConvShape;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The fastest for the sizes.
    #[default]
    Auto,
    /// Every product of the definition.
    Direct,
    /// Fewer multiplications by transforms; where it does not apply, as [`Direct`](Self::Direct).
    Winograd,
}

/// Whether Winograd's algorithm computes convolutions of this kernel, stride, padding, dilation and groups.
///
/// f32 only: the transforms cost digits, and f64 is there for their sake.
pub fn winograd_applies(shape: &ConvShape) -> bool {
    winograd::applies(shape)
}

impl Algorithm {
    /// Whether Winograd's algorithm is the choice, for f32.
    fn winograd(self, shape: &ConvShape) -> bool {
        match self {
            Self::Direct => false,
            Self::Winograd => winograd::applies(shape),
            Self::Auto => winograd::applies(shape) && winograd::is_faster(shape),
        }
    }

    /// Whether it is for the forward pass, for f32.
    fn winograd_forward(self, shape: &ConvShape) -> bool {
        let auto = self == Self::Auto;
        let alone = auto && winograd::applies(shape) && winograd::forward_is_faster(shape);
        self.winograd(shape) || alone
    }
}

/// Independent parts that forward pass, input gradient and weight gradient are cut into: how many threads find work at a time.
///
/// For the pool of threads that it is called in, and for one group; a pass without work has none.
pub fn independent_parts<T: Lanes>(
    level: Level,
    algorithm: Algorithm,
    shape: &ConvShape,
) -> [usize; 3] {
    if shape.x_len() == 0 || shape.y_len() == 0 {
        return [0; 3];
    }
    let f32s = T::f32s(&[]).is_some();
    if f32s && algorithm.winograd(shape) {
        return winograd::independent(level, shape);
    }
    let transposed = narrow::transposed(shape).filter(|s| narrow::is_faster::<T>(level, s));
    [
        if f32s && algorithm.winograd_forward(shape) {
            winograd::independent(level, shape)[0]
        } else if narrow::is_faster::<T>(level, shape) {
            narrow::forward_parts::<T>(level, shape)
        } else {
            direct::forward_parts::<T>(level, shape)
        },
        match transposed {
            Some(transposed) => narrow::forward_parts::<T>(level, &transposed),
            None => direct::input_gradient_parts::<T>(level, shape),
        },
        match narrow::exchanged::<T>(level, shape) {
            Some(exchanged) => weight::independent::<T>(level, &exchanged),
            None => weight::independent::<T>(level, shape),
        },
    ]
}

/// y from x, weight and bias, with an optional ReLU.
///
/// # Panics
/// If a slice does not have the length that the shape says.
pub fn forward<T: Lanes>(
    level: Level,
    algorithm: Algorithm,
    shape: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    relu: bool,
) -> Vec<T> {
    assert_eq!(x.len(), shape.x_len(), "x of {shape:?}");
    assert_eq!(weight.len(), shape.weight_len(), "weight of {shape:?}");
    assert!(
        bias.is_none_or(|bias| bias.len() == shape.c_out),
        "bias of {shape:?}"
    );
    if shape.y_len() == 0 {
        return Vec::new();
    }
    if shape.c_in == 0 {
        // The patches of the kernels below would be empty, and have no address.
        return bias::alone(shape, bias, relu);
    }
    if algorithm.winograd_forward(shape)
        && let (Some(x), Some(weight)) = (T::f32s(x), T::f32s(weight))
    {
        let bias = bias.and_then(T::f32s);
        return T::from_f32s(winograd::forward(level, shape, x, weight, bias, relu));
    }
    if narrow::is_faster::<T>(level, shape) {
        let cells = shape.kh * shape.kw;
        let weight = |o, c, cell| weight[(o * shape.c_in + c) * cells + cell];
        return narrow::forward(level, shape, x, weight, bias, relu);
    }
    direct::forward(level, shape, x, weight, bias, relu)
}

/// The gradient with respect to x, from dy, the gradient with respect to y.
///
/// # Panics
/// As [`forward`].
pub fn backward_input<T: Lanes>(
    level: Level,
    algorithm: Algorithm,
    shape: &ConvShape,
    dy: &[T],
    weight: &[T],
) -> Vec<T> {
    assert_eq!(dy.len(), shape.y_len(), "dy of {shape:?}");
    assert_eq!(weight.len(), shape.weight_len(), "weight of {shape:?}");
    if shape.x_len() == 0 || shape.c_out == 0 {
        return vec![T::ZERO; shape.x_len()];
    }
    if algorithm.winograd(shape)
        && let (Some(dy), Some(weight)) = (T::f32s(dy), T::f32s(weight))
    {
        return T::from_f32s(winograd::backward_input(level, shape, dy, weight));
    }
    let transposed = narrow::transposed(shape);
    if let Some(transposed) = transposed.filter(|s| narrow::is_faster::<T>(level, s)) {
        let cells = shape.kh * shape.kw;
        let rotated = |c, o, cell| weight[(o * shape.c_in + c) * cells + cells - 1 - cell];
        return narrow::forward(level, &transposed, dy, rotated, None, false);
    }
    direct::backward_input(level, shape, dy, weight)
}

/// The gradient with respect to the weight.
///
/// # Panics
/// As [`forward`].
pub fn backward_weight<T: Lanes>(
    level: Level,
    algorithm: Algorithm,
    shape: &ConvShape,
    x: &[T],
    dy: &[T],
) -> Vec<T> {
    assert_eq!(x.len(), shape.x_len(), "x of {shape:?}");
    assert_eq!(dy.len(), shape.y_len(), "dy of {shape:?}");
    if shape.weight_len() == 0 || shape.n == 0 {
        return vec![T::ZERO; shape.weight_len()];
    }
    if algorithm.winograd(shape)
        && let (Some(x), Some(dy)) = (T::f32s(x), T::f32s(dy))
    {
        return T::from_f32s(winograd::backward_weight(level, shape, x, dy));
    }
    if let Some(exchanged) = narrow::exchanged::<T>(level, shape) {
        return narrow::backward_weight(level, shape, &exchanged, x, dy);
    }
    weight::backward_weight(level, shape, x, dy)
}

/// The gradient with respect to the bias: dy summed over images and positions.
///
/// # Panics
/// As [`forward`].
pub fn backward_bias<T: Lanes>(level: Level, shape: &ConvShape, dy: &[T]) -> Vec<T> {
    assert_eq!(dy.len(), shape.y_len(), "dy of {shape:?}");
    bias::backward_bias(level, shape, dy)
}

/// What the fused ReLU with output y passes of dy, and the gradient with respect to the bias.
///
/// # Panics
/// As [`forward`].
pub fn backward_gate<T: Lanes>(
    level: Level,
    shape: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &[T],
) -> (Vec<T>, Vec<T>) {
    assert_eq!(y.len(), shape.y_len(), "y of {shape:?}");
    assert_eq!(dy.len(), shape.y_len(), "dy of {shape:?}");
    gate::backward_gate(level, shape, rule, y, dy)
}

/// As [`backward_gate`], with what passes in the place of dy; returns the gradient with respect to the bias.
///
/// # Panics
/// As [`forward`].
pub fn backward_gate_in_place<T: Lanes>(
    level: Level,
    shape: &ConvShape,
    rule: ReluRule,
    y: &[T],
    dy: &mut [T],
) -> Vec<T> {
    assert_eq!(y.len(), shape.y_len(), "y of {shape:?}");
    assert_eq!(dy.len(), shape.y_len(), "dy of {shape:?}");
    gate::backward_gate_in_place(level, shape, rule, y, dy)
}
