//! Looking at what and where: reconstructions, exchanges and walks.

use candle_core::{Result, Tensor, bail};

use crate::encoder::Encoding;
use crate::model::Swwae;

impl Encoding {
    /// This what with the where of `other`, level by level.
    ///
    /// # Errors
    /// Encodings of another network, number of images or image size.
    pub fn with_where_of(&self, other: &Encoding) -> Result<Encoding> {
        // A pooling may leave out an edge, so maps of several sizes have whats of one shape.
        let sizes = |e: &Encoding| -> Vec<(Vec<usize>, (usize, usize))> {
            e.levels
                .iter()
                .map(|level| (level.what.dims().to_vec(), level.place.source()))
                .collect()
        };
        if sizes(self) != sizes(other) {
            bail!(
                "swwae: the whats have these shapes and come from maps of these sizes: {:?}; the wheres belong to {:?}; both must come from one network and images of one size and number",
                sizes(self),
                sizes(other)
            );
        }
        let mut mixed = self.clone();
        for (level, from) in mixed.levels.iter_mut().zip(&other.levels) {
            level.place = from.place.clone();
        }
        Ok(mixed)
    }
}

impl Swwae {
    /// The images as the decoder sees them, in evaluation mode.
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    ///
    /// ```
    /// use swwae::candle_core::{DType, Device, Result, Tensor};
    /// use swwae::{Swwae, SwwaeConfig};
    /// use striate::Parameters;
    /// fn main() -> Result<()> {
    ///     let config = SwwaeConfig::necessity_of_where(8);
    ///     let network = Swwae::new(&config, Parameters::new(1, DType::F32, &Device::Cpu).builder())?;
    ///     let images = Tensor::ones((2, 1, 32, 32), DType::F32, &Device::Cpu)?;
    ///     assert_eq!(network.reconstruct(&images)?.dims(), [2, 1, 32, 32]);
    ///     Ok(())
    /// }
    /// ```
    pub fn reconstruct(&self, xs: &Tensor) -> Result<Tensor> {
        self.decode(&self.encode(xs)?)
    }

    /// Decodes the what of each image of `what_of` with the where of the same row of `where_of`.
    ///
    /// # Errors
    /// Those of [`Swwae::encode`]; batches of another size.
    pub fn exchange(&self, what_of: &Tensor, where_of: &Tensor) -> Result<Tensor> {
        let mixed = self
            .encode(what_of)?
            .with_where_of(&self.encode(where_of)?)?;
        self.decode(&mixed)
    }

    /// Walks in `steps` equal steps from the what of `from` to the what of `to`, with the where of `from`.
    ///
    /// The first picture is the reconstruction of `from`; the last is `to`'s what at `from`'s places.
    ///
    /// # Errors
    /// Those of [`Swwae::encode`]; batches of another size; no steps.
    pub fn walk(&self, from: &Tensor, to: &Tensor, steps: usize) -> Result<Vec<Tensor>> {
        if steps == 0 {
            bail!("swwae: a walk of 0 steps; at least 1 is needed");
        }
        let (from, to) = (self.encode(from)?, self.encode(to)?);
        let mut mixed = to.with_where_of(&from)?;
        let picture = |step: usize| {
            let share = step as f64 / steps as f64;
            mixed.features = ((&from.features * (1.0 - share))? + (&to.features * share)?)?;
            self.decode(&mixed)
        };
        (0..=steps).map(picture).collect()
    }
}
