//! Data sets of the Hugging Face hub: which files make them, and where they are kept.
//!
//! Files that lie in the cache folder are used as they are, however they came there.
//! Downloading needs the cargo feature `hub`.

#[cfg(feature = "hub")]
mod download;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::DataError;
use super::names::known;

const HOST: &str = "https://huggingface.co/datasets";

/// The parquet files of a set, and how many images they hold.
#[derive(Debug)]
struct HubSet {
    name: &'static str,
    repository: &'static str,
    /// Paths in the repository.
    files: [&'static str; 2],
    /// Those of images that are used without labels.
    extra: &'static [&'static str],
    /// Images to train on and to test on.
    images: (usize, usize),
}

const SETS: [HubSet; 6] = [
    HubSet {
        name: "mnist",
        repository: "ylecun/mnist",
        files: [
            "mnist/train-00000-of-00001.parquet",
            "mnist/test-00000-of-00001.parquet",
        ],
        extra: &[],
        images: (60_000, 10_000),
    },
    HubSet {
        name: "fashion-mnist",
        repository: "zalando-datasets/fashion_mnist",
        files: [
            "fashion_mnist/train-00000-of-00001.parquet",
            "fashion_mnist/test-00000-of-00001.parquet",
        ],
        extra: &[],
        images: (60_000, 10_000),
    },
    HubSet {
        name: "cifar10",
        repository: "uoft-cs/cifar10",
        files: [
            "plain_text/train-00000-of-00001.parquet",
            "plain_text/test-00000-of-00001.parquet",
        ],
        extra: &[],
        images: (50_000, 10_000),
    },
    HubSet {
        name: "svhn",
        repository: "ufldl-stanford/svhn",
        files: [
            "cropped_digits/train-00000-of-00001.parquet",
            "cropped_digits/test-00000-of-00001.parquet",
        ],
        extra: &[
            "cropped_digits/extra-00000-of-00002.parquet",
            "cropped_digits/extra-00001-of-00002.parquet",
        ],
        images: (73_257, 26_032),
    },
    HubSet {
        name: super::house_numbers::NAME,
        repository: "ufldl-stanford/svhn",
        files: [
            "full_numbers/train-00000-of-00001.parquet",
            "full_numbers/test-00000-of-00001.parquet",
        ],
        extra: &[
            "full_numbers/extra-00000-of-00004.parquet",
            "full_numbers/extra-00001-of-00004.parquet",
            "full_numbers/extra-00002-of-00004.parquet",
            "full_numbers/extra-00003-of-00004.parquet",
        ],
        images: (33_402, 13_068),
    },
    HubSet {
        name: "cifar100",
        repository: "uoft-cs/cifar100",
        files: [
            "cifar100/train-00000-of-00001.parquet",
            "cifar100/test-00000-of-00001.parquet",
        ],
        extra: &[],
        images: (50_000, 10_000),
    },
];

/// The names of the sets, for messages.
pub(super) fn names() -> String {
    SETS.each_ref().map(|set| set.name).join(", ")
}

impl HubSet {
    fn find(name: &str) -> Result<&'static Self, DataError> {
        SETS.iter()
            .find(|set| set.name == name)
            .ok_or_else(|| DataError::UnknownName {
                name: name.to_owned(),
                known: format!("known on the hub are {}", names()),
            })
    }

    fn url(&self, file: &str) -> String {
        format!("{HOST}/{}/resolve/main/{file}", self.repository)
    }

    /// The files that are not in `folder`: address and place.
    fn missing(&self, folder: &Path, with_extra: bool) -> Vec<(String, PathBuf)> {
        let place = |file: &str| folder.join(file.rsplit('/').next().unwrap_or(file));
        let extra = self.extra.iter().filter(|_| with_extra);
        let files = self.files.iter().chain(extra);
        let all = files.map(|file| (self.url(file), place(file)));
        all.filter(|(_, place)| !place.is_file()).collect()
    }
}

/// The folder that keeps downloads and fitted preprocessing: `STRIATE_CACHE`, or `striate` in the
/// user's cache folder.
///
/// # Errors
/// When neither `STRIATE_CACHE` nor a home folder is set.
pub fn cache_dir() -> Result<PathBuf, DataError> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("STRIATE_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("striate")))
        .or_else(|| Some(set("HOME")?.join(".cache/striate")))
        .or_else(|| Some(set("LOCALAPPDATA")?.join("striate")));
    cache.ok_or_else(|| DataError::Argument {
        op: "cache_dir",
        argument: "STRIATE_CACHE",
        found: "not set, and there is no home folder".to_owned(),
        expected: "the folder that keeps data".to_owned(),
    })
}

/// The folder that keeps the hub's files of the set `name`, whether they are there or not.
///
/// # Errors
/// Those of [`cache_dir`].
pub fn hub_folder(name: &str) -> Result<PathBuf, DataError> {
    Ok(cache_dir()?.join(known(name).map_or(name, |set| set.name)))
}

/// The folder that holds the files of `name`, after downloading what is missing, the images without labels too if wanted.
pub(super) fn fetch(name: &str, with_extra: bool) -> Result<PathBuf, DataError> {
    let offline = ["STRIATE_OFFLINE", "HF_HUB_OFFLINE"]
        .into_iter()
        .find(|name| is_on(env::var_os(name)));
    fetch_into(name, &hub_folder(name)?, with_extra, offline)
}

/// Whether a variable is set to something other than no.
fn is_on(value: Option<OsString>) -> bool {
    value.is_some_and(|value| {
        !["", "0", "false", "no", "off"]
            .iter()
            .any(|no| value == *no)
    })
}

fn fetch_into(
    name: &str,
    folder: &Path,
    with_extra: bool,
    offline: Option<&str>,
) -> Result<PathBuf, DataError> {
    let missing = HubSet::find(name)?.missing(folder, with_extra);
    if missing.is_empty() {
        return Ok(folder.to_owned());
    }
    let failed = |what: &str, reason: String| DataError::Download {
        what: what.to_owned(),
        reason,
        cure: by_hand(&missing, folder),
    };
    if let Some(variable) = offline {
        return Err(failed(
            name,
            format!("not in the cache, and {variable} forbids downloads"),
        ));
    }
    #[cfg(not(feature = "hub"))]
    return Err(failed(
        name,
        "this program was built without the feature `hub`".to_owned(),
    ));
    #[cfg(feature = "hub")]
    {
        for (url, place) in &missing {
            download::get(url, place).map_err(|reason| failed(url, reason))?;
        }
        Ok(folder.to_owned())
    }
}

/// How to do without the download.
fn by_hand(missing: &[(String, PathBuf)], folder: &Path) -> String {
    let urls: Vec<&str> = missing.iter().map(|(url, _)| url.as_str()).collect();
    format!(
        "fetch {} by hand into {}",
        urls.join(" and "),
        folder.display()
    )
}

/// A set from the hub has a known number of images: `found` to train on and to test on.
pub(super) fn check_counts(
    name: &str,
    found: (usize, usize),
    folder: &Path,
) -> Result<(), DataError> {
    let expected = HubSet::find(name)?.images;
    if found == expected {
        return Ok(());
    }
    Err(DataError::content(
        folder.display(),
        format!("{} training and {} test images", expected.0, expected.1),
        format!("{} and {}", found.0, found.1),
        "remove the folder and fetch it again",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_cache_are_used() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "train-00000-of-00001.parquet",
            "test-00000-of-00001.parquet",
        ] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        assert_eq!(
            fetch_into("mnist", dir.path(), false, Some("STRIATE_OFFLINE")).unwrap(),
            dir.path()
        );
    }

    #[test]
    fn extra_images_are_fetched_when_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let set = HubSet::find("svhn").unwrap();
        assert_eq!(set.missing(dir.path(), false).len(), 2);
        let missing = set.missing(dir.path(), true);
        assert!(
            missing[3].0.ends_with("extra-00001-of-00002.parquet"),
            "{missing:?}"
        );
    }

    #[test]
    fn switches() {
        for (value, on) in [
            ("1", true),
            ("yes", true),
            ("0", false),
            ("", false),
            ("false", false),
        ] {
            assert_eq!(is_on(Some(value.into())), on, "{value:?}");
        }
        assert!(!is_on(None));
    }

    #[test]
    fn errors() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("test-00000-of-00001.parquet"), "x").unwrap();
        let error = fetch_into("cifar10", dir.path(), false, Some("HF_HUB_OFFLINE")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cifar10: not in the cache, and HF_HUB_OFFLINE forbids downloads; fetch \
                 https://huggingface.co/datasets/uoft-cs/cifar10/resolve/main/plain_text/\
                 train-00000-of-00001.parquet by hand into {}",
                dir.path().display()
            )
        );
        let error = fetch_into("stl10", dir.path(), false, None)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("unknown data set \"stl10\": known on the hub are mnist"),
            "{error}"
        );
    }

    #[cfg(not(feature = "hub"))]
    #[test]
    fn without_the_feature() {
        let dir = tempfile::tempdir().unwrap();
        let error = fetch_into("mnist", dir.path(), false, None)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(
                "mnist: this program was built without the feature `hub`; fetch https://"
            ),
            "{error}"
        );
    }
}
