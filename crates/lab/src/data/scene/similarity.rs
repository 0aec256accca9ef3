//! R and RTS: rotated digits, and digits that are rotated, scaled and put somewhere.

use striate::rng::Stream;

use super::warp::Plane;

/// R: the angle is uniform in [-90, 90] degrees. Source: STN, appendix A.4, from memory; independent code agrees.
pub(super) fn rotated(image: Plane<'_>, to: &mut [f32], canvas: usize, draws: &mut Stream) {
    let angle = 90.0 * between(draws, -1.0, 1.0);
    placed(image, to, canvas, (angle, 1.0, (0.0, 0.0)));
}

/// RTS: the angle is uniform in [-45, 45] degrees, the scale in [0.7, 1.2], and the frame of the unscaled image,
/// before it is turned, is put at a random place inside the canvas.
/// Source: STN, appendix A.4, from memory; independent code agrees.
pub(super) fn rotated_scaled_placed(
    image: Plane<'_>,
    to: &mut [f32],
    canvas: usize,
    draws: &mut Stream,
) {
    let angle = 45.0 * between(draws, -1.0, 1.0);
    let scale = between(draws, 0.7, 1.2);
    let room = |side: usize| canvas.saturating_sub(side) as f64 / 2.0;
    let (height, width) = image.size;
    let at = (
        room(width) * between(draws, -1.0, 1.0),
        room(height) * between(draws, -1.0, 1.0),
    );
    placed(image, to, canvas, (angle, scale, at));
}

/// A number that is uniform from `low` to `high`.
pub(super) fn between(draws: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * draws.uniform_f64()
}

/// The image turned by `angle` degrees, scaled, with its middle at `at` from the middle of the canvas.
fn placed(
    image: Plane<'_>,
    to: &mut [f32],
    canvas: usize,
    (angle, scale, (right, down)): (f64, f64, (f64, f64)),
) {
    let (sin, cos) = angle.to_radians().sin_cos();
    image.warp(to, (canvas, canvas), |(x, y)| {
        let (x, y) = ((x - right) / scale, (y - down) / scale);
        (cos * x + sin * y, cos * y - sin * x)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::rng::stream;

    /// A bar from the middle to the right.
    fn bar() -> Vec<f32> {
        let mut values = vec![0.0; 81];
        values[4 * 9 + 4..5 * 9].fill(1.0);
        values
    }

    #[test]
    fn a_quarter_turn_and_a_scale() {
        let values = bar();
        let image = Plane {
            values: &values,
            size: (9, 9),
        };
        let mut to = vec![0.0; 81];
        placed(image, &mut to, 9, (90.0, 1.0, (0.0, 0.0)));
        let column: Vec<f32> = (4..9).map(|row| to[row * 9 + 4]).collect();
        assert!(column.iter().all(|&v| v > 0.999), "{to:?}");
        placed(image, &mut to, 9, (0.0, 0.5, (1.0, -2.0)));
        // The bar's five pixels have become about three, two rows up.
        let sum: f32 = to[2 * 9..3 * 9].iter().sum();
        assert!((2.0..3.5).contains(&sum), "{sum}");
    }

    #[test]
    fn draws_have_the_parameters_of_the_paper() {
        let mut draws = stream(1, "test", 0);
        let angles: Vec<f64> = (0..2000)
            .map(|_| between(&mut draws, -45.0, 45.0))
            .collect();
        let mean = angles.iter().sum::<f64>() / 2000.0;
        assert!(mean.abs() < 3.0 && angles.iter().all(|a| a.abs() <= 45.0));
        assert!(angles.iter().any(|&a| a > 40.0) && angles.iter().any(|&a| a < -40.0));
    }

    #[test]
    fn digits_stay_on_the_canvas() {
        // A digit fills the middle 20x20 of 28x28 pixels; here its middle 16x16.
        let mut values = vec![0.0; 28 * 28];
        for row in 6..22 {
            values[row * 28 + 6..][..16].fill(1.0);
        }
        let image = Plane {
            values: &values,
            size: (28, 28),
        };
        let mut draws = stream(2, "test", 0);
        let mut to = vec![0.0; 42 * 42];
        for _ in 0..50 {
            rotated_scaled_placed(image, &mut to, 42, &mut draws);
            let mass: f32 = to.iter().sum();
            assert!((256.0 * 0.47..256.0 * 1.47).contains(&mass), "{mass}");
        }
    }
}
