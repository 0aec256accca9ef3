//! The register block: the one inner loop of every convolution here.
//!
//! ```text
//! for m in 0..MR, lane in 0..NV * LANES:
//!     c[c_rows[m] + lane] (+)= sum over k of  a[a_rows[m] + at(k)] * b[k * b_step + lane]
//! ```
//!
//! Vector lanes run over one channel axis, so `b` is loaded as vectors and `a` is broadcast from wherever it lies.
//! That is why any stride, padding, dilation and width works without shuffling lanes:
//!
//! | pass | rows m | k | lanes |
//! |:--|:--|:--|:--|
//! | forward | output pixels | (input channel, tap) | output channels |
//! | input gradient | input pixels | (output channel, tap) | input channels |
//! | weight gradient | (input channel, tap) | output pixels | output channels |
//!
//! MR x NV accumulators stay in registers for the whole sum.
//! Safety: the caller guarantees that every index above is inside its buffer.

use crate::kernels::simd::Simd;

/// How the k-th factor is found behind each row's start in `a`.
#[derive(Clone, Copy)]
pub(super) enum Along<'a> {
    /// At these offsets.
    Offsets(&'a [u32]),
}

/// What happens to a finished sum.
#[derive(Clone, Copy)]
pub(super) struct Finish<T> {
    /// Added to each row, NV * LANES numbers; null for none.
    pub(super) bias: *const T,
    /// Whether max(0, x) follows.
    pub(super) relu: bool,
}

/// The operands of a block; see the module.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a, T> {
    pub(super) a: *const T,
    pub(super) along: Along<'a>,
    pub(super) b: *const T,
    pub(super) b_step: usize,
    pub(super) c: *mut T,
    /// Whether `c` already holds a part of the sum.
    pub(super) accumulate: bool,
    pub(super) finish: Option<Finish<T>>,
}

/// Most rows of a block that is `vectors` wide, so that it fits the registers.
pub(super) const fn max_rows(registers: usize, vectors: usize) -> usize {
    match (registers >= 32, vectors) {
        (true, 1) => 12,
        (true, 2) => 10,
        (true, 3) => 8,
        (true, _) => 6,
        (false, 1) => 8,
        (false, 2) => 6,
        (false, _) => 4,
    }
}

/// Runs blocks over all rows, as evenly cut as the registers allow.
///
/// # Safety
/// See the module; `a_rows` and `c_rows` have the same length.
#[inline(always)]
pub(super) unsafe fn rows<S: Simd>(
    vectors: usize,
    o: Operands<'_, S::Elem>,
    a_rows: &[u32],
    c_rows: &[u32],
) {
    let (len, most) = (a_rows.len(), max_rows(S::REGISTERS, vectors));
    let blocks = len.div_ceil(most).max(1);
    for i in 0..blocks {
        let (from, to) = (len * i / blocks, len * (i + 1) / blocks);
        // SAFETY: passed on; `from..to` is inside both lists.
        unsafe { block::<S>(vectors, o, &a_rows[from..to], &c_rows[from..to]) };
    }
}

/// One block, by its size.
#[inline(always)]
unsafe fn block<S: Simd>(vectors: usize, o: Operands<'_, S::Elem>, a_rows: &[u32], c_rows: &[u32]) {
    macro_rules! by_rows {
        ($nv:literal: $($mr:literal)*) => {
            match a_rows.len() {
                0 => {}
                // SAFETY: passed on; the match has checked the number of rows.
                $($mr => unsafe { sized::<S, $mr, $nv>(o, a_rows, c_rows) },)*
                _ => unreachable!("blocks are cut to max_rows"),
            }
        };
    }
    match vectors {
        1 => by_rows!(1: 1 2 3 4 5 6 7 8 9 10 11 12),
        2 => by_rows!(2: 1 2 3 4 5 6 7 8 9 10),
        3 => by_rows!(3: 1 2 3 4 5 6 7 8),
        4 => by_rows!(4: 1 2 3 4 5 6),
        _ => unreachable!("panels are at most 4 vectors wide"),
    }
}

/// One block of a size known to the compiler.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "the loops are the formula's indices"
)]
unsafe fn sized<S: Simd, const MR: usize, const NV: usize>(
    o: Operands<'_, S::Elem>,
    a_rows: &[u32],
    c_rows: &[u32],
) {
    // SAFETY: the caller guarantees the indices; see the module.
    unsafe {
        let mut sums = [[S::zero(); NV]; MR];
        let mut a = [o.a; MR];
        for m in 0..MR {
            a[m] = o.a.add(*a_rows.get_unchecked(m) as usize);
        }
        match o.along {
            Along::Offsets(offsets) => {
                for (k, &at) in offsets.iter().enumerate() {
                    product::<S, MR, NV>(&mut sums, &a, at as usize, o.b.add(k * o.b_step));
                }
            }
        }
        for m in 0..MR {
            let c = o.c.add(*c_rows.get_unchecked(m) as usize);
            for v in 0..NV {
                let mut sum = sums[m][v];
                if o.accumulate {
                    sum = S::add(sum, S::load(c.add(v * S::LANES)));
                }
                if let Some(finish) = o.finish {
                    if !finish.bias.is_null() {
                        sum = S::add(sum, S::load(finish.bias.add(v * S::LANES)));
                    }
                    if finish.relu {
                        sum = S::relu(sum);
                    }
                }
                S::store(c.add(v * S::LANES), sum);
            }
        }
    }
}

/// Adds the products of one k.
#[inline(always)]
unsafe fn product<S: Simd, const MR: usize, const NV: usize>(
    sums: &mut [[S::V; NV]; MR],
    a: &[*const S::Elem; MR],
    at: usize,
    b: *const S::Elem,
) {
    // SAFETY: the caller guarantees the indices.
    unsafe {
        let mut vectors = [S::zero(); NV];
        for (v, vector) in vectors.iter_mut().enumerate() {
            *vector = S::load(b.add(v * S::LANES));
        }
        for m in 0..MR {
            let factor = S::splat(*a[m].add(at));
            for v in 0..NV {
                sums[m][v] = S::fma(factor, vectors[v], sums[m][v]);
            }
        }
    }
}
