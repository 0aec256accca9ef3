//! One task of a pass: image by image and block by block, the same for every layout.

use std::ops::Range;

use striate::kernels::parts::{Kernel, Scratch, Shared, Simd};

use super::block::{BLOCK, Block, blocks};
use super::layout::{Backward, Band, Forward, Layout, Source};
use super::number::Number;

/// Room for the copies that a task makes itself, one image after the other; empty if it makes none.
#[inline(always)]
fn room<T: Number, L: Layout<T>>(layout: &L, makes_copies: bool, outside: T) -> Scratch<T> {
    let mut own = Scratch::new(if makes_copies { layout.copy_len() } else { 0 });
    if makes_copies {
        layout.prepare(&mut own, outside);
    }
    own
}

/// An image as the layout reads it: the shared copy, a copy made now, or the image itself.
///
/// # Safety
/// Called under `dispatch`.
#[inline(always)]
unsafe fn pixels<'a, S: Simd<Elem = T>, T: Number, L: Layout<T>>(
    layout: &L,
    cells: usize,
    image: &'a [T],
    shared: Option<&'a [T]>,
    own: &'a mut [T],
) -> &'a [T] {
    match shared {
        Some(copy) => copy,
        None if own.is_empty() => image,
        None => {
            // SAFETY: these are all pixels of the image, and the copy is this task's own.
            unsafe { layout.copy::<S>(image, 0..cells, Shared::new(own)) };
            own
        }
    }
}

/// The values at some points of some images.
pub(super) struct ForwardTask<'a, T, L> {
    pub(super) pass: &'a Forward<'a, T>,
    pub(super) layout: L,
    pub(super) shared: Option<&'a [T]>,
    pub(super) images: Range<usize>,
    pub(super) points: Range<usize>,
}

impl<T: Number, L: Layout<T>> Kernel<T> for ForwardTask<'_, T, L> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (pass, shape, layout) = (self.pass, self.pass.shape, self.layout);
        let map = &layout.map(pass.map);
        let mut own = room(&layout, L::COPIES && self.shared.is_none(), map.outside);
        let mut buffers = layout.buffers::<S>(0);
        let mut block = Block::new();
        for image in self.images {
            let from = shape.image(pass.x, image);
            // SAFETY: under `dispatch`.
            let pixels =
                unsafe { pixels::<S, T, L>(&layout, shape.cells(), from, self.shared, &mut own) };
            let source = Source { map, pixels };
            for points in blocks(self.points.clone()) {
                let (first, count) = (points.start, points.len());
                let coords = shape.coords(pass.grid, image, points);
                if L::MARGIN {
                    block.locate::<true, false>(pass.level, map, coords);
                } else {
                    block.locate::<false, false>(pass.level, map, coords);
                }
                // SAFETY: the points exist in all channels, and no other task has them.
                unsafe {
                    let at = image * shape.c * shape.points + first;
                    let y = pass.y.at(at, (shape.c - 1) * shape.points + count);
                    layout.values::<S>(source, &block, &mut buffers, y);
                }
            }
        }
    }
}

/// What some points add to some rows of the gradients of some images.
pub(super) struct BackwardTask<'a, T, L> {
    pub(super) pass: &'a Backward<'a, T>,
    pub(super) layout: L,
    pub(super) shared: Option<&'a [T]>,
    pub(super) images: Range<usize>,
    pub(super) points: Range<usize>,
    pub(super) rows: Range<usize>,
    /// The first and the last row that each block reads, if the rows are a band of several.
    pub(super) touched: Option<&'a [(i32, i32)]>,
}

impl<T: Number, L: Layout<T>> Kernel<T> for BackwardTask<'_, T, L> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let needs = self.pass.needs;
        // SAFETY: under `dispatch`; each task has its own rows, and the points that fall to these rows.
        unsafe {
            match (needs.input, needs.grid) {
                (true, true) => self.bands::<S, true, true>(),
                (true, false) => self.bands::<S, true, false>(),
                (false, true) => self.bands::<S, false, true>(),
                (false, false) => {}
            }
        }
    }
}

impl<T: Number, L: Layout<T>> BackwardTask<'_, T, L> {
    /// The band of each image, one after the other.
    ///
    /// # Safety
    /// No other task has these rows of these images, or points that fall to them; called under `dispatch`.
    #[inline(always)]
    unsafe fn bands<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(self) {
        let (pass, shape, layout) = (self.pass, self.pass.shape, self.layout);
        let map = &layout.map(pass.map);
        let makes_copies = L::COPIES && GRID && self.shared.is_none();
        let mut own = room(&layout, makes_copies, map.outside);
        let mut buffers = layout.buffers::<S>(if INPUT { self.rows.len() } else { 0 });
        let mut block = Block::new();
        let mut dots = [[T::ZERO; BLOCK]; 4];
        let mut gradient = [T::ZERO; 2 * BLOCK];
        let whole = self.touched.is_none();
        let rows = self.rows.start as i32..self.rows.end as i32;
        for image in self.images {
            let from = shape.image(pass.x, image);
            // SAFETY: under `dispatch`.
            let pixels =
                unsafe { pixels::<S, T, L>(&layout, shape.cells(), from, self.shared, &mut own) };
            let source = Source { map, pixels };
            let len = if INPUT { from.len() } else { 0 };
            let band = Band {
                rows: self.rows.clone(),
                whole,
                // SAFETY: the gradient of this image; the task touches its own rows only.
                dx: unsafe { pass.dx.at(image * len, len) },
            };
            if INPUT {
                // SAFETY: the caller's promise is passed on.
                unsafe { layout.clear(&band, &mut buffers) };
            }
            for points in blocks(self.points.clone()) {
                if let Some(touched) = self.touched {
                    let (first, last) = touched[points.start / BLOCK];
                    if last < rows.start || first >= rows.end {
                        continue;
                    }
                }
                let first = points.start;
                let coords = shape.coords(pass.grid, image, points);
                if L::MARGIN {
                    block.locate::<true, GRID>(pass.level, map, coords);
                } else {
                    block.locate::<false, GRID>(pass.level, map, coords);
                }
                // SAFETY: the points exist in all channels; the caller's promise is passed on.
                unsafe {
                    let dy = pass.dy.as_ptr().add(image * shape.c * shape.points + first);
                    layout.gradients::<S, INPUT, GRID>(
                        source,
                        &block,
                        dy,
                        &band,
                        &mut buffers,
                        &mut dots,
                    );
                }
                if GRID {
                    block.coordinate_gradient(&dots, &mut gradient);
                    // SAFETY: points of this image; the filter leaves those of this task.
                    unsafe {
                        let at = 2 * (image * shape.points + first);
                        let to = pass.dgrid.at(at, 2 * block.len);
                        if whole {
                            to.copy_from_nonoverlapping(gradient.as_ptr(), 2 * block.len);
                        } else {
                            for t in 0..block.len {
                                if rows.contains(&block.owner(map, t)) {
                                    to.add(2 * t).write(gradient[2 * t]);
                                    to.add(2 * t + 1).write(gradient[2 * t + 1]);
                                }
                            }
                        }
                    }
                }
            }
            if INPUT {
                // SAFETY: the caller's promise is passed on.
                unsafe { layout.store::<S>(&band, &mut buffers) };
            }
        }
    }
}
