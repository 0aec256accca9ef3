//! A picture that lines and letters can be drawn on.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::ascii::FONT_9X18;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Circle, Line, Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

/// The letters of all figures.
const FONT: &MonoFont = &FONT_9X18;
/// Width of a letter, pixels.
pub(super) const LETTER: u32 = 9;
/// Height of a line of text, pixels.
pub(super) const LINE: u32 = 20;

/// A color as red, green, blue.
pub(super) type Color = [u8; 3];
pub(super) const BLACK: Color = [30, 30, 30];
pub(super) const GRAY: Color = [200, 200, 200];

/// Where a text is put from its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Center,
    Right,
}

/// A white picture; what is drawn outside it is not seen.
pub(super) struct Canvas {
    pub(super) image: RgbImage,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let image = RgbImage::from_pixel(width, height, Rgb([255, 255, 255]));
        Self { image }
    }

    pub(super) fn line(&mut self, from: (i32, i32), to: (i32, i32), width: u32, color: Color) {
        let line = Line::new(from.into(), to.into());
        self.draw(&line.into_styled(PrimitiveStyle::with_stroke(rgb(color), width)));
    }

    pub(super) fn dot(&mut self, center: (i32, i32), diameter: u32, color: Color) {
        let circle = Circle::with_center(center.into(), diameter);
        self.draw(&circle.into_styled(PrimitiveStyle::with_fill(rgb(color))));
    }

    pub(super) fn frame(&mut self, corner: (i32, i32), size: (u32, u32), color: Color) {
        let rectangle = Rectangle::new(corner.into(), size.into());
        self.draw(&rectangle.into_styled(PrimitiveStyle::with_stroke(rgb(color), 1)));
    }

    /// Text whose vertical middle is at the point. Letters outside ASCII become `?`.
    pub(super) fn text(&mut self, text: &str, at: (i32, i32), anchor: Anchor, color: Color) {
        let alignment = match anchor {
            Anchor::Left => Alignment::Left,
            Anchor::Center => Alignment::Center,
            Anchor::Right => Alignment::Right,
        };
        let layout = TextStyleBuilder::new()
            .alignment(alignment)
            .baseline(Baseline::Middle);
        let style = MonoTextStyle::new(FONT, rgb(color));
        self.draw(&Text::with_text_style(
            text,
            at.into(),
            style,
            layout.build(),
        ));
    }

    fn draw<T>(&mut self, item: &impl Drawable<Color = Rgb888, Output = T>) {
        // Drawing on pixels in memory cannot fail: the error type has no value.
        let Ok(_) = item.draw(self);
    }
}

fn rgb([r, g, b]: Color) -> Rgb888 {
    Rgb888::new(r, g, b)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.image.width(), self.image.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = self.image.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
