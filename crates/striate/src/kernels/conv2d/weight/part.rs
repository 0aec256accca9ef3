//! The sums of one part: a fixed share of the blocks.

use super::blocks::Blocks;
use crate::kernels::conv2d::ConvShape;
use crate::kernels::conv2d::block::{Ahead, Along, Operands, rows};
use crate::kernels::conv2d::panels::{Panel, gather_channels, padded};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Lanes, Simd};

/// A fixed share of the blocks, with its own sums.
pub(super) struct Part<'a, T> {
    pub(super) level: Level,
    pub(super) s: &'a ConvShape,
    pub(super) group: usize,
    pub(super) blocks: &'a Blocks,
    pub(super) panels: &'a [Panel],
    pub(super) x: &'a [T],
    pub(super) dy: &'a [T],
    pub(super) sums: Shared<T>,
    pub(super) part: usize,
    pub(super) parts: usize,
}

impl<T: Lanes> Kernel<T> for Part<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (s, b) = (self.s, self.blocks);
        let (ho, wo) = (s.h_out(), s.w_out());
        let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
        let (taps, wide) = (c * cells, padded(o, S::LANES));
        let mut patch = Scratch::<T>::new(b.patch_len(s));
        let most = b.pixels();
        let mut dy_panels = Scratch::<T>::new(most * wide);
        let a_rows = b.row_starts(s);
        let c_rows: Vec<u32> = (0..taps).map(|row| (row * wide) as u32).collect();
        let mut offsets = Vec::with_capacity(most);
        // SAFETY: each part has its own sums, and each task its own panels of them.
        let sums = unsafe { self.sums.at(self.part * taps * wide, taps * wide) };

        let count = b.count(s);
        let first = count * self.part / self.parts;
        for index in first..count * (self.part + 1) / self.parts {
            // The patch of the block's windows.
            let block = b.block(s, index);
            b.read(s, self.group, block, self.x, &mut patch, &mut offsets);
            let pixels = offsets.len();
            // Panel by panel: dy in vectors over output channels, then the products.
            for panel in self.panels {
                let lanes = panel.vectors * S::LANES;
                let to = panel.start * pixels;
                // SAFETY: pieces of dy are inside the group's maps; `dy_panels` has `wide` numbers for each pixel,
                // of which a panel takes `lanes`; offsets and rows stay inside the patch that they were built from.
                unsafe {
                    for vector in 0..panel.vectors {
                        let channel = panel.start + vector * S::LANES;
                        let channels = o.saturating_sub(channel);
                        // Whole rows follow each other in a map.
                        let (pieces, run) = if block.columns == wo {
                            (1, block.rows * wo)
                        } else {
                            (block.rows, block.columns)
                        };
                        for piece in 0..block.images * pieces {
                            let (i, piece) = (piece / pieces, piece % pieces);
                            let map = (block.image + i) * s.c_out + self.group * o + channel;
                            let from = (map * ho + block.row + piece) * wo + block.column;
                            let pixel = i * block.rows * block.columns + piece * run;
                            gather_channels::<S>(
                                self.dy.as_ptr().add(from),
                                ho * wo,
                                channels,
                                run,
                                dy_panels
                                    .as_mut_ptr()
                                    .add(to + pixel * lanes + vector * S::LANES),
                                lanes,
                            );
                        }
                    }
                    let operands = Operands {
                        a: patch.as_ptr(),
                        along: Along::Offsets(&offsets),
                        b: dy_panels.as_ptr().add(to),
                        b_step: lanes,
                        c: sums.add(panel.start),
                        accumulate: index > first,
                        finish: None,
                        ahead: Ahead::Nothing,
                    };
                    rows(self.level, panel.vectors, operands, &a_rows, &c_rows);
                }
            }
        }
    }
}
