//! Sets whose images are drawn when they are wanted.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use striate::rng::{Stream, stream};

use crate::data::{DataError, FloatSet};

/// Makes an image from the images of a set.
pub trait Scene: Debug + Send + Sync {
    /// (channels, height, width) of what it makes.
    fn size(&self) -> (usize, usize, usize);

    /// Number of classes of what it makes, where the set has `classes`.
    fn classes(&self, classes: usize) -> usize {
        classes
    }

    /// Refuses a set that it cannot use.
    ///
    /// # Errors
    /// Names what is wrong with the set.
    fn check(&self, set: &FloatSet) -> Result<(), DataError>;

    /// Writes the C, H, W values of the scene around image `index` of `set` to `to`, and gives its label.
    ///
    /// All that is random comes from `draws`.
    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32;
}

/// Whether scenes are drawn anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redraw {
    /// In every epoch.
    #[default]
    EveryEpoch,
    /// Once: every epoch shows the same.
    Once,
}

/// What draws the images of a set.
#[derive(Clone, Debug)]
pub struct Composed {
    scene: Arc<dyn Scene>,
    redraw: Redraw,
    source: Arc<FloatSet>,
    /// The image of the source that is the first of the set.
    first: usize,
}

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
        scene.check(&source)?;
        let (channels, height, width) = scene.size();
        Ok(Self {
            channels,
            height,
            width,
            images: Arc::default(),
            labels: Arc::clone(&source.labels),
            classes: scene.classes(source.classes),
            pending: None,
            composed: Some(Composed {
                scene,
                redraw,
                source: Arc::new(source),
                first: 0,
            }),
        })
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
            images: Arc::new(images),
            labels,
            composed: None,
            ..self.clone()
        }
    }

    /// Draws image `index` in `epoch` under `seed` to `to` and gives its label; `None` if the set's images are stored.
    pub(in crate::data) fn draw(
        &self,
        seed: u64,
        epoch: u64,
        index: usize,
        to: &mut [f32],
    ) -> Option<u32> {
        let composed = self.composed.as_ref()?;
        let index = composed.first + index;
        let epoch = match composed.redraw {
            Redraw::EveryEpoch => epoch,
            Redraw::Once => 0,
        };
        let mut draws = stream(seed, "scene", (epoch << 32) | index as u64);
        Some(composed.scene.draw(&composed.source, index, &mut draws, to))
    }
}

impl Composed {
    /// The same for the part of the set that begins `n` images later.
    pub(in crate::data) fn skip(&self, n: usize) -> Self {
        Self {
            first: self.first + n,
            ..self.clone()
        }
    }
}
