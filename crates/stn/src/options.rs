//! The conventions of a sampler as values: what -1 and +1 mean, how it interpolates, what lies outside the map.

use serde::{Deserialize, Serialize};

/// What the coordinates -1 and +1 mean.
///
/// # Convention
/// In pixels, counted from 0 at the center of the first of n pixels, the coordinate g lies at
/// `(g + 1) / 2 * (n - 1)` if corners are aligned and at `((g + 1) * n - 1) / 2` if they are not.
/// The first is the convention of early implementations, the second PyTorch's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlignCorners {
    /// -1 and +1 are the centers of the first and the last pixel.
    #[default]
    Yes,
    /// -1 and +1 are the outer edges of the first and the last pixel.
    No,
}

impl AlignCorners {
    /// Pixels that one unit of a coordinate spans on an axis of `n` pixels.
    pub fn pixels_per_unit(self, n: usize) -> f64 {
        match self {
            Self::Yes => (n as f64 - 1.0) / 2.0,
            Self::No => n as f64 / 2.0,
        }
    }

    /// The position in pixels of the coordinate `g` on an axis of `n` pixels.
    pub fn to_pixel(self, g: f64, n: usize) -> f64 {
        let middle = (n as f64 - 1.0) / 2.0;
        g * self.pixels_per_unit(n) + middle
    }

    /// The coordinate of the center of pixel `i` of `n`; 0 for the only pixel of an axis.
    pub fn to_coordinate(self, i: f64, n: usize) -> f64 {
        let middle = (n as f64 - 1.0) / 2.0;
        match self.pixels_per_unit(n) {
            0.0 => 0.0,
            scale => (i - middle) / scale,
        }
    }
}

/// How a value between pixels is interpolated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// From the four pixels around (eight in a volume): equation 5 of the paper.
    #[default]
    #[doc(alias = "trilinear")]
    Bilinear,
    /// The nearest pixel; halves go to the even one, as in PyTorch.
    /// The grid gets a gradient of zero: equation 4 of the paper.
    #[doc(alias = "integer sampling")]
    Nearest,
    /// From the sixteen pixels around, by Keys' cubic convolution with a = -0.75; not for volumes.
    Bicubic,
}

/// What lies outside the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaddingMode {
    /// Zeros: a bilinear sample fades to zero over one pixel beyond the border.
    #[default]
    Zeros,
    /// The nearest pixel of the border.
    Border,
    /// The map mirrored at its border: at the centers of its outer pixels if corners are aligned, at their edges if not.
    Reflection,
    /// This value: a bilinear sample fades to it over one pixel.
    Constant(f64),
    /// The map repeated: the pixel after the last is the first, in either corner convention.
    Wrap,
}

/// How [`grid_sample`](crate::grid_sample) reads a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridSampleOptions {
    /// Between pixels.
    pub interpolation: Interpolation,
    /// Outside the map.
    pub padding: PaddingMode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convention_of_the_corners() {
        assert_eq!(AlignCorners::Yes.to_pixel(-1.0, 5), 0.0);
        assert_eq!(AlignCorners::Yes.to_pixel(1.0, 5), 4.0);
        assert_eq!(AlignCorners::No.to_pixel(-1.0, 5), -0.5);
        assert_eq!(AlignCorners::No.to_pixel(1.0, 5), 4.5);
        for convention in [AlignCorners::Yes, AlignCorners::No] {
            for i in 0..5 {
                let g = convention.to_coordinate(f64::from(i), 5);
                assert!((convention.to_pixel(g, 5) - f64::from(i)).abs() < 1e-12);
            }
            assert_eq!(convention.to_coordinate(0.0, 1), 0.0);
        }
    }
}
