//! A map as the bilinear kernels read it: its axes, its padding, and where its pixels lie in memory.

use super::axis::Axis;
use super::number::Number;
use super::shape::SampleShape;
use crate::options::PaddingMode;

/// Both axes of a map, its padding, and its place in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map<T> {
    pub(super) x: Axis<T>,
    pub(super) y: Axis<T>,
    pub(super) padding: PaddingMode,
    /// The value outside, where the padding has one.
    pub(super) outside: T,
    /// From a row to the next.
    pub(super) stride: i32,
    /// The first pixel.
    pub(super) first: i32,
}

impl<T: Number> Map<T> {
    pub(super) fn new(shape: &SampleShape<2>) -> Self {
        Self {
            x: Axis::new(shape.w(), shape.align_corners),
            y: Axis::new(shape.h(), shape.align_corners),
            padding: shape.padding,
            outside: T::from_f64(shape.outside()),
            stride: shape.w() as i32,
            first: 0,
        }
    }

    /// The same map as a part of a larger one, with rows `stride` apart and its first pixel at `first`.
    pub(super) fn inside(self, stride: usize, first: usize) -> Self {
        Self {
            stride: stride as i32,
            first: first as i32,
            ..self
        }
    }

    /// The pixel at index `i` of an axis of `n`, a neighbor of a position; -1 for the value outside.
    #[inline(always)]
    pub(super) fn pixel(&self, i: i32, n: i32) -> i32 {
        match self.padding {
            PaddingMode::Wrap if i == n => 0,
            _ if i >= 0 && i < n => i,
            _ => -1,
        }
    }
}
