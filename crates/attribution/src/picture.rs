//! An attribution as a picture.

use candle_core::{DType, Result, Tensor, bail};
use striate::ops::cpu::{checked_len, dense, room};

/// The attribution as values from 0 to 1, each image on its own: 0.5 + a / (2 max|a|).
///
/// So 0.5 is no influence, lighter is positive and darker negative, and the strongest value of an image is 0 or 1.
/// An image of zeros becomes 0.5 throughout; a signal without values, such as that of images without pixels, has none.
/// The paper shows signed pictures normalized image by image and does not give its formula; this one is ours.
///
/// # Errors
/// Another rank than (N, C, H, W), a value that is not finite in f32, a view of more values than memory holds.
///
/// ```
/// use attribution::normalized;
/// use attribution::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let signal = Tensor::new(&[[[[-1f32, 0.0, 2.0]]], [[[0.0, 0.0, 0.0]]]], &Device::Cpu)?;
///     let values = normalized(&signal)?.flatten_all()?.to_vec1::<f32>()?;
///     assert_eq!(values, [0.25, 0.5, 1.0, 0.5, 0.5, 0.5]);
///     Ok(())
/// }
/// ```
pub fn normalized(signal: &Tensor) -> Result<Tensor> {
    normalized_for("normalized", signal)
}

/// [`normalized`], whose errors name the function `name`.
fn normalized_for(name: &'static str, signal: &Tensor) -> Result<Tensor> {
    let (n, _, _, _) = signal.dims4()?;
    if checked_len(name, signal.dims())? == 0 {
        return Tensor::zeros(signal.shape(), DType::F32, signal.device());
    }
    let signal = dense(name, &signal.detach())?.to_dtype(DType::F32)?;
    let rows: Vec<Vec<f32>> = signal.flatten_from(1)?.to_vec2()?;
    let mut scales = Vec::with_capacity(n);
    for (image, row) in rows.iter().enumerate() {
        if let Some(value) = row.iter().find(|value| !value.is_finite()) {
            bail!(
                "{name}: the signal of image {image} has the value {value} in f32, which no color shows; \
                 look for what is not finite in the network's weights and in the image"
            );
        }
        let most = row.iter().fold(0f32, |most, value| most.max(value.abs()));
        // Divided rather than multiplied: the factor of a very weak signal would be infinite.
        scales.push(if most > 0.0 { most } else { f32::INFINITY });
    }
    let scales = Tensor::from_vec(scales, (n, 1, 1, 1), signal.device())?;
    signal.broadcast_div(&scales)?.affine(0.5, 0.5)
}

/// An attribution over the image that it belongs to, (N, 3, H, W) from 0 to 1: red speaks for the unit, blue against it.
///
/// ```text
/// s   = sum of the signal over the channels
/// a   = |s| / max|s| of the image
/// out = (1 - a) gray + a color        gray the mean of the image's channels, color red for s > 0 and blue for s < 0
/// ```
///
/// `images` has values from 0 to 1, (N, C, H, W), in any number of channels; `signal` is (N, C', H, W).
/// Of images without pixels the result has none either.
///
/// # Errors
/// Another rank, images of another number or size than the signal, images of whole numbers, pixels without a channel,
/// a signal whose sum over the channels is not finite in f32, and views of more values than memory holds.
///
/// ```
/// use attribution::candle_core::{Device, Result, Tensor};
/// use attribution::overlay;
/// fn main() -> Result<()> {
///     let image = Tensor::new(&[[[[0.5f32, 0.5, 0.5]]]], &Device::Cpu)?;
///     let signal = Tensor::new(&[[[[2f32, 0.0, -1.0]]]], &Device::Cpu)?;
///     let pixels = overlay(&image, &signal)?.squeeze(0)?.squeeze(1)?.t()?.to_vec2::<f32>()?;
///     assert_eq!(pixels, [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.75]]);
///     Ok(())
/// }
/// ```
pub fn overlay(images: &Tensor, signal: &Tensor) -> Result<Tensor> {
    const NAME: &str = "overlay";
    let (n, channels, h, w) = images.dims4()?;
    let (of, of_channels, height, width) = signal.dims4()?;
    if (n, h, w) != (of, height, width) {
        bail!(
            "overlay: {n} images of {h}x{w} and a signal of {of} images of {height}x{width}; give the signal of these images"
        );
    }
    if images.dtype().is_int() {
        bail!(
            "overlay: images of {:?}; give values from 0 to 1, such as the pixels divided by 255",
            images.dtype()
        );
    }
    room(NAME, checked_len(NAME, &[n, 3, h, w])?, DType::F32)?;
    if [n, h, w].contains(&0) {
        return Tensor::zeros((n, 3, h, w), DType::F32, images.device());
    }
    if channels == 0 {
        bail!("overlay: images of {h}x{w} with 0 channels have no gray; give 1 channel or more");
    }
    let summable = |t: &Tensor| dense(NAME, &t.detach())?.to_dtype(DType::F32);
    let gray = summable(images)?.mean_keepdim(1)?;
    let signal = match of_channels {
        0 => gray.zeros_like()?,
        _ => summable(signal)?.sum_keepdim(1)?,
    };
    // From 0 to 1 about 0.5, so twice the distance from the middle is the share of the strongest.
    let share = (normalized_for(NAME, &signal)? - 0.5)?;
    let (red, blue) = ((share.relu()? * 2.0)?, (share.neg()?.relu()? * 2.0)?);
    let rest = (&gray * (1.0 - (&red + &blue)?)?)?;
    Tensor::cat(&[&(&rest + &red)?, &rest, &(&rest + &blue)?], 1)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// What is not finite is no picture of no influence.
    #[test]
    fn a_signal_that_is_not_finite_is_refused() -> Result<()> {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let signal = Tensor::new(&[[[[1f32, 2.0]]], [[[1.0, value]]]], &Device::Cpu)?;
            let image = Tensor::full(0.5f32, (2, 3, 1, 2), &Device::Cpu)?;
            for (name, picture) in [
                ("normalized", normalized(&signal)),
                ("overlay", overlay(&image, &signal)),
            ] {
                let error = picture.expect_err("refused").to_string();
                let said = format!("{name}: the signal of image 1 has the value {value}");
                assert!(error.contains(&said), "{error}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_view_of_more_values_than_memory_is_refused() -> Result<()> {
        let one = Tensor::ones((1, 1, 1, 1), DType::F32, &Device::Cpu)?;
        for dims in [(1 << 33, 4, 64, 64), (1, 3, 1 << 24, 1 << 24)] {
            let view = one.broadcast_as(dims)?;
            assert!(normalized(&view).is_err());
            assert!(overlay(&view, &view).is_err());
        }
        Ok(())
    }

    #[test]
    fn very_weak_and_very_strong_signals() -> Result<()> {
        for most in [1e-45, 1e-40, f32::MIN_POSITIVE, 1.0, f32::MAX] {
            let signal = Tensor::new(&[[[[most, 0.0, -most]]]], &Device::Cpu)?;
            let values = normalized(&signal)?.flatten_all()?.to_vec1::<f32>()?;
            assert_eq!(values, [1.0, 0.5, 0.0], "{most:e}");
            let image = Tensor::full(0.5f32, (1, 1, 1, 3), &Device::Cpu)?;
            let pixels = overlay(&image, &signal)?.flatten_all()?.to_vec1::<f32>()?;
            let [red, gray, blue] = [[1.0, 0.0, 0.0], [0.5; 3], [0.0, 0.0, 1.0]];
            let by_channel = [0, 1, 2].map(|c| [red[c], gray[c], blue[c]]);
            assert_eq!(pixels, by_channel.concat(), "{most:e}");
        }
        Ok(())
    }

    #[test]
    fn images_without_pixels_or_channels() -> Result<()> {
        let zeros = |dims: [usize; 4]| Tensor::zeros(&dims, DType::F32, &Device::Cpu);
        for [n, c, h, w] in [[1, 3, 0, 4], [2, 1, 4, 0], [0, 3, 2, 2], [1, 0, 0, 4]] {
            let signal = zeros([n, c, h, w])?;
            assert_eq!(normalized(&signal)?.dims(), [n, c, h, w]);
            assert_eq!(overlay(&signal, &signal)?.dims(), [n, 3, h, w]);
        }
        let none = zeros([1, 0, 2, 2])?;
        assert_eq!(normalized(&none)?.dims(), [1, 0, 2, 2]);
        let error = overlay(&none, &zeros([1, 3, 2, 2])?).expect_err("no gray");
        assert!(error.to_string().contains("0 channels"), "{error}");
        // Nothing speaks for the unit or against it.
        let gray = zeros([1, 3, 2, 2])?;
        let pixels = overlay(&gray, &none)?.flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(pixels, [0.0; 12]);
        Ok(())
    }
}
