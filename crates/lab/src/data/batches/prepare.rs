//! What is done for a batch: its images in order, drawn or gathered, changed and preprocessed.

use std::ops::ControlFlow;

use striate::rng::stream;

use crate::data::streamed::Moment;
use crate::data::{Augment, DataError, FloatSet, Streamed};

/// A batch before it is moved to the device.
pub(super) struct Prepared {
    pub(super) images: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

/// The batches of an epoch, before they are prepared.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) set: FloatSet,
    /// The images of all batches, one after the other.
    pub(super) order: Vec<u32>,
    pub(super) batch_size: usize,
    pub(super) moment: Moment,
    /// Changes to the images in training.
    pub(super) augment: Augment,
}

impl Plan {
    /// Prepares all batches and gives them to `send` in their order, until it wants no more or one fails.
    pub(super) fn prepare(
        &self,
        workers: usize,
        mut send: impl FnMut(Result<Prepared, DataError>) -> bool,
    ) {
        if let Some(streamed) = &self.set.streamed {
            return self.stream(streamed, workers, send);
        }
        for indices in self.order.chunks(self.batch_size) {
            let batch = self
                .gather(indices)
                .and_then(|batch| self.finish(batch, indices));
            let failed = batch.is_err();
            if !send(batch) || failed {
                return;
            }
        }
    }

    /// Puts batches together from pictures as they come from the threads that decode them.
    fn stream(
        &self,
        streamed: &Streamed,
        workers: usize,
        mut send: impl FnMut(Result<Prepared, DataError>) -> bool,
    ) {
        let mut chunks = self.order.chunks(self.batch_size);
        let mut indices = chunks.next().unwrap_or_default();
        let mut images = self.room(indices);
        let read = streamed.each(&self.order, self.moment, workers, |image| {
            let planes = self.set.height * self.set.width;
            for channel in 0..self.set.channels {
                let values = image.iter().skip(channel).step_by(self.set.channels);
                images.extend(values.take(planes).map(|&value| f32::from(value)));
            }
            if images.len() < indices.len() * self.set.image_len() {
                return Ok(ControlFlow::Continue(()));
            }
            let batch = Prepared {
                images: std::mem::take(&mut images),
                labels: self.labels(indices)?,
            };
            let wanted = send(Ok(self.finish(batch, indices)?));
            indices = chunks.next().unwrap_or_default();
            images = self.room(indices);
            Ok(match wanted {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        });
        if let Err(error) = read {
            send(Err(error));
        }
    }

    /// Room for the values of some images.
    fn room(&self, indices: &[u32]) -> Vec<f32> {
        Vec::with_capacity(indices.len() * self.set.image_len())
    }

    /// The labels of some images.
    fn labels(&self, indices: &[u32]) -> Result<Vec<u32>, DataError> {
        let label = |&index: &u32| self.set.labels.get(index as usize).copied();
        let labels: Option<Vec<u32>> = indices.iter().map(label).collect();
        labels.ok_or_else(|| self.not_whole())
    }

    fn not_whole(&self) -> DataError {
        let found = format!("{} values", self.set.images.len());
        argument("set", &found, &format!("{} whole images", self.set.len()))
    }

    /// Gathers or draws the images of a batch.
    fn gather(&self, indices: &[u32]) -> Result<Prepared, DataError> {
        let set = &self.set;
        let mut images = self.room(indices);
        let mut labels = Vec::with_capacity(indices.len());
        if set.composed.is_some() {
            // Looking at scenes, one sees those of epoch 0 of seed 0.
            let (seed, epoch) = match self.moment {
                Moment::Training { seed, epoch } => (seed, epoch),
                Moment::Looking => (0, 0),
            };
            images.resize(indices.len() * set.image_len(), 0.0);
            for (image, &index) in images.chunks_exact_mut(set.image_len()).zip(indices) {
                labels.extend(set.draw(seed, epoch, index as usize, image));
            }
        } else if let Some(file) = &set.file {
            for &index in indices {
                file.read(index as usize, &mut images)?;
            }
            labels = self.labels(indices)?;
        } else {
            for &index in indices {
                let image = set.image(index as usize).ok_or_else(|| self.not_whole())?;
                images.extend_from_slice(image);
            }
            labels = self.labels(indices)?;
        }
        Ok(Prepared { images, labels })
    }

    /// Changes the images of a batch, and does the preprocessing that is pending.
    fn finish(&self, mut batch: Prepared, indices: &[u32]) -> Result<Prepared, DataError> {
        let size = (self.set.channels, self.set.height, self.set.width);
        if let Moment::Training { seed, epoch } = self.moment {
            let images = &mut batch.images;
            self.augment.apply(images, size, seed, epoch, indices)?;
        }
        if let Some(fitted) = &self.set.pending {
            fitted.apply_batch(&mut batch.images)?;
        }
        Ok(batch)
    }
}

/// The order of an epoch: a pure function of (seed, epoch) and the number of images.
pub(super) fn shuffled(set: &FloatSet, seed: u64, epoch: u64) -> Result<Vec<u32>, DataError> {
    let count = indexable(set)?;
    if let Some(streamed) = &set.streamed {
        return Ok(streamed.shuffled(seed, epoch));
    }
    let mut order: Vec<u32> = (0..count).collect();
    stream(seed, "shuffle", epoch).shuffle(&mut order);
    Ok(order)
}

pub(super) fn indexable(set: &FloatSet) -> Result<u32, DataError> {
    match u32::try_from(set.len()) {
        Ok(0) => Err(argument("set", "empty", "at least one image")),
        Ok(n) => Ok(n),
        Err(_) => Err(argument(
            "set",
            &format!("{} images", set.len()),
            "fewer than 2^32",
        )),
    }
}

/// An argument of [`Batches`](super::Batches) that does not fit.
pub(super) fn argument(argument: &'static str, found: &str, expected: &str) -> DataError {
    DataError::Argument {
        op: "Batches",
        argument,
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}
