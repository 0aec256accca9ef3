//! P: digits on a plane that is looked at from somewhere.

use striate::rng::Stream;

use super::similarity::between;
use super::solve::solve;
use super::warp::{Plane, Point};

/// Standard deviation of the corners, pixels.
const CORNERS: f64 = 5.0;

/// P: the scale is uniform in [0.75, 1], then each corner of the canvas moves by N(0, 5 pixels) along each axis.
///
/// Four corners that are no convex quadrilateral are drawn again: no plane looks like that.
/// Source: STN, appendix A.4, from memory; independent code agrees.
pub(super) fn projective(image: Plane<'_>, to: &mut [f32], canvas: usize, draws: &mut Stream) {
    let scale = between(draws, 0.75, 1.0);
    let edge = canvas as f64 / 2.0;
    let corners = [(-edge, -edge), (edge, -edge), (edge, edge), (-edge, edge)];
    let homography = loop {
        let moved = corners.map(|(x, y)| {
            let mut along = |at: f64| scale * at + CORNERS * draws.normal();
            (along(x), along(y))
        });
        if convex(&moved)
            && let Some(homography) = homography(&moved, &corners)
        {
            break homography;
        }
    };
    image.warp(to, (canvas, canvas), |at| apply(&homography, at));
}

/// Whether the corners turn the same way everywhere.
fn convex(corners: &[Point; 4]) -> bool {
    let turn = |at: usize| {
        let (a, b, c) = (corners[at], corners[(at + 1) % 4], corners[(at + 2) % 4]);
        (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0)
    };
    (0..4).all(|at| turn(at) > 1.0)
}

/// The projective map with `from[i]` to `to[i]`: eight numbers, the ninth is 1.
fn homography(from: &[Point; 4], to: &[Point; 4]) -> Option<[f64; 8]> {
    let mut rows = Vec::with_capacity(8);
    for (&(x, y), &(u, v)) in from.iter().zip(to) {
        rows.push(vec![x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u]);
        rows.push(vec![0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v]);
    }
    let solution = solve(rows)?;
    solution
        .into_iter()
        .flatten()
        .collect::<Vec<f64>>()
        .try_into()
        .ok()
}

/// What lies behind the eye is nowhere.
fn apply(h: &[f64; 8], (x, y): Point) -> Point {
    let depth = h[6] * x + h[7] * y + 1.0;
    if depth <= 1e-6 {
        return (f64::NAN, f64::NAN);
    }
    let u = (h[0] * x + h[1] * y + h[2]) / depth;
    let v = (h[3] * x + h[4] * y + h[5]) / depth;
    (u, v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::rng::stream;

    #[test]
    fn corners_go_where_they_should() {
        let from = [(-3.0, -4.0), (5.0, -2.0), (6.0, 6.0), (-4.0, 3.0)];
        let to = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        let h = homography(&from, &to).expect("a plane");
        for (from, to) in from.into_iter().zip(to) {
            let (u, v) = apply(&h, from);
            assert!((u - to.0).abs() < 1e-9 && (v - to.1).abs() < 1e-9);
        }
        let line = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)];
        assert!(homography(&line, &to).is_none() && !convex(&line));
        assert!(convex(&from));
    }

    #[test]
    fn lines_stay_lines() {
        let h = homography(
            &[(-3.0, -4.0), (5.0, -2.0), (6.0, 6.0), (-4.0, 3.0)],
            &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
        )
        .expect("a plane");
        let [a, b, c] = [0.0, 0.5, 1.0].map(|t| apply(&h, (t, 2.0 * t - 1.0)));
        let turn = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
        assert!(turn.abs() < 1e-9, "{turn}");
    }

    #[test]
    fn a_draw_shows_the_image() {
        let values = vec![1.0; 28 * 28];
        let image = Plane {
            values: &values,
            size: (28, 28),
        };
        let mut draws = stream(1, "test", 0);
        let mut areas = Vec::new();
        for _ in 0..200 {
            let mut to = vec![0.0; 42 * 42];
            projective(image, &mut to, 42, &mut draws);
            areas.push(f64::from(to.iter().sum::<f32>()) / (28.0 * 28.0));
        }
        let mean = areas.iter().sum::<f64>() / 200.0;
        // The square of a scale from 0.75 to 1 is 0.77 on average; convexity favors larger ones.
        assert!((0.7..0.95).contains(&mean), "{mean}");
    }
}
