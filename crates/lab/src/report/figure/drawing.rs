//! A picture that lines and letters can be drawn on.

use std::sync::Once;

use image::{Rgb, RgbImage};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, register_font};
use plotters_bitmap::BitMapBackendError;

use super::super::ReportError;

/// Roboto, see `font/README.md`: figures need no font of the system.
const FONT: &[u8] = include_bytes!("font/Roboto-Regular.ttf");
/// The name that it is known by.
pub(super) const FAMILY: &str = "Roboto";
/// Height of a line of text, pixels.
pub(super) const LINE: u32 = 28;
/// Size of letters, pixels: legible where a figure is shown at two thirds of its size.
pub(super) const LETTERS: u32 = 22;

pub(super) const TEXT: RGBColor = RGBColor(30, 30, 30);

/// What drawing in memory can fail with.
pub(super) type Failure = DrawingAreaErrorKind<BitMapBackendError>;

/// Where a text is put from its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Center,
    Right,
}

/// A white picture; what is drawn outside it is not seen.
pub(super) struct Drawing {
    pub(super) image: RgbImage,
}

impl Drawing {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let image = RgbImage::from_pixel(width, height, Rgb([255, 255, 255]));
        Self { image }
    }

    /// Draws on the whole picture.
    pub(super) fn draw<T>(
        &mut self,
        draw: impl FnOnce(&DrawingArea<BitMapBackend<'_>, plotters::coord::Shift>) -> Result<T, Failure>,
    ) -> Result<T, ReportError> {
        register();
        let size = self.image.dimensions();
        let area = BitMapBackend::with_buffer(&mut self.image, size).into_drawing_area();
        draw(&area).map_err(|error| ReportError::Picture(error.to_string()))
    }

    /// A line through points, one pixel wide.
    pub(super) fn line(
        &mut self,
        points: Vec<(i32, i32)>,
        color: RGBColor,
    ) -> Result<(), ReportError> {
        self.draw(|area| area.draw(&PathElement::new(points, color)))
    }

    /// A line of text whose vertical middle is at the point.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: (i32, i32),
        anchor: Anchor,
    ) -> Result<(), ReportError> {
        let across = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Center => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        self.draw(|area| {
            let style = font().color(&TEXT).pos(Pos::new(across, VPos::Center));
            area.draw_text(&one_line(text), &style, at)
        })
    }
}

/// The letters of all figures.
pub(super) fn font() -> FontDesc<'static> {
    register();
    (FAMILY, LETTERS).into_font()
}

/// Width of a line of text in pixels.
pub(super) fn text_width(text: &str) -> u32 {
    let font = font().transform(FontTransform::None);
    let size = font.box_size(&one_line(text));
    // The font is part of the program; a text that it cannot lay out has no width.
    size.map_or(0, |(width, _)| width)
}

/// The text, cut to a width in pixels.
pub(super) fn fitted(text: &str, width: u32) -> String {
    let text = one_line(text);
    if text_width(&text) <= width {
        return text;
    }
    let mut cut = String::new();
    for letter in text.chars() {
        if text_width(&format!("{cut}{letter}…")) > width {
            break;
        }
        cut.push(letter);
    }
    cut + "…"
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The bytes are a font, as the tests show; without it drawing text is an error.
        let _ = register_font(FAMILY, FontStyle::Normal, FONT);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_ink_where_it_should() {
        let mut drawing = Drawing::new(200, 40);
        drawing.text("lll", (200, 20), Anchor::Right).unwrap();
        let dark = |x: u32| (0..40).any(|y| drawing.image.get_pixel(x, y).0[0] < 128);
        let inked: Vec<u32> = (0..200).filter(|&x| dark(x)).collect();
        let (first, last) = (inked[0], inked[inked.len() - 1]);
        assert!(
            last >= 190 && 200 - first <= text_width("lll") + 4,
            "{first} to {last}"
        );
    }

    #[test]
    fn text_is_cut_to_its_width() {
        assert_eq!(fitted("short", 200), "short");
        let cut = fitted("A name that is much too long", 100);
        assert!(cut.ends_with('…') && text_width(&cut) <= 100, "{cut}");
        assert_eq!(fitted("a\nb", 200), "a b");
        assert!(text_width("θ ± 1 × 2 ²") > text_width("θ"));
    }
}
