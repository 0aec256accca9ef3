//! The rows of the map that each block of points reads, for passes that divide the rows into bands.

use std::ops::Range;

use striate::kernels::parts::{Kernel, Shared, Simd, dispatch};

use super::block::{BLOCK, Block, blocks};
use super::layout::Backward;
use super::number::Number;
use super::split;

/// The first and the last row that each block of image `image` reads.
pub(super) fn rows<T: Number>(pass: &Backward<T>, image: usize) -> Vec<(i32, i32)> {
    let mut rows = vec![(0, 0); pass.shape.points.div_ceil(BLOCK)];
    let shared = Shared::new(&mut rows);
    let runs = split::runs(pass.shape.points, 8);
    split::run(runs.len(), pass.shape.points * 8, |run| {
        let points = runs[run].clone();
        // SAFETY: runs consist of whole blocks, so each task has its own part.
        let rows = unsafe {
            let count = points.len().div_ceil(BLOCK);
            std::slice::from_raw_parts_mut(shared.at(points.start / BLOCK, count), count)
        };
        let task = Touched {
            pass,
            image,
            points,
            rows,
        };
        dispatch(pass.level, task);
    });
    rows
}

struct Touched<'a, T> {
    pass: &'a Backward<'a, T>,
    image: usize,
    points: Range<usize>,
    rows: &'a mut [(i32, i32)],
}

impl<T: Number> Kernel<T> for Touched<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let Backward {
            level, shape, grid, ..
        } = *self.pass;
        let map = &self.pass.map;
        let mut block = Block::new();
        for (points, rows) in blocks(self.points).zip(self.rows) {
            block.locate::<false, false>(level, map, shape.coords(grid, self.image, points));
            *rows = block.rows(map);
        }
    }
}
