//! Resampling of a plane: bilinear, with zeros outside.

/// One channel of an image, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane<'a> {
    pub(super) values: &'a [f32],
    /// (height, width).
    pub(super) size: (usize, usize),
}

/// A point (x, y) in pixels from the middle of an image, x to the right and y down.
pub(super) type Point = (f64, f64);

impl Plane<'_> {
    /// The value between the pixels around `at`; pixels outside the image are 0.
    fn sample(&self, (x, y): Point) -> f32 {
        let (height, width) = self.size;
        // One pixel of zeros around the image, whose first one has the place (0, 0).
        let x = x + (width as f64 + 1.0) / 2.0;
        let y = y + (height as f64 + 1.0) / 2.0;
        let inside = x > 0.0 && y > 0.0 && x < width as f64 + 1.0 && y < height as f64 + 1.0;
        if !inside {
            // What is not a number ends here too.
            return 0.0;
        }
        let (left, top) = (x as usize, y as usize);
        let (right, low) = ((x - left as f64) as f32, (y - top as f64) as f32);
        let pixel = |row: usize, column: usize| {
            let outside = row == 0 || column == 0 || row > height || column > width;
            match outside {
                true => 0.0,
                false => self.values[(row - 1) * width + column - 1],
            }
        };
        let above = pixel(top, left) * (1.0 - right) + pixel(top, left + 1) * right;
        let below = pixel(top + 1, left) * (1.0 - right) + pixel(top + 1, left + 1) * right;
        above * (1.0 - low) + below * low
    }

    /// Fills `to`, of `size`, with what `map` finds: it takes a point of the output to a point of the input.
    pub(super) fn warp(
        &self,
        to: &mut [f32],
        (height, width): (usize, usize),
        map: impl Fn(Point) -> Point,
    ) {
        let (middle_x, middle_y) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        for (row, values) in to.chunks_exact_mut(width).enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                let at = (column as f64 - middle_x, row as f64 - middle_y);
                *value = self.sample(map(at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_pixels_and_brings_zeros_in() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let plane = Plane {
            values: &values,
            size: (2, 3),
        };
        let mut to = [9.0; 6];
        plane.warp(&mut to, (2, 3), |at| at);
        assert_eq!(to, values);
        plane.warp(&mut to, (2, 3), |(x, y)| (x + 1.0, y));
        assert_eq!(to, [2.0, 3.0, 0.0, 5.0, 6.0, 0.0]);
        plane.warp(&mut to, (2, 3), |(x, y)| (x, y - 0.5));
        assert_eq!(to, [0.5, 1.0, 1.5, 2.5, 3.5, 4.5]);
        plane.warp(&mut to, (2, 3), |_| (f64::NAN, 0.0));
        assert_eq!(to, [0.0; 6]);
    }

    #[test]
    fn a_larger_output_has_the_image_in_its_middle() {
        let plane = Plane {
            values: &[1.0; 4],
            size: (2, 2),
        };
        let mut to = [9.0; 16];
        plane.warp(&mut to, (4, 4), |at| at);
        let ones: Vec<usize> = (0..16).filter(|&at| to[at] == 1.0).collect();
        assert_eq!(ones, [5, 6, 9, 10]);
        assert_eq!(to.iter().sum::<f32>(), 4.0);
    }
}
