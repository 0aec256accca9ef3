//! Heavy augmentation: small images on a large canvas, each scaled, turned, moved, mirrored and shifted in color.

use serde::Serialize;
use striate::rng::Stream;

use super::similarity::between;
use super::warp::Plane;
use super::{Scene, check_stored};
use crate::data::{DataError, FloatSet};

/// How far images on a canvas are changed; every change is drawn anew for every image in every epoch.
///
/// # Convention
/// Sampling is bilinear with 0 outside the image, which is the mean of a standardized set.
///
/// # Source
/// All-CNN, Table 4, after Graham 2014 (arXiv 1409.6070): images of 32 pixels on a canvas of 126, "heavily" changed.
/// The paper gives no ranges.
///
/// ```
/// use lab::data::HeavyAugment;
/// let heavy = HeavyAugment { canvas: 126, enlarge: 3.0, scale: 1.3, degrees: 15.0, shift: 12.0, color: 0.2, flip: true };
/// assert_eq!(heavy.unchanged().degrees, 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeavyAugment {
    /// Side of the canvas, in pixels.
    pub canvas: usize,
    /// Pixels of the canvas for a pixel of the image, before it is scaled.
    pub enlarge: f64,
    /// Each axis is scaled by a factor from one over this to this, uniform in its logarithm.
    pub scale: f64,
    /// Turned by up to so many degrees either way.
    pub degrees: f64,
    /// Moved by up to so many pixels of the canvas along each axis.
    pub shift: f64,
    /// Standard deviation of what is added to each channel.
    pub color: f64,
    /// Mirrored, every second image on average.
    pub flip: bool,
}

impl HeavyAugment {
    /// The images enlarged in the middle of the canvas: what a network is tested on.
    pub const fn unchanged(self) -> Self {
        Self {
            scale: 1.0,
            degrees: 0.0,
            shift: 0.0,
            color: 0.0,
            flip: false,
            ..self
        }
    }

    fn check_ranges(&self, channels: usize) -> Result<(), DataError> {
        let wrong = |argument, found: String, expected: &str| DataError::Argument {
            op: "HeavyAugment",
            argument,
            found,
            expected: expected.to_owned(),
        };
        let pixels = self.canvas.checked_mul(self.canvas);
        let values = pixels.and_then(|pixels| pixels.checked_mul(channels));
        if self.canvas == 0 || values.is_none_or(|values| values > 1 << 26) {
            let expected = "at least one pixel, and at most 2^26 values an image";
            return Err(wrong("canvas", self.canvas.to_string(), expected));
        }
        let is_range = |value: f64| value.is_finite() && value >= 0.0;
        for (argument, value) in [
            ("degrees", self.degrees),
            ("shift", self.shift),
            ("color", self.color),
        ] {
            if !is_range(value) {
                return Err(wrong(argument, value.to_string(), "a number of 0 or more"));
            }
        }
        if !(self.enlarge.is_finite() && self.enlarge > 0.0) {
            return Err(wrong(
                "enlarge",
                self.enlarge.to_string(),
                "a number above 0",
            ));
        }
        if !(self.scale.is_finite() && self.scale >= 1.0) {
            return Err(wrong(
                "scale",
                self.scale.to_string(),
                "a number of 1 or more",
            ));
        }
        Ok(())
    }
}

/// [`HeavyAugment`] on a set with images of so many channels.
#[derive(Clone, Debug)]
pub(in crate::data) struct Heavy {
    augment: HeavyAugment,
    channels: usize,
}

impl Heavy {
    /// Changed images of `set`.
    ///
    /// # Errors
    /// A set whose images are not stored, ranges that are none, a canvas beyond memory.
    pub(in crate::data) fn new(augment: HeavyAugment, set: &FloatSet) -> Result<Self, DataError> {
        check_stored("HeavyAugment", set)?;
        augment.check_ranges(set.channels)?;
        let channels = set.channels;
        Ok(Self { augment, channels })
    }
}

impl Scene for Heavy {
    fn size(&self) -> (usize, usize, usize) {
        (self.channels, self.augment.canvas, self.augment.canvas)
    }

    fn check(&self, set: &FloatSet) -> Result<(), DataError> {
        check_stored("HeavyAugment", set)
    }

    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32 {
        let HeavyAugment {
            canvas,
            enlarge,
            scale,
            degrees,
            shift,
            color,
            flip,
        } = self.augment;
        // Everything is drawn whatever the ranges, so that one does not change what the others draw.
        let mut either_way = |most: f64| most * between(draws, -1.0, 1.0);
        let (sin, cos) = either_way(degrees).to_radians().sin_cos();
        let (right, down) = (either_way(shift), either_way(shift));
        let mut factor = || enlarge * either_way(scale.ln()).exp();
        let (wide, high) = (factor(), factor());
        let wide = match draws.below(2) == 1 && flip {
            true => -wide,
            false => wide,
        };
        let size = (set.height, set.width);
        let pixels = size.0 * size.1;
        let image = set.image(index).unwrap_or_default();
        let mut values = vec![0.0; pixels];
        let channels = image.chunks_exact(pixels.max(1));
        for (from, to) in channels.zip(to.chunks_exact_mut(canvas * canvas)) {
            // Added before sampling, so that nothing is added outside the image.
            let added = (color * draws.normal()) as f32;
            for (value, &from) in values.iter_mut().zip(from) {
                *value = from + added;
            }
            let plane = Plane {
                values: &values,
                size,
            };
            plane.warp(to, (canvas, canvas), |(x, y)| {
                let (x, y) = (x - right, y - down);
                ((cos * x + sin * y) / wide, (cos * y - sin * x) / high)
            });
        }
        set.labels.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::rng::stream;

    const HEAVY: HeavyAugment = HeavyAugment {
        canvas: 12,
        enlarge: 2.0,
        scale: 1.2,
        degrees: 20.0,
        shift: 2.0,
        color: 0.1,
        flip: true,
    };

    fn set() -> FloatSet {
        let values = (0..2 * 3 * 16).map(|at| 1.0 + at as f32 / 100.0);
        FloatSet::new((3, 4, 4), values.collect(), vec![0, 1], 2).expect("a set")
    }

    fn drawn(augment: HeavyAugment, seed: u64) -> Result<Vec<f32>, DataError> {
        let mut to = vec![9.0; 3 * 144];
        let scene = Heavy::new(augment, &set())?;
        let label = scene.draw(&set(), 1, &mut stream(seed, "test", 0), &mut to);
        assert_eq!(label, 1);
        Ok(to)
    }

    #[test]
    fn unchanged_images_lie_enlarged_in_the_middle() -> Result<(), DataError> {
        let image = drawn(HEAVY.unchanged(), 1)?;
        assert_eq!(image, drawn(HEAVY.unchanged(), 2)?);
        let set = set();
        let source = set.image(1).expect("an image");
        for (channel, plane) in image.chunks_exact(144).enumerate() {
            let source = &source[16 * channel..][..16];
            // The middle of four pixels, and a corner of the canvas.
            let mean = (source[5] + source[6] + source[9] + source[10]) / 4.0;
            let middle = [5 * 12 + 5, 5 * 12 + 6, 6 * 12 + 5, 6 * 12 + 6];
            let found = middle.iter().map(|&at| plane[at]).sum::<f32>() / 4.0;
            assert!((found - mean).abs() < 1e-5, "{found} {mean}");
            assert_eq!(plane[0], 0.0);
        }
        Ok(())
    }

    #[test]
    fn a_draw_depends_on_the_stream_alone() -> Result<(), DataError> {
        assert_eq!(drawn(HEAVY, 1)?, drawn(HEAVY, 1)?);
        assert_ne!(drawn(HEAVY, 1)?, drawn(HEAVY, 2)?);
        // Without color the places are the same.
        let plain = HeavyAugment {
            color: 0.0,
            ..HEAVY
        };
        let zeros = |values: &[f32]| values.iter().map(|&v| v == 0.0).collect::<Vec<_>>();
        assert_eq!(zeros(&drawn(HEAVY, 3)?), zeros(&drawn(plain, 3)?));
        Ok(())
    }

    #[test]
    fn errors() {
        let said = |augment: HeavyAugment| drawn(augment, 0).expect_err("wrong").to_string();
        for (augment, part) in [
            (HeavyAugment { canvas: 0, ..HEAVY }, "canvas is 0"),
            (
                HeavyAugment {
                    canvas: usize::MAX,
                    ..HEAVY
                },
                "at most 2^26",
            ),
            (
                HeavyAugment {
                    scale: 0.5,
                    ..HEAVY
                },
                "scale is 0.5",
            ),
            (
                HeavyAugment {
                    enlarge: 0.0,
                    ..HEAVY
                },
                "enlarge is 0",
            ),
            (
                HeavyAugment {
                    degrees: f64::NAN,
                    ..HEAVY
                },
                "degrees is NaN",
            ),
        ] {
            assert!(said(augment).contains(part), "{}", said(augment));
        }
    }
}
