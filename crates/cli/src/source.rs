//! Where the images of a data set come from.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// Where the images of a data set come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Images that are part of the program.
    Embedded,
    /// A download, kept in the cache folder.
    Hub,
    /// A folder; it need not be named in UTF-8.
    Dir(PathBuf),
    /// A folder with a part of a set that has an official number of images.
    Subset(PathBuf),
}

impl Source {
    pub(crate) fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().map(Self::from)
    }
}

impl From<OsString> for Source {
    fn from(text: OsString) -> Self {
        match text.to_str() {
            Some("embedded") => Self::Embedded,
            Some("hub") => Self::Hub,
            Some(words) if words.starts_with("subset:") => Self::Subset(words[7..].into()),
            _ => Self::Dir(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_is_a_folder() {
        let source = |text: &str| Source::from(OsString::from(text));
        assert_eq!(source("embedded"), Source::Embedded);
        assert_eq!(source("hub"), Source::Hub);
        assert_eq!(source("./hub"), Source::Dir("./hub".into()));
        assert_eq!(source("subset:a b"), Source::Subset("a b".into()));
    }
}
