//! A least-squares line through points.

/// A line through points by least squares, and how well it fits.
///
/// ```
/// use lab::report::Line;
/// let line = Line::through(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]);
/// assert_eq!(line, Some(Line { slope: 2.0, offset: 2.0, r_squared: 1.0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The slope.
    pub slope: f64,
    /// The mean of y - x: how far the points lie above the diagonal.
    pub offset: f64,
    /// The share of the variance of y that the line explains.
    pub r_squared: f64,
}

impl Line {
    /// The line with the least squares of errors in y; nothing if x or y does not vary.
    pub fn through(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / n;
        let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in points {
            let (dx, dy) = (x - mx, y - my);
            (xx, xy, yy) = (xx + dx * dx, xy + dx * dy, yy + dy * dy);
        }
        if !(xx > 0.0 && yy > 0.0) {
            return None;
        }
        Some(Self {
            slope: xy / xx,
            offset: my - mx,
            r_squared: xy * xy / (xx * yy),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = Line::through(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]).expect("a line");
        assert_eq!((line.slope, line.offset, line.r_squared), (2.0, 2.0, 1.0));
        let noisy = Line::through(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]).expect("a line");
        assert_eq!((noisy.slope, noisy.r_squared), (0.0, 0.0));
        assert_eq!(Line::through(&[]), None);
        assert_eq!(Line::through(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(Line::through(&[(1.0, 1.0), (2.0, 1.0)]), None);
    }
}
