//! Phases and taps: which weights meet in an output pixel, and where they read.

use std::collections::BTreeMap;

use crate::kernels::conv2d::ConvShape;

use super::plan::TILE;

/// A kernel cell, u * Kw + v, and where it reads, relative to the window's origin.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub(super) cell: usize,
    pub(super) row: isize,
    pub(super) column: isize,
}

/// The output pixels at `start`, `start + spread`, ..., which share their taps.
pub(super) struct Phase {
    pub(super) start: (usize, usize),
    pub(super) taps: Vec<Tap>,
}

/// The phases of a pass; each output pixel belongs to one of them.
pub(super) struct Phases {
    pub(super) list: Vec<Phase>,
    /// Rows and columns from one output pixel of a phase to the next.
    pub(super) spread: (usize, usize),
    /// For each phase along an axis, its first row or column in the map.
    starts: (Vec<usize>, Vec<usize>),
    /// Rows and columns of the map from one pixel of a phase to the next.
    stride: (usize, usize),
}

impl Phases {
    /// All taps of all phases.
    pub(super) fn taps(&self) -> impl Iterator<Item = &Tap> {
        self.list.iter().flat_map(|phase| &phase.taps)
    }

    /// The rows and columns of a map of `h` x `w` that belong to phases, from the first to the last.
    pub(super) fn reached(&self, h: usize, w: usize) -> (Vec<usize>, Vec<usize>) {
        let along = |starts: &[usize], stride: usize, len: usize| {
            let pixels = (0..len.div_ceil(stride))
                .flat_map(|i| starts.iter().map(move |start| i * stride + start));
            pixels.filter(|&at| at < len).collect()
        };
        (
            along(&self.starts.0, self.stride.0, h),
            along(&self.starts.1, self.stride.1, w),
        )
    }
}

/// One phase: every output reads every kernel cell.
pub(super) fn forward_phases(s: &ConvShape) -> Phases {
    let reads = |cell: usize, dilation: usize, padding: usize| {
        (cell * dilation) as isize - padding as isize
    };
    let cells = (0..s.kh).flat_map(|u| (0..s.kw).map(move |v| (u, v)));
    let taps = cells.map(|(u, v)| Tap {
        cell: u * s.kw + v,
        row: reads(u, s.dilation.0, s.padding.0),
        column: reads(v, s.dilation.1, s.padding.1),
    });
    Phases {
        list: vec![Phase {
            start: (0, 0),
            taps: taps.collect(),
        }],
        spread: (1, 1),
        starts: (vec![0], vec![0]),
        stride: (1, 1),
    }
}

/// The phases of the input gradient.
///
/// Where the stride is large, most pixels of x may have no window. Then their phases, which have no taps, are left out,
/// so that the cost depends on the kernel and not on the square of the stride.
pub(super) fn gradient_phases(s: &ConvShape) -> Phases {
    let every_phase = s.stride.0.saturating_mul(s.stride.1) <= TILE;
    let along = |cells, stride: usize, padding: usize, dilation: usize, len: usize| {
        let mut phases = BTreeMap::<usize, Vec<(usize, isize)>>::new();
        if every_phase {
            phases.extend((0..stride).map(|start| (start, Vec::new())));
        }
        for cell in 0..cells {
            // Output i reads x at i * stride + offset, so x at `start` is read by output (start - offset) / stride.
            let offset = (cell * dilation) as isize - padding as isize;
            let start = offset.rem_euclid(stride as isize) as usize;
            if every_phase || start < len {
                let reads = -offset.div_euclid(stride as isize);
                phases.entry(start).or_default().push((cell, reads));
            }
        }
        phases
    };
    let rows = along(s.kh, s.stride.0, s.padding.0, s.dilation.0, s.h);
    let columns = along(s.kw, s.stride.1, s.padding.1, s.dilation.1, s.w);
    let mut list = Vec::with_capacity(rows.len() * columns.len());
    for (row, in_rows) in rows.values().enumerate() {
        for (column, in_columns) in columns.values().enumerate() {
            let cells = in_rows
                .iter()
                .flat_map(|u| in_columns.iter().map(move |v| (u, v)));
            let taps = cells.map(|(&(u, row), &(v, column))| Tap {
                cell: u * s.kw + v,
                row,
                column,
            });
            list.push(Phase {
                start: (row, column),
                taps: taps.collect(),
            });
        }
    }
    Phases {
        list,
        spread: (rows.len(), columns.len()),
        starts: (rows.into_keys().collect(), columns.into_keys().collect()),
        stride: s.stride,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Window2d;

    #[test]
    fn the_number_of_phases_does_not_grow_with_the_square_of_the_stride() {
        let phases = |stride| {
            let window = Window2d::square(3).stride(stride).padding(1);
            let s = ConvShape::new((1, 1, 4000, 4000), 1, 1, &window).expect("the window fits");
            gradient_phases(&s)
        };
        for (stride, count) in [(1, 1), (2, 4), (5, 25), (13, 169), (14, 9), (2000, 9)] {
            let phases = phases(stride);
            assert_eq!(phases.list.len(), count, "stride {stride}");
            assert_eq!(phases.taps().count(), 9, "stride {stride}");
        }
        let (rows, columns) = phases(2000).reached(4000, 4000);
        assert_eq!(rows, [0, 1, 1999, 2000, 2001, 3999]);
        assert_eq!(columns, rows);
    }
}
