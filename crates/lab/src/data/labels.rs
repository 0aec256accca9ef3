//! Images without a label, and draws of the few that keep theirs.

use std::sync::Arc;

use candle_core::Tensor;
use striate::rng::stream;

use super::{Batch, DataError, Dataset, FloatSet, ImageSet, UNLABELLED};

/// The indices of `count` images, equally many of each class, drawn by `seed` and sorted.
///
/// The same seed gives nested draws: the images of a smaller count are among those of a larger one.
/// Images without a label are never drawn.
///
/// # Errors
/// A count that the classes do not divide, 0 included; a class with too few images.
///
/// ```
/// use lab::data::{UNLABELLED, balanced_draw};
/// let labels = [0, 1, UNLABELLED, 1, 0, 1];
/// let drawn = balanced_draw(&labels, 2, 4, 7)?;
/// assert_eq!(drawn.iter().filter(|&&i| labels[i as usize] == 0).count(), 2);
/// let error = balanced_draw(&labels, 2, 6, 7).unwrap_err().to_string();
/// assert!(error.contains("3 images of each of 2 classes"), "{error}");
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn balanced_draw(
    labels: &[u32],
    classes: usize,
    count: usize,
    seed: u64,
) -> Result<Vec<u32>, DataError> {
    let refused = |argument, found: String, expected: String| DataError::Argument {
        op: "balanced_draw",
        argument,
        found,
        expected,
    };
    if classes == 0 || count == 0 || !count.is_multiple_of(classes) {
        let wanted = format!("a multiple of the {classes} classes, at least one of each");
        return Err(refused("count", count.to_string(), wanted));
    }
    let each = count / classes;
    let mut drawn = Vec::with_capacity(count);
    for class in 0..classes {
        let of_class = |&(_, &label): &(u32, &u32)| label as usize == class;
        let mut images: Vec<u32> = (0..).zip(labels).filter(of_class).map(|(i, _)| i).collect();
        if images.len() < each {
            let found = format!("{} images of class {class}", images.len());
            let wanted = format!("at least {each} images of each of {classes} classes");
            return Err(refused("labels", found, wanted));
        }
        stream(seed, "labels", class as u64).shuffle(&mut images);
        drawn.extend(images.into_iter().take(each));
    }
    drawn.sort_unstable();
    Ok(drawn)
}

impl FloatSet {
    /// The number of images with a label.
    pub fn labelled(&self) -> usize {
        let known = |label: &&u32| **label != UNLABELLED;
        self.labels.iter().filter(known).count()
    }

    /// The same images, of which only those at `indices` keep their label.
    ///
    /// # Errors
    /// An index past the end, or of an image without a label.
    ///
    /// ```
    /// use lab::data::{FloatSet, UNLABELLED};
    /// let set = FloatSet::new((1, 1, 1), vec![0.1, 0.2, 0.3], vec![0, 1, 0], 2)?;
    /// let few = set.with_labels_of(&[1])?;
    /// assert_eq!(*few.labels, [UNLABELLED, 1, UNLABELLED]);
    /// assert_eq!((few.labelled(), few.len()), (1, 3));
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn with_labels_of(&self, indices: &[u32]) -> Result<Self, DataError> {
        let mut labels = vec![UNLABELLED; self.len()];
        let refused = |found, expected| {
            Err(DataError::Argument {
                op: "FloatSet::with_labels_of",
                argument: "indices",
                found,
                expected,
            })
        };
        for &index in indices {
            let at = index as usize;
            match self.labels.get(at) {
                None => {
                    let expected = format!("below the {} images", self.len());
                    return refused(index.to_string(), expected);
                }
                Some(&UNLABELLED) => {
                    let found = format!("{index}, which has no label");
                    return refused(found, "images with a label".to_owned());
                }
                Some(&own) => labels[at] = own,
            }
        }
        let labels = Arc::new(labels);
        Ok(Self {
            labels,
            ..self.clone()
        })
    }

    /// The set without its last `n` labelled images, and those images: the training set and a validation set.
    ///
    /// Images without a label stay in the first part; a set that has such images must not be drawn from scenes.
    /// The scenes of both parts are made of all images: to keep those apart, split [`FloatSet::source`] and compose its parts.
    pub fn hold_out(&self, n: usize) -> (Self, Self) {
        if self.labelled() == self.len() {
            return self.split_at(self.len().saturating_sub(n));
        }
        let first = self.labelled().saturating_sub(n);
        let mut seen = 0;
        let (mut kept, mut held_out) = (Vec::new(), Vec::new());
        for (index, &label) in self.labels.iter().enumerate() {
            let known = label != UNLABELLED;
            match known && seen >= first {
                true => held_out.push(index),
                false => kept.push(index),
            }
            seen += usize::from(known);
        }
        (self.select(&kept), self.select(&held_out))
    }

    /// The images at these indices, which are below the number of images.
    fn select(&self, indices: &[usize]) -> Self {
        let mut images = Vec::with_capacity(indices.len() * self.image_len());
        for &index in indices {
            images.extend_from_slice(self.image(index).unwrap_or_default());
        }
        let labels = indices.iter().filter_map(|&i| self.labels.get(i).copied());
        Self {
            labels: Arc::new(labels.collect()),
            images: images.into(),
            streamed: self
                .streamed
                .as_ref()
                .map(|set| set.select(indices.iter().copied())),
            file: self
                .file
                .as_ref()
                .map(|file| file.select(indices.iter().copied())),
            ..self.clone()
        }
    }
}

impl ImageSet {
    /// These images, followed by those of `extra` without their labels.
    ///
    /// # Errors
    /// Images of another size, or pictures that stay on disk.
    pub fn with_unlabelled(&self, extra: &ImageSet) -> Result<Self, DataError> {
        let size = |set: &ImageSet| (set.height, set.width, set.channels);
        if size(self) != size(extra) {
            let text = |(h, w, c): (usize, usize, usize)| format!("{h}x{w}x{c} images");
            return Err(DataError::content(
                &extra.name,
                format!("{} as in {}", text(size(self)), self.name),
                text(size(extra)),
                "take the unlabelled images from a set of the same image size",
            ));
        }
        if let Some(set) = [self, extra].into_iter().find(|set| set.streamed.is_some()) {
            return Err(DataError::content(
                &set.name,
                "images in memory",
                "pictures on disk",
                "read the set with `load`",
            ));
        }
        let mut all = self.clone();
        all.name = format!("{} and {}", self.name, extra.name);
        all.pixels.extend_from_slice(&extra.pixels);
        let labels = std::iter::repeat_n(UNLABELLED, extra.len());
        all.labels.extend(labels);
        Ok(all)
    }
}

/// The name of a set whose last sixth of the training images takes the place of the test set.
///
/// ```
/// assert_eq!(lab::data::held_out_name("mnist"), "mnist, held-out training images");
/// ```
pub fn held_out_name(name: &str) -> String {
    format!("{name}, held-out training images")
}

impl Dataset {
    /// The training images without their last sixth, which takes the place of the test set.
    pub fn hold_out_sixth(&self) -> Self {
        let kept = self.train.len() - self.train.len() / 6;
        let mut test = self.train.clone();
        test.name = format!("{}, last sixth", self.train.name);
        let stored = (kept * self.train.image_len()).min(test.pixels.len());
        test.pixels.drain(..stored);
        test.labels.drain(..kept);
        test.streamed = test.streamed.map(|set| set.split_at(kept).1);
        Self {
            name: held_out_name(&self.name),
            train: self.train.first(kept),
            test,
        }
    }

    /// The set with these images, without their labels, after its training images.
    ///
    /// # Errors
    /// Images of another size.
    pub fn with_unlabelled(&self, extra: &ImageSet) -> Result<Self, DataError> {
        Ok(Self {
            name: format!("{} and {} images of {}", self.name, extra.len(), extra.name),
            train: self.train.with_unlabelled(extra)?,
            test: self.test.clone(),
        })
    }
}

impl Batch {
    /// The rows of the images that have a label, and their classes: both (M), `u32`.
    ///
    /// # Errors
    /// Labels that cannot be read from the device.
    pub fn labelled(&self) -> candle_core::Result<(Tensor, Tensor)> {
        let labels = self.labels.to_vec1::<u32>()?;
        let (rows, classes): (Vec<u32>, Vec<u32>) = (0..)
            .zip(labels)
            .filter(|&(_, label)| label != UNLABELLED)
            .unzip();
        let (device, count) = (self.labels.device(), rows.len());
        Ok((
            Tensor::from_vec(rows, count, device)?,
            Tensor::from_vec(classes, count, device)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelled_rows_of_a_batch() -> candle_core::Result<()> {
        let device = candle_core::Device::Cpu;
        let batch = Batch {
            xs: Tensor::zeros((3, 1, 1, 1), candle_core::DType::F32, &device)?,
            labels: Tensor::new(&[4u32, UNLABELLED, 2], &device)?,
        };
        let (rows, classes) = batch.labelled()?;
        assert_eq!(rows.to_vec1::<u32>()?, [0, 2]);
        assert_eq!(classes.to_vec1::<u32>()?, [4, 2]);
        Ok(())
    }

    #[test]
    fn draws_are_balanced_nested_and_of_the_seed() -> Result<(), DataError> {
        let labels: Vec<u32> = (0..300).map(|i| i * 7 % 10).collect();
        let small = balanced_draw(&labels, 10, 20, 3)?;
        let large = balanced_draw(&labels, 10, 100, 3)?;
        for class in 0..10 {
            let of_class = |i: &&u32| labels[**i as usize] == class;
            assert_eq!(small.iter().filter(of_class).count(), 2);
        }
        assert!(small.iter().all(|i| large.contains(i)));
        assert_eq!(small, balanced_draw(&labels, 10, 20, 3)?);
        assert_ne!(small, balanced_draw(&labels, 10, 20, 4)?);
        Ok(())
    }

    #[test]
    fn held_out_images_are_the_last_labelled_ones() -> Result<(), DataError> {
        let set = FloatSet::new((1, 1, 1), vec![0.0, 1.0, 2.0, 3.0], vec![0, 1, 0, 1], 2)?;
        let few = set.with_labels_of(&[0, 1, 2])?;
        let (kept, held_out) = few.hold_out(2);
        assert_eq!(
            (kept.images.to_vec(), held_out.images.to_vec()),
            (vec![0.0, 3.0], vec![1.0, 2.0])
        );
        assert_eq!(
            (kept.labels.to_vec(), held_out.labels.to_vec()),
            (vec![0, UNLABELLED], vec![1, 0])
        );
        let (kept, held_out) = set.hold_out(1);
        let (first, rest) = set.split_at(3);
        assert_eq!((kept.images, held_out.images), (first.images, rest.images));
        assert_eq!(set.hold_out(9).0.len(), 0);
        Ok(())
    }

    #[test]
    fn extra_images_have_no_label() -> Result<(), DataError> {
        let set = |name: &str, pixels: Vec<u8>, labels: Vec<u32>| ImageSet {
            name: name.into(),
            class_names: vec!["a".into(), "b".into()],
            height: 1,
            width: 2,
            channels: 1,
            pixels,
            labels,
            left_out: 0,
            streamed: None,
        };
        let own = set("own", vec![1, 2], vec![1]);
        let all = own.with_unlabelled(&set("extra", vec![3, 4, 5, 6], vec![0, 1]))?;
        assert_eq!(all.labels, [1, UNLABELLED, UNLABELLED]);
        assert_eq!(all.pixels, [1, 2, 3, 4, 5, 6]);
        assert_eq!(all.class_counts(), [0, 1]);
        all.check()?;
        let flat = ImageSet {
            height: 2,
            width: 1,
            ..set("flat", vec![3, 4], vec![0])
        };
        let error = own
            .with_unlabelled(&flat)
            .expect_err("accepted")
            .to_string();
        assert!(
            error.starts_with("flat: expected 1x2x1 images as in own, found 2x1x1"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn errors() {
        let text = |count, labels: &[u32]| {
            balanced_draw(labels, 2, count, 0)
                .expect_err("accepted")
                .to_string()
        };
        assert_eq!(
            text(3, &[0, 1, 0, 1]),
            "balanced_draw: count is 3, expected a multiple of the 2 classes, at least one of each"
        );
        assert!(text(0, &[0, 1]).contains("count is 0"));
        assert!(
            text(4, &[0, 0, 0, 1]).contains("labels is 1 images of class 1, expected at least 2")
        );
        let set = FloatSet::new((1, 1, 1), vec![0.0], vec![0], 1).expect("a set");
        let error = set.with_labels_of(&[1]).expect_err("accepted").to_string();
        assert!(
            error.contains("indices is 1, expected below the 1 images"),
            "{error}"
        );
        let labels = vec![0, UNLABELLED];
        let set = FloatSet::new((1, 1, 1), vec![0.0, 1.0], labels, 1).expect("a set");
        assert!(set.with_labels_of(&[0]).is_ok());
        let error = set.with_labels_of(&[0, 1]).expect_err("accepted");
        let error = error.to_string();
        assert!(
            error.contains("indices is 1, which has no label, expected images with a label"),
            "{error}"
        );
    }
}
