//! Pictures of what a transformer looks at: the input, the grid over it, the output.

use anyhow::Result;
use candle_core::{Device, Tensor};
use lab::report::Picture;
use stn::GridGenerator;

/// Lines of the drawn grid along each axis, and points on a line.
const LINES: usize = 7;
const POINTS: usize = 29;
/// Pictures are enlarged by this factor before lines are drawn.
pub(super) const FACTOR: u32 = 3;
/// Color of the grid.
const GREEN: [u8; 3] = [40, 220, 60];

/// A gray image as a picture of [`FACTOR`] times its size.
pub(super) fn gray(image: &Tensor) -> Result<Picture> {
    let (h, w) = image.dims2()?;
    let values: Vec<f32> = image.flatten_all()?.to_vec1()?;
    Ok(Picture::new(&values, (1, h, w), (0.0, 1.0))?.enlarged(FACTOR))
}

/// The picture of an image (H, W) with the grid that `theta` (1, P) reads it with.
pub(super) fn with_grid(
    image: &Tensor,
    generator: &dyn GridGenerator,
    theta: &Tensor,
) -> Result<Picture> {
    let (h, w) = image.dims2()?;
    let points = Tensor::from_vec(lines(), (2 * LINES * POINTS, 2), &Device::Cpu)?;
    let points = points.to_device(theta.device())?;
    let places = generator.transform_points(theta, &points)?;
    let places: Vec<Vec<f32>> = places.squeeze(0)?.to_vec2()?;
    let corners = generator.align_corners();
    let pixel =
        |at: f32, side: usize| (corners.to_pixel(f64::from(at), side) as f32 + 0.5) * FACTOR as f32;
    let places: Vec<(f32, f32)> = places
        .iter()
        .filter_map(|place| match place[..] {
            [x, y] => Some((pixel(x, w), pixel(y, h))),
            _ => None,
        })
        .collect();
    let mut picture = gray(image)?;
    for line in places.chunks(POINTS) {
        picture = picture.with_line(line, GREEN);
    }
    Ok(picture)
}

/// The picture of an image (H, W) with a window (left, top, right, bottom), edges in pixels.
pub(super) fn with_box(image: &Tensor, &[left, top, right, bottom]: &[f64; 4]) -> Result<Picture> {
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    let pixel = |(x, y): (f64, f64)| (x as f32 * FACTOR as f32, y as f32 * FACTOR as f32);
    let mut line: Vec<(f32, f32)> = corners.map(pixel).to_vec();
    line.extend(line.first().copied());
    Ok(gray(image)?.with_line(&line, GREEN))
}

/// (x, y) of the points of all lines: first those along x, then those along y.
fn lines() -> Vec<f32> {
    let along = |at: usize, count: usize| 2.0 * at as f32 / (count - 1) as f32 - 1.0;
    let mut points = Vec::with_capacity(4 * LINES * POINTS);
    for line in 0..2 * LINES {
        for point in 0..POINTS {
            let (own, across) = (along(point, POINTS), along(line % LINES, LINES));
            match line < LINES {
                true => points.extend([own, across]),
                false => points.extend([across, own]),
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;
    use stn::{AffineGrid, AlignCorners};

    #[test]
    fn the_identity_grid_frames_the_image() -> Result<()> {
        let image = Tensor::zeros((9, 9), DType::F32, &Device::Cpu)?;
        let generator = AffineGrid::new((9, 9), AlignCorners::Yes)?;
        let identity: Vec<f32> = generator.identity().iter().map(|&v| v as f32).collect();
        let theta = Tensor::from_vec(identity, (1, 6), &Device::Cpu)?;
        let picture = with_grid(&image, &generator, &theta)?;
        assert_eq!((picture.width(), picture.height()), (27, 27));
        let green: Vec<usize> = picture
            .pixels()
            .chunks(3)
            .enumerate()
            .filter(|(_, pixel)| *pixel == GREEN)
            .map(|(at, _)| at)
            .collect();
        // The corner of the grid is the middle of the corner pixel.
        assert_eq!(green.first(), Some(&(27 + 1)));
        assert_eq!(green.last(), Some(&(25 * 27 + 25)));
        Ok(())
    }
}
