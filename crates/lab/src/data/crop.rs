//! The part of a picture that shows a whole house number.

/// The part of a box's side that is added to it, as Goodfellow et al. (2014) do for 64 x 64 (from memory).
const MARGIN: f64 = 0.3;

/// The crop around a number.
///
/// The smallest box around the boxes of all digits grows by a factor about its middle, is cut off at the picture's edge and
/// stretched to a square.
/// Source: STN, section 4.2: 64 x 64 around each number, and looser ones of 128 x 128. How much looser, the paper does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NumberCrop {
    /// Rows and columns of what comes out.
    pub(crate) side: usize,
    /// Side of the crop as a multiple of the side of the box.
    pub(crate) factor: f64,
}

/// A digit's box or a crop: left, top, width, height in pixels.
pub(crate) type Frame = [f64; 4];

impl NumberCrop {
    /// 64 x 64 pixels.
    pub(crate) const TIGHT: Self = Self {
        side: 64,
        factor: 1.0 + MARGIN,
    };
    /// 128 x 128 pixels: as many on the number as the tight crop has, unless the picture ends before.
    pub(crate) const LOOSE: Self = Self {
        side: 128,
        factor: 2.0 * (1.0 + MARGIN),
    };

    /// The crop around `boxes` in a picture of (height, width): left, top, width and height in whole pixels.
    ///
    /// `None` where a box is empty or nothing of the number lies inside the picture.
    pub(crate) fn frame(&self, boxes: &[Frame], size: (usize, usize)) -> Option<[u32; 4]> {
        let empty = |frame: &Frame| !(frame[2] > 0.0 && frame[3] > 0.0);
        if boxes.is_empty() || boxes.iter().any(empty) {
            return None;
        }
        // Along one axis: first and last pixel of the crop.
        let along = |axis: usize, side: usize| {
            let low = boxes.iter().map(|frame| frame[axis]);
            let high = boxes.iter().map(|frame| frame[axis] + frame[axis + 2]);
            let low = low.fold(f64::INFINITY, f64::min);
            let high = high.fold(f64::NEG_INFINITY, f64::max);
            if low >= side as f64 || high <= 0.0 {
                return None;
            }
            let more = (self.factor - 1.0) * (high - low) / 2.0;
            let first = (low - more).floor().max(0.0);
            let end = (high + more).ceil().min(side as f64);
            Some((first as u32, (end - first) as u32))
        };
        let (left, width) = along(0, size.1)?;
        let (top, height) = along(1, size.0)?;
        Some([left, top, width, height])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_has_a_margin_and_ends_at_the_picture() {
        let size = (100, 200);
        // Two digits of 20 x 40 side by side: the box is 40 x 40 at (80, 30).
        let boxes = [[80.0, 30.0, 20.0, 40.0], [100.0, 30.0, 20.0, 40.0]];
        assert_eq!(
            NumberCrop::TIGHT.frame(&boxes, size),
            Some([74, 24, 52, 52])
        );
        // 104 pixels are more than the picture has from top to bottom.
        assert_eq!(
            NumberCrop::LOOSE.frame(&boxes, size),
            Some([48, 0, 104, 100])
        );
        let edge = [[-4.0, -2.0, 10.0, 20.0]];
        assert_eq!(NumberCrop::TIGHT.frame(&edge, size), Some([0, 0, 8, 21]));
        for nothing in [
            &[][..],
            &[[1.0, 1.0, 0.0, 5.0]],
            &[[1.0, 1.0, 5.0, -1.0]],
            &[[200.0, 1.0, 5.0, 5.0]],
            &[[1.0, -9.0, 5.0, 9.0]],
            &[[1.0, 1.0, f64::NAN, 5.0]],
        ] {
            assert_eq!(NumberCrop::TIGHT.frame(nothing, size), None, "{nothing:?}");
        }
    }
}
