//! Arguments of `reproduce data` and `cargo xtask data`.

use std::path::PathBuf;

use super::Source;
use super::data_sets::{KnownSet, NoSuchSet};

/// Download a data set, check the files of one, or list them all.
#[derive(Debug, clap::Subcommand)]
pub enum Data {
    /// Download what is missing of a data set into the cache folder, and check it
    Fetch {
        /// mnist, fashion-mnist, svhn, svhn-numbers, cifar10 or cifar100
        name: String,
    },
    /// Read a data set, check it, and say what is in it; photographs are listed, and some of them read
    Verify {
        /// A data set of `data list`, or any name for a folder of another set
        name: String,
        /// embedded, hub, or the folder
        #[arg(
            long,
            default_value = "hub",
            value_name = "embedded|DIR|hub",
            value_parser = Source::parser(),
            value_hint = clap::ValueHint::DirPath
        )]
        data: Source,
    },
    /// List the data sets: size, license, and which are on this machine
    List {
        /// A folder to look into, beside the cache folder
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        data: Option<PathBuf>,
    },
}

impl Data {
    /// Refuses the name of a set that cannot be had by it.
    ///
    /// # Errors
    /// A name that no set has, but for a folder of another set; a set that is not fetched by name.
    pub fn check(&self) -> Result<(), NoSuchSet> {
        let (name, source) = match self {
            Self::Fetch { name } => (name, &Source::Hub),
            Self::Verify { name, data } => (name, data),
            Self::List { .. } => return Ok(()),
        };
        match (source, KnownSet::find(name)) {
            (Source::Dir(_) | Source::Subset(_), _) => Ok(()),
            (_, None) => Err(NoSuchSet::Unknown(name.clone())),
            (Source::Hub, Some(set)) => match set.by_hand {
                Some(how) => Err(NoSuchSet::ByHand(set.name, how)),
                None => Ok(()),
            },
            (Source::Embedded, Some(_)) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, data: Option<Source>) -> Result<(), String> {
        let name = name.to_owned();
        let command = match data {
            Some(data) => Data::Verify { name, data },
            None => Data::Fetch { name },
        };
        command.check().map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_known_in_every_spelling() {
        for name in ["mnist", "CIFAR-10", "Fashion_MNIST", "svhn-numbers"] {
            assert_eq!(check(name, None), Ok(()), "{name}");
            assert_eq!(check(name, Some(Source::Hub)), Ok(()), "{name}");
        }
        let folder = Source::Dir("pets".into());
        assert_eq!(check("pets", Some(folder.clone())), Ok(()));
        assert_eq!(check("imagenet", Some(folder)), Ok(()));
        assert_eq!(check("mnist", Some(Source::Embedded)), Ok(()));
    }

    #[test]
    fn a_typo_is_told_with_what_there_is() {
        for source in [None, Some(Source::Hub), Some(Source::Embedded)] {
            let error = check("cifar01", source).expect_err("a typo");
            assert!(error.contains("\"cifar01\"; wanted mnist, "), "{error}");
        }
        let error = check("imagenet", None).expect_err("not fetched");
        assert!(
            error
                .starts_with("imagenet is not fetched by name: register at https://image-net.org/"),
            "{error}"
        );
        assert!(check("cub200", None).is_err_and(|error| error.contains("CUB_200_2011.tgz")));
    }
}
