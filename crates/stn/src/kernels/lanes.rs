//! Bilinear sampling with channels in vector lanes: for many channels.
//!
//! ```text
//! copy the image to [pixel][channel], channels padded to whole vectors
//! for each point, for each vector of channels:
//!     tile[point] = w00 image[above, left] + .. + w11 image[below, right]
//! for each LANES points:  transpose the tile into the planes of the output
//! ```
//!
//! Backward, the same with a copy of dx that is added to; the sums over the channels are kept in vectors,
//! one a point, and LANES of them are added up by one transposition.

use std::ops::Range;

use striate::kernels::parts::{Kernel, Scratch, Shared, Simd, dispatch};

use super::bilinear::{Backward, Forward, SampleShape, blocks, coords, touched};
use super::block::{BLOCK, Block};
use super::number::Number;
use super::planes::store_owned;
use super::split::{self, MANY_IMAGES};

/// The widest vector has this many lanes.
const MOST_LANES: usize = 16;

/// Channels padded to whole vectors of any level.
fn padded(shape: &SampleShape) -> usize {
    shape.c.next_multiple_of(MOST_LANES)
}

pub(super) fn forward<T: Number>(pass: &Forward<T>) {
    let shape = pass.shape;
    let cells = shape.h * shape.w;
    let len = cells * padded(shape);
    let image_numbers = (cells + shape.points) * shape.c;
    if shape.n >= MANY_IMAGES {
        return split::run(shape.n, shape.n * image_numbers, |image| {
            let mut copy = Scratch::new(len);
            let all = Shared::new(&mut copy);
            dispatch(
                pass.level,
                Pack {
                    shape,
                    from: plane_of(pass.x, shape, image),
                    to: all,
                    pixels: 0..cells,
                },
            );
            dispatch(
                pass.level,
                ForwardRun {
                    pass,
                    image,
                    copy: &copy,
                    points: 0..shape.points,
                },
            );
        });
    }
    let runs = split::runs(shape.points, shape.c + 2);
    for image in 0..shape.n {
        let mut copy = Scratch::new(len);
        pack_parallel(pass.level, shape, plane_of(pass.x, shape, image), &mut copy);
        let copy = &copy[..];
        split::run(runs.len(), image_numbers, |run| {
            dispatch(
                pass.level,
                ForwardRun {
                    pass,
                    image,
                    copy,
                    points: runs[run].clone(),
                },
            );
        });
    }
}

pub(super) fn backward<T: Number>(pass: &Backward<T>) {
    let shape = pass.shape;
    let cells = shape.h * shape.w;
    let len = if pass.wanted.grid {
        cells * padded(shape)
    } else {
        0
    };
    let image_numbers = 2 * (cells + shape.points) * shape.c;
    if shape.n >= MANY_IMAGES {
        return split::run(shape.n, shape.n * image_numbers, |image| {
            let mut copy = Scratch::new(len);
            let all = Shared::new(&mut copy);
            if pass.wanted.grid {
                let from = plane_of(pass.x, shape, image);
                dispatch(
                    pass.level,
                    Pack {
                        shape,
                        from,
                        to: all,
                        pixels: 0..cells,
                    },
                );
            }
            let rows = 0..shape.h;
            dispatch(
                pass.level,
                BackwardBand {
                    pass,
                    image,
                    copy: &copy,
                    rows,
                    whole: true,
                    touched: &[],
                },
            );
        });
    }
    let bands = split::bands(shape.n, shape.h, image_numbers);
    let whole = bands.len() == 1;
    for image in 0..shape.n {
        let mut copy = Scratch::new(len);
        if pass.wanted.grid {
            pack_parallel(pass.level, shape, plane_of(pass.x, shape, image), &mut copy);
        }
        let copy = &copy[..];
        let touched = if whole {
            Vec::new()
        } else {
            touched(pass, image)
        };
        split::run(bands.len(), image_numbers, |band| {
            let rows = bands[band].clone();
            dispatch(
                pass.level,
                BackwardBand {
                    pass,
                    image,
                    copy,
                    rows,
                    whole,
                    touched: &touched,
                },
            );
        });
    }
}

/// The channels of image `image`.
fn plane_of<'a, T>(x: &'a [T], shape: &SampleShape, image: usize) -> &'a [T] {
    let len = shape.c * shape.h * shape.w;
    &x[image * len..][..len]
}

fn pack_parallel<T: Number>(
    level: striate::kernels::level::Level,
    shape: &SampleShape,
    from: &[T],
    to: &mut [T],
) {
    let (cells, to) = (shape.h * shape.w, Shared::new(to));
    let runs = split::runs(cells, shape.c);
    split::run(runs.len(), cells * shape.c, |run| {
        dispatch(
            level,
            Pack {
                shape,
                from,
                to,
                pixels: runs[run].clone(),
            },
        );
    });
}

/// Copies pixels of all channels into vectors over channels.
struct Pack<'a, T> {
    shape: &'a SampleShape,
    from: &'a [T],
    to: Shared<T>,
    pixels: Range<usize>,
}

impl<T: Number> Kernel<T> for Pack<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (cells, width) = (self.shape.h * self.shape.w, padded(self.shape));
        for start in self.pixels.clone().step_by(S::LANES) {
            let count = (self.pixels.end - start).min(S::LANES);
            // SAFETY: the pixels exist, and each task writes its own.
            unsafe {
                let to = self.to.at(start * width, count * width);
                to_lanes::<S>(
                    self.from.as_ptr().add(start),
                    cells,
                    self.shape.c,
                    count,
                    to,
                    width,
                );
            }
        }
    }
}

/// `count` <= LANES neighbors of `channels` rows, `row` apart, to `count` rows of `width` numbers; the padding becomes 0.
///
/// # Safety
/// As the sizes say.
#[inline(always)]
unsafe fn to_lanes<S: Simd>(
    from: *const S::Elem,
    row: usize,
    channels: usize,
    count: usize,
    to: *mut S::Elem,
    width: usize,
) {
    // SAFETY: whole squares lie inside both sides; the rest is copied number by number.
    unsafe {
        let mut first = 0;
        while first < width {
            if count == S::LANES && first + S::LANES <= channels {
                S::transpose(from.add(first * row), row, to.add(first), width);
            } else {
                for lane in first..first + S::LANES {
                    for t in 0..count {
                        let value = if lane < channels {
                            *from.add(lane * row + t)
                        } else {
                            S::Elem::default()
                        };
                        to.add(t * width + lane).write(value);
                    }
                }
            }
            first += S::LANES;
        }
    }
}

/// The way back: `count` <= LANES rows of `width` numbers to neighbors of `channels` rows, `row` apart.
///
/// # Safety
/// As the sizes say.
#[inline(always)]
unsafe fn from_lanes<S: Simd>(
    from: *const S::Elem,
    width: usize,
    count: usize,
    to: *mut S::Elem,
    row: usize,
    channels: usize,
) {
    // SAFETY: whole squares lie inside both sides; the rest is copied number by number.
    unsafe {
        let mut first = 0;
        while first < channels {
            if count == S::LANES && first + S::LANES <= channels {
                S::transpose(from.add(first), width, to.add(first * row), row);
            } else {
                for lane in first..(first + S::LANES).min(channels) {
                    for t in 0..count {
                        to.add(lane * row + t).write(*from.add(t * width + lane));
                    }
                }
            }
            first += S::LANES;
        }
    }
}

struct ForwardRun<'a, T> {
    pass: &'a Forward<'a, T>,
    image: usize,
    copy: &'a [T],
    points: Range<usize>,
}

impl<T: Number> Kernel<T> for ForwardRun<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: the pass has checked the lengths of its slices, and each run writes its own points.
        unsafe { self.with::<S>() }
    }
}

impl<T: Number> ForwardRun<'_, T> {
    /// # Safety
    /// The slices have the lengths of the shape, the copy is that of the image, and no other task writes these points.
    #[inline(always)]
    unsafe fn with<S: Simd<Elem = T>>(self) {
        let Forward {
            shape,
            map,
            grid,
            y,
            ..
        } = *self.pass;
        let width = padded(shape);
        let vectors = shape.c.div_ceil(S::LANES);
        let mut tile = Scratch::<T>::new(S::LANES * width);
        let tile = tile.as_mut_ptr();
        let mut block = Block::new();
        for points in blocks(self.points.clone()) {
            block.place(
                self.pass.level,
                &map,
                coords(shape, grid, self.image, points.clone()),
            );
            let mut first = 0;
            while first < block.len {
                let count = (block.len - first).min(S::LANES);
                for t in 0..count {
                    // SAFETY: the tile has LANES rows; the point exists.
                    unsafe { self.point::<S>(&block, first + t, vectors, tile.add(t * width)) };
                }
                // SAFETY: these points of all channels belong to this task.
                unsafe {
                    let at = self.image * shape.c * shape.points + points.start + first;
                    let to = y.at(at, (shape.c - 1) * shape.points + count);
                    from_lanes::<S>(tile, width, count, to, shape.points, shape.c);
                }
                first += count;
            }
        }
    }

    /// All channels of point `t`.
    ///
    /// # Safety
    /// As [`with`](Self::with); `to` has room for the vectors.
    #[inline(always)]
    unsafe fn point<S: Simd<Elem = T>>(
        &self,
        block: &Block<T>,
        t: usize,
        vectors: usize,
        to: *mut T,
    ) {
        let (map, width) = (&self.pass.map, padded(self.pass.shape));
        let w = self.pass.shape.w;
        let copy = self.copy.as_ptr();
        // SAFETY: bases and taps are pixels of the copy; the caller promises the rest.
        unsafe {
            if block.base[t] >= 0 {
                let weight = block.weights(t).map(|weight| S::splat(weight));
                let above = copy.add(block.base[t] as usize * width);
                let below = above.add(w * width);
                for v in 0..vectors {
                    let at = v * S::LANES;
                    let mut sum = S::fma(weight[0], S::load(above.add(at)), S::zero());
                    sum = S::fma(weight[1], S::load(above.add(width + at)), sum);
                    sum = S::fma(weight[2], S::load(below.add(at)), sum);
                    sum = S::fma(weight[3], S::load(below.add(width + at)), sum);
                    S::store(to.add(at), sum);
                }
                return;
            }
            if block.missing(t) {
                for v in 0..vectors {
                    S::store(to.add(v * S::LANES), S::splat(T::NAN));
                }
                return;
            }
            let (taps, weight) = (block.taps(map, t), block.weights(t));
            for v in 0..vectors {
                let mut sum = S::zero();
                for k in 0..4 {
                    let value = match taps.offset[k] {
                        ..0 => S::splat(map.outside),
                        at => S::load(copy.add(at as usize * width + v * S::LANES)),
                    };
                    sum = S::fma(S::splat(weight[k]), value, sum);
                }
                S::store(to.add(v * S::LANES), sum);
            }
        }
    }
}

/// What one band of rows of an image's gradient receives.
struct BackwardBand<'a, T> {
    pass: &'a Backward<'a, T>,
    image: usize,
    /// The copy of the image; empty if the grid's gradient is not wanted.
    copy: &'a [T],
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
                (true, true) => self.with::<S, true, true>(),
                (true, false) => self.with::<S, true, false>(),
                (false, _) => self.with::<S, false, true>(),
            }
        }
    }
}

impl<T: Number> BackwardBand<'_, T> {
    /// # Safety
    /// The slices have the lengths of the shape, the copy is that of the image,
    /// and no other task writes these rows or owns these points.
    #[inline(always)]
    unsafe fn with<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(self) {
        let Backward {
            shape,
            map,
            grid,
            dy,
            dx,
            dgrid,
            ..
        } = *self.pass;
        let width = padded(shape);
        let rows = self.rows.start as i32..self.rows.end as i32;
        let mut sums = Scratch::<T>::new(if INPUT {
            self.rows.len() * shape.w * width
        } else {
            0
        });
        sums.fill(T::ZERO);
        let mut tile = Scratch::<T>::new(S::LANES * width);
        let mut partial = Scratch::<T>::new(4 * S::LANES * S::LANES);
        let mut turned = Scratch::<T>::new(S::LANES * S::LANES);
        let (sums, tile) = (sums.as_mut_ptr(), tile.as_mut_ptr());
        let (partial, turned) = (partial.as_mut_ptr(), turned.as_mut_ptr());
        let mut block = Block::new();
        let mut gradient = [T::ZERO; 2 * BLOCK];
        for points in blocks(0..shape.points) {
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
            let mut first = 0;
            while first < block.len {
                let count = (block.len - first).min(S::LANES);
                // SAFETY: the points exist; tile and partial sums have a row for each of them.
                unsafe {
                    let at = self.image * shape.c * shape.points + points.start + first;
                    to_lanes::<S>(
                        dy.as_ptr().add(at),
                        shape.points,
                        shape.c,
                        count,
                        tile,
                        width,
                    );
                    for t in 0..count {
                        self.point::<S, INPUT, GRID>(
                            &block,
                            first + t,
                            tile.add(t * width),
                            sums,
                            partial.add(t * S::LANES),
                        );
                    }
                    if GRID {
                        for (k, dots) in dots.iter_mut().enumerate() {
                            let rows = partial.add(k * S::LANES * S::LANES);
                            S::transpose(rows, S::LANES, turned, S::LANES);
                            let mut sum = S::load(turned);
                            for lane in 1..S::LANES {
                                sum = S::add(sum, S::load(turned.add(lane * S::LANES)));
                            }
                            S::store_first(dots.as_mut_ptr().add(first), sum, count);
                        }
                    }
                }
                first += count;
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
        if INPUT {
            let cells = shape.h * shape.w;
            let first = self.rows.start * shape.w;
            let pixels = self.rows.len() * shape.w;
            for start in (0..pixels).step_by(S::LANES) {
                let count = (pixels - start).min(S::LANES);
                // SAFETY: these rows of all channels belong to this task.
                unsafe {
                    let at = self.image * shape.c * cells + first + start;
                    let to = dx.at(at, (shape.c - 1) * cells + count);
                    from_lanes::<S>(sums.add(start * width), width, count, to, cells, shape.c);
                }
            }
        }
    }

    /// Point `t`, whose dy lies at `g`: adds to the rows of the band in `sums`, and stores four vectors of partial dot products,
    /// LANES^2 numbers apart, to `partial`.
    ///
    /// # Safety
    /// As [`with`](Self::with); the pointers have room.
    #[inline(always)]
    unsafe fn point<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(
        &self,
        block: &Block<T>,
        t: usize,
        g: *const T,
        sums: *mut T,
        partial: *mut T,
    ) {
        let (map, shape) = (&self.pass.map, self.pass.shape);
        let (w, width) = (shape.w, padded(shape));
        let vectors = shape.c.div_ceil(S::LANES);
        let rows = self.rows.start as i32..self.rows.end as i32;
        let bases = rows.start * w as i32..(rows.end - 1) * w as i32;
        let base = block.base[t];
        let skipped = self.rows.start * w;
        // SAFETY: bases and taps are pixels; sums are only touched in the band's rows.
        unsafe {
            let mut dot = [S::zero(); 4];
            if base >= 0 && (self.whole || bases.contains(&base)) {
                let weight = block.weights(t).map(|weight| S::splat(weight));
                let base = base as usize;
                let tap = [base, base + 1, base + w, base + w + 1];
                let x = tap.map(|tap| self.copy.as_ptr().wrapping_add(tap * width));
                let dx =
                    tap.map(|tap| sums.wrapping_add(tap * width).wrapping_sub(skipped * width));
                for v in 0..vectors {
                    let at = v * S::LANES;
                    let g = S::load(g.add(at));
                    for k in 0..4 {
                        if GRID {
                            dot[k] = S::fma(g, S::load(x[k].add(at)), dot[k]);
                        }
                        if INPUT {
                            let dx = dx[k].add(at);
                            S::store(dx, S::fma(weight[k], g, S::load(dx)));
                        }
                    }
                }
            } else if !block.missing(t) {
                let (taps, weight) = (block.taps(map, t), block.weights(t));
                for v in 0..vectors {
                    let at = v * S::LANES;
                    let g = S::load(g.add(at));
                    for k in 0..4 {
                        match taps.offset[k] {
                            ..0 => dot[k] = S::fma(g, S::splat(map.outside), dot[k]),
                            pixel => {
                                let pixel = pixel as usize;
                                if GRID {
                                    let x = self.copy.as_ptr().add(pixel * width + at);
                                    dot[k] = S::fma(g, S::load(x), dot[k]);
                                }
                                if INPUT && rows.contains(&taps.row[k]) {
                                    let dx = sums.add((pixel - skipped) * width + at);
                                    S::store(dx, S::fma(S::splat(weight[k]), g, S::load(dx)));
                                }
                            }
                        }
                    }
                }
            }
            if GRID {
                for (k, dot) in dot.iter().enumerate() {
                    S::store(partial.add(k * S::LANES * S::LANES), *dot);
                }
            }
        }
    }
}
