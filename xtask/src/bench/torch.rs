//! Which PyTorch, and in which of its ways.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::peer::{Kind, has_torch};

/// The Python of the option, which must have torch, or `python3` if it has.
pub(super) fn python(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(path) = named {
        if !has_torch(path) {
            bail!(
                "--python {}: it does not start or cannot import torch; install torch, or leave the option out to measure striate alone",
                path.display()
            );
        }
        return Ok(Some(path.to_owned()));
    }
    let path = PathBuf::from("python3");
    if has_torch(&path) {
        return Ok(Some(path));
    }
    eprintln!(
        "note: python3 has no torch, so striate is measured alone; --python PATH names another"
    );
    Ok(None)
}

/// Striate, and PyTorch in each of the ways that are wanted.
pub(super) fn kinds(wanted: Option<&[String]>, python: Option<&PathBuf>) -> Result<Vec<Kind>> {
    let mut kinds = vec![Kind::Striate];
    let all = ["eager", "channels_last", "compile", "compile+channels_last"];
    let wanted: Vec<&str> = match wanted {
        Some(wanted) => wanted.iter().map(String::as_str).collect(),
        None => all.to_vec(),
    };
    if let Some(unknown) = wanted.iter().find(|way| !all.contains(way)) {
        bail!(
            "--torch {unknown}: there is no such way; use {}",
            all.join(", ")
        );
    }
    if let Some(python) = python {
        kinds.extend(wanted.into_iter().map(|way| Kind::Torch {
            python: python.clone(),
            compile: way.starts_with("compile"),
            channels_last: way.ends_with("channels_last"),
        }));
    }
    Ok(kinds)
}
