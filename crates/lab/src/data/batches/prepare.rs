//! What is done for a batch: its images in order, drawn or gathered, changed and preprocessed.

use striate::rng::stream;

use crate::data::{DataError, FloatSet};

/// A batch before it is moved to the device.
pub(super) struct Prepared {
    pub(super) images: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

/// Gathers or draws the images of a batch, changes them, and does the preprocessing that is pending.
pub(super) fn prepare(
    set: &FloatSet,
    indices: &[u32],
    (seed, epoch): (u64, u64),
    change: impl Fn(&mut [f32]) -> Result<(), DataError>,
) -> Result<Prepared, DataError> {
    let mut images = Vec::with_capacity(indices.len() * set.image_len());
    let mut labels = Vec::with_capacity(indices.len());
    if set.composed.is_some() {
        images.resize(indices.len() * set.image_len(), 0.0);
        for (image, &index) in images.chunks_exact_mut(set.image_len()).zip(indices) {
            labels.extend(set.draw(seed, epoch, index as usize, image));
        }
    } else {
        for &index in indices {
            let (image, label) = (set.image(index as usize), set.labels.get(index as usize));
            let (Some(image), Some(&label)) = (image, label) else {
                let found = format!("{} values", set.images.len());
                return Err(argument(
                    "set",
                    &found,
                    &format!("{} whole images", set.len()),
                ));
            };
            images.extend_from_slice(image);
            labels.push(label);
        }
    }
    change(&mut images)?;
    if let Some(fitted) = &set.pending {
        fitted.apply_batch(&mut images)?;
    }
    Ok(Prepared { images, labels })
}

/// The order of an epoch: a pure function of (seed, epoch) and the number of images.
pub(super) fn shuffled(set: &FloatSet, seed: u64, epoch: u64) -> Result<Vec<u32>, DataError> {
    let mut order: Vec<u32> = (0..indexable(set)?).collect();
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
