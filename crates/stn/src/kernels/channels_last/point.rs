//! One point, all channels: its value, and what it adds to the gradients.

use striate::kernels::Real;
use striate::kernels::parts::Simd;

use super::super::block::Block;
use super::super::layout::{Band, Source};
use super::super::number::Number;
use super::ChannelsLast;

impl ChannelsLast {
    /// All channels of point `t`.
    ///
    /// # Safety
    /// As [`Layout::values`]; `to` has room for the vectors.
    #[inline(always)]
    pub(super) unsafe fn value<S: Simd<Elem: Number>>(
        &self,
        source: Source<S::Elem>,
        block: &Block<S::Elem>,
        t: usize,
        to: *mut S::Elem,
    ) {
        let (map, width, w) = (source.map, self.width, self.w);
        let vectors = self.channels.div_ceil(S::LANES);
        let copy = source.pixels.as_ptr();
        // SAFETY: bases and neighbors are pixels of the copy; the caller promises the rest.
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
            if block.is_nan(t) {
                for v in 0..vectors {
                    S::store(to.add(v * S::LANES), S::splat(S::Elem::NAN));
                }
                return;
            }
            let (neighbors, weight) = (block.neighbors(map, t), block.weights(t));
            for v in 0..vectors {
                let mut sum = S::zero();
                for k in 0..4 {
                    let value = match neighbors.offset[k] {
                        ..0 => S::splat(map.outside),
                        at => S::load(copy.add(at as usize * width + v * S::LANES)),
                    };
                    sum = S::fma(S::splat(weight[k]), value, sum);
                }
                S::store(to.add(v * S::LANES), sum);
            }
        }
    }

    /// Point `t` with its dy at `g`: adds to the rows of the band in `sums`,
    /// and stores a vector of partial dots for each neighbor, LANES^2 elements apart, to `partial`.
    ///
    /// # Safety
    /// As [`Layout::gradients`]; the pointers have room.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the buffers of one task")]
    pub(super) unsafe fn gradient<S: Simd<Elem: Number>, const INPUT: bool, const GRID: bool>(
        &self,
        source: Source<S::Elem>,
        block: &Block<S::Elem>,
        t: usize,
        g: *const S::Elem,
        band: &Band<S::Elem>,
        sums: *mut S::Elem,
        partial: *mut S::Elem,
    ) {
        let (map, w, width) = (source.map, self.w, self.width);
        let vectors = self.channels.div_ceil(S::LANES);
        let rows = band.rows.start as i32..band.rows.end as i32;
        // The bases with both rows in the band.
        let bases = rows.start * w as i32..(rows.end - 1) * w as i32;
        let base = block.base[t];
        let skipped = band.rows.start * w;
        let copy = source.pixels.as_ptr();
        // SAFETY: bases and neighbors are pixels; the sums are only touched in the band's rows.
        unsafe {
            let mut dot = [S::zero(); 4];
            if base >= 0 && (band.whole || bases.contains(&base)) {
                let weight = block.weights(t).map(|weight| S::splat(weight));
                let base = base as usize;
                let pixel = [base, base + 1, base + w, base + w + 1];
                let x = pixel.map(|pixel| copy.wrapping_add(pixel * width));
                let dx = pixel.map(|pixel| {
                    sums.wrapping_add(pixel * width)
                        .wrapping_sub(skipped * width)
                });
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
            } else if !block.is_nan(t) {
                let (neighbors, weight) = (block.neighbors(map, t), block.weights(t));
                for v in 0..vectors {
                    let at = v * S::LANES;
                    let g = S::load(g.add(at));
                    for k in 0..4 {
                        match neighbors.offset[k] {
                            ..0 => dot[k] = S::fma(g, S::splat(map.outside), dot[k]),
                            pixel => {
                                let pixel = pixel as usize;
                                if GRID {
                                    let x = copy.add(pixel * width + at);
                                    dot[k] = S::fma(g, S::load(x), dot[k]);
                                }
                                if INPUT && rows.contains(&neighbors.row[k]) {
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
