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
//! | Winograd | tiles | input channels | output channels |
//! | its weight gradient | input channels | tiles | output channels |
//!
//! MR x NV accumulators stay in registers for the whole sum.
//! The blocks of all sizes are compiled once for each vector type and number type, whoever calls them.
//! Safety: the caller guarantees that every index above is inside its buffer.

use super::fetch;
use crate::kernels::level::Level;
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch};

/// Where the k-th factor lies in `a`, counted from the start of each row.
#[derive(Clone, Copy)]
pub(super) enum Along<'a> {
    /// At these offsets.
    Offsets(&'a [u32]),
    /// `count` numbers, `step` apart.
    Step { count: usize, step: usize },
}

/// What happens to a finished sum.
#[derive(Clone, Copy)]
pub(super) struct Finish<T> {
    /// Added to each row, NV * LANES numbers; null for none.
    pub(super) bias: *const T,
    /// Whether max(0, x) follows.
    pub(super) relu: bool,
}

/// What the blocks of a call fetch into a cache while they multiply, so that nobody waits for it afterwards.
#[derive(Clone, Copy)]
pub(super) enum Ahead<T> {
    /// Nothing: all is in a cache.
    Nothing,
    /// What the next call has as `b`, from here on and without gaps, into the second cache.
    Factors(*const T),
    /// The sums of the next block, which it adds to, into the first cache.
    Sums,
}

/// The part of it that one block fetches, one cache line for each k.
#[derive(Clone, Copy)]
enum Fetch<'a, T> {
    Nothing,
    Lines(*const T),
    Rows(&'a [u32]),
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
    /// Of what lies along steps.
    pub(super) ahead: Ahead<T>,
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Most rows of a block that is `vectors` wide, so that it fits the registers; 0 for a width that no panel has.
pub(super) const fn max_rows(registers: usize, vectors: usize) -> usize {
    match (registers >= 32, vectors) {
        (true, 1) => 12,
        (true, 2) => 10,
        (true, 3) => 8,
        (true, _) => 6,
        (false, 1) => 8,
        (false, 2) => 6,
        (false, _) => 0,
    }
}

/// Runs blocks over all rows, as evenly cut as the registers allow.
///
/// # Safety
/// See the module; `a_rows` and `c_rows` have the same length.
#[inline(never)]
pub(super) unsafe fn rows<T: Lanes>(
    level: Level,
    vectors: usize,
    operands: Operands<'_, T>,
    a_rows: &[u32],
    c_rows: &[u32],
) {
    let rows = Rows {
        vectors,
        operands,
        a_rows,
        c_rows,
    };
    dispatch(level, rows);
}

/// See [`rows`].
struct Rows<'a, T> {
    vectors: usize,
    operands: Operands<'a, T>,
    a_rows: &'a [u32],
    c_rows: &'a [u32],
}

impl<T: Lanes> Kernel<T> for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let most = max_rows(S::REGISTERS, self.vectors);
        let len = self.a_rows.len();
        let blocks = len.div_ceil(most).max(1);
        for i in 0..blocks {
            let end = |i: usize| len * (i + 1) / blocks;
            let (from, to) = (len * i / blocks, end(i));
            let (a_rows, c_rows) = (&self.a_rows[from..to], &self.c_rows[from..to]);
            let fetch = match self.operands.ahead {
                Ahead::Nothing => Fetch::Nothing,
                Ahead::Factors(first) => self.lines::<S>(first, i),
                Ahead::Sums => Fetch::Rows(&self.c_rows[to..end(i + 1).min(len)]),
            };
            // SAFETY: the caller of `rows` guarantees the indices.
            unsafe { block::<S>(self.vectors, self.operands, a_rows, c_rows, fetch) };
        }
    }
}

impl<T: Lanes> Rows<'_, T> {
    /// The lines that block `i` fetches of factors as many as this call has; the first blocks fetch them all.
    fn lines<S: Simd<Elem = T>>(&self, first: *const T, i: usize) -> Fetch<'_, T> {
        let Along::Step { count, .. } = self.operands.along else {
            return Fetch::Nothing;
        };
        let vectors_a_line = LINE / (S::LANES * size_of::<T>()).min(LINE);
        match i * vectors_a_line < self.vectors {
            true => Fetch::Lines(first.wrapping_add(i * count * LINE / size_of::<T>())),
            false => Fetch::Nothing,
        }
    }
}

/// One block, by its size; those of more rows than the registers allow are not compiled.
#[inline(always)]
unsafe fn block<S: Simd>(
    vectors: usize,
    o: Operands<'_, S::Elem>,
    a_rows: &[u32],
    c_rows: &[u32],
    fetch: Fetch<'_, S::Elem>,
) {
    macro_rules! by_rows {
        ($nv:literal: $($mr:literal)*) => {
            match a_rows.len() {
                0 => {}
                // SAFETY: passed on; the match has checked the number of rows.
                $($mr if const { $mr <= max_rows(S::REGISTERS, $nv) } => unsafe {
                    sized::<S, $mr, $nv>(o, a_rows, c_rows, fetch)
                },)*
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
    fetch: Fetch<'_, S::Elem>,
) {
    // The loops below are short enough to be unrolled, so that `sums` is nothing but registers; what needs more room
    // is done on `c`, which lies in the first cache by then.
    // SAFETY: the caller guarantees the indices; see the module.
    unsafe {
        let mut a = [o.a; MR];
        let mut c = [o.c; MR];
        for m in 0..MR {
            a[m] = o.a.add(*a_rows.get_unchecked(m) as usize);
            c[m] = o.c.add(*c_rows.get_unchecked(m) as usize);
        }
        let mut sums = [[S::zero(); NV]; MR];
        if o.accumulate {
            for m in 0..MR {
                for v in 0..NV {
                    sums[m][v] = S::load(c[m].add(v * S::LANES));
                }
            }
        }
        match o.along {
            Along::Offsets(offsets) => {
                for (k, &at) in offsets.iter().enumerate() {
                    product::<S, MR, NV>(&mut sums, &a, at as usize, o.b.add(k * o.b_step));
                }
            }
            Along::Step { count, step } => {
                let mut k = 0;
                match fetch {
                    Fetch::Nothing => {}
                    Fetch::Lines(first) => {
                        while k < count {
                            fetch::far(first.wrapping_add(k * LINE / size_of::<S::Elem>()));
                            product::<S, MR, NV>(&mut sums, &a, k * step, o.b.add(k * o.b_step));
                            k += 1;
                        }
                    }
                    Fetch::Rows(next) => {
                        let most = count.min(next.len() * NV);
                        while k < most {
                            let row = *next.get_unchecked(k / NV) as usize;
                            fetch::near(o.c.wrapping_add(row + k % NV * S::LANES));
                            product::<S, MR, NV>(&mut sums, &a, k * step, o.b.add(k * o.b_step));
                            k += 1;
                        }
                    }
                }
                while k < count {
                    product::<S, MR, NV>(&mut sums, &a, k * step, o.b.add(k * o.b_step));
                    k += 1;
                }
            }
        }
        for m in 0..MR {
            for v in 0..NV {
                S::store(c[m].add(v * S::LANES), sums[m][v]);
            }
        }
        if let Some(finish) = o.finish {
            for m in 0..MR {
                for v in 0..NV {
                    let mut sum = S::load(c[m].add(v * S::LANES));
                    if !finish.bias.is_null() {
                        sum = S::add(sum, S::load(finish.bias.add(v * S::LANES)));
                    }
                    if finish.relu {
                        sum = S::relu(sum);
                    }
                    S::store(c[m].add(v * S::LANES), sum);
                }
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
