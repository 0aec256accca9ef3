//! What all tiles of a group share: the cut into tiles, offsets into a tile's patch.
//!
//! ```text
//! pack the weights:  [phase][panel of output channels][(c, t)][lanes]
//! for each image, for each tile of the output (in parallel):
//!     patch  = what the tile's windows see, zeros outside the image
//!     for each phase, panel, run of K = (c, t):
//!         register blocks:  sums[pixel][output channel] += patch[pixel + offset(k)] * packed[k]
//!     transpose sums to channel maps (bias and ReLU were applied with the last k)
//! ```

use super::pack::{Weights, packed};
use super::phases::{Phases, Tap};
use super::tile::Tile;
use crate::kernels::conv2d::panels::{padded, panels};
use crate::kernels::conv2d::patch::plane_step;
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Lanes, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// Output pixels of a tile: enough to use a packed panel well, few enough to stay in the cache.
pub(super) const TILE: usize = 192;

/// One side of the computation: images of `channels` maps, of which the group's are `count` from `first` on.
#[derive(Clone, Copy)]
pub(super) struct Maps {
    pub(super) channels: usize,
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) h: usize,
    pub(super) w: usize,
}

impl Maps {
    /// Where the group's first map of an image begins.
    fn image(&self, image: usize) -> usize {
        (image * self.channels + self.first) * self.h * self.w
    }
}

/// The computation of one group.
pub(super) struct Plan<'a, T> {
    pub(super) level: Level,
    pub(super) from: Maps,
    pub(super) to: Maps,
    pub(super) step: (usize, usize),
    pub(super) phases: &'a Phases,
    pub(super) bias: Option<&'a [T]>,
    pub(super) relu: bool,
}

impl<T: Lanes> Plan<'_, T> {
    /// Computes `to` from `from`.
    pub(super) fn run(&self, n: usize, from: &[T], to: &mut [T], weights: Weights<'_, T>) {
        let width = width::<T>(self.level);
        let panels = panels(width, self.to.count);
        let wide = padded(self.to.count, width.lanes);
        let channels = (self.from.count, self.to.count);
        let packed = packed(self.level, weights, self.phases, &panels, channels);
        let bias = self.bias.map(|values| {
            let mut bias = Scratch::<T>::new(wide);
            bias.fill(T::ZERO);
            bias[..values.len()].copy_from_slice(values);
            bias
        });
        let tiling = Tiling::new(self, wide);
        let offsets = tiling.offsets(self);

        let (rows, columns) = tiling.tiles();
        let to = Shared::new(to);
        let tiles = n * rows * columns;
        let parts = parts_a_tile(tiles, panels.len());
        run_tasks(tiles * parts, &|task| {
            let (tile, part) = (task / parts, task % parts);
            let (image, tile) = (tile / (rows * columns), tile % (rows * columns));
            let share = panels.len() * part / parts..panels.len() * (part + 1) / parts;
            let work = Tile {
                plan: self,
                tiling: &tiling,
                offsets: &offsets,
                panels: &panels[share],
                packed: &packed,
                bias: bias.as_ref().map_or(std::ptr::null(), |bias| bias.as_ptr()),
                from: &from[self.from.image(image)..],
                to,
                to_image: self.to.image(image),
                row: tile / columns * tiling.rows,
                column: tile % columns * tiling.columns,
            };
            dispatch(self.level, work);
        });
    }

    /// Independent parts of [`run`](Self::run).
    pub(super) fn independent(&self, n: usize) -> usize {
        let width = width::<T>(self.level);
        let tiling = Tiling::new(self, padded(self.to.count, width.lanes));
        let tiles = n * tiling.tiles().0 * tiling.tiles().1;
        tiles * parts_a_tile(tiles, panels(width, self.to.count).len())
    }
}

/// With fewer tiles than threads could use, they share the panels of a tile.
fn parts_a_tile(tiles: usize, panels: usize) -> usize {
    let wanted = (2 * rayon::current_num_threads()).div_ceil(tiles.max(1));
    wanted.min(panels).max(1)
}

/// Sizes that all tiles of a plan share; pairs are (rows, columns).
pub(super) struct Tiling {
    /// Of a tile, in steps of `spread`.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Of the output, in steps of `spread`.
    pub(super) grid: (usize, usize),
    /// How a tile's patch lies in memory.
    pub(super) patch: Patch,
    /// Output channels rounded up to vectors.
    pub(super) wide: usize,
}

/// The layout of a tile's patch.
pub(super) enum Patch {
    /// The rectangle that all windows of the tile see together, map by map.
    Rectangle {
        /// Where the first tap reads, and how far the last one is from it.
        origin: (isize, isize),
        span: (usize, usize),
        /// Columns of a whole tile's rectangle, and the distance of its maps.
        columns: usize,
        plane: usize,
    },
    /// What each tap reads, map by map and tap by tap: for strides and dilations that spread the rectangle
    /// over many cells that no tap reads.
    ByTap {
        /// The distance of two taps' pixels.
        plane: usize,
        /// Taps of the phase that has most.
        taps: usize,
    },
}

impl Tiling {
    /// The rectangle may have this many times more numbers than the taps read.
    const MOST_UNREAD: usize = 8;

    fn new<T>(plan: &Plan<'_, T>, wide: usize) -> Self {
        let (to, spread) = (plan.to, plan.phases.spread);
        let grid = (to.h.div_ceil(spread.0), to.w.div_ceil(spread.1));
        let pixels = spread.0 * spread.1;
        let columns = grid.1.div_ceil((grid.1 * pixels).div_ceil(TILE + TILE / 3));
        let most = (TILE / (columns * pixels)).clamp(1, grid.0.max(1));
        // Tiles of one height, so that threads have equal work.
        let rows = grid.0.div_ceil(grid.0.div_ceil(most).max(1)).max(1);
        Self {
            rows,
            columns,
            grid,
            patch: Self::patch(plan, rows, columns),
            wide,
        }
    }

    fn patch<T>(plan: &Plan<'_, T>, rows: usize, columns: usize) -> Patch {
        let least = |at: fn(&Tap) -> isize| plan.phases.taps().map(at).min().unwrap_or(0);
        let most = |at: fn(&Tap) -> isize| plan.phases.taps().map(at).max().unwrap_or(0);
        let origin = (least(|tap| tap.row), least(|tap| tap.column));
        let span = (
            most(|tap| tap.row).abs_diff(origin.0),
            most(|tap| tap.column).abs_diff(origin.1),
        );
        let size = (
            (rows - 1) * plan.step.0 + span.0 + 1,
            (columns - 1) * plan.step.1 + span.1 + 1,
        );
        let taps = plan.phases.list.iter().map(|phase| phase.taps.len()).max();
        let taps = taps.unwrap_or(0).max(1);
        let read = taps * rows * columns;
        let cells = size.0.saturating_mul(size.1);
        let plane = plane_step(cells);
        let in_32_bits = plane.saturating_mul(plan.from.count) <= u32::MAX as usize / 2;
        if cells / Self::MOST_UNREAD <= read && in_32_bits {
            Patch::Rectangle {
                origin,
                span,
                columns: size.1,
                plane,
            }
        } else {
            Patch::ByTap {
                plane: rows * columns,
                taps,
            }
        }
    }

    /// Tiles below each other and side by side.
    fn tiles(&self) -> (usize, usize) {
        (
            self.grid.0.div_ceil(self.rows),
            self.grid.1.div_ceil(self.columns),
        )
    }

    /// For each phase, where in the patch the k-th factor of a pixel lies, counted from the pixel's first.
    fn offsets<T>(&self, plan: &Plan<'_, T>) -> Vec<Vec<u32>> {
        let offset = |c: usize, (t, tap): (usize, &Tap), taps: usize| match self.patch {
            Patch::Rectangle {
                origin,
                columns,
                plane,
                ..
            } => {
                let (row, column) = (tap.row.abs_diff(origin.0), tap.column.abs_diff(origin.1));
                c * plane + row * columns + column
            }
            Patch::ByTap { plane, .. } => (c * taps + t) * plane,
        };
        let of_phase = |taps: &[Tap]| {
            let mut offsets = Vec::with_capacity(plan.from.count * taps.len());
            for c in 0..plan.from.count {
                let taps_of_map = taps.iter().enumerate();
                offsets.extend(taps_of_map.map(|tap| offset(c, tap, taps.len()) as u32));
            }
            offsets
        };
        let phases = plan.phases.list.iter();
        phases.map(|phase| of_phase(&phase.taps)).collect()
    }
}
