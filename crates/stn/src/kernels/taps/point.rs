//! The taps of a point: the pixels in reach of the kernel, their weights, and the derivatives of these.

use super::super::axis::{Axis, Padding, with_padding};
use super::super::number::Number;
use super::super::shape::SampleShape;
use super::Kernel;
use crate::options::PaddingMode;

/// The taps along one axis.
struct AxisTaps<T> {
    /// The pixel; -1 for the value outside.
    index: Vec<i32>,
    weight: Vec<T>,
    /// Derivative of the weight with respect to the coordinate.
    slope: Vec<T>,
}

/// The taps of a point: pixels in reach with their weights.
pub(super) struct PointTaps<T, const D: usize> {
    axes: [Axis<T>; D],
    along: [AxisTaps<T>; D],
    /// Offset in the map; -1 for the value outside.
    pub(super) offset: Vec<i64>,
    /// Index along the slowest axis.
    pub(super) row: Vec<i32>,
    pub(super) weight: Vec<T>,
    /// Derivative of the weight with respect to each coordinate, x first.
    pub(super) slope: [Vec<T>; D],
}

impl<T: Number, const D: usize> PointTaps<T, D> {
    pub(super) fn new(shape: &SampleShape<D>) -> Self {
        let empty = || AxisTaps {
            index: Vec::new(),
            weight: Vec::new(),
            slope: Vec::new(),
        };
        Self {
            axes: std::array::from_fn(|d| Axis::new(shape.size[D - 1 - d], shape.align_corners)),
            along: std::array::from_fn(|_| empty()),
            offset: Vec::new(),
            row: Vec::new(),
            weight: Vec::new(),
            slope: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// Finds the taps of the point at `coords`; false if it has no position, as for NaN.
    pub(super) fn find(&mut self, kernel: Kernel, padding: PaddingMode, coords: &[T]) -> bool {
        for d in 0..D {
            let axis = &self.axes[d];
            let position = axis.unnormalize(coords[d]);
            if !self.along[d].find(axis, kernel, padding, position) {
                return false;
            }
        }
        self.offset.clear();
        self.row.clear();
        self.weight.clear();
        self.slope.iter_mut().for_each(Vec::clear);
        let count: usize = self.along.iter().map(|taps| taps.index.len()).product();
        for at in 0..count {
            let (mut rest, mut stride, mut offset) = (at, 1, 0i64);
            let mut pick = [0; D];
            for d in 0..D {
                let taps = &self.along[d];
                pick[d] = rest % taps.index.len();
                rest /= taps.index.len();
                let index = taps.index[pick[d]];
                offset = if index < 0 || offset < 0 {
                    -1
                } else {
                    offset + i64::from(index) * stride
                };
                stride *= i64::from(self.axes[d].len);
            }
            let product = |except: usize| {
                let mut product = T::ONE;
                for d in 0..D {
                    let taps = &self.along[d];
                    let factor = if d == except {
                        taps.slope[pick[d]]
                    } else {
                        taps.weight[pick[d]]
                    };
                    product = product * factor;
                }
                product
            };
            self.offset.push(offset);
            self.row.push(self.along[D - 1].index[pick[D - 1]]);
            self.weight.push(product(D));
            for d in 0..D {
                self.slope[d].push(product(d));
            }
        }
        true
    }
}

impl<T: Number> AxisTaps<T> {
    /// Finds the taps at position `x`; false if there is no such position.
    fn find(&mut self, axis: &Axis<T>, kernel: Kernel, padding: PaddingMode, x: T) -> bool {
        self.index.clear();
        self.weight.clear();
        self.slope.clear();
        match kernel {
            Kernel::Nearest => {
                let x = with_padding!(padding, P => P::position(axis, x).0);
                // A wrapped position may round up to the length, which is the first pixel again.
                let at = x.round_ties_even().to_i32();
                self.push(
                    with_padding!(padding, P => P::pixel(at, axis.len)),
                    T::ONE,
                    T::ZERO,
                );
                !x.is_nan()
            }
            Kernel::Linear => {
                let (x, slope) = with_padding!(padding, P => P::position(axis, x));
                let (first, slope) = (x.floor(), slope * axis.scale);
                let (fraction, at) = (x - first, first.to_i32());
                let pixel = |i| with_padding!(padding, P => P::pixel(i, axis.len));
                self.push(pixel(at), T::ONE - fraction, -slope);
                self.push(pixel(at + 1), fraction, slope);
                !x.is_nan()
            }
            Kernel::Cubic => {
                let x = axis.near(x, T::from_f64(2.0), padding);
                let first = x.floor();
                let (fraction, at) = (x - first, first.to_i32());
                let (weight, slope) = cubic(fraction);
                for k in 0..4 {
                    let index = axis.index(at.saturating_add(k as i32 - 1), padding);
                    self.push(index, weight[k], slope[k] * axis.scale);
                }
                !x.is_nan()
            }
            Kernel::Custom { kernel, radius } => {
                let reach = T::from_f64(radius as f64);
                let x = axis.near(x, reach, padding);
                if x.is_nan() {
                    return false;
                }
                let (first, position) = (x.floor().to_i32() - radius as i32, x.to_f64());
                for m in first..=first + 2 * radius as i32 + 1 {
                    let d = position - f64::from(m);
                    if d.abs() <= radius as f64 {
                        let (weight, slope) = (kernel.weight(d), kernel.derivative(d));
                        let index = axis.index(m, padding);
                        self.push(index, T::from_f64(weight), T::from_f64(slope) * axis.scale);
                    }
                }
                true
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, index: i32, weight: T, slope: T) {
        self.index.push(index);
        self.weight.push(weight);
        self.slope.push(slope);
    }
}

/// Weights and slopes of the four taps around a fraction, for a = -0.75 (Keys 1981, with PyTorch's a).
#[inline(always)]
fn cubic<T: Number>(t: T) -> ([T; 4], [T; 4]) {
    let c = T::from_f64;
    let a = c(-0.75);
    // |d| <= 1: (a + 2) d^3 - (a + 3) d^2 + 1; 1 < |d| < 2: a d^3 - 5 a d^2 + 8 a d - 4 a.
    let near = |d: T| ((a + c(2.0)) * d - (a + c(3.0))) * d * d + T::ONE;
    let far = |d: T| ((a * d - c(5.0) * a) * d + c(8.0) * a) * d - c(4.0) * a;
    let near_slope = |d: T| (c(3.0) * (a + c(2.0)) * d - c(2.0) * (a + c(3.0))) * d;
    let far_slope = |d: T| (c(3.0) * a * d - c(10.0) * a) * d + c(8.0) * a;
    let rest = T::ONE - t;
    (
        [far(t + T::ONE), near(t), near(rest), far(rest + T::ONE)],
        // Distances to pixels on the right shrink as the position grows.
        [
            far_slope(t + T::ONE),
            near_slope(t),
            -near_slope(rest),
            -far_slope(rest + T::ONE),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_sum_to_one_and_slopes_to_zero() {
        for t in [0.0, 0.25, 0.5, 0.9] {
            let (weight, slope) = cubic(t);
            assert!((weight.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(slope.iter().sum::<f64>().abs() < 1e-12);
            let step = 1e-6;
            for k in 0..4 {
                let numeric = (cubic(t + step).0[k] - cubic(t - step).0[k]) / (2.0 * step);
                assert!(
                    (numeric - slope[k]).abs() < 1e-6,
                    "{t} {k}: {numeric} {}",
                    slope[k]
                );
            }
        }
    }
}
