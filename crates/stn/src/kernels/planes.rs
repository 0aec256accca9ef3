//! Bilinear sampling channel by channel, straight from the planes and back into them: for few channels.
//!
//! Three channels share the offsets and weights of a point while these are in registers.
//! A point whose four pixels lie on the map needs one offset and no test; the others ask where each pixel is.

use std::ops::Range;

use striate::kernels::parts::{Kernel, Simd, dispatch};

use super::bilinear::{Backward, Forward, blocks, coords, touched};
use super::block::{BLOCK, Block};
use super::number::Number;
use super::split;

/// Channels that are handled together; the rest goes one by one.
const GROUP: usize = 3;

pub(super) fn forward<T: Number>(pass: &Forward<T>) {
    let shape = pass.shape;
    let runs = split::runs(shape.points, shape.c + 2);
    split::run(
        shape.n * runs.len(),
        shape.n * shape.points * (shape.c + 2),
        |task| {
            let (image, points) = (task / runs.len(), runs[task % runs.len()].clone());
            dispatch(
                pass.level,
                ForwardRun {
                    pass,
                    image,
                    range: points,
                },
            );
        },
    );
}

struct ForwardRun<'a, T> {
    pass: &'a Forward<'a, T>,
    image: usize,
    range: Range<usize>,
}

impl<T: Number> Kernel<T> for ForwardRun<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: the pass has checked the lengths of its slices, and each run writes its own points.
        unsafe { self.points() }
    }
}

impl<T: Number> ForwardRun<'_, T> {
    /// # Safety
    /// The slices have the lengths of the shape, and no other task writes these points.
    #[inline(always)]
    unsafe fn points(self) {
        let shape = self.pass.shape;
        let mut block = Block::new();
        for points in blocks(self.range.clone()) {
            block.place(
                self.pass.level,
                &self.pass.map,
                coords(shape, self.pass.grid, self.image, points.clone()),
            );
            let mut channel = 0;
            while channel < shape.c {
                let plane = self.image * shape.c + channel;
                // SAFETY: the caller's promise is passed on; the channels exist.
                unsafe {
                    channel += match shape.c - channel {
                        GROUP.. => self.channels::<GROUP>(&block, plane, points.start),
                        _ => self.channels::<1>(&block, plane, points.start),
                    }
                }
            }
        }
    }

    /// C channels from `plane` on, of the points of `block` from `first` on.
    ///
    /// # Safety
    /// As [`points`](Self::points), and the C planes exist.
    #[inline(always)]
    unsafe fn channels<const C: usize>(
        &self,
        block: &Block<T>,
        plane: usize,
        first: usize,
    ) -> usize {
        let Forward {
            shape, map, x, y, ..
        } = *self.pass;
        let (cells, w) = (shape.h * shape.w, shape.w);
        // SAFETY: planes and points exist; a base points to a pixel with neighbors right and below,
        // and taps are offsets of pixels or negative.
        unsafe {
            let x = x.as_ptr().add(plane * cells);
            let y = y.at(
                plane * shape.points + first,
                (C - 1) * shape.points + block.len,
            );
            for t in 0..block.len {
                let weight = block.weights(t);
                if block.base[t] >= 0 {
                    let x = x.add(block.base[t] as usize);
                    for c in 0..C {
                        let above = x.add(c * cells);
                        let below = above.add(w);
                        let upper = weight[0] * *above + weight[1] * *above.add(1);
                        let lower = weight[2] * *below + weight[3] * *below.add(1);
                        y.add(c * shape.points + t).write(upper + lower);
                    }
                } else if block.missing(t) {
                    for c in 0..C {
                        y.add(c * shape.points + t).write(T::NAN);
                    }
                } else {
                    let taps = block.taps(&map, t);
                    for c in 0..C {
                        let value = |k: usize| match taps.offset[k] {
                            ..0 => map.outside,
                            at => *x.add(c * cells + at as usize),
                        };
                        let upper = weight[0] * value(0) + weight[1] * value(1);
                        let lower = weight[2] * value(2) + weight[3] * value(3);
                        y.add(c * shape.points + t).write(upper + lower);
                    }
                }
            }
        }
        C
    }
}

pub(super) fn backward<T: Number>(pass: &Backward<T>) {
    let shape = pass.shape;
    let numbers = shape.points * (2 * shape.c + 2);
    if !pass.wanted.input {
        // Nothing is added to, so points may be divided.
        let runs = split::runs(shape.points, 2 * shape.c + 2);
        return split::run(shape.n * runs.len(), shape.n * numbers, |task| {
            let (image, points) = (task / runs.len(), runs[task % runs.len()].clone());
            let rows = 0..shape.h;
            dispatch(
                pass.level,
                BackwardBand {
                    pass,
                    image,
                    range: points,
                    rows,
                    whole: true,
                    touched: &[],
                },
            );
        });
    }
    let bands = split::bands(shape.n, shape.h, numbers);
    let whole = bands.len() == 1;
    let touched: Vec<Vec<(i32, i32)>> = match whole {
        true => vec![Vec::new(); shape.n],
        false => (0..shape.n).map(|image| touched(pass, image)).collect(),
    };
    split::run(shape.n * bands.len(), shape.n * numbers, |task| {
        let (image, rows) = (task / bands.len(), bands[task % bands.len()].clone());
        let (range, touched) = (0..shape.points, &touched[image][..]);
        dispatch(
            pass.level,
            BackwardBand {
                pass,
                image,
                range,
                rows,
                whole,
                touched,
            },
        );
    });
}

/// What one band of rows of an image's gradient receives.
struct BackwardBand<'a, T> {
    pass: &'a Backward<'a, T>,
    image: usize,
    range: Range<usize>,
    rows: Range<usize>,
    /// Whether the band is the whole image.
    whole: bool,
    /// The rows that each block touches, unless the band is the whole image.
    touched: &'a [(i32, i32)],
}

impl<T: Number> Kernel<T> for BackwardBand<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: the pass has checked the lengths of its slices, and each band writes its own rows and the points it owns.
        unsafe {
            match (self.pass.wanted.input, self.pass.wanted.grid) {
                (true, true) => self.points::<true, true>(),
                (true, false) => self.points::<true, false>(),
                (false, _) => self.points::<false, true>(),
            }
        }
    }
}

impl<T: Number> BackwardBand<'_, T> {
    /// # Safety
    /// The slices have the lengths of the shape, and no other task writes these rows or owns these points.
    #[inline(always)]
    unsafe fn points<const INPUT: bool, const GRID: bool>(self) {
        let Backward {
            shape,
            map,
            grid,
            dx,
            dgrid,
            ..
        } = *self.pass;
        let cells = shape.h * shape.w;
        if INPUT {
            for channel in 0..shape.c {
                let start = (self.image * shape.c + channel) * cells + self.rows.start * shape.w;
                let len = self.rows.len() * shape.w;
                // SAFETY: these rows belong to this task.
                unsafe { std::slice::from_raw_parts_mut(dx.at(start, len), len) }.fill(T::ZERO);
            }
        }
        let rows = self.rows.start as i32..self.rows.end as i32;
        let mut block = Block::new();
        let mut gradient = [T::ZERO; 2 * BLOCK];
        for points in blocks(self.range.clone()) {
            if !self.whole {
                let (first, last) = self.touched[points.start / BLOCK];
                if last < rows.start || first >= rows.end {
                    continue;
                }
            }
            block.place(
                self.pass.level,
                &map,
                coords(shape, grid, self.image, points.clone()),
            );
            let mut dots = [[T::ZERO; BLOCK]; 4];
            let mut channel = 0;
            while channel < shape.c {
                let plane = self.image * shape.c + channel;
                // SAFETY: the caller's promise is passed on; the channels exist.
                unsafe {
                    channel += match shape.c - channel {
                        GROUP.. => self.channels::<INPUT, GRID, GROUP>(
                            &block,
                            plane,
                            points.start,
                            &mut dots,
                        ),
                        _ => {
                            self.channels::<INPUT, GRID, 1>(&block, plane, points.start, &mut dots)
                        }
                    }
                }
            }
            if GRID {
                block.coordinate_gradient(&dots, &mut gradient);
                // SAFETY: points of this image, each stored by the band that owns it.
                unsafe {
                    let to = dgrid.at(
                        2 * (self.image * shape.points + points.start),
                        2 * block.len,
                    );
                    store_owned(&block, to, &gradient, |t| {
                        self.whole || rows.contains(&block.owner(&map, t))
                    });
                }
            }
        }
    }

    /// # Safety
    /// As [`points`](Self::points), and the C planes exist.
    #[inline(always)]
    unsafe fn channels<const INPUT: bool, const GRID: bool, const C: usize>(
        &self,
        block: &Block<T>,
        plane: usize,
        first: usize,
        dots: &mut [[T; BLOCK]; 4],
    ) -> usize {
        let Backward {
            shape,
            map,
            x,
            dy,
            dx,
            ..
        } = *self.pass;
        let (cells, w) = (shape.h * shape.w, shape.w);
        let rows = self.rows.start as i32..self.rows.end as i32;
        // The bases whose pixels below are in the band, too.
        let bases = rows.start * w as i32..(rows.end - 1) * w as i32;
        // SAFETY: as in the forward pass; dx is only touched in the band's rows.
        unsafe {
            let x = x.as_ptr().add(plane * cells);
            let dy = dy.as_ptr().add(plane * shape.points + first);
            let dx = match INPUT {
                true => dx.at(plane * cells, C * cells),
                false => std::ptr::NonNull::dangling().as_ptr(),
            };
            for t in 0..block.len {
                let weight = block.weights(t);
                let base = block.base[t];
                if base >= 0 && (self.whole || bases.contains(&base)) {
                    let mut dot = [T::ZERO; 4];
                    for c in 0..C {
                        let g = *dy.add(c * shape.points + t);
                        let at = c * cells + base as usize;
                        let tap = [at, at + 1, at + w, at + w + 1];
                        for k in 0..4 {
                            if GRID {
                                dot[k] += g * *x.add(tap[k]);
                            }
                            if INPUT {
                                *dx.add(tap[k]) += g * weight[k];
                            }
                        }
                    }
                    for k in 0..4 {
                        dots[k][t] += dot[k];
                    }
                } else if !block.missing(t) {
                    let taps = block.taps(&map, t);
                    for c in 0..C {
                        let g = *dy.add(c * shape.points + t);
                        for k in 0..4 {
                            match taps.offset[k] {
                                ..0 => dots[k][t] += g * map.outside,
                                at => {
                                    let at = c * cells + at as usize;
                                    dots[k][t] += g * *x.add(at);
                                    if INPUT && rows.contains(&taps.row[k]) {
                                        *dx.add(at) += g * weight[k];
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        C
    }
}

/// Stores the gradients of the points that `owned` accepts.
///
/// # Safety
/// `to` points to two numbers for each point of `block`.
#[inline(always)]
pub(super) unsafe fn store_owned<T: Number>(
    block: &Block<T>,
    to: *mut T,
    gradient: &[T; 2 * BLOCK],
    owned: impl Fn(usize) -> bool,
) {
    for t in (0..block.len).filter(|&t| owned(t)) {
        // SAFETY: t is below the number of points.
        unsafe {
            to.add(2 * t).write(gradient[2 * t]);
            to.add(2 * t + 1).write(gradient[2 * t + 1]);
        }
    }
}
