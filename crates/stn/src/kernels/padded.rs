//! Each channel copied into a margin of the value outside: for many small maps of few channels.
//!
//! A position is at most two pixels off the map, so with a margin of 2 pixels left and above, and 3 right and below,
//! its four neighbors are always in the copy: no point tests where it lies,
//! which costs more than the copy while a map fits into the first cache.
//! Backward, the gradient of a channel is summed with a margin, too, and its inside is copied out.
//! The sums are those of `planar`, in the same order.
//!
//! Wrapped maps have nothing outside and stay with `planar`.

use std::ops::Range;
use std::slice::from_raw_parts_mut;

use striate::kernels::parts::{Scratch, Shared, Simd};

use super::block::{BLOCK, Block};
use super::layout::{Band, Dots, Layout, Source};
use super::map::Map;
use super::number::Number;
use super::shape::SampleShape;
use super::split::MANY_IMAGES;
use super::squares;
use crate::options::PaddingMode;

/// Pixels of the margin before the map, and on both sides together, on each axis.
const BEFORE: usize = 2;
const BOTH: usize = 5;

/// The most elements of a copied image; a copy and its gradient then stay in the first cache. A map of 60 x 60 fits.
const COPY_LIMIT: usize = 4608;

/// The channels of an image one after the other, each with its margin.
#[derive(Clone, Copy)]
pub(super) struct Padded {
    channels: usize,
    h: usize,
    w: usize,
    points: usize,
    /// From a row to the next.
    stride: usize,
    /// The first pixel of the map.
    first: usize,
    /// Elements of a channel.
    len: usize,
}

impl Padded {
    fn of(shape: &SampleShape<2>) -> Self {
        let stride = shape.w() + BOTH;
        Self {
            channels: shape.c,
            h: shape.h(),
            w: shape.w(),
            points: shape.points,
            stride,
            first: BEFORE * stride + BEFORE,
            len: (shape.h() + BOTH) * stride,
        }
    }

    /// Whether the layout serves `shape`, and is the fastest for it.
    pub(super) fn serves(shape: &SampleShape<2>) -> bool {
        let layout = Self::of(shape);
        let len = shape.c.saturating_mul(layout.len);
        // The copy of a map must pay off.
        let reused = shape.points.saturating_mul(4) >= shape.cells();
        len <= COPY_LIMIT && shape.n >= MANY_IMAGES && reused && shape.padding != PaddingMode::Wrap
    }
}

impl<T: Number> Layout<T> for Padded {
    const COPIES: bool = true;
    const MARGIN: bool = true;
    /// The gradient of an image with its margins.
    type Buffers = Scratch<T>;

    fn new(shape: &SampleShape<2>) -> Self {
        Self::of(shape)
    }

    fn map(&self, map: Map<T>) -> Map<T> {
        map.inside(self.stride, self.first)
    }

    fn copy_len(&self) -> usize {
        self.channels * self.len
    }

    #[inline(always)]
    fn buffers<S: Simd<Elem = T>>(&self, rows: usize) -> Scratch<T> {
        Scratch::new(if rows > 0 {
            self.channels * self.len
        } else {
            0
        })
    }

    fn prepare(&self, copy: &mut [T], outside: T) {
        copy.fill(outside);
    }

    #[inline(always)]
    unsafe fn copy<S: Simd<Elem = T>>(&self, image: &[T], _pixels: Range<usize>, to: Shared<T>) {
        // SAFETY: an image is copied by one task, as a whole.
        let copy = unsafe {
            from_raw_parts_mut(to.at(0, self.channels * self.len), self.channels * self.len)
        };
        let channels = image.chunks_exact(self.h * self.w);
        for (from, to) in channels.zip(copy.chunks_exact_mut(self.len)) {
            let rows = to[self.first..].chunks_mut(self.stride);
            for (from, to) in from.chunks_exact(self.w).zip(rows) {
                to[..self.w].copy_from_slice(from);
            }
        }
    }

    #[inline(always)]
    unsafe fn values<S: Simd<Elem = T>>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        _buffers: &mut Scratch<T>,
        y: *mut T,
    ) {
        for channel in 0..self.channels {
            let x = source.pixels[channel * self.len..][..self.len].as_ptr();
            // SAFETY: a position has its neighbors right and below in the copy; the points exist.
            unsafe {
                let y = y.add(channel * self.points);
                for first in (0..block.len).step_by(S::LANES) {
                    squares::values::<S>(x, self.stride, block, first, y);
                }
                if block.any_nan {
                    for t in (0..block.len).filter(|&t| block.is_nan(t)) {
                        y.add(t).write(T::NAN);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn clear(&self, _band: &Band<T>, sums: &mut Scratch<T>) {
        sums.fill(T::ZERO);
    }

    #[inline(always)]
    unsafe fn gradients<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        dy: *const T,
        _band: &Band<T>,
        sums: &mut Scratch<T>,
        dots: &mut Dots<T>,
    ) {
        if GRID {
            *dots = [[T::ZERO; BLOCK]; 4];
        }
        for channel in 0..self.channels {
            let at = channel * self.len;
            let x = if GRID {
                source.pixels[at..][..self.len].as_ptr()
            } else {
                std::ptr::null()
            };
            let dx = if INPUT {
                sums[at..][..self.len].as_mut_ptr()
            } else {
                std::ptr::null_mut()
            };
            // SAFETY: the caller's promise is passed on; the channel exists.
            unsafe {
                let dy = dy.add(channel * self.points);
                for first in (0..block.len).step_by(S::LANES) {
                    squares::gradients::<S, INPUT, GRID>(
                        x,
                        dx,
                        self.stride,
                        block,
                        first,
                        dy,
                        dots,
                    );
                }
            }
        }
        if GRID && block.any_nan {
            // These points have read the margin; dy may have been infinite.
            for t in (0..block.len).filter(|&t| block.is_nan(t)) {
                dots.iter_mut().for_each(|dots| dots[t] = T::ZERO);
            }
        }
    }

    #[inline(always)]
    unsafe fn store<S: Simd<Elem = T>>(&self, band: &Band<T>, sums: &mut Scratch<T>) {
        let len = self.channels * self.h * self.w;
        // SAFETY: the band is the whole image, and belongs to this task.
        let dx = unsafe { from_raw_parts_mut(band.dx, len) };
        let channels = dx.chunks_exact_mut(self.h * self.w);
        for (to, from) in channels.zip(sums.chunks_exact(self.len)) {
            let rows = from[self.first..].chunks(self.stride);
            for (to, from) in to.chunks_exact_mut(self.w).zip(rows) {
                to.copy_from_slice(&from[..self.w]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Result;
    use striate::kernels::level::Level;

    use super::super::bilinear::{self, ChannelLayout};
    use super::super::shape::{Gradients, NeedsGrad};
    use super::*;
    use crate::options::AlignCorners;

    /// Numbers between -1.5 and 1.5 without order.
    fn scattered(len: usize, seed: usize) -> Vec<f32> {
        let number = |k: usize| (k * 7919 + seed * 104_729) % 10_007;
        (0..len)
            .map(|k| number(k) as f32 / 10_007.0 * 3.0 - 1.5)
            .collect()
    }

    #[test]
    fn the_bits_are_those_of_planar() -> Result<()> {
        let paddings = [
            PaddingMode::Zeros,
            PaddingMode::Border,
            PaddingMode::Reflection,
            PaddingMode::Constant(0.5),
        ];
        for (padding, c) in paddings.into_iter().zip([1, 3, 4, 2]) {
            let shape = SampleShape::new((9, c), [7, 10], 75, AlignCorners::No, padding)?;
            let (x, dy) = (
                scattered(shape.input_len(), 1),
                scattered(shape.output_len(), 2),
            );
            let mut grid = scattered(shape.grid_len(), 3);
            let odd = [f32::NAN, 1e30, f32::INFINITY, -1e9, f32::NEG_INFINITY];
            for (k, value) in odd.into_iter().enumerate() {
                grid[31 * k + 5] = value;
            }
            let needs = NeedsGrad {
                input: true,
                grid: true,
            };
            for level in Level::ALL.into_iter().filter(|level| level.available()) {
                let bits = |values: Vec<f32>| -> Vec<u32> {
                    // A NaN is a NaN and a zero a zero, whatever their signs.
                    let same = values
                        .into_iter()
                        .map(|v| if v.is_nan() { f32::NAN } else { v + 0.0 });
                    same.map(f32::to_bits).collect()
                };
                let run = |layout| -> Result<[Vec<u32>; 3]> {
                    let y = bilinear::forward(level, layout, &shape, &x, &grid)?;
                    assert!(y.iter().any(|value| value.is_nan()), "{padding:?}");
                    let Gradients { input, grid } =
                        bilinear::backward(level, layout, &shape, [&x, &grid, &dy], needs)?;
                    Ok([y, input, grid].map(bits))
                };
                assert!(
                    run(ChannelLayout::Padded)? == run(ChannelLayout::Planar)?,
                    "{padding:?} {level}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn few_maps_large_maps_and_wrapped_ones_are_left_to_others() -> Result<()> {
        let zeros = PaddingMode::Zeros;
        let serves = |n, size, points, padding| -> Result<bool> {
            let shape = SampleShape::new((n, 1), size, points, AlignCorners::No, padding)?;
            Ok(Padded::serves(&shape))
        };
        assert!(serves(256, [28, 28], 784, zeros)?);
        assert!(!serves(1, [28, 28], 784, zeros)?);
        assert!(!serves(256, [1080, 1920], 784, zeros)?);
        assert!(!serves(256, [28, 28], 4, zeros)?);
        assert!(!serves(256, [28, 28], 784, PaddingMode::Wrap)?);
        Ok(())
    }
}
