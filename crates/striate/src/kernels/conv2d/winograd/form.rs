//! What tells one short convolution from another: the sizes of its tiles and its transforms.
//!
//! ```text
//! results = A^T [ (G w G^T) * (B^T d B) ] A          * elementwise, then summed over channels
//! dw      = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G
//! ```
//!
//! Each transform is a 1-D [`Map`] that runs down the columns, then along the rows: [`twice`].
//! Pixels are vectors over channels, rows `row_step` apart and pixels LANES apart; the cells of a transformed tile are `plane` apart.
//!
//! Safety: pointers have the extents that each function names; vectors need [`dispatch`](crate::kernels::simd::dispatch).

#![expect(
    clippy::needless_range_loop,
    reason = "the loops are the formulas' indices"
)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::kernels::simd::Simd;

/// A convolution by tiles.
pub(super) trait Form: Copy + Send + Sync + 'static {
    /// Side of a tile of results.
    const RESULTS: usize;
    /// Side of the kernel.
    const KERNEL: usize;
    /// B^T d B of what is read.
    type Input: Tile;
    /// Cells of a transformed tile: its multiplications.
    const CELLS: usize = Self::Input::CELLS;

    /// A^T m A of the cells at `from`, handed to `to` with row and column.
    ///
    /// # Safety
    /// CELLS planes.
    unsafe fn output_tile<S: Simd<Elem = f32>>(
        from: *const f32,
        plane: usize,
        to: impl FnMut(usize, usize, S::V),
    );

    /// G w G^T of the taps by row and column, handed to `to` with the number of the cell.
    ///
    /// # Safety
    /// Called under `dispatch`.
    unsafe fn weight_tile<S: Simd<Elem = f32>>(
        tap: impl Fn(usize, usize) -> S::V,
        to: impl FnMut(usize, S::V),
    );
}

/// A convolution by tiles with its weight gradient.
pub(super) trait WeightGradient: Form {
    /// A dy A^T of the gradient with respect to the results.
    type Gradient: Tile;

    /// G^T u G of the cells, handed to `to` with the number of the tap.
    ///
    /// # Safety
    /// Called under `dispatch`.
    unsafe fn weight_gradient_tile<S: Simd<Elem = f32>>(
        cell: impl Fn(usize) -> S::V,
        to: impl FnMut(usize, S::V),
    );
}

/// A transform of square tiles of a map.
pub(super) trait Tile {
    /// Pixels from tile to tile.
    const STEP: usize;
    /// Side of a tile.
    const READ: usize;
    /// Cells of a transformed tile.
    const CELLS: usize;

    /// The transform of the pixels at `from`.
    ///
    /// # Safety
    /// READ x READ pixels, CELLS planes.
    unsafe fn transform<S: Simd<Elem = f32>>(
        from: *const f32,
        row_step: usize,
        to: *mut f32,
        plane: usize,
    );
}

/// A 1-D transform.
///
/// A type and no closure: a closure that is not inlined is compiled for baseline instructions.
pub(super) trait Map<const FROM: usize, const TO: usize> {
    /// The transform of these numbers.
    ///
    /// # Safety
    /// Called under `dispatch`.
    unsafe fn map<S: Simd<Elem = f32>>(from: [S::V; FROM]) -> [S::V; TO];
}

/// Tiles of FROM x FROM pixels, STEP apart, by the map `M`.
pub(super) struct By<M, const FROM: usize, const TO: usize, const STEP: usize>(PhantomData<M>);

impl<M, const FROM: usize, const TO: usize, const STEP: usize> Tile for By<M, FROM, TO, STEP>
where
    M: Map<FROM, TO>,
{
    const STEP: usize = STEP;
    const READ: usize = FROM;
    const CELLS: usize = TO * TO;

    #[inline(always)]
    unsafe fn transform<S: Simd<Elem = f32>>(
        from: *const f32,
        row_step: usize,
        to: *mut f32,
        plane: usize,
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, M, FROM, TO>(
                |i, j| S::load(from.add(i * row_step + j * S::LANES)),
                |i, j, value| S::store(to.add((i * TO + j) * plane), value),
            );
        }
    }
}

/// The way back from cells to TO x TO pixels by the map `M`: [`Form::output_tile`].
#[inline(always)]
pub(super) unsafe fn cells_to_pixels<
    S: Simd<Elem = f32>,
    M: Map<FROM, TO>,
    const FROM: usize,
    const TO: usize,
>(
    from: *const f32,
    plane: usize,
    to: impl FnMut(usize, usize, S::V),
) {
    // SAFETY: the caller grants FROM x FROM planes.
    unsafe { twice::<S, M, FROM, TO>(|i, j| S::load(from.add((i * FROM + j) * plane)), to) }
}

/// `M` down the columns of what `load` gives, then along the rows, to `store`; both by row and column.
///
/// # Safety
/// Called under `dispatch`.
#[inline(always)]
pub(super) unsafe fn twice<
    S: Simd<Elem = f32>,
    M: Map<FROM, TO>,
    const FROM: usize,
    const TO: usize,
>(
    load: impl Fn(usize, usize) -> S::V,
    mut store: impl FnMut(usize, usize, S::V),
) {
    // SAFETY: passed on; every column has written its part of all rows.
    unsafe {
        // Not zeroed: for tiles of 8x8 the compiler would set 4 KiB before it overwrites them.
        let mut halfway = [[MaybeUninit::<S::V>::uninit(); FROM]; TO];
        for j in 0..FROM {
            let mut column = [S::zero(); FROM];
            for i in 0..FROM {
                column[i] = load(i, j);
            }
            let column = M::map::<S>(column);
            for i in 0..TO {
                halfway[i][j].write(column[i]);
            }
        }
        for i in 0..TO {
            let mut row = [S::zero(); FROM];
            for j in 0..FROM {
                row[j] = halfway[i][j].assume_init();
            }
            let row = M::map::<S>(row);
            for j in 0..TO {
                store(i, j, row[j]);
            }
        }
    }
}
