//! The documents that show records: README.md and what is below docs.

use std::fs;
use std::path::{Path, PathBuf};

use super::{
    Exhibit, ReportError, Results, merge, read_records, record_file, regular_files, replace_blocks,
    write_file,
};

/// Shows in every block `<!-- generated: nin/table4 quick -->` what the records below `docs/results` say.
///
/// The documents are `README.md` and every Markdown file below `docs` in the folder `root`.
/// Those that changed are named, sorted; with `check` they are not written.
///
/// # Errors
/// A block that names no exhibit, records or documents that cannot be read, or a document that cannot be written.
pub fn update_documents(
    root: &Path,
    exhibits: &[Exhibit],
    check: bool,
) -> Result<Vec<String>, ReportError> {
    let mut changed = Vec::new();
    for path in documents(root)? {
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| ReportError::io(&path, "read", error))?;
        let shown = path.strip_prefix(root).unwrap_or(&path);
        let shown = shown.display().to_string();
        let mut failure = None;
        let new = replace_blocks(&shown, &text, |name| {
            block(root, exhibits, name).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let new = new?;
        if new != text {
            if !check {
                write_file(&path, new.as_bytes())?;
            }
            changed.push(shown);
        }
    }
    Ok(changed)
}

/// What a block shows; `None` if it names no exhibit and scale.
fn block(root: &Path, exhibits: &[Exhibit], name: &str) -> Result<Option<String>, ReportError> {
    let Some((id, scale)) = name.split_once(' ') else {
        return Ok(None);
    };
    let exhibit = exhibits.iter().find(|exhibit| exhibit.id == id);
    let (Some(exhibit), Ok(scale)) = (exhibit, scale.parse()) else {
        return Ok(None);
    };
    let file = record_file(&root.join("docs/results"), id, scale);
    let records = merge(read_records(&file)?);
    Ok(Some(Results::new(exhibit, scale, records).to_markdown()))
}

/// README.md and every Markdown file below docs, sorted.
fn documents(root: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let docs = root.join("docs");
    fs::read_dir(&docs).map_err(|error| ReportError::io(&docs, "read", error))?;
    let mut files = regular_files(&docs)?;
    files.retain(|path| path.extension().is_some_and(|e| e == "md"));
    files.push(root.join("README.md"));
    files.sort();
    Ok(files)
}
