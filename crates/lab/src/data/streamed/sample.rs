//! What preprocessing learns from pictures on disk: from a sample of them.

use std::ops::ControlFlow;

use super::files::evenly;
use super::{Moment, Pictures, Streamed};
use crate::data::DataError;

/// Sums over the values of a channel: of them and of their squares.
pub(crate) type Sums = (u64, u64);

impl Streamed {
    /// The sums of the red, green and blue values of the sample that the framing states, and the number of pixels.
    ///
    /// # Errors
    /// A picture that cannot be read.
    pub(crate) fn sums(&self) -> Result<([Sums; 3], u64), DataError> {
        let (mut sums, mut pixels) = ([(0u64, 0u64); 3], 0);
        let count = self.framing.fitted_on;
        let sample = match self.pictures.as_ref() {
            Pictures::Files(_) => evenly(self.len(), count),
            Pictures::Shards(shards) => shards.sample(&self.rows, count),
        };
        let workers = rayon::current_num_threads();
        self.each(&sample, Moment::Looking, workers, |image| {
            for pixel in image.chunks_exact(3) {
                for ((sum, squares), &x) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(x);
                    *squares += u64::from(x) * u64::from(x);
                }
                pixels += 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((sums, pixels))
    }
}
