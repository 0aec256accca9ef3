//! Bilinear sampling of many small maps of few channels: each is copied into a frame of the outside.
//!
//! ```text
//! for each image:
//!     copy its channels into frames, 2 pixels wide left and above, 3 right and below
//!     for each block of 64 points:
//!         places and weights, in vectors
//!         for each channel, for each point: four pixels of the frame, no matter where they lie
//! ```
//!
//! The place of a point is never more than two pixels off the map, so its four pixels are in the frame:
//! no point asks where it lies, which costs more than the copy while a map fits into the first cache.
//! Backward, the pixels of the gradient are summed up in a frame too, and the map inside is copied out.
//! The sums are those of `planes`, in the same order.
//!
//! A map that is wrapped around has no outside and stays with `planes`.

use std::ops::Range;

use striate::kernels::parts::{Kernel, Simd, dispatch};

use super::bilinear::{Backward, Forward, SampleShape, blocks, coords};
use super::block::{BLOCK, Block, Map};
use super::number::Number;
use super::split;
use crate::options::PaddingMode;

/// Pixels of a frame before the map, and before and behind it together, on each axis.
const BEFORE: usize = 2;
const AROUND: usize = 5;

/// Numbers of all frames of an image that stay near, beside those of its gradient: a map of 60 x 60.
const CELLS: usize = 4608;

/// From this many images on, each is left whole.
const IMAGES: usize = split::MANY_IMAGES;

/// The frames of the channels of one image.
#[derive(Clone, Copy)]
struct Frame {
    stride: usize,
    /// The first pixel of the map.
    first: usize,
    cells: usize,
}

impl Frame {
    fn of(shape: &SampleShape) -> Self {
        let stride = shape.w + AROUND;
        Self {
            stride,
            first: BEFORE * stride + BEFORE,
            cells: (shape.h + AROUND) * stride,
        }
    }

    fn map<T: Number>(&self, map: Map<T>) -> Map<T> {
        map.inside(self.stride, self.first)
    }
}

/// Whether the kernels here serve `shape`, and are the faster ones for it.
pub(super) fn serves(shape: &SampleShape) -> bool {
    let small = shape.h < CELLS && shape.w < CELLS && shape.c * Frame::of(shape).cells <= CELLS;
    // The copy of a map has to pay.
    small
        && shape.n >= IMAGES
        && 4 * shape.points >= shape.h * shape.w
        && shape.padding != PaddingMode::Wrap
}

pub(super) fn forward<T: Number>(pass: &Forward<T>) {
    let shape = pass.shape;
    let numbers = shape.points * (shape.c + 2);
    let groups = split::images(shape.n, numbers);
    split::run(groups.len(), shape.n * numbers, |task| {
        let images = groups[task].clone();
        dispatch(pass.level, ForwardImages { pass, images });
    });
}

struct ForwardImages<'a, T> {
    pass: &'a Forward<'a, T>,
    images: Range<usize>,
}

impl<T: Number> Kernel<T> for ForwardImages<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (pass, shape) = (self.pass, self.pass.shape);
        let frame = Frame::of(shape);
        let map = frame.map(pass.map);
        let mut frames = vec![map.outside; shape.c * frame.cells];
        let mut block = Block::new();
        for image in self.images {
            fill(&frame, shape, pass.x, image, &mut frames);
            for points in blocks(0..shape.points) {
                let places = coords(shape, pass.grid, image, points.clone());
                block.place_framed(pass.level, &map, places);
                for channel in 0..shape.c {
                    let plane = image * shape.c + channel;
                    let x = &frames[channel * frame.cells..][..frame.cells];
                    // SAFETY: the points exist, and no other task has this image.
                    unsafe {
                        let y = pass.y.at(plane * shape.points + points.start, block.len);
                        values(&frame, &block, x, y);
                    }
                }
            }
        }
    }
}

/// The values of a channel at the points of a block.
///
/// # Safety
/// As many values as the block has points may be written to `y`; `x` is a frame, in which the block was placed.
#[inline(always)]
unsafe fn values<T: Number>(frame: &Frame, block: &Block<T>, x: &[T], y: *mut T) {
    for t in 0..block.len {
        let weight = block.weights(t);
        // SAFETY: a place in the frame has neighbors right and below.
        unsafe {
            let above = x.as_ptr().add(block.base[t] as usize);
            let below = above.add(frame.stride);
            let upper = weight[0] * *above + weight[1] * *above.add(1);
            let lower = weight[2] * *below + weight[3] * *below.add(1);
            y.add(t).write(upper + lower);
        }
    }
    if block.any_missing {
        for t in (0..block.len).filter(|&t| block.missing(t)) {
            // SAFETY: t is below the number of points.
            unsafe { y.add(t).write(T::NAN) };
        }
    }
}

/// Copies the channels of an image to the middle of their frames.
#[inline(always)]
fn fill<T: Number>(frame: &Frame, shape: &SampleShape, x: &[T], image: usize, frames: &mut [T]) {
    let cells = shape.h * shape.w;
    let planes = x[image * shape.c * cells..][..shape.c * cells].chunks_exact(cells);
    for (plane, to) in planes.zip(frames.chunks_exact_mut(frame.cells)) {
        let rows = to[frame.first..].chunks_mut(frame.stride);
        for (from, to) in plane.chunks_exact(shape.w).zip(rows) {
            to[..shape.w].copy_from_slice(from);
        }
    }
}

pub(super) fn backward<T: Number>(pass: &Backward<T>) {
    let shape = pass.shape;
    let numbers = shape.points * (2 * shape.c + 2);
    let groups = split::images(shape.n, numbers);
    split::run(groups.len(), shape.n * numbers, |task| {
        let images = groups[task].clone();
        dispatch(pass.level, BackwardImages { pass, images });
    });
}

struct BackwardImages<'a, T> {
    pass: &'a Backward<'a, T>,
    images: Range<usize>,
}

impl<T: Number> Kernel<T> for BackwardImages<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: the pass has checked the lengths of its slices, and no other task has these images.
        unsafe {
            match (self.pass.wanted.input, self.pass.wanted.grid) {
                (true, true) => self.gradients::<true, true>(),
                (true, false) => self.gradients::<true, false>(),
                (false, _) => self.gradients::<false, true>(),
            }
        }
    }
}

impl<T: Number> BackwardImages<'_, T> {
    /// # Safety
    /// The slices have the lengths of the shape, and no other task has these images.
    #[inline(always)]
    unsafe fn gradients<const INPUT: bool, const GRID: bool>(self) {
        let (pass, shape) = (self.pass, self.pass.shape);
        let frame = Frame::of(shape);
        let map = frame.map(pass.map);
        let mut frames = vec![map.outside; shape.c * frame.cells];
        let mut sums = vec![T::ZERO; if INPUT { frames.len() } else { 0 }];
        let mut block = Block::new();
        let mut dots = [[T::ZERO; BLOCK]; 4];
        let mut gradient = [T::ZERO; 2 * BLOCK];
        for image in self.images {
            fill(&frame, shape, pass.x, image, &mut frames);
            sums.fill(T::ZERO);
            for points in blocks(0..shape.points) {
                let places = coords(shape, pass.grid, image, points.clone());
                block.place_framed(pass.level, &map, places);
                for channel in 0..shape.c {
                    let plane = image * shape.c + channel;
                    let dy = &pass.dy[plane * shape.points..][points.clone()];
                    let cells = channel * frame.cells..(channel + 1) * frame.cells;
                    let x = &frames[cells.clone()];
                    let dx = if INPUT { &mut sums[cells] } else { &mut [] };
                    // SAFETY: x, and dx if it is wanted, are frames, in which the block was placed.
                    unsafe {
                        match channel {
                            0 => add_gradients::<_, INPUT, GRID, true>(
                                &frame, &block, x, dy, dx, &mut dots,
                            ),
                            _ => add_gradients::<_, INPUT, GRID, false>(
                                &frame, &block, x, dy, dx, &mut dots,
                            ),
                        }
                    };
                }
                if GRID {
                    block.coordinate_gradient(&dots, &mut gradient);
                    let at = 2 * (image * shape.points + points.start);
                    // SAFETY: the points exist, and no other task has this image.
                    unsafe {
                        let to = pass.dgrid.at(at, 2 * block.len);
                        std::slice::from_raw_parts_mut(to, 2 * block.len)
                            .copy_from_slice(&gradient[..2 * block.len]);
                    }
                }
            }
            if INPUT {
                let len = shape.c * shape.h * shape.w;
                // SAFETY: the image exists, and no other task has it.
                let dx =
                    unsafe { std::slice::from_raw_parts_mut(pass.dx.at(image * len, len), len) };
                take(&frame, shape, &sums, dx);
            }
        }
    }
}

/// Adds what the points of a block give to the gradient of a channel, and to the sums for the coordinates,
/// which the first channel starts.
///
/// # Safety
/// `x`, and `dx` if it is wanted, are frames, in which the block was placed.
#[inline(always)]
unsafe fn add_gradients<T: Number, const INPUT: bool, const GRID: bool, const FIRST: bool>(
    frame: &Frame,
    block: &Block<T>,
    x: &[T],
    dy: &[T],
    dx: &mut [T],
    dots: &mut [[T; BLOCK]; 4],
) {
    let (x, dx) = (x.as_ptr(), dx.as_mut_ptr());
    for (t, &g) in dy.iter().enumerate() {
        let weight = block.weights(t);
        let base = block.base[t] as usize;
        let tap = [base, base + 1, base + frame.stride, base + frame.stride + 1];
        for k in 0..4 {
            // SAFETY: a place in the frame has neighbors right and below.
            unsafe {
                if GRID {
                    let dot = g * *x.add(tap[k]);
                    dots[k][t] = if FIRST { dot } else { dots[k][t] + dot };
                }
                if INPUT {
                    *dx.add(tap[k]) += g * weight[k];
                }
            }
        }
    }
}

/// Copies the maps inside the frames out.
#[inline(always)]
fn take<T: Number>(frame: &Frame, shape: &SampleShape, frames: &[T], dx: &mut [T]) {
    let planes = dx.chunks_exact_mut(shape.h * shape.w);
    for (plane, from) in planes.zip(frames.chunks_exact(frame.cells)) {
        let rows = from[frame.first..].chunks(frame.stride);
        for (to, from) in plane.chunks_exact_mut(shape.w).zip(rows) {
            to.copy_from_slice(&from[..shape.w]);
        }
    }
}

#[cfg(test)]
mod tests {
    use striate::kernels::level::Level;

    use super::super::bilinear::{self, Gradients, Path, Wanted};
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
    fn the_bits_are_those_of_planes() {
        let paddings = [
            PaddingMode::Zeros,
            PaddingMode::Border,
            PaddingMode::Reflection,
            PaddingMode::Constant(0.5),
        ];
        for (padding, c) in paddings.into_iter().zip([1, 3, 4, 2]) {
            let shape = SampleShape {
                n: 9,
                c,
                h: 7,
                w: 10,
                points: 75,
                align_corners: AlignCorners::No,
                padding,
            };
            let (x, dy) = (scattered(shape.x_len(), 1), scattered(shape.y_len(), 2));
            let mut grid = scattered(shape.grid_len(), 3);
            let odd = [f32::NAN, 1e30, f32::INFINITY, -1e9, f32::NEG_INFINITY];
            for (k, value) in odd.into_iter().enumerate() {
                grid[31 * k + 5] = value;
            }
            let wanted = Wanted {
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
                let run = |path| {
                    let y = bilinear::forward(level, path, &shape, &x, &grid);
                    assert!(y.iter().any(|value| value.is_nan()), "{padding:?}");
                    let Gradients { input, grid } =
                        bilinear::backward(level, path, &shape, &x, &grid, &dy, wanted);
                    [y, input, grid].map(bits)
                };
                assert!(
                    run(Path::Framed) == run(Path::Planes),
                    "{padding:?} {level}"
                );
            }
        }
    }

    #[test]
    fn few_maps_large_maps_and_wrapped_ones_are_left_to_others() {
        let small = SampleShape {
            n: 256,
            c: 1,
            h: 28,
            w: 28,
            points: 784,
            align_corners: AlignCorners::No,
            padding: PaddingMode::Zeros,
        };
        assert!(serves(&small));
        assert!(!serves(&SampleShape { n: 1, ..small }));
        assert!(!serves(&SampleShape {
            h: 1080,
            w: 1920,
            ..small
        }));
        assert!(!serves(&SampleShape { points: 4, ..small }));
        let padding = PaddingMode::Wrap;
        assert!(!serves(&SampleShape { padding, ..small }));
    }
}
