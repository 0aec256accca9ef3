//! Figures: curves and grids of images, drawn without any font of the system.

mod animation;
mod canvas;
mod grid;
mod picture;
mod plot;

use std::path::Path;

use super::ReportError;
use crate::atomic;

pub use animation::Animation;
pub use grid::ImageGrid;
pub use picture::Picture;
pub use plot::{Plot, Series, Style};

/// Writes a file in one step and makes its folder.
fn save(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| ReportError::io(folder, "make", e))?;
    }
    atomic::write(path, bytes).map_err(|e| ReportError::io(path, "write", e))
}
