//! Rows of pictures with names: one picture a cell, as the papers' figures show them.

use super::super::ReportError;
use super::Picture;
use super::drawing::{Anchor, Drawing, LINE, text_width};

/// A grid of pictures.
///
/// ```
/// use lab::report::{ImageGrid, Picture};
/// let picture = Picture::stretched(&[0.0, 1.0, 2.0, 3.0], (1, 2, 2))?;
/// let mut grid = ImageGrid::new("reconstructions").columns(["input", "output"]).enlarge(8);
/// grid.row("pool 2", vec![picture.clone(), picture]);
/// assert!(grid.draw()?.width() > 32);
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageGrid {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Picture>)>,
    factor: u32,
}

/// Space between cells, pixels.
const GAP: u32 = 6;

impl ImageGrid {
    /// A grid without pictures.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            columns: Vec::new(),
            rows: Vec::new(),
            factor: 1,
        }
    }

    /// The same with names above the columns.
    pub fn columns<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        let columns = names.into_iter().map(Into::into).collect();
        Self { columns, ..self }
    }

    /// The same with every picture enlarged by a whole factor.
    pub fn enlarge(self, factor: u32) -> Self {
        Self { factor, ..self }
    }

    /// Adds a row with a name at its left, which may be empty.
    pub fn row(&mut self, name: impl Into<String>, pictures: Vec<Picture>) {
        self.rows.push((name.into(), pictures));
    }

    /// The grid as one picture. Cells are as large as the largest picture.
    ///
    /// # Errors
    /// A grid without pictures.
    pub fn draw(&self) -> Result<Picture, ReportError> {
        let enlarged = |p: &Picture| p.enlarged(self.factor);
        let rows: Vec<(&str, Vec<Picture>)> = self
            .rows
            .iter()
            .map(|(name, row)| (name.as_str(), row.iter().map(enlarged).collect()))
            .collect();
        let pictures = || rows.iter().flat_map(|(_, row)| row);
        let (Some(width), Some(height)) = (
            pictures().map(Picture::width).max(),
            pictures().map(Picture::height).max(),
        ) else {
            return Err(ReportError::Figure {
                title: self.title.clone(),
                argument: "the grid".to_owned(),
                found: "without pictures".to_owned(),
                wanted: "at least one".to_owned(),
            });
        };
        let widest_name = self
            .columns
            .iter()
            .map(|name| text_width(name) + GAP)
            .max()
            .unwrap_or(0);
        let cell = (width.max(widest_name) + GAP, height + GAP);
        let left = rows
            .iter()
            .map(|(name, _)| text_width(name))
            .max()
            .unwrap_or(0)
            + 2 * GAP;
        let header = if self.columns.is_empty() { 0 } else { LINE };
        let top = LINE + header + 2 * GAP;
        let count = rows.iter().map(|(_, row)| row.len()).max().unwrap_or(0) as u32;
        let total = (left + count * cell.0).max(text_width(&self.title) + 2 * GAP) + GAP;
        let mut drawing = Drawing::new(total, top + rows.len() as u32 * cell.1 + GAP);
        let at = (GAP as i32, (LINE / 2 + GAP / 2) as i32);
        drawing.text(&self.title, at, Anchor::Left)?;
        for (column, name) in self.columns.iter().enumerate() {
            let x = left + column as u32 * cell.0 + (cell.0 - GAP) / 2;
            let at = (x as i32, (LINE + GAP + LINE / 2) as i32);
            drawing.text(name, at, Anchor::Center)?;
        }
        for (row, (name, pictures)) in rows.iter().enumerate() {
            let y = top + row as u32 * cell.1;
            let at = ((left - GAP) as i32, (y + height / 2) as i32);
            drawing.text(name, at, Anchor::Right)?;
            for (column, picture) in pictures.iter().enumerate() {
                let x = left + column as u32 * cell.0 + (cell.0 - GAP - picture.width()) / 2;
                image::imageops::replace(&mut drawing.image, &picture.image, x.into(), y.into());
            }
        }
        Ok(Picture {
            title: self.title.clone(),
            image: drawing.image,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_in_their_cells() {
        let black = Picture::new(&[0.0; 4], (1, 2, 2), (0.0, 1.0)).unwrap();
        let mut grid = ImageGrid::new("").enlarge(5);
        grid.row("", vec![black.clone(), black.clone()]);
        grid.row("", vec![black]);
        let drawn = grid.draw().unwrap();
        let dark = drawn
            .pixels()
            .chunks(3)
            .filter(|pixel| pixel == &[0, 0, 0])
            .count();
        assert_eq!(dark, 3 * 10 * 10);
    }

    #[test]
    fn errors() {
        let text = ImageGrid::new("g").draw().unwrap_err().to_string();
        assert_eq!(
            text,
            "figure \"g\": the grid is without pictures, wanted at least one"
        );
    }
}
