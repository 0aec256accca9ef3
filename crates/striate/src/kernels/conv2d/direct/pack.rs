//! Packed weights: `[phase][panel of output channels][(c, t)][lanes]`, the register block's right operand.
//!
//! Safety: each task writes the rows of its own maps and panel.

use std::ops::Range;

use super::phases::{Phase, Phases};
use crate::kernels::conv2d::panels::{Panel, gather_cells, gather_channels, padded};
use crate::kernels::level::Level;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;

/// The weights of a group, and how a pass reads them.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a, T> {
    /// (output channel, input channel, cell), as the layer has them.
    pub(super) values: &'a [T],
    /// Cells of a filter.
    pub(super) cells: usize,
    /// Filters from one summed map to the next, and from one result to the next.
    pub(super) from_step: usize,
    pub(super) to_step: usize,
}

/// The packed weights of `to` results, each a sum over `from` maps.
pub(super) fn packed<T: Lanes>(
    level: Level,
    weights: Weights<'_, T>,
    phases: &Phases,
    panels: &[Panel],
    (from, to): (usize, usize),
) -> Scratch<T> {
    /// Maps of a task; small enough that two threads share one panel.
    const RUN: usize = 16;
    let wide = padded(to, width::<T>(level).lanes);
    let mut packed = Scratch::<T>::new(phases.taps().count() * from * wide);
    let shared = Shared::new(&mut packed);
    let runs = from.div_ceil(RUN);
    run_tasks(panels.len() * runs, &|task| {
        let first = task % runs * RUN;
        let rows = Rows {
            weights,
            phases,
            panel: panels[task / runs],
            maps: first..(first + RUN).min(from),
            from,
            to,
            wide,
            packed: shared,
        };
        dispatch(level, rows);
    });
    packed
}

/// The rows of some maps in a panel.
struct Rows<'a, T> {
    weights: Weights<'a, T>,
    phases: &'a Phases,
    panel: Panel,
    maps: Range<usize>,
    /// All maps, all results, and these in whole vectors.
    from: usize,
    to: usize,
    wide: usize,
    packed: Shared<T>,
}

impl<T: Lanes> Kernel<T> for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let w = self.weights;
        let rows = w.cells.max(S::LANES);
        let mut filters = Scratch::<T>::new(rows * S::LANES);
        for vector in 0..self.panel.vectors {
            let channel = self.panel.start + vector * S::LANES;
            let channels = (self.to - channel).min(S::LANES);
            let plane = w.to_step * w.cells;
            if w.from_step == 1 && self.reads_in_order() {
                let first = channel * w.to_step + self.maps.start;
                let pixels = self.maps.len() * w.cells;
                // SAFETY: the maps' filters follow each other in each of `channels` results;
                // the rows are this task's own.
                unsafe {
                    let to = self.row::<S>(0, w.cells, self.maps.start, vector, pixels);
                    let from = w.values[first * w.cells..].as_ptr();
                    let step = self.panel.vectors * S::LANES;
                    gather_channels::<S>(from, plane, channels, pixels, to, step);
                }
                continue;
            }
            for map in self.maps.clone() {
                let from = &w.values[(channel * w.to_step + map * w.from_step) * w.cells..];
                // SAFETY: `filters` has room for whole squares; the rows are this task's own.
                unsafe {
                    gather_cells::<S>(from, plane, channels, w.cells, &mut filters);
                    self.store::<S>(&filters, map, vector);
                }
            }
        }
    }
}

impl<T: Lanes> Rows<'_, T> {
    /// Whether there is one phase, which reads all cells in their order.
    fn reads_in_order(&self) -> bool {
        let in_order = |phase: &Phase| {
            let cells = phase.taps.iter().map(|tap| tap.cell);
            cells.eq(0..self.weights.cells)
        };
        matches!(&self.phases.list[..], [phase] if in_order(phase))
    }

    /// Where the first tap of a map lies in a phase that begins at `start` and has `taps`; `rows`, one at least, may be written from there.
    ///
    /// # Safety
    /// As [`Shared::at`].
    #[inline(always)]
    unsafe fn row<S: Simd<Elem = T>>(
        &self,
        start: usize,
        taps: usize,
        map: usize,
        vector: usize,
        rows: usize,
    ) -> *mut T {
        let lanes = self.panel.vectors * S::LANES;
        let panel = start + self.panel.start * taps * self.from;
        let at = panel + map * taps * lanes + vector * S::LANES;
        let len = (rows - 1) * lanes + S::LANES;
        // SAFETY: passed on.
        unsafe { self.packed.at(at, len) }
    }

    /// Stores the cells of a map as the taps of each phase.
    ///
    /// # Safety
    /// Called under `dispatch`; the rows of the map belong to the caller.
    #[inline(always)]
    unsafe fn store<S: Simd<Elem = T>>(&self, filters: &[T], map: usize, vector: usize) {
        let lanes = self.panel.vectors * S::LANES;
        let mut start = 0;
        let phases = self.phases.list.iter();
        for phase in phases.filter(|phase| !phase.taps.is_empty()) {
            let taps = phase.taps.len();
            // SAFETY: one row for each tap.
            unsafe {
                let to = self.row::<S>(start, taps, map, vector, taps);
                for (t, tap) in phase.taps.iter().enumerate() {
                    let cell = S::load(filters.as_ptr().add(tap.cell * S::LANES));
                    S::store(to.add(t * lanes), cell);
                }
            }
            start += taps * self.from * self.wide;
        }
    }
}
