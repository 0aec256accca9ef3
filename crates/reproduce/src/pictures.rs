//! What the figures share: images and signals as pictures and as inputs.

use allconv::attribution::normalized;
use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use lab::data::{FloatSet, ImageSet};
use lab::report::Picture;

/// An image as it came, before any preprocessing.
pub(crate) fn image(set: &ImageSet, index: usize) -> Result<Picture> {
    let bytes = set
        .image(index)
        .with_context(|| format!("{} has no image {index}", set.name))?;
    let channel = |c: usize| {
        bytes
            .iter()
            .skip(c)
            .step_by(set.channels)
            .map(|&byte| f32::from(byte))
    };
    let values: Vec<f32> = (0..set.channels).flat_map(channel).collect();
    let shape = (set.channels, set.height, set.width);
    Ok(Picture::new(&values, shape, (0.0, 255.0))?)
}

/// An image as the network sees it, (1, C, H, W).
pub(crate) fn input(set: &FloatSet, index: usize, device: &Device) -> Result<Tensor> {
    let values = set
        .image(index)
        .with_context(|| format!("the set has no image {index}"))?;
    let shape = (1, set.channels, set.height, set.width);
    Ok(Tensor::from_slice(values, shape, device)?)
}

/// A signal (1, C, H, W) at the input: gray is none, lighter is positive, normalized on its own.
pub(crate) fn signal(signal: &Tensor) -> Result<Picture> {
    let (_, c, h, w) = signal.dims4()?;
    let values: Vec<f32> = normalized(signal)?.flatten_all()?.to_vec1()?;
    Ok(Picture::new(&values, (c, h, w), (0.0, 1.0))?)
}
