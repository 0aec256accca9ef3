//! Writing a model file.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::packed::packed;
use super::{ModelCard, ModelFile, Normalization, PREPROCESSING, Whitening};
use crate::Parameters;
use crate::init::{finite, write_whole};

/// The number type of the weights in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32, the bits that were trained.
    Full,
    /// f16: half the size; values are rounded to 11 significant bits.
    Half,
}

impl Precision {
    fn dtype(self) -> DType {
        match self {
            Self::Full => DType::F32,
            Self::Half => DType::F16,
        }
    }
}

impl ModelFile {
    /// What a file of these parameters holds, with the whitening if the preprocessing has one.
    pub fn new(card: ModelCard, parameters: &Parameters, whitening: Option<Whitening>) -> Self {
        let named = parameters.named().into_iter();
        Self {
            source: "model".to_owned(),
            card,
            weights: named
                .map(|(name, var)| (name, var.as_detached_tensor()))
                .collect(),
            whitening,
        }
    }

    /// Writes the file; it appears under its name only when it is complete.
    ///
    /// Of a whitening the upper triangle is kept, in the precision of the weights.
    ///
    /// # Errors
    /// A preprocessing that whitens without a whitening, weights that are not finite in the precision,
    /// or a folder that does not exist or cannot be written to.
    pub fn save(&self, path: impl AsRef<Path>, precision: Precision) -> Result<()> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let dtype = precision.dtype();
        let mut tensors = BTreeMap::new();
        for (name, tensor) in &self.weights {
            let kept = finite(&tensor.to_device(&Device::Cpu)?, dtype, name, &shown)?;
            tensors.insert(name.clone(), kept);
        }
        match (&self.card.preprocessing.normalization, &self.whitening) {
            (Normalization::GcnZca { .. }, Some(Whitening { mean, matrix })) => {
                let mean = Tensor::from_slice(mean, mean.len(), &Device::Cpu)?;
                tensors.insert(format!("{PREPROCESSING}mean"), mean);
                let name = format!("{PREPROCESSING}whitening");
                let upper = finite(&packed(matrix)?, dtype, &name, &shown)?;
                tensors.insert(name, upper);
            }
            (Normalization::GcnZca { .. }, None) => {
                bail!("{shown}: the preprocessing whitens; give its whitening")
            }
            (Normalization::Affine { .. }, _) => {}
        }
        write_whole(path, tensors, Some(self.card.to_metadata()?))
    }
}
