//! Class maps over the image.

use candle_core::{DType, Result, Tensor, bail};
use striate::ops::cpu::{checked_len, dense, room};

use crate::overlay;

const NAME: &str = "class_maps_over";

/// Class maps over the image that they belong to, (N, K, 3, H, W) from 0 to 1: the redder, the more a place speaks for the class.
///
/// ```text
/// a   = max(map, 0) / max over all maps of the image      each cell of a map as a block of pixels
/// out = (1 - a) gray + a red                              gray the mean of the image's channels
/// ```
///
/// Only the strongest cells of each map are shown, `share` of them from 0 to 1; "Network In Network" (Lin, Chen and Yan
/// 2013, Fig. 4) shows the strongest tenth.
/// All maps of an image share their scale, so the map of an unlikely class stays pale; a cell that is NaN is not shown.
/// `images` has values from 0 to 1, (N, C, H, W), in any number of channels; `maps` is (N, K, h, w).
///
/// # Errors
/// Another rank, images of another number than the maps, images of whole numbers, images without a pixel or a channel,
/// maps without a cell or with an infinite one, a share outside 0 to 1, and more values than memory holds.
///
/// ```
/// use attribution::candle_core::{Device, Result, Tensor};
/// use attribution::class_maps_over;
/// fn main() -> Result<()> {
///     let image = Tensor::new(&[[[[0.5f32, 0.5]]]], &Device::Cpu)?;
///     // Two classes: one is seen on the right, the other nowhere.
///     let maps = Tensor::new(&[[[[1f32, 4.0]], [[-2.0, -1.0]]]], &Device::Cpu)?;
///     let pixels = class_maps_over(&image, &maps, 0.5)?.flatten_all()?.to_vec1::<f32>()?;
///     assert_eq!(pixels, [0.5, 1.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
///     Ok(())
/// }
/// ```
pub fn class_maps_over(images: &Tensor, maps: &Tensor, share: f64) -> Result<Tensor> {
    let (n, channels, height, width) = images.dims4()?;
    let (of, classes, h, w) = maps.dims4()?;
    if n != of {
        bail!("{NAME}: {n} images and the maps of {of}; give the maps of these images");
    }
    if images.dtype().is_int() {
        bail!(
            "{NAME}: images of {:?}; give values from 0 to 1, such as the pixels divided by 255",
            images.dtype()
        );
    }
    if [channels, height, width, classes, h, w].contains(&0) {
        bail!(
            "{NAME}: images of {height}x{width} with {channels} channels and {classes} maps of {h}x{w} have nothing to show; give 1 or more of each"
        );
    }
    if !(0.0..=1.0).contains(&share) {
        bail!("{NAME}: the share {share} is not between 0 and 1");
    }
    let len = checked_len(NAME, &[n, classes, 3, height, width])?;
    room(NAME, len, DType::F32)?;
    if n == 0 {
        return Tensor::zeros((0, classes, 3, height, width), DType::F32, images.device());
    }
    let (images, cells) = (dense(NAME, images)?, dense(NAME, &maps.detach())?);
    let cells: Vec<Vec<Vec<f32>>> = cells.to_dtype(DType::F32)?.flatten_from(2)?.to_vec3()?;
    let infinite = |maps: &Vec<Vec<f32>>| maps.iter().flatten().any(|&cell| cell == f32::INFINITY);
    if let Some(image) = cells.iter().position(infinite) {
        bail!(
            "{NAME}: a map of image {image} has an infinite cell, beside which no other would show; look for it in the network's weights"
        );
    }
    let shown = (h as f64 * w as f64 * share).ceil() as usize;
    let cells = cells.into_iter().flatten();
    let cells: Vec<f32> = cells.flat_map(|map| strongest(map, shown)).collect();
    let cells = Tensor::from_vec(cells, (n, classes, h, w), maps.device())?;
    // One wide picture an image, so that its maps share their strongest value.
    let wide = cells
        .upsample_nearest2d(height, width)?
        .permute((0, 2, 1, 3))?
        .reshape((n, 1, height, classes * width))?;
    let gray = images.mean_keepdim(1)?.repeat((1, 1, 1, classes))?;
    overlay(&gray, &wide)?
        .reshape((n, 3, height, classes, width))?
        .permute((0, 3, 1, 2, 4))?
        .contiguous()
}

/// The positive values among the `shown` largest of a map, and 0 in the place of all others.
fn strongest(map: Vec<f32>, shown: usize) -> Vec<f32> {
    let mut sorted: Vec<f32> = map.iter().map(|v| v.max(0.0)).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let least = match shown.checked_sub(1) {
        Some(last) => sorted.get(last).copied().unwrap_or(0.0),
        None => f32::INFINITY,
    };
    let shown = |v: f32| if v > 0.0 && v >= least { v } else { 0.0 };
    map.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn values(shape: (usize, usize, usize, usize), values: &[f32]) -> Tensor {
        Tensor::from_slice(values, shape, &Device::Cpu).expect("as many values as the shape has")
    }

    /// How red each pixel is, beside its green.
    fn redness(over: &Tensor, image: usize, class: usize) -> Vec<f32> {
        let read = || -> Result<Vec<f32>> {
            let picture = over.get(image)?.get(class)?;
            (picture.get(0)? - picture.get(1)?)?
                .flatten_all()?
                .to_vec1()
        };
        read().expect("a picture")
    }

    #[test]
    fn a_cell_is_a_block_of_pixels() -> Result<()> {
        let images = Tensor::zeros((2, 3, 2, 4), DType::F32, &Device::Cpu)?;
        // The second image has a scale of its own.
        let maps = [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 8.0, 4.0];
        let over = class_maps_over(&images, &values((2, 2, 1, 2), &maps), 1.0)?;
        assert_eq!(over.dims(), [2, 2, 3, 2, 4]);
        let row = [0.5, 0.5, 1.0, 1.0];
        assert_eq!(redness(&over, 0, 0), [row, row].concat());
        assert_eq!(redness(&over, 0, 1), [0.0; 8]);
        let row = [1.0, 1.0, 0.5, 0.5];
        assert_eq!(redness(&over, 1, 1), [row, row].concat());
        Ok(())
    }

    #[test]
    fn only_the_strongest_cells_are_shown() -> Result<()> {
        let images = Tensor::ones((1, 1, 1, 4), DType::F32, &Device::Cpu)?;
        let maps = values((1, 1, 1, 4), &[3.0, 4.0, f32::NAN, -9.0]);
        for (share, shown) in [
            (0.0, [0.0; 4]),
            (0.1, [0.0, 1.0, 0.0, 0.0]),
            (0.5, [0.75, 1.0, 0.0, 0.0]),
            (1.0, [0.75, 1.0, 0.0, 0.0]),
        ] {
            let over = class_maps_over(&images, &maps, share)?;
            assert_eq!(redness(&over, 0, 0), shown, "{share}");
        }
        Ok(())
    }

    #[test]
    fn sizes_that_do_not_divide_and_none() -> Result<()> {
        let images = Tensor::zeros((1, 1, 3, 5), DType::F32, &Device::Cpu)?;
        let over = class_maps_over(&images, &values((1, 1, 1, 2), &[0.0, 1.0]), 1.0)?;
        let row = [0.0, 0.0, 0.0, 1.0, 1.0];
        assert_eq!(redness(&over, 0, 0), [row, row, row].concat());
        let none = Tensor::zeros((0, 1, 3, 5), DType::F32, &Device::Cpu)?;
        let maps = Tensor::zeros((0, 2, 1, 1), DType::F32, &Device::Cpu)?;
        assert_eq!(class_maps_over(&none, &maps, 1.0)?.dims(), [0, 2, 3, 3, 5]);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let images = Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu)?;
        let zeros = |shape| Tensor::zeros(shape, DType::F32, &Device::Cpu);
        for (maps, share, said) in [
            (zeros((2, 1, 1, 1))?, 1.0, "1 images and the maps of 2"),
            (zeros((1, 1, 0, 1))?, 1.0, "nothing to show"),
            (
                Tensor::full(f32::INFINITY, (1, 1, 1, 1), &Device::Cpu)?,
                1.0,
                "a map of image 0 has an infinite cell",
            ),
            (
                zeros((1, 1, 1, 1))?.broadcast_as((1, 1, 1 << 24, 1 << 25))?,
                1.0,
                "no memory",
            ),
            (
                zeros((1, 1, 1, 1))?.broadcast_as((1, 1 << 45, 1, 1))?,
                1.0,
                "no memory",
            ),
            (zeros((1, 1, 1, 1))?, 1.5, "the share 1.5"),
            (zeros((1, 1, 1, 1))?, f64::NAN, "the share NaN"),
        ] {
            let error = class_maps_over(&images, &maps, share).expect_err(said);
            assert!(error.to_string().contains(said), "{error}");
        }
        let map = zeros((1, 1, 1, 1))?;
        // Sums of bytes overflow.
        let bytes = Tensor::full(255u8, (1, 3, 2, 2), &Device::Cpu)?;
        let error = class_maps_over(&bytes, &map, 1.0).expect_err("bytes");
        let said = "class_maps_over: images of U8";
        assert!(error.to_string().contains(said), "{error}");
        let none = zeros((1, 0, 2, 2))?;
        let error = class_maps_over(&none, &map, 1.0).expect_err("no channel");
        assert!(error.to_string().contains("with 0 channels"), "{error}");
        Ok(())
    }
}
