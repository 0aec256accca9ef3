//! `cargo xtask bench memory`: the peak memory of each of the papers' networks, a process each.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use super::printed::output;

/// A table of networks: memory of a process that predicts one image, and of one that trains.
///
/// Images, labels and parameters are in it, data sets are not.
pub(super) fn table(binary: &Path, threads: usize) -> Result<String> {
    let mut text = String::from(
        "| network | images | one prediction, MiB | training, images in a batch | MiB |\n\
         |:--|:--|--:|--:|--:|\n",
    );
    let list = output(binary, threads, &["--networks"])?;
    for line in list.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, batch, image] = fields[..] else {
            bail!("`bench --networks` prints {line:?}; name, batch and size are expected");
        };
        let side = image.rsplit('x').next().unwrap_or(image);
        eprintln!("{name}, {image}");
        let peak = |more: &[&str]| {
            let arguments = [&["--peak", name, "--size", side], more].concat();
            output(binary, threads, &arguments)
        };
        let (one, many) = (peak(&[])?, peak(&["--train"])?);
        let _ = writeln!(
            text,
            "| {name} | {image} | {} | {batch} | {} |",
            one.trim(),
            many.trim()
        );
    }
    Ok(text)
}
