//! Random flips and shifts of training images.

use serde::{Deserialize, Serialize};
use striate::rng::stream;

use super::DataError;

/// Random changes to training images, drawn anew for every image in every epoch.
///
/// The draw is a pure function of (seed, epoch, index of the image), so neither the batch size
/// nor the number of threads changes it.
/// Source: All-CNN, Table 4: flips and translations, of at most 5 pixels (from memory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirror every second image, on average, left to right.
    pub flip: bool,
    /// Shift by up to this many pixels along each axis; zeros come in at the edge.
    pub translate: usize,
}

/// What happens to one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Draw {
    flip: bool,
    down: isize,
    right: isize,
}

impl Augment {
    /// No change.
    pub const NONE: Self = Self {
        flip: false,
        translate: 0,
    };

    /// The shift must leave a part of the image in view.
    pub(super) fn check(&self, height: usize, width: usize) -> Result<(), DataError> {
        if self.translate > 0 && self.translate >= height.min(width) {
            return Err(DataError::Argument {
                op: "Augment",
                argument: "translate",
                found: self.translate.to_string(),
                expected: format!("less than the {height}x{width} pixels of an image"),
            });
        }
        Ok(())
    }

    /// Changes the images of a batch in place.
    ///
    /// `images` holds N, C, H, W values of images of `size` = (channels, height, width);
    /// `indices` names each by its index in the set.
    ///
    /// # Errors
    /// When sizes do not agree or the shift is as large as the image.
    ///
    /// ```
    /// let mut batch = vec![1.0, 2.0, 3.0, 4.0];
    /// let augment = lab::data::Augment { flip: true, translate: 1 };
    /// augment.apply(&mut batch, (1, 2, 2), 7, 0, &[5])?;
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn apply(
        &self,
        images: &mut [f32],
        size: (usize, usize, usize),
        seed: u64,
        epoch: u64,
        indices: &[u32],
    ) -> Result<(), DataError> {
        let (channels, height, width) = size;
        self.check(height, width)?;
        let image_len = channels * height * width;
        if images.len() != image_len * indices.len() {
            return Err(DataError::Argument {
                op: "Augment",
                argument: "images",
                found: format!("{} values", images.len()),
                expected: format!("{} images of {channels}x{height}x{width}", indices.len()),
            });
        }
        if *self == Self::NONE || image_len == 0 {
            return Ok(());
        }
        let mut plane = vec![0.0; height * width];
        for (image, &index) in images.chunks_exact_mut(image_len).zip(indices) {
            let draw = self.draw(seed, epoch, index);
            for values in image.chunks_exact_mut(height * width) {
                plane.copy_from_slice(values);
                draw.move_plane(&plane, values, height, width);
            }
        }
        Ok(())
    }

    /// All three numbers are drawn whatever is switched on, so that switching one on or off does
    /// not change the others.
    fn draw(&self, seed: u64, epoch: u64, index: u32) -> Draw {
        let mut draws = stream(seed, "augment", (epoch << 32) | u64::from(index));
        let flip = draws.below(2) == 1;
        let reach = self.translate as isize;
        let mut shift = || draws.below(2 * self.translate as u64 + 1) as isize - reach;
        Draw {
            flip: flip && self.flip,
            down: shift(),
            right: shift(),
        }
    }
}

impl Draw {
    /// `to[y][x] = from[y - down][x - right]`, where `from` is mirrored first if so drawn.
    fn move_plane(self, from: &[f32], to: &mut [f32], height: usize, width: usize) {
        to.fill(0.0);
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            let Some(source) = y.checked_add_signed(-self.down).filter(|&y| y < height) else {
                continue;
            };
            let source = &from[source * width..][..width];
            for (x, value) in row.iter_mut().enumerate() {
                let Some(x) = x.checked_add_signed(-self.right).filter(|&x| x < width) else {
                    continue;
                };
                *value = source[if self.flip { width - 1 - x } else { x }];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_reference() {
        let from = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for (draw, expected) in [
            (
                Draw {
                    flip: false,
                    down: 0,
                    right: 0,
                },
                [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            ),
            (
                Draw {
                    flip: true,
                    down: 0,
                    right: 0,
                },
                [3.0, 2.0, 1.0, 6.0, 5.0, 4.0],
            ),
            (
                Draw {
                    flip: false,
                    down: 1,
                    right: 1,
                },
                [0.0, 0.0, 0.0, 0.0, 1.0, 2.0],
            ),
            (
                Draw {
                    flip: false,
                    down: -1,
                    right: -2,
                },
                [6.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ),
            (
                Draw {
                    flip: true,
                    down: 0,
                    right: 2,
                },
                [0.0, 0.0, 3.0, 0.0, 0.0, 6.0],
            ),
        ] {
            let mut to = [9.0; 6];
            draw.move_plane(&from, &mut to, 2, 3);
            assert_eq!(to, expected, "{draw:?}");
        }
    }

    #[test]
    fn draws_are_even_and_in_range() {
        let augment = Augment {
            flip: true,
            translate: 5,
        };
        let draws: Vec<Draw> = (0..11_000).map(|index| augment.draw(1, 2, index)).collect();
        let flips = draws.iter().filter(|draw| draw.flip).count();
        assert!((5_200..5_800).contains(&flips), "{flips}");
        for shift in -5..=5 {
            let down = draws.iter().filter(|draw| draw.down == shift).count();
            let right = draws.iter().filter(|draw| draw.right == shift).count();
            assert!((850..1150).contains(&down) && (850..1150).contains(&right));
        }
    }

    #[test]
    fn a_draw_depends_on_seed_epoch_and_index_only() {
        let both = Augment {
            flip: true,
            translate: 5,
        };
        let flip = Augment {
            flip: true,
            translate: 0,
        };
        let series = |augment: &Augment, seed, epoch| -> Vec<Draw> {
            (0..50)
                .map(|index| augment.draw(seed, epoch, index))
                .collect()
        };
        assert_ne!(series(&both, 1, 0), series(&both, 2, 0));
        assert_ne!(series(&both, 1, 0), series(&both, 1, 1));
        let flips = |draws: Vec<Draw>| draws.iter().map(|draw| draw.flip).collect::<Vec<_>>();
        assert_eq!(flips(series(&both, 1, 0)), flips(series(&flip, 1, 0)));

        // The same image in another batch, at another place, changes in the same way.
        let size = (2, 6, 6);
        let image: Vec<f32> = (0..72).map(|x| x as f32).collect();
        let mut alone = image.clone();
        both.apply(&mut alone, size, 3, 4, &[17]).unwrap();
        let mut pair = [image.clone(), image].concat();
        both.apply(&mut pair, size, 3, 4, &[8, 17]).unwrap();
        assert_eq!(pair[72..], alone);
    }

    #[test]
    fn errors() {
        let augment = Augment {
            flip: false,
            translate: 4,
        };
        let text = augment
            .apply(&mut [0.0; 16], (1, 4, 4), 0, 0, &[0])
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "Augment: translate is 4, expected less than the 4x4 pixels of an image"
        );
        let text = Augment::NONE
            .apply(&mut [0.0; 15], (1, 4, 4), 0, 0, &[0])
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "Augment: images is 15 values, expected 1 images of 1x4x4"
        );
    }
}
