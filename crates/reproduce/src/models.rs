//! The folder `models`: trained networks that come with the project, and their README, made from the files' headers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use striate::model_file::{Measured, ModelCard, ModelFile, Precision};

use crate::generated::renew;
use crate::page;

/// What the names of whitenings begin with.
const WHITENING: &str = "whitening-";

/// Copies a run's model file to the folder in half precision.
pub(crate) fn keep(name: &str, file: &Path, root: &Path) -> Result<()> {
    let folder = root.join("models");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}; choose another --root", folder.display()))?;
    let path = folder.join(format!("{name}.safetensors"));
    let model = ModelFile::open(file)?;
    // A whitening is larger than all networks together, and those of one data set share it.
    let data = data(model.card());
    model.save_sharing(
        &path,
        Precision::Half,
        &format!("{WHITENING}{data}.safetensors"),
    )?;
    page::say(format!("wrote {}", path.display()));
    Ok(())
}

/// Writes the folder's README if it is not what the files say, and names it; with `check` it is not written.
pub(crate) fn update(root: &Path, check: bool) -> Result<Vec<String>> {
    let files = files(&root.join("models"))?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut cards = Vec::new();
    for path in files {
        let bytes = std::fs::metadata(&path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(WHITENING) {
            continue;
        }
        cards.push((name.into_owned(), bytes.len(), ModelCard::open(&path)?));
    }
    let text = readme(&cards)?;
    let changed = renew(root, "models/README.md", &text, check)?;
    Ok(changed.into_iter().collect())
}

/// The model files of the folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn readme(cards: &[(String, u64, ModelCard)]) -> Result<String> {
    let usual = [
        allconv::CIFAR10,
        nin::CIFAR10,
        stn::networks::RTS,
        swwae::MNIST,
    ];
    let usual = usual.map(|name| format!("`{name}`")).join(", ");
    let mut text = format!(
        "# Trained networks\n\n\
        This page is made by `cargo xtask report` from the headers of the files.\n\
        The weights are rounded to half precision; the errors were measured before the rounding.\n\
        Given this folder, each crate's `pretrained` reads its own file: {usual}; give the others by their paths.\n\
        The networks of CIFAR-10 need `{WHITENING}cifar10.safetensors` beside them.\n\n\
        | file | network | trained on | measured | size |\n|:--|:--|:--|:--|--:|\n"
    );
    for (name, bytes, card) in cards {
        let measured = card.measured.as_ref().map_or("nothing".to_owned(), number);
        let (data, _) = card
            .data_set
            .split_once(' ')
            .unwrap_or((&card.data_set, ""));
        let megabytes = *bytes as f64 / 1e6;
        writeln!(
            text,
            "| [{name}]({name}) | `{}` | {data} | {measured} | {megabytes:.1} MB |",
            card.network
        )?;
    }
    for (name, _, card) in cards {
        write!(text, "\n## {name}\n\n")?;
        writeln!(text, "- Data: {}.", card.data_set)?;
        if !card.classes.is_empty() {
            writeln!(text, "- Classes: {}.", card.classes.join(", "))?;
        }
        if let Some(measured) = &card.measured {
            writeln!(
                text,
                "- Measured: {} (`{}`, row {}, scale {}, seed {}).",
                number(measured),
                measured.experiment,
                measured.row,
                measured.scale,
                measured.seed
            )?;
            writeln!(
                text,
                "- Trained by striate {}: `{}`.",
                measured.version, measured.command
            )?;
        }
        writeln!(text, "- Configuration: `{}`.", card.config)?;
        writeln!(
            text,
            "- Preprocessing: `{}`.",
            serde_json::to_string(&card.preprocessing)?
        )?;
        writeln!(text, "- License of the weights: {}.", card.license)?;
    }
    Ok(text)
}

/// The name of the data set.
fn data(card: &ModelCard) -> &str {
    let end = card.data_set.find([' ', ',']);
    &card.data_set[..end.unwrap_or(card.data_set.len())]
}

/// Such as `test error 0.48 %`.
fn number(measured: &Measured) -> String {
    format!("{} {} {}", measured.quantity, measured.value, measured.unit)
}
