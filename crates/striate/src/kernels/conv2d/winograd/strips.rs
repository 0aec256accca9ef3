//! Strips of tiles: how the maps are cut, and where a block's tiles lie.
//!
//! A strip is a run of tiles side by side in one image; strips are numbered down a column of the image first,
//! so that neighbors in the numbering share the rows in which their tiles overlap.

use crate::kernels::conv2d::panels::padded;

/// Widest strip in tiles; wider maps are cut, so that a strip's tiles stay in the cache.
const WIDEST: usize = 32;

/// How the results are cut into tiles and the tiles into strips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strips {
    /// Tile rows of an image.
    rows: usize,
    /// Strips side by side in an image.
    across: usize,
    /// Tiles of a strip.
    pub(super) tiles: usize,
    /// Strips of all images.
    pub(super) count: usize,
}

impl Strips {
    /// Of `n` images with `h` x `w` results in tiles of `side` x `side`.
    pub(super) fn new(n: usize, h: usize, w: usize, side: usize) -> Self {
        let (rows, columns) = (h.div_ceil(side), w.div_ceil(side));
        let across = columns.div_ceil(WIDEST);
        Self {
            rows,
            across,
            tiles: columns.div_ceil(across),
            count: n * rows * across,
        }
    }

    /// Cuts strips `from..to` into runs below each other in one image.
    pub(super) fn runs(self, from: usize, to: usize) -> impl Iterator<Item = Run> {
        let mut next = from;
        std::iter::from_fn(move || {
            let (column, row) = (next / self.rows, next % self.rows);
            let run = Run {
                first: next - from,
                image: column / self.across,
                row,
                column: column % self.across * self.tiles,
                strips: (self.rows - row).min(to - next),
                tiles: self.tiles,
            };
            next += run.strips;
            (run.strips > 0).then_some(run)
        })
    }
}

/// Strips below each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Number of the first strip, counted from the start of the block.
    pub(super) first: usize,
    pub(super) image: usize,
    /// First tile row and column.
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) strips: usize,
    pub(super) tiles: usize,
}

/// Where a block's tiles lie: `[cell][tile][channel]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileLayout {
    /// From tile to tile: an odd number of cache lines, so that a walk over tiles uses every set of the first cache.
    pub(super) step: usize,
    /// From cell to cell, one line more than the tiles need, for the same reason.
    pub(super) plane: usize,
}

impl TileLayout {
    pub(super) fn new(tiles: usize, channels: usize, lanes: usize) -> Self {
        let step = (padded(channels, lanes).div_ceil(16) | 1) * 16;
        Self {
            step,
            plane: tiles * step + 16,
        }
    }

    /// Numbers of all cells.
    pub(super) fn len(self, cells: usize) -> usize {
        cells * self.plane
    }
}
