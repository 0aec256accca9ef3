//! Arguments of `reproduce report` and `cargo xtask report`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueHint;

use super::Scale;

/// Make the tables in README.md and docs, and the page of the runs, from records.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Root of the repository; `cargo xtask` gives it, `reproduce` takes the current folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Folder of the runs
    #[arg(long, default_value = "runs", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Copy the records and figures of these experiments from the runs to docs first, such as allconv/table3
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub take: Vec<String>,
    /// The scale of the records to copy
    #[arg(long, value_enum, default_value_t, requires = "take")]
    pub scale: Scale,
    /// Copy a run's model file to models/NAME.safetensors first, in half precision; may be given more than once
    #[arg(long = "model", value_name = "NAME=FILE", value_parser = model)]
    pub models: Vec<(String, PathBuf)>,
    /// Make the page in the folder of the runs from the records and figures under docs instead, and nothing else
    #[arg(long, conflicts_with_all = ["take", "models", "check", "serve"])]
    pub kept: bool,
    /// Show the page at an address, following runs in progress, until Ctrl-C
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8321",
        conflicts_with_all = ["take", "models", "check"]
    )]
    pub serve: Option<SocketAddr>,
    /// Change nothing; fail if a document does not show what the records say
    #[arg(long, conflicts_with_all = ["take", "models"])]
    pub check: bool,
}

/// `NAME=FILE`, where the name makes a file's name.
fn model(text: &str) -> Result<(String, PathBuf), String> {
    let wanted =
        "NAME=FILE, such as allconv-cifar10=runs/trained/0123456789abcdef/model.safetensors";
    let Some((name, file)) = text.split_once('=') else {
        return Err(format!("wanted {wanted}"));
    };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match name.is_empty() || file.is_empty() || !name.chars().all(fits) {
        true => Err(format!(
            "wanted {wanted}; a name has small letters, digits and hyphens"
        )),
        false => Ok((name.to_owned(), PathBuf::from(file))),
    }
}
