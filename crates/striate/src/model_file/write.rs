//! Writing a model file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::packed::packed;
use super::place::beside;
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
    /// No parameters, a preprocessing that whitens without a whitening, weights or a whitening that are not finite in the precision,
    /// or a folder that does not exist or cannot be written to.
    pub fn save(&self, path: impl AsRef<Path>, precision: Precision) -> Result<()> {
        let path = path.as_ref();
        let mut tensors = self.weights_as(path, precision)?;
        let mut card = self.card.clone();
        if let Normalization::GcnZca { whitening, .. } = &mut card.preprocessing.normalization {
            *whitening = None;
            tensors.extend(self.whitening_as(path, precision)?);
        }
        write_whole(path, tensors, Some(card.to_metadata()?))
    }

    /// Writes the file without its whitening, which goes to the file `name` in the same folder;
    /// any number of networks may share it.
    ///
    /// # Errors
    /// Those of [`ModelFile::save`], a name that is not one of a file or is that of the model file,
    /// a file of that name with another whitening or one that cannot be read.
    pub fn save_sharing(
        &self,
        path: impl AsRef<Path>,
        precision: Precision,
        name: &str,
    ) -> Result<()> {
        let path = path.as_ref();
        let beside = beside(path, name)?;
        let mut card = self.card.clone();
        if let Normalization::GcnZca { whitening, .. } = &mut card.preprocessing.normalization {
            if beside == path {
                bail!(
                    "{}: the whitening would have the name of the model file; choose another name for one of them",
                    path.display()
                );
            }
            *whitening = Some(name.to_owned());
            let tensors = self.whitening_as(path, precision)?;
            match std::fs::read(&beside) {
                Ok(bytes) if bytes == ::safetensors::serialize(tensors.clone(), None)? => {}
                Ok(_) => bail!(
                    "{}: there is another whitening; choose another name",
                    beside.display()
                ),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    write_whole(&beside, tensors, None)?;
                }
                Err(error) => bail!(
                    "{}: what is there cannot be read ({error}), and other networks may share it; make it readable or choose another name",
                    beside.display()
                ),
            }
        }
        let tensors = self.weights_as(path, precision)?;
        write_whole(path, tensors, Some(card.to_metadata()?))
    }

    fn weights_as(&self, path: &Path, precision: Precision) -> Result<BTreeMap<String, Tensor>> {
        let shown = path.display().to_string();
        if self.weights.is_empty() {
            bail!("{shown}: there are no parameters to write; build the network from them first");
        }
        let kept = |(name, tensor): (&String, &Tensor)| {
            let tensor = tensor.to_device(&Device::Cpu)?;
            let kept = finite(&tensor, precision.dtype(), name, &shown)?;
            Ok((name.clone(), kept))
        };
        self.weights.iter().map(kept).collect()
    }

    fn whitening_as(&self, path: &Path, precision: Precision) -> Result<Vec<(String, Tensor)>> {
        let shown = path.display().to_string();
        let Some(Whitening { mean, matrix }) = &self.whitening else {
            bail!("{shown}: the preprocessing whitens; give its whitening");
        };
        let kept = |name: &str, tensor: &Tensor, dtype: DType| -> Result<(String, Tensor)> {
            let name = format!("{PREPROCESSING}{name}");
            let tensor = finite(tensor, dtype, &name, &shown)?;
            Ok((name, tensor))
        };
        let mean = Tensor::from_slice(mean, mean.len(), &Device::Cpu)?;
        Ok(vec![
            kept("mean", &mean, DType::F64)?,
            kept("whitening", &packed(matrix)?, precision.dtype())?,
        ])
    }
}
