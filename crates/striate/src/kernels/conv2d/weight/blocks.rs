//! How the output pixels are cut into blocks, and where the patch of a block lies.

use crate::kernels::conv2d::ConvShape;
use crate::kernels::conv2d::patch::{Pixels, Rect, cut, cut_pixels, plane_step};
use crate::kernels::real::Real;

/// Output pixels of a block.
const BLOCK: usize = 512;
/// Output pixels of a block with more than 2^22 rows (c, u, v), so that 32 bits address all of their pixels.
const SMALL_BLOCK: usize = 128;
/// A rectangle may have this many times more numbers than the block's rows (c, u, v) read.
const MOST_UNREAD: usize = 8;

/// The cut of all images into blocks of whole rows, or of whole small images.
pub(super) struct Blocks {
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    patch: Patch,
}

/// The layout of a block's patch.
enum Patch {
    /// The rectangle that all windows of the block see together, for each image and map.
    Rectangle {
        /// Columns of a whole block's rectangle, and the distance of its maps.
        columns: usize,
        plane: usize,
    },
    /// The pixels that each row (c, u, v) reads: for strides and dilations that spread the rectangle
    /// over many cells that nothing reads.
    ByRow,
}

/// The output pixels of one block.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Blocks {
    pub(super) fn of(s: &ConvShape) -> Self {
        let blocks = Self::of_pixels(s, BLOCK);
        let taps = s.c_in / s.groups * s.kh * s.kw;
        match blocks.patch {
            Patch::ByRow if taps.saturating_mul(BLOCK) > u32::MAX as usize => Self {
                patch: Patch::ByRow,
                ..Self::of_pixels(s, SMALL_BLOCK)
            },
            _ => blocks,
        }
    }

    fn of_pixels(s: &ConvShape, most: usize) -> Self {
        let (ho, wo) = (s.h_out(), s.w_out());
        let columns = wo.div_ceil(wo.div_ceil(most));
        let rows = (most / columns).clamp(1, ho);
        let images = if rows == ho && columns == wo {
            (most / (ho * wo)).clamp(1, s.n)
        } else {
            1
        };
        let size = (
            (rows - 1) * s.stride.0 + (s.kh - 1) * s.dilation.0 + 1,
            (columns - 1) * s.stride.1 + (s.kw - 1) * s.dilation.1 + 1,
        );
        let cells = size.0.saturating_mul(size.1);
        let maps = images * (s.c_in / s.groups);
        let plane = plane_step(cells);
        let in_32_bits = plane.saturating_mul(maps) <= u32::MAX as usize / 2;
        let patch = if cells / MOST_UNREAD <= s.kh * s.kw * rows * columns && in_32_bits {
            Patch::Rectangle {
                columns: size.1,
                plane,
            }
        } else {
            Patch::ByRow
        };
        Self {
            images,
            rows,
            columns,
            patch,
        }
    }

    /// Blocks in (image, row, column) directions.
    fn grid(&self, s: &ConvShape) -> (usize, usize, usize) {
        (
            s.n.div_ceil(self.images),
            s.h_out().div_ceil(self.rows),
            s.w_out().div_ceil(self.columns),
        )
    }

    pub(super) fn count(&self, s: &ConvShape) -> usize {
        let (images, rows, columns) = self.grid(s);
        images * rows * columns
    }

    /// The pixels of block `index`.
    pub(super) fn block(&self, s: &ConvShape, index: usize) -> Block {
        let grid = self.grid(s);
        let image = index / (grid.1 * grid.2) * self.images;
        let row = index / grid.2 % grid.1 * self.rows;
        let column = index % grid.2 * self.columns;
        Block {
            image,
            row,
            column,
            images: self.images.min(s.n - image),
            rows: self.rows.min(s.h_out() - row),
            columns: self.columns.min(s.w_out() - column),
        }
    }

    /// Pixels of a whole block.
    pub(super) fn pixels(&self) -> usize {
        self.images * self.rows * self.columns
    }

    /// Numbers in a whole block's patch.
    pub(super) fn patch_len(&self, s: &ConvShape) -> usize {
        let c = s.c_in / s.groups;
        match self.patch {
            Patch::Rectangle { plane, .. } => self.images * c * plane,
            Patch::ByRow => c * s.kh * s.kw * self.pixels(),
        }
    }

    /// Where the patch of each row (c, u, v) begins.
    pub(super) fn row_starts(&self, s: &ConvShape) -> Vec<u32> {
        let cells = s.kh * s.kw;
        let start = |row: usize| match self.patch {
            Patch::Rectangle { columns, plane } => {
                let (channel, u, v) = (row / cells, row % cells / s.kw, row % s.kw);
                channel * plane + u * s.dilation.0 * columns + v * s.dilation.1
            }
            Patch::ByRow => row * self.pixels(),
        };
        let rows = s.c_in / s.groups * cells;
        (0..rows).map(|row| start(row) as u32).collect()
    }

    /// Fills the patch of a block with x of `group`; `offsets` become those of its pixels, counted from the start of a row (c, u, v).
    #[inline(always)]
    pub(super) fn read<T: Real>(
        &self,
        s: &ConvShape,
        group: usize,
        block: Block,
        x: &[T],
        patch: &mut [T],
        offsets: &mut Vec<u32>,
    ) {
        offsets.clear();
        let c = s.c_in / s.groups;
        let first = (
            (block.row * s.stride.0) as isize - s.padding.0 as isize,
            (block.column * s.stride.1) as isize - s.padding.1 as isize,
        );
        for i in 0..block.images {
            let x = &x[((block.image + i) * s.c_in + group * c) * s.h * s.w..];
            // From row to row and from column to column of the block.
            let (start, steps) = match self.patch {
                Patch::Rectangle { columns, plane } => {
                    let rect = Rect {
                        row: first.0,
                        column: first.1,
                        rows: (block.rows - 1) * s.stride.0 + (s.kh - 1) * s.dilation.0 + 1,
                        columns: (block.columns - 1) * s.stride.1 + (s.kw - 1) * s.dilation.1 + 1,
                    };
                    let to = &mut patch[i * c * plane..];
                    cut(x, c, s.h, s.w, rect, to, plane, columns);
                    (i * c * plane, (s.stride.0 * columns, s.stride.1))
                }
                Patch::ByRow => {
                    let start = i * self.rows * self.columns;
                    self.read_rows(s, block, first, x, &mut patch[start..]);
                    (start, (self.columns, 1))
                }
            };
            for row in 0..block.rows {
                let at = start + row * steps.0;
                offsets.extend((0..block.columns).map(|column| (at + column * steps.1) as u32));
            }
        }
    }

    /// What each row (c, u, v) reads of one image.
    fn read_rows<T: Real>(
        &self,
        s: &ConvShape,
        block: Block,
        first: (isize, isize),
        x: &[T],
        patch: &mut [T],
    ) {
        let cells = s.kh * s.kw;
        for row in 0..s.c_in / s.groups * cells {
            let (channel, u, v) = (row / cells, row % cells / s.kw, row % s.kw);
            let pixels = Pixels {
                row: first.0 + (u * s.dilation.0) as isize,
                column: first.1 + (v * s.dilation.1) as isize,
                step: s.stride,
                rows: block.rows,
                columns: block.columns,
            };
            let map = &x[channel * s.h * s.w..][..s.h * s.w];
            let to = &mut patch[row * self.pixels()..];
            cut_pixels(map, (s.h, s.w), pixels, to, self.columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Window2d;

    fn is_rectangle(input: (usize, usize, usize, usize), c_out: usize, window: Window2d) -> bool {
        let s = ConvShape::new(input, c_out, 1, &window).expect("the sizes fit");
        let blocks = Blocks::of(&s);
        assert!(blocks.patch_len(&s) <= u32::MAX as usize);
        matches!(blocks.patch, Patch::Rectangle { .. })
    }

    /// The gaps between maps count: 2^29 maps of one cell, 16 numbers apart, are 2^33 numbers.
    #[test]
    fn rectangles_have_offsets_of_32_bits() {
        let k = Window2d::square;
        assert!(!is_rectangle((512, 1 << 20, 1, 1), 16, k(1)));
        assert!(!is_rectangle((1 << 12, 1 << 23, 1, 1), 1, k(1)));
        for input in [(32, 64, 16, 16), (512, 1 << 12, 1, 1), (1, 3, 224, 224)] {
            assert!(is_rectangle(input, 16, k(1)), "{input:?}");
        }
        assert!(is_rectangle((32, 64, 16, 16), 16, k(3).padding(1)));
        // What nothing reads is not copied.
        assert!(!is_rectangle((1, 1, 99, 99), 16, k(2).dilation(90)));
    }
}
