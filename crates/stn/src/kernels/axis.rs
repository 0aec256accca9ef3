//! From a normalized coordinate to a position on an axis of pixels, for each padding mode.
//!
//! ```text
//! position = (g + 1) * scale - shift, then
//! Zeros, Constant:  clamped to at most two pixels outside the map, where every neighbor is padding
//! Border:           clamped to the first and the last pixel
//! Reflection:       reflected until it is on the map, then clamped
//! Wrap:             modulo the length
//! ```
//!
//! A position held by a clamp does not move with the coordinate: its slope is 0.
//! NaN stays NaN; reflection and wrap turn an infinite coordinate into NaN.

use super::number::Number;
use crate::options::{AlignCorners, PaddingMode};

/// One axis of a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis<T> {
    pub(super) len: i32,
    /// Pixels a unit of the coordinate spans.
    pub(super) scale: T,
    shift: T,
    length: T,
    /// The last position on the map; in f32 not every pixel from 2^24 on has one.
    last: T,
    /// The position of the first mirror, and the distance to the next.
    mirror: T,
    span: T,
}

impl<T: Number> Axis<T> {
    pub(super) fn new(len: usize, align_corners: AlignCorners) -> Self {
        let n = len as f64;
        let (shift, mirror, span) = match align_corners {
            AlignCorners::Yes => (0.0, 0.0, n - 1.0),
            AlignCorners::No => (0.5, -0.5, n),
        };
        let last = (0..len)
            .rev()
            .map(|at| T::from_f64(at as f64))
            .find(|at| at.to_f64() < n);
        Self {
            len: len as i32,
            scale: T::from_f64(align_corners.pixels_per_unit(len)),
            shift: T::from_f64(shift),
            length: T::from_f64(n),
            last: last.unwrap_or(T::ZERO),
            mirror: T::from_f64(mirror),
            span: T::from_f64(span),
        }
    }

    /// The position in pixels of the normalized coordinate `g`.
    #[inline(always)]
    pub(super) fn unnormalize(&self, g: T) -> T {
        (g + T::ONE) * self.scale - self.shift
    }

    /// `x` moved near the map, to a position where a kernel with a reach of `reach` pixels reads the same values,
    /// if each tap's index goes through [`index`](Self::index).
    #[inline(always)]
    pub(super) fn near(&self, x: T, reach: T, padding: PaddingMode) -> T {
        let period = match padding {
            PaddingMode::Wrap => self.length,
            PaddingMode::Reflection => self.span + self.span,
            PaddingMode::Zeros | PaddingMode::Border | PaddingMode::Constant(_) => {
                // Beyond all pixels only the fraction matters.
                let far = T::from_f64(1e15);
                let x = x.clamped(-far, far);
                let fraction = x - x.floor();
                return if x < -reach - T::ONE {
                    fraction - reach - T::ONE - T::ONE
                } else if x > self.length + reach {
                    fraction + self.length + reach
                } else {
                    x
                };
            }
        };
        if period > T::ZERO {
            // Rounding may leave the range for huge coordinates; then the position means nothing any more.
            (x - period * (x / period).floor()).clamped(T::ZERO, period)
        } else {
            only_position(x)
        }
    }

    /// The pixel that index `i` of the padded axis reads; -1 for the value outside.
    #[inline(always)]
    pub(super) fn index(&self, i: i32, padding: PaddingMode) -> i32 {
        let n = self.len;
        match padding {
            PaddingMode::Zeros | PaddingMode::Constant(_) if i < 0 || i >= n => -1,
            PaddingMode::Zeros | PaddingMode::Constant(_) => i,
            PaddingMode::Border => i.clamp(0, n - 1),
            PaddingMode::Wrap => i.rem_euclid(n),
            PaddingMode::Reflection => {
                let edge = self.mirror < T::ZERO;
                let period = if edge { 2 * n } else { 2 * (n - 1).max(1) };
                let i = i.rem_euclid(period);
                match (edge, i < n) {
                    (_, true) => i,
                    (true, false) => period - 1 - i,
                    // With a single pixel the period of the mirrors is 0, and every index is that pixel.
                    (false, false) => (period - i).min(n - 1),
                }
            }
        }
    }
}

/// Runs `$body` with `$rule` as the type that implements `$padding`.
macro_rules! with_padding {
    ($padding:expr, $rule:ident => $body:expr) => {
        match $padding {
            $crate::options::PaddingMode::Zeros | $crate::options::PaddingMode::Constant(_) => {
                type $rule = $crate::kernels::axis::Constant;
                $body
            }
            $crate::options::PaddingMode::Border => {
                type $rule = $crate::kernels::axis::Border;
                $body
            }
            $crate::options::PaddingMode::Reflection => {
                type $rule = $crate::kernels::axis::Reflection;
                $body
            }
            $crate::options::PaddingMode::Wrap => {
                type $rule = $crate::kernels::axis::Wrap;
                $body
            }
        }
    };
}

pub(super) use with_padding;

/// A padding mode as a type, so that each gets loops of its own.
pub(super) trait Padding {
    /// The position on or near the map that stands for `x`, and its derivative with respect to `x`.
    fn position<T: Number>(axis: &Axis<T>, x: T) -> (T, T);
    /// The pixel at index `i`, a neighbor of such a position; -1 for the value outside.
    #[inline(always)]
    fn pixel(i: i32, n: i32) -> i32 {
        if i >= 0 && i < n { i } else { -1 }
    }
}

/// Zeros or a constant.
pub(super) struct Constant;

impl Padding for Constant {
    #[inline(always)]
    fn position<T: Number>(axis: &Axis<T>, x: T) -> (T, T) {
        (x.clamped(T::from_f64(-2.0), axis.length + T::ONE), T::ONE)
    }
}

/// The nearest pixel.
pub(super) struct Border;

impl Padding for Border {
    #[inline(always)]
    fn position<T: Number>(axis: &Axis<T>, x: T) -> (T, T) {
        clamp(axis, x, T::ONE)
    }
}

/// The mirrored map.
pub(super) struct Reflection;

impl Padding for Reflection {
    #[inline(always)]
    fn position<T: Number>(axis: &Axis<T>, x: T) -> (T, T) {
        if axis.span == T::ZERO {
            // One pixel between two mirrors.
            return (only_position(x), T::ZERO);
        }
        let from_mirror = x - axis.mirror;
        let distance = from_mirror.abs();
        let flips = (distance / axis.span).floor();
        let rest = distance - flips * axis.span;
        let half = T::from_f64(0.5);
        let odd = flips - (flips * half).floor() * T::from_f64(2.0);
        let folded = if odd > half { axis.span - rest } else { rest };
        let sign = if from_mirror < T::ZERO {
            -T::ONE
        } else {
            T::ONE
        };
        let sign = if odd > half { -sign } else { sign };
        clamp(axis, folded + axis.mirror, sign)
    }
}

/// The map repeated.
pub(super) struct Wrap;

impl Padding for Wrap {
    #[inline(always)]
    fn position<T: Number>(axis: &Axis<T>, x: T) -> (T, T) {
        let wrapped = x - axis.length * (x / axis.length).floor();
        // Rounding may give the length itself, or, for huge coordinates, anything.
        let off = wrapped >= axis.length || wrapped < T::ZERO;
        (if off { T::ZERO } else { wrapped }, T::ONE)
    }

    #[inline(always)]
    fn pixel(i: i32, n: i32) -> i32 {
        if i == n { 0 } else { i }
    }
}

/// The only position on an axis without extent, 0; NaN for NaN and infinities.
#[inline(always)]
fn only_position<T: Number>(x: T) -> T {
    x * T::ZERO
}

/// On the map; the slope is 0 at its first and last pixel and outside, as in PyTorch.
#[inline(always)]
fn clamp<T: Number>(axis: &Axis<T>, x: T, slope: T) -> (T, T) {
    let inside = x > T::ZERO && x < axis.last;
    (
        x.clamped(T::ZERO, axis.last),
        if inside { slope } else { T::ZERO },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position<P: Padding>(len: usize, align_corners: AlignCorners, x: f64) -> (f64, f64) {
        P::position(&Axis::<f64>::new(len, align_corners), x)
    }

    #[test]
    fn positions_by_hand() {
        use AlignCorners::{No, Yes};
        assert_eq!(position::<Constant>(4, Yes, 1.5), (1.5, 1.0));
        assert_eq!(position::<Constant>(4, Yes, 1e30).0, 5.0);
        assert_eq!(position::<Border>(4, Yes, -3.0), (0.0, 0.0));
        assert_eq!(position::<Border>(4, No, 2.5), (2.5, 1.0));
        // Mirrors at the centers 0 and 3: -1 -> 1, 4 -> 2, 7 -> 1.
        assert_eq!(position::<Reflection>(4, Yes, -1.25), (1.25, -1.0));
        assert_eq!(position::<Reflection>(4, Yes, 4.5), (1.5, -1.0));
        assert_eq!(position::<Reflection>(4, Yes, 7.25), (1.25, 1.0));
        // Mirrors at the edges -0.5 and 3.5: -1.5 -> 0.5, 4.25 -> 2.75.
        assert_eq!(position::<Reflection>(4, No, -1.5), (0.5, -1.0));
        assert_eq!(position::<Reflection>(4, No, 4.25), (2.75, -1.0));
        assert_eq!(position::<Reflection>(1, Yes, 9.0), (0.0, 0.0));
        assert_eq!(position::<Wrap>(4, Yes, -0.25), (3.75, 1.0));
        assert_eq!(position::<Wrap>(4, No, 9.5), (1.5, 1.0));
        assert_eq!(position::<Wrap>(4, No, 1e300).0, 0.0);
        for x in [f64::NAN, f64::INFINITY] {
            assert!(position::<Reflection>(4, Yes, x).0.is_nan());
            assert!(position::<Wrap>(4, Yes, x).0.is_nan());
        }
        assert!(position::<Constant>(4, Yes, f64::NAN).0.is_nan());
        assert_eq!(position::<Border>(4, Yes, f64::INFINITY), (3.0, 0.0));
    }

    #[test]
    fn the_last_position_of_a_long_axis_is_on_the_map() {
        for (len, last) in [
            (1usize << 24, (1 << 24) - 1),
            // The nearest numbers to 2^24 + 3 and 2^25 + 7 are greater.
            ((1 << 24) + 4, (1 << 24) + 2),
            ((1 << 25) + 8, (1 << 25) + 4),
        ] {
            let axis = Axis::<f32>::new(len, AlignCorners::Yes);
            for x in [axis.length, f32::INFINITY] {
                assert_eq!(Border::position(&axis, x).0 as usize, last, "{len}");
            }
        }
        assert_eq!(
            position::<Border>((1 << 24) + 4, AlignCorners::Yes, 1e30).0,
            16_777_219.0
        );
    }

    #[test]
    fn indices_by_hand() {
        let index = |align, padding, n, from: i32, to: i32| -> Vec<i32> {
            let axis = Axis::<f64>::new(n, align);
            (from..to).map(|i| axis.index(i, padding)).collect()
        };
        use AlignCorners::{No, Yes};
        assert_eq!(index(Yes, PaddingMode::Zeros, 2, -1, 3), [-1, 0, 1, -1]);
        assert_eq!(
            index(Yes, PaddingMode::Border, 2, -2, 4),
            [0, 0, 0, 1, 1, 1]
        );
        assert_eq!(
            index(Yes, PaddingMode::Wrap, 3, -2, 5),
            [1, 2, 0, 1, 2, 0, 1]
        );
        assert_eq!(
            index(Yes, PaddingMode::Reflection, 3, -3, 6),
            [1, 2, 1, 0, 1, 2, 1, 0, 1]
        );
        assert_eq!(
            index(No, PaddingMode::Reflection, 3, -3, 6),
            [2, 1, 0, 0, 1, 2, 2, 1, 0]
        );
        assert_eq!(index(Yes, PaddingMode::Reflection, 1, -2, 3), [0; 5]);
        assert_eq!(index(No, PaddingMode::Reflection, 1, -2, 3), [0; 5]);
    }
}
