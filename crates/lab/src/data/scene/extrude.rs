//! Digits as solid bodies in a volume, turned and moved in space.

use striate::rng::Stream;

use super::distort::same_size;
use super::similarity::between;
use super::{Scene, check_gray, plane};
use crate::data::{DataError, FloatSet};

/// The digit's thickness and size, as shares of the volume's side.
const THICKNESS: f64 = 0.2;
const DIGIT: f64 = 0.7;

/// A digit extruded along the depth, turned about all three axes and moved; slices of the volume are the channels.
///
/// The paper says "a random pose" and gives no ranges. Here the thickness is a fifth of the volume, the digit's image 0.7 of it,
/// the turn about each axis uniform within 45 degrees, the move within a tenth of the side.
/// Source: STN, appendix A.3.
#[derive(Clone, Debug)]
pub struct Extrude {
    side: usize,
    image: (usize, usize),
}

impl Extrude {
    /// Largest turn about each axis, degrees.
    pub const TURN: f64 = 45.0;
    /// Largest move along each axis, as a share of the volume's side.
    pub const MOVE: f64 = 0.1;

    /// Volumes of `side` x `side` x `side`: 60 in the paper.
    ///
    /// # Errors
    /// A set that is empty, not gray or not plain; a volume without voxels.
    ///
    /// ```
    /// use lab::data::{Extrude, Preprocess, Scene, Source, load};
    /// let data = load("mnist", &Source::Embedded)?.first(20, 10);
    /// let digits = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
    /// assert_eq!(Extrude::new(24, &digits)?.size(), (24, 24, 24));
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn new(side: usize, set: &FloatSet) -> Result<Self, DataError> {
        check_gray("Extrude", set)?;
        match side {
            0 => Err(DataError::Argument {
                op: "Extrude",
                argument: "side",
                found: "0".to_owned(),
                expected: "at least 1".to_owned(),
            }),
            _ => Ok(Self {
                side,
                image: (set.height, set.width),
            }),
        }
    }
}

impl Scene for Extrude {
    fn size(&self) -> (usize, usize, usize) {
        (self.side, self.side, self.side)
    }

    fn check(&self, set: &FloatSet) -> Result<(), DataError> {
        check_gray("Extrude", set)?;
        same_size("Extrude", self.image, set)
    }

    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32 {
        let side = self.side as f64;
        let rows = rotation([0; 3].map(|_| (Self::TURN * between(draws, -1.0, 1.0)).to_radians()));
        let moved = [0; 3].map(|_| Self::MOVE * side * between(draws, -1.0, 1.0));
        let image = plane(set, index);
        let pixels = image.size.0.max(image.size.1) as f64 / (DIGIT * side);
        let (half, middle) = (THICKNESS * side / 2.0, (side - 1.0) / 2.0);
        let layer = self.side * self.side;
        for (depth, slice) in to.chunks_exact_mut(layer).enumerate() {
            let z = depth as f64 - middle - moved[2];
            // Through the inverse turn, whose matrix is the transpose.
            let turned = |axis: usize, x: f64, y: f64| {
                rows[0][axis] * (x - moved[0]) + rows[1][axis] * (y - moved[1]) + rows[2][axis] * z
            };
            image.warp(slice, (self.side, self.side), |(x, y)| {
                match turned(2, x, y).abs() <= half {
                    true => (pixels * turned(0, x, y), pixels * turned(1, x, y)),
                    false => (f64::NAN, f64::NAN),
                }
            });
        }
        set.labels.get(index).copied().unwrap_or_default()
    }
}

/// The turn about x, then y, then z, as rows of a matrix.
fn rotation([x, y, z]: [f64; 3]) -> [[f64; 3]; 3] {
    let ((sx, cx), (sy, cy), (sz, cz)) = (x.sin_cos(), y.sin_cos(), z.sin_cos());
    [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_keeps_lengths() {
        let rows = rotation([0.3, -0.7, 1.1]);
        for a in 0..3 {
            for b in 0..3 {
                let product: f64 = (0..3).map(|k| rows[a][k] * rows[b][k]).sum();
                let wanted = if a == b { 1.0 } else { 0.0 };
                assert!((product - wanted).abs() < 1e-12);
            }
        }
        assert_eq!(rotation([0.0; 3])[1], [0.0, 1.0, 0.0]);
    }
}
