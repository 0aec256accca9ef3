//! Reading a model file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Error, Result as CandleResult, Tensor, bail, safetensors};

use super::card::parsed;
use super::kept::Kept;
use super::packed::unpacked;
use super::place::beside;
use super::{
    Canvas, FileConfig, ModelCard, ModelError, Normalization, PREPROCESSING, Pretrained, Whitening,
};
use crate::init::finite;

/// What a model file holds: read by [`ModelFile::open`], written by [`ModelFile::save`]; [`ModelFile::build`] makes its network.
#[derive(Clone, Debug)]
pub struct ModelFile {
    pub(super) source: String,
    pub(super) card: ModelCard,
    pub(super) weights: HashMap<String, Tensor>,
    pub(super) whitening: Option<Whitening>,
}

/// Where a model file is: a path, or bytes that are in memory.
#[derive(Clone, Debug)]
pub enum ModelSource<'a> {
    /// A file, or a folder with files by their usual names, such as `models`.
    Path(Cow<'a, Path>),
    /// A file in memory, such as one that the program holds by `include_bytes!`.
    Bytes(&'a [u8]),
}

impl<'a> From<&'a Path> for ModelSource<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Path(path.into())
    }
}

impl<'a> From<&'a PathBuf> for ModelSource<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for ModelSource<'_> {
    fn from(path: PathBuf) -> Self {
        Self::Path(path.into())
    }
}

impl From<String> for ModelSource<'_> {
    fn from(path: String) -> Self {
        PathBuf::from(path).into()
    }
}

impl<'a> From<&'a str> for ModelSource<'a> {
    fn from(path: &'a str) -> Self {
        Path::new(path).into()
    }
}

impl<'a> From<&'a String> for ModelSource<'a> {
    fn from(path: &'a String) -> Self {
        Path::new(path).into()
    }
}

impl<'a> From<&'a [u8]> for ModelSource<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl ModelFile {
    /// Reads a file; of a folder the one called `usual`.
    ///
    /// # Errors
    /// Those of [`ModelFile::open`].
    pub fn find<'a>(source: impl Into<ModelSource<'a>>, usual: &str) -> Result<Self, ModelError> {
        match source.into() {
            ModelSource::Path(path) if path.is_dir() => Self::open(path.join(usual)),
            ModelSource::Path(path) => Self::open(&path).map_err(|error| error.or_in_folder(usual)),
            ModelSource::Bytes(bytes) => Self::from_bytes(bytes),
        }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, is no safetensors file, or does not say which network it belongs to.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let bytes = bytes_of(path)?;
        Self::read(&bytes, path.display().to_string(), Some(path))
    }

    /// Reads a file that is in memory, such as one that the program holds by `include_bytes!`.
    ///
    /// # Errors
    /// Those of [`ModelFile::open`], and a file whose whitening is in another file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::read(bytes, format!("model of {} bytes", bytes.len()), None)
    }

    fn read(bytes: &[u8], source: String, path: Option<&Path>) -> Result<Self, ModelError> {
        let card = header(bytes, &source)?;
        let mut weights = safetensors::load_buffer(bytes, &Device::Cpu)
            .map_err(|error| no_file(&source, &error))?;
        let whitening = whitening_of(&card, &mut weights, &source, path)
            .map_err(|error| ModelError::damaged(&source, error))?;
        Ok(Self {
            source,
            card,
            weights,
            whitening,
        })
    }

    /// What the file says about itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Builds the network of the file, in f32 on `device`.
    ///
    /// # Errors
    /// A file of another kind of network, a configuration that cannot be built, and weights that do not fit it or are not finite.
    pub fn build<C: FileConfig>(
        &self,
        device: &Device,
    ) -> Result<Pretrained<C::Network>, ModelError> {
        let Self { source, card, .. } = self;
        if card.network != C::NAME {
            return Err(ModelError::OtherNetwork {
                file: source.clone(),
                holds: card.network.clone(),
                wanted: C::NAME.to_owned(),
            });
        }
        self.built::<C>(device)
            .map_err(|error| ModelError::damaged(source, error))
    }

    fn built<C: FileConfig>(&self, device: &Device) -> CandleResult<Pretrained<C::Network>> {
        let Self { source, card, .. } = self;
        let config: C = parsed(&card.config, "config", source)?;
        let image_shape = config.image_shape();
        check_sizes(image_shape, card.preprocessing.canvas)
            .map_err(|error| Error::Msg(format!("{source}: {error}")))?;
        let kept = Kept::new(&self.weights, device, source)?;
        let network = config
            .build(kept.builder())
            .map_err(|error| Error::Msg(format!("{source}: {error}")))?;
        let parameters = kept.all_asked_for()?;
        let pretrained = Pretrained {
            network,
            parameters,
            card: card.clone(),
            image_shape,
            whitening: self.whitening.clone(),
        };
        pretrained
            .check_card(config.classes())
            .map_err(|error| Error::Msg(format!("{source}: {error}")))?;
        Ok(pretrained)
    }
}

impl ModelCard {
    /// The card of the file at `path`; its tensors are not looked at.
    ///
    /// # Errors
    /// A file that cannot be read, is no safetensors file, or does not say which network it belongs to.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        header(&bytes_of(path)?, &path.display().to_string())
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, ModelError> {
    let unreadable = |error| ModelError::Unreadable {
        file: shown(path),
        error,
        usual: None,
    };
    // A device or a pipe may have no end.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(unreadable(std::io::Error::other("not a file")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// The card in the header of a file.
fn header(bytes: &[u8], source: &str) -> Result<ModelCard, ModelError> {
    let (_, metadata) = ::safetensors::SafeTensors::read_metadata(bytes)
        .map_err(|error| no_file(source, &error))?;
    let names = metadata.offset_keys();
    if !names.is_empty() && names.iter().all(|name| name.starts_with(PREPROCESSING)) {
        return Err(ModelError::Whitening {
            file: source.to_owned(),
        });
    }
    let none = HashMap::new();
    ModelCard::from_metadata(metadata.metadata().as_ref().unwrap_or(&none), source)
}

/// A path as errors name it: a relative one with the folder that it starts from.
fn shown(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(folder) if path.is_relative() => format!("{:?} (in {})", path, folder.display()),
        _ => path.display().to_string(),
    }
}

fn no_file(source: &str, error: &dyn std::fmt::Display) -> ModelError {
    ModelError::NoSafetensors {
        file: source.to_owned(),
        reason: error.to_string(),
    }
}

/// The whitening of a file: among its tensors, or in the file beside `path` that the card names.
fn whitening_of(
    card: &ModelCard,
    weights: &mut HashMap<String, Tensor>,
    source: &str,
    path: Option<&Path>,
) -> CandleResult<Option<Whitening>> {
    let Normalization::GcnZca {
        whitening: name, ..
    } = &card.preprocessing.normalization
    else {
        return Ok(None);
    };
    let Some(name) = name else {
        return whitening(weights, source).map(Some);
    };
    let Some(path) = path else {
        bail!(
            "{source}: its whitening is in the file {name:?}; keep both in a folder and give the path"
        );
    };
    let beside = beside(path, name)?;
    let shown = beside.display().to_string();
    let mut tensors = safetensors::load(&beside, &Device::Cpu).map_err(|error| {
        Error::Msg(format!(
            "{shown}: {error}; {source} needs it for its whitening"
        ))
    })?;
    whitening(&mut tensors, &shown).map(Some)
}

/// Pictures are made in these sizes, so a file may not name any.
fn check_sizes((c, h, w): (usize, usize, usize), canvas: Option<Canvas>) -> CandleResult<()> {
    const VALUES: usize = 1 << 26;
    if [c, h, w].contains(&0) {
        bail!(
            "its images have {c} channels and {h}x{w} pixels; each must be 1 or more, the file is damaged"
        );
    }
    let values = c.checked_mul(h).and_then(|values| values.checked_mul(w));
    if values.is_none_or(|values| values > VALUES) {
        bail!("its images have {c} channels and {h}x{w} pixels; at most {VALUES} values are read");
    }
    match canvas {
        Some(Canvas { side, scale }) if scale == 0 || (side, side) != (h, w) => bail!(
            "its canvas has {side} cells a side and enlarges {scale} times, its images have {h}x{w} pixels; the file is damaged"
        ),
        _ => Ok(()),
    }
}

/// Takes the whitening out of the tensors of a file.
fn whitening(tensors: &mut HashMap<String, Tensor>, source: &str) -> CandleResult<Whitening> {
    let mut take = |name: &str, dtype: DType| -> CandleResult<Tensor> {
        let name = format!("{PREPROCESSING}{name}");
        let tensor = tensors.remove(&name).ok_or_else(|| {
            Error::Msg(format!(
                "{source}: there is no tensor {name}, which its preprocessing needs; the file is damaged"
            ))
        })?;
        finite(&tensor, dtype, &name, source)
    };
    let mean: Vec<f64> = take("mean", DType::F64)?.flatten_all()?.to_vec1()?;
    let matrix = unpacked(&take("whitening", DType::F32)?, mean.len())
        .map_err(|error| Error::Msg(format!("{source}: {error}")))?;
    Ok(Whitening { mean, matrix })
}
