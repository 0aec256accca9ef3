//! Why a model file gives no network.

use std::io;

use candle_core::Error;

/// Why a model file gives no network.
///
/// It becomes Candle's error by `?`; a program that wants to tell the cases apart matches on it first.
///
/// ```
/// use striate::ModelFile;
/// use striate::model_file::ModelError;
/// let error = ModelFile::open("there/is/none.safetensors").err();
/// assert!(matches!(error, Some(ModelError::Unreadable { .. })));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{file}: {error}; give a model file{}", folder(usual.as_deref()))]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        #[source]
        error: io::Error,
        /// Its name in a folder of model files, which may be given instead, if it has one.
        usual: Option<String>,
    },
    /// It is no safetensors file, or a part of one.
    #[error("{file}: not a safetensors file, or cut short ({reason}); get it again")]
    NoSafetensors {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// It has tensors and does not say which network they belong to.
    #[error(
        "{file}: there are tensors but no word on their network; \
         build the network from its configuration and read them with Parameters::load, \
         or with the crate's torch::load if they are from PyTorch"
    )]
    NoCard {
        /// The file.
        file: String,
    },
    /// It is the whitening that several model files share.
    #[error("{file}: this is a whitening, which model files beside it share; give one of those")]
    Whitening {
        /// The file.
        file: String,
    },
    /// Its card has another format.
    #[error(
        "{file}: the card has format {format}, this version of striate reads {reads}; use a later version"
    )]
    OtherFormat {
        /// The file.
        file: String,
        /// The format of its card.
        format: u32,
        /// The format that is read.
        reads: u32,
    },
    /// It holds a network of another kind.
    #[error(
        "{file}: the file holds a network of {holds}, not of {wanted}; read it with the crate it belongs to"
    )]
    OtherNetwork {
        /// The file.
        file: String,
        /// The name of the configuration in the file.
        holds: String,
        /// The name of the configuration that was asked for.
        wanted: String,
    },
    /// Its card, its tensors and its whitening do not fit each other, or a number is not finite.
    #[error("{reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What does not fit, with the name of the file.
        reason: Error,
    },
}

/// What else may be given in the place of a model file.
fn folder(usual: Option<&str>) -> String {
    usual.map_or(String::new(), |name| format!(", or a folder with {name}"))
}

impl ModelError {
    /// The same, where a folder with the file under its usual name would do too.
    pub(super) fn or_in_folder(self, name: &str) -> Self {
        match self {
            Self::Unreadable { file, error, .. } => Self::Unreadable {
                file,
                error,
                usual: Some(name.to_owned()),
            },
            other => other,
        }
    }

    pub(super) fn damaged(file: &str, reason: Error) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            reason,
        }
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::wrap(error)
    }
}
