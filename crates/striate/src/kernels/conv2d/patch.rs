//! Cuts rectangles and pixels out of channel maps, with zeros where they leave them.

use crate::kernels::real::Real;

/// A rectangle in the coordinates of a map; it may begin before it and end after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    /// First row.
    pub(super) row: isize,
    /// First column.
    pub(super) column: isize,
    /// Rows.
    pub(super) rows: usize,
    /// Columns.
    pub(super) columns: usize,
}

/// Copies `rect` of each of `channels` maps of `height` x `width` to `to`, maps `plane` apart, rows `row_step` apart.
///
/// # Panics
/// If a slice is too short.
#[expect(clippy::too_many_arguments, reason = "two layouts and a rectangle")]
pub(super) fn cut<T: Real>(
    from: &[T],
    channels: usize,
    height: usize,
    width: usize,
    rect: Rect,
    to: &mut [T],
    plane: usize,
    row_step: usize,
) {
    // The columns that exist: `left` zeros, then `inside` numbers from column `first`, then zeros.
    let end = rect.column + rect.columns as isize;
    let left = (-rect.column).clamp(0, rect.columns as isize) as usize;
    let first = rect.column.clamp(0, width as isize) as usize;
    let inside = (end.clamp(0, width as isize) as usize).saturating_sub(first);
    for channel in 0..channels {
        for row in 0..rect.rows {
            let to = &mut to[channel * plane + row * row_step..][..rect.columns];
            let at = rect.row + row as isize;
            if at < 0 || at >= height as isize || inside == 0 {
                to.fill(T::ZERO);
                continue;
            }
            let from = &from[(channel * height + at as usize) * width + first..][..inside];
            to[..left].fill(T::ZERO);
            to[left..left + inside].copy_from_slice(from);
            to[left + inside..].fill(T::ZERO);
        }
    }
}

/// Pixels of a map, `step` apart, in its coordinates; they may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// First row.
    pub(super) row: isize,
    /// First column.
    pub(super) column: isize,
    /// Rows and columns from pixel to pixel.
    pub(super) step: (usize, usize),
    /// Pixels below each other.
    pub(super) rows: usize,
    /// Pixels side by side.
    pub(super) columns: usize,
}

/// Copies `pixels` of a map of (height, width) to `to`, rows `row_step` apart.
///
/// # Panics
/// If a slice is too short.
pub(super) fn cut_pixels<T: Real>(
    map: &[T],
    (height, width): (usize, usize),
    pixels: Pixels,
    to: &mut [T],
    row_step: usize,
) {
    let inside = |first: isize, step: usize, i: usize, len: usize| {
        let at = first + (i * step) as isize;
        usize::try_from(at).ok().filter(|&at| at < len)
    };
    for i in 0..pixels.rows {
        let to = &mut to[i * row_step..][..pixels.columns];
        let Some(row) = inside(pixels.row, pixels.step.0, i, height) else {
            to.fill(T::ZERO);
            continue;
        };
        let line = &map[row * width..][..width];
        for (j, to) in to.iter_mut().enumerate() {
            let column = inside(pixels.column, pixels.step.1, j, width);
            *to = column.map_or(T::ZERO, |column| line[column]);
        }
    }
}

/// A distance between maps that does not put all of them into the same cache set.
pub(super) fn plane_step(numbers: usize) -> usize {
    let lines = numbers.div_ceil(16);
    (lines | 1).saturating_mul(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_map_on_every_side() {
        let map: Vec<f32> = (1..=6).map(|v| v as f32).collect();
        let rect = Rect {
            row: -1,
            column: -1,
            rows: 4,
            columns: 5,
        };
        let mut to = vec![f32::NAN; 20];
        cut(&map, 1, 2, 3, rect, &mut to, 20, 5);
        let expected = [
            [0.0; 5],
            [0.0, 1.0, 2.0, 3.0, 0.0],
            [0.0, 4.0, 5.0, 6.0, 0.0],
            [0.0; 5],
        ];
        assert_eq!(to, expected.concat());
    }

    #[test]
    fn beyond_the_map_there_are_zeros() {
        for column in [-9, 9] {
            let rect = Rect {
                row: 0,
                column,
                rows: 1,
                columns: 3,
            };
            let mut to = vec![f32::NAN; 3];
            cut(&[1.0f32, 2.0], 1, 1, 2, rect, &mut to, 3, 3);
            assert_eq!(to, [0.0; 3]);
        }
    }

    #[test]
    fn pixels_far_apart_leave_the_map_too() {
        let map: Vec<f32> = (1..=6).map(|v| v as f32).collect();
        let pixels = Pixels {
            row: -1,
            column: 0,
            step: (2, 2),
            rows: 2,
            columns: 3,
        };
        let mut to = [f32::NAN; 8];
        cut_pixels(&map, (2, 3), pixels, &mut to[..7], 4);
        assert_eq!(to[..3], [0.0; 3]);
        assert_eq!(to[4..7], [4.0, 6.0, 0.0]);
    }
}
