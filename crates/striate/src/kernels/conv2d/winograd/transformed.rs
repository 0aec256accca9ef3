//! Transformed tiles of some strips, which all threads make together.
//!
//! Safety: each task writes the tiles of its own strips.

use std::marker::PhantomData;
use std::ops::Range;

use super::form::Tile;
use super::strips::{Strips, TileLayout};
use super::tiles::{Maps, transform};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// The tiles, and where they lie.
pub(super) struct Tiles {
    pub(super) values: Scratch<f32>,
    pub(super) layout: TileLayout,
    /// All strips, of which these are some.
    pub(super) strips: Strips,
    count: usize,
}

impl Tiles {
    /// Transforms the strips `wanted` of maps, some strips a task.
    pub(super) fn of<T: Tile>(
        level: Level,
        strips: Strips,
        wanted: Range<usize>,
        maps: Maps,
        from: &[f32],
        padding: (usize, usize),
    ) -> Self {
        let count = wanted.len() * strips.tiles;
        let layout = TileLayout::new(count, maps.channels, width::<f32>(level).lanes);
        let mut values = Scratch::new(layout.len(T::CELLS));
        let to = Shared::new(&mut values);
        let per_task = wanted.len().div_ceil(2 * rayon::current_num_threads());
        let tasks = wanted.len().div_ceil(per_task.max(1));
        run_tasks(tasks, &|task| {
            let first = wanted.start + task * per_task;
            let part = Part::<T> {
                tile: PhantomData,
                strips,
                strips_of_part: first..(first + per_task).min(wanted.end),
                offset: first - wanted.start,
                maps,
                from,
                padding,
                to,
                layout,
            };
            dispatch(level, part);
        });
        Self {
            values,
            layout,
            strips,
            count,
        }
    }

    /// Number of tiles.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

/// Strips whose tiles are transformed.
struct Part<'a, T> {
    tile: PhantomData<T>,
    strips: Strips,
    strips_of_part: Range<usize>,
    /// Number of the first among the wanted.
    offset: usize,
    maps: Maps,
    from: &'a [f32],
    padding: (usize, usize),
    to: Shared<f32>,
    layout: TileLayout,
}

impl<T: Tile> Kernel<f32> for Part<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = f32>>(self) {
        let Range { start, end } = self.strips_of_part;
        for mut run in self.strips.runs(start, end) {
            run.first += self.offset;
            // SAFETY: the run is counted from the first of the wanted tiles; each strip is in one part.
            unsafe {
                transform::<S, T>(
                    self.maps,
                    self.from,
                    run,
                    self.padding,
                    self.to,
                    self.layout,
                );
            }
        }
    }
}
