//! Sets whose images are drawn when they are wanted.

use std::sync::Arc;

use striate::rng::stream;

use crate::data::float_set::{Composed, FloatSet, Redraw, Scene};
use crate::data::{DataError, SharedValues, UNLABELLED};

impl FloatSet {
    /// A set of the scenes around each image of `source`, drawn whenever a batch needs them.
    ///
    /// A draw is a pure function of (seed, epoch, index of the image); see [`Scene::draw`].
    /// Labels of the set are those of the source; a batch has the labels of its own draw.
    ///
    /// # Errors
    /// When the scene cannot use the set.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use lab::data::{Distort, Distortion, Preprocess, Redraw, Source, load, FloatSet};
    /// let data = load("mnist", &Source::Embedded)?.first(20, 10);
    /// let digits = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
    /// let scene = Arc::new(Distort::new(Distortion::RotatedScaledPlaced, 42, &digits)?);
    /// let turned = FloatSet::composed(digits, scene, Redraw::EveryEpoch)?;
    /// assert_eq!((turned.len(), turned.height), (20, 42));
    /// assert!(turned.image(0).is_none() && turned.rendered(7).image(0).is_some());
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn composed(
        source: FloatSet,
        scene: Arc<dyn Scene>,
        redraw: Redraw,
    ) -> Result<Self, DataError> {
        if source.streamed.is_some() || source.file.is_some() {
            return Err(DataError::Argument {
                op: "FloatSet::composed",
                argument: "source",
                found: "images on disk".to_owned(),
                expected: "images in memory, as `load` and `Fitted::apply` give them".to_owned(),
            });
        }
        scene.check(&source)?;
        let (channels, height, width) = scene.size();
        Ok(Self {
            channels,
            height,
            width,
            images: SharedValues::default(),
            labels: Arc::clone(&source.labels),
            classes: scene.classes(source.classes),
            pending: None,
            composed: Some(Composed {
                scene,
                redraw,
                source: Arc::new(source),
                first: 0,
            }),
            streamed: None,
            file: None,
        })
    }

    /// The images that the scenes of the set are made of, all of them even for a part of it; `None` where images are stored.
    pub fn source(&self) -> Option<&FloatSet> {
        self.composed.as_ref().map(|composed| &*composed.source)
    }

    /// The set with its images drawn once and stored; a set of stored images as it is.
    pub fn rendered(&self, seed: u64) -> Self {
        if self.composed.is_none() {
            return self.clone();
        }
        let mut images = vec![0.0; self.len() * self.image_len()];
        let labels = images
            .chunks_exact_mut(self.image_len().max(1))
            .enumerate()
            .map(|(index, image)| self.draw(seed, 0, index, image).unwrap_or_default());
        let labels = Arc::new(labels.collect());
        Self {
            images: images.into(),
            labels,
            composed: None,
            ..self.clone()
        }
    }

    /// Draws image `index` in `epoch` under `seed` to `to` and gives its label, [`UNLABELLED`] where the set keeps none of it;
    /// `None` if the set's images are stored.
    pub(in crate::data) fn draw(
        &self,
        seed: u64,
        epoch: u64,
        index: usize,
        to: &mut [f32],
    ) -> Option<u32> {
        let composed = self.composed.as_ref()?;
        let is_labelled = self.labels.get(index) != Some(&UNLABELLED);
        let index = composed.first + index;
        let epoch = match composed.redraw {
            Redraw::EveryEpoch => epoch,
            Redraw::Once => 0,
        };
        let mut draws = stream(seed, "scene", (epoch << 32) | index as u64);
        let label = composed.scene.draw(&composed.source, index, &mut draws, to);
        Some(if is_labelled { label } else { UNLABELLED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Augment, Batches, Distort, Distortion};

    #[test]
    fn what_keeps_no_label_has_none_when_it_is_drawn() -> Result<(), Box<dyn std::error::Error>> {
        let digits = FloatSet::new((1, 28, 28), vec![0.5; 4 * 28 * 28], vec![0, 1, 2, 1], 3)?;
        let scene = Arc::new(Distort::new(Distortion::Rotated, 28, &digits)?);
        let set = FloatSet::composed(digits, scene, Redraw::EveryEpoch)?.with_labels_of(&[1, 3])?;
        let wanted = [UNLABELLED, 1, UNLABELLED, 1];
        assert_eq!(*set.rendered(0).labels, wanted);
        let device = candle_core::Device::Cpu;
        for batch in Batches::train(&set, 4, &Augment::NONE, 0, 3, &device)? {
            let mut labels: Vec<u32> = batch?.labels.to_vec1()?;
            labels.sort_unstable();
            assert_eq!(labels, [1, 1, UNLABELLED, UNLABELLED]);
        }
        Ok(())
    }
}
