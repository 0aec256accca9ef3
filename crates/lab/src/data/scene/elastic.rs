//! E: digits on a sheet of rubber.
//!
//! A thin plate spline f(p) = a0 + a1 x + a2 y + sum_k w_k U(|p - c_k|) with U(r) = r^2 log r^2 takes points of the output
//! to points of the input. It is linear in the places q_k = f(c_k), so f = M q with a matrix M that is computed once.

use striate::rng::Stream;

use super::similarity::between;
use super::solve::solve;
use super::warp::{Plane, Point};

/// Control points along a side.
const SIDE: usize = 4;
const POINTS: usize = SIDE * SIDE;
/// Standard deviation of the control points, pixels.
const MOVE: f64 = 1.5;

/// The spline's matrix for one size of image and canvas.
#[derive(Clone)]
pub(super) struct Elastic {
    canvas: usize,
    /// Control points, on a regular grid over the frame of the image.
    points: [Point; POINTS],
    /// One row of [`POINTS`] weights for each pixel of the canvas.
    weights: Vec<[f32; POINTS]>,
}

impl std::fmt::Debug for Elastic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Elastic({0}x{0})", self.canvas)
    }
}

impl Elastic {
    /// For images of `size` on a square canvas; `None` for a size without area.
    pub(super) fn new((height, width): (usize, usize), canvas: usize) -> Option<Self> {
        let along = |at: usize, side: usize| {
            (at as f64 / (SIDE - 1) as f64 - 0.5) * side.saturating_sub(1) as f64
        };
        let points: [Point; POINTS] =
            std::array::from_fn(|k| (along(k % SIDE, width), along(k / SIDE, height)));
        let size = POINTS + 3;
        // The last columns are the right-hand sides: the unit vectors of q, so that the solution is L^-1 [I; 0].
        let row = |at: usize| {
            let mut row = vec![0.0; size + POINTS];
            match at.checked_sub(POINTS) {
                None => {
                    (0..POINTS).for_each(|k| row[k] = radial(points[at], points[k]));
                    row[POINTS..size].copy_from_slice(&[1.0, points[at].0, points[at].1]);
                    row[size + at] = 1.0;
                }
                Some(d) => (0..POINTS).for_each(|k| row[k] = [1.0, points[k].0, points[k].1][d]),
            }
            row
        };
        let inverse = solve((0..size).map(row).collect())?;
        let middle = (canvas as f64 - 1.0) / 2.0;
        let pixel = |at: usize| {
            let p = ((at % canvas) as f64 - middle, (at / canvas) as f64 - middle);
            let radials = points.iter().map(|&c| radial(p, c));
            let basis: Vec<f64> = radials.chain([1.0, p.0, p.1]).collect();
            std::array::from_fn(|k| {
                let terms = basis.iter().zip(&inverse).map(|(b, row)| b * row[k]);
                terms.sum::<f64>() as f32
            })
        };
        Some(Self {
            canvas,
            points,
            weights: (0..canvas * canvas).map(pixel).collect(),
        })
    }

    /// E: the scale is uniform in [0.75, 1], then 16 control points on a regular grid move by N(0, 1.5 pixels) along each axis.
    ///
    /// The spline is the inverse map, from the canvas to the image: the control points lie on the canvas.
    /// Source: STN, appendix A.4, from memory alone.
    pub(super) fn draw(&self, image: Plane<'_>, to: &mut [f32], draws: &mut Stream) {
        let scale = between(draws, 0.75, 1.0);
        let places = self.points.map(|(x, y)| {
            let mut along = |at: f64| (at / scale + MOVE * draws.normal()) as f32;
            (along(x), along(y))
        });
        let (canvas, middle) = (self.canvas, (self.canvas as f64 - 1.0) / 2.0);
        image.warp(to, (canvas, canvas), |(x, y)| {
            let at = (y + middle) as usize * canvas + (x + middle) as usize;
            let (mut u, mut v) = (0.0, 0.0);
            for (weight, (x, y)) in self.weights[at].iter().zip(&places) {
                u += weight * x;
                v += weight * y;
            }
            (u.into(), v.into())
        });
    }
}

fn radial(p: Point, c: Point) -> f64 {
    let square = (p.0 - c.0).powi(2) + (p.1 - c.1).powi(2);
    match square > 0.0 {
        true => square * square.ln(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::rng::stream;

    #[test]
    fn control_points_that_do_not_move_are_the_identity() {
        let elastic = Elastic::new((28, 28), 28).expect("an area");
        for (at, weights) in elastic.weights.iter().enumerate() {
            let sum = |pick: fn(&Point) -> f64| -> f64 {
                let terms = weights.iter().zip(&elastic.points);
                terms.map(|(&w, c)| f64::from(w) * pick(c)).sum()
            };
            let (x, y) = (sum(|c| c.0), sum(|c| c.1));
            let (column, row) = ((at % 28) as f64 - 13.5, (at / 28) as f64 - 13.5);
            assert!(
                (x - column).abs() < 1e-3 && (y - row).abs() < 1e-3,
                "{at}: {x} {y}"
            );
        }
    }

    #[test]
    fn a_control_point_takes_its_own_place() {
        // Control points 3 pixels apart lie on pixels.
        let elastic = Elastic::new((10, 10), 10).expect("an area");
        let weights = elastic.weights[3 * 10 + 6];
        let own = SIDE + 2;
        for (k, weight) in weights.iter().enumerate() {
            let wanted = if k == own { 1.0 } else { 0.0 };
            assert!((weight - wanted).abs() < 1e-5, "{k}: {weight}");
        }
    }

    #[test]
    fn a_draw_bends_but_keeps_the_image() {
        let mut values = vec![0.0; 28 * 28];
        for row in 6..22 {
            values[row * 28 + 6..][..16].fill(1.0);
        }
        let image = Plane {
            values: &values,
            size: (28, 28),
        };
        let elastic = Elastic::new((28, 28), 28).expect("an area");
        let mut draws = stream(1, "test", 0);
        let mut to = vec![0.0; 28 * 28];
        for _ in 0..50 {
            elastic.draw(image, &mut to, &mut draws);
            let share = to.iter().sum::<f32>() / 256.0;
            assert!((0.35..1.5).contains(&share), "{share}");
        }
    }
}
