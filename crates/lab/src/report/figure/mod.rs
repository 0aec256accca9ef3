//! Figures: curves and grids of images, drawn without any font of the system.

mod animation;
mod drawing;
mod grid;
mod picture;
mod plot;

pub use animation::Animation;
pub use grid::ImageGrid;
pub use picture::Picture;
pub use plot::{Plot, Series, Style};
