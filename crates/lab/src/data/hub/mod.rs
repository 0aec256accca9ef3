//! Data sets of the Hugging Face hub: which files make them, and where they are kept.
//!
//! Files that lie in the cache folder are used as they are, however they came there.
//! Downloading needs the cargo feature `hub`.

#[cfg(feature = "hub")]
mod download;
#[cfg(feature = "hub")]
mod transfer;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::registry::Hub;
use super::{DataError, DataSet};

const HOST: &str = "https://huggingface.co/datasets";

/// The files of a set that are not in `folder`: address and place.
fn missing(hub: &Hub, folder: &Path, with_extra: bool) -> Vec<(String, PathBuf)> {
    let extra = hub.extra.iter().filter(|_| with_extra);
    let files = hub.files.iter().chain(extra);
    let all = files.map(|file| {
        let url = format!("{HOST}/{}/resolve/main/{file}", hub.repository);
        (url, folder.join(file.rsplit('/').next().unwrap_or(file)))
    });
    all.filter(|(_, place)| !place.is_file()).collect()
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
    let folder = DataSet::find(name).map(DataSet::folder);
    Ok(cache_dir()?.join(folder.unwrap_or(name)))
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
    let set = DataSet::find(name);
    let hub = set.and_then(|set| set.hub);
    let hub = hub.ok_or_else(|| DataError::UnknownName {
        name: name.to_owned(),
        known: format!(
            "known on the hub are {}; {}",
            DataSet::names_of(|set| set.hub.is_some()),
            DataSet::how_to_get(set)
        ),
    })?;
    let missing = missing(&hub, folder, with_extra);
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
            download::get(url, place, &download::Patience::USUAL)
                .map_err(|reason| failed(url, reason))?;
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
        let hub = DataSet::find("svhn").and_then(|set| set.hub).unwrap();
        assert_eq!(missing(&hub, dir.path(), false).len(), 2);
        let missing = missing(&hub, dir.path(), true);
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
