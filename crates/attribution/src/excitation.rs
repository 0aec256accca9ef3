//! Which images excite a channel most, and where (the paper's Fig. 2).

use candle_core::{DType, Device, Result, Tensor, bail};
use striate::{Network, Window2d};

use super::target::first_maximum;

/// The strongest answer of a channel to an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excitation {
    /// Number of the image, from 0 and through all batches.
    pub image: usize,
    /// Row and column of the unit in its map; (0, 0) in a layer without maps.
    pub position: (usize, usize),
    /// Its activation.
    pub activation: f64,
}

/// The `count` images that excite a channel of `layer` most, strongest first; one unit an image.
///
/// The images come in batches (N, C, H, W), of which one at a time is in memory; [`Excitation::image`] counts through all of them.
/// The layer gives maps (N, C, H, W), or values (N, C), whose units are at (0, 0).
/// Of equal answers the earlier image comes first. Without a batch there is none.
///
/// # Errors
/// A batch that is one, a layer or channel that is not there, a wrong input, a layer that gives neither maps nor values,
/// and an answer that is NaN, which is neither strong nor weak.
///
/// ```
/// use attribution::strongest;
/// use attribution::candle_core::{DType, Device, Result, Tensor};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = Config { width: 0.1, ..Config::all_cnn_c() };
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&config, parameters.builder())?;
///     let images = Tensor::rand(0f32, 1f32, (8, 3, 32, 32), &Device::Cpu)?;
///     let batches = [0, 4].map(|start| images.narrow(0, start, 4));
///     let best = strongest(&network, batches, "conv3", 0, 3)?;
///     assert!(best.len() == 3 && best[0].activation >= best[1].activation);
///     Ok(())
/// }
/// ```
pub fn strongest(
    network: &dyn Network,
    batches: impl IntoIterator<Item = Result<Tensor>>,
    layer: &str,
    channel: usize,
    count: usize,
) -> Result<Vec<Excitation>> {
    let mut found = search(network, batches, layer, Some(channel), count)?;
    Ok(found.pop().unwrap_or_default())
}

/// [`strongest`] for every channel of `layer`, in the order of the channels, with one forward pass for each batch.
///
/// # Errors
/// Those of [`strongest`].
///
/// ```
/// use attribution::{strongest, strongest_of_each};
/// use attribution::candle_core::{DType, Device, Result, Tensor};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = Config { width: 0.1, ..Config::all_cnn_c() };
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&config, parameters.builder())?;
///     let images = Tensor::rand(0f32, 1f32, (8, 3, 32, 32), &Device::Cpu)?;
///     let best = strongest_of_each(&network, [Ok(images.clone())], "logits", 3)?;
///     assert_eq!(best[1], strongest(&network, [Ok(images)], "logits", 1, 3)?);
///     Ok(())
/// }
/// ```
pub fn strongest_of_each(
    network: &dyn Network,
    batches: impl IntoIterator<Item = Result<Tensor>>,
    layer: &str,
    count: usize,
) -> Result<Vec<Vec<Excitation>>> {
    search(network, batches, layer, None, count)
}

/// For one channel, or for each, the `count` images with the largest maximum.
fn search(
    network: &dyn Network,
    batches: impl IntoIterator<Item = Result<Tensor>>,
    layer: &str,
    channel: Option<usize>,
    count: usize,
) -> Result<Vec<Vec<Excitation>>> {
    let mut found: Vec<Vec<Excitation>> = Vec::new();
    let mut before = 0;
    for batch in batches {
        let Maps { sizes, values } = maps(network, &batch?, layer, channel)?;
        let [n, channels, h, w] = sizes;
        found.resize_with(channels, Vec::new);
        for (at, map) in values.chunks(h * w).enumerate() {
            let (image, of) = (before + at / channels, at % channels);
            if map.iter().any(|value| value.is_nan()) {
                bail!(
                    "strongest: channel {} of {layer} answers NaN to image {image}; look for what is not finite in the network's weights and in the image",
                    channel.unwrap_or(of)
                );
            }
            let unit = first_maximum(map);
            found[of].push(Excitation {
                image,
                position: (unit / w, unit % w),
                activation: map[unit],
            });
        }
        for found in &mut found {
            // A stable sort: equal answers stay in the order of the images.
            found.sort_by(|a, b| b.activation.total_cmp(&a.activation));
            found.truncate(count);
        }
        before += n;
    }
    Ok(found)
}

/// Values (N, C, H, W) in row-major order, and these sizes; a map has a cell or more.
struct Maps {
    sizes: [usize; 4],
    values: Vec<f64>,
}

/// The maps of a layer, or those of one channel alone.
fn maps(network: &dyn Network, xs: &Tensor, layer: &str, channel: Option<usize>) -> Result<Maps> {
    let mut maps = network.forward_to(xs, layer)?.detach();
    let (n, mut channels, h, w) = match *maps.dims() {
        [n, c] => (n, c, 1, 1),
        [n, c, h, w] if h.min(w) > 0 => (n, c, h, w),
        ref dims => {
            bail!(
                "strongest: {layer} gives {dims:?}; a layer with maps (N, C, H, W) or values (N, C) is wanted"
            )
        }
    };
    if let Some(channel) = channel {
        if channel >= channels {
            bail!("strongest: {layer} has {channels} channels, from 0; channel is {channel}");
        }
        (maps, channels) = (maps.narrow(1, channel, 1)?.contiguous()?, 1);
    }
    // Not every device casts to f64.
    let values = maps.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    Ok(Maps {
        sizes: [n, channels, h, w],
        values: values.flatten_all()?.to_vec1()?,
    })
}

/// The part of the image that a unit sees: (top, left, height, width), cut to the image.
///
/// `windows` are those of the layers up to the unit's, `position` is its (row, column), `image` the (height, width).
///
/// ```
/// use attribution::receptive_field;
/// use striate::Window2d;
/// // Two unpadded 3x3 layers, the first with stride 2, see 7x7 pixels.
/// let windows = [Window2d::square(3).stride(2), Window2d::square(3)];
/// assert_eq!(receptive_field(&windows, (1, 0), (32, 32)), (2, 0, 7, 7));
/// ```
pub fn receptive_field(
    windows: &[Window2d],
    (row, column): (usize, usize),
    (height, width): (usize, usize),
) -> (usize, usize, usize, usize) {
    let axis = |pick: fn((usize, usize)) -> usize, at: usize, length: usize| {
        // Numbers of any size: what is beyond every image stays there.
        let (mut first, mut last) = (at as i128, at as i128);
        for window in windows.iter().rev() {
            let [size, stride, padding, dilation] =
                [window.size, window.stride, window.padding, window.dilation]
                    .map(|pair| pick(pair) as i128);
            first = first.saturating_mul(stride).saturating_sub(padding);
            let reach = (size - 1).saturating_mul(dilation);
            last = last.saturating_mul(stride).saturating_sub(padding);
            last = last.saturating_add(reach);
        }
        let first = first.clamp(0, length as i128);
        let end = last.saturating_add(1).clamp(first, length as i128);
        (first as usize, (end - first) as usize)
    };
    let (top, rows) = axis(|pair| pair.0, row, height);
    let (left, columns) = axis(|pair| pair.1, column, width);
    (top, left, rows, columns)
}

#[cfg(test)]
mod tests {
    use candle_nn::ModuleT;
    use striate::Clock;

    use super::*;

    /// Its maps are the images, its values those of their cells.
    struct Images(Clock);

    impl ModuleT for Images {
        fn forward_t(&self, xs: &Tensor, _train: bool) -> Result<Tensor> {
            self.forward_to(xs, "values")
        }
    }

    impl Network for Images {
        fn clock(&self) -> &Clock {
            &self.0
        }

        fn layer_names(&self) -> Vec<String> {
            ["maps", "values", "rows"].map(String::from).into()
        }

        fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
            self.forward_to(xs, "maps")
        }

        fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
            match layer {
                "maps" => Ok(xs.clone()),
                "values" => xs.flatten_from(1),
                _ => xs.flatten_from(2),
            }
        }
    }

    fn network() -> Images {
        Images(Clock::new(0))
    }

    /// Images of two channels of one row and two columns.
    fn batch<const N: usize>(images: [[f32; 4]; N]) -> Result<Tensor> {
        Tensor::new(&images, &Device::Cpu)?.reshape((N, 2, 1, 2))
    }

    fn found(image: usize, column: usize, activation: f64) -> Excitation {
        Excitation {
            image,
            position: (0, column),
            activation,
        }
    }

    #[test]
    fn images_count_through_the_batches() -> Result<()> {
        let batches = || {
            [
                batch([[1.0, 2.0, 7.0, 0.0], [3.0, 1.0, 0.0, -1.0]]),
                batch([[0.0, 3.0, 0.0, 8.0]]),
            ]
        };
        let first = vec![found(1, 0, 3.0), found(2, 1, 3.0)];
        let second = vec![found(2, 1, 8.0), found(0, 0, 7.0)];
        let network = network();
        assert_eq!(strongest(&network, batches(), "maps", 0, 2)?, first);
        let each = strongest_of_each(&network, batches(), "maps", 2)?;
        assert_eq!(each, [first, second]);
        let all = strongest_of_each(&network, batches(), "maps", usize::MAX)?;
        assert!(all.iter().all(|found| found.len() == 3));
        // A layer of values has them all at one place.
        let values = strongest(&network, batches(), "values", 3, 1)?;
        assert_eq!(values, [found(2, 0, 8.0)]);
        assert_eq!(strongest(&network, [], "maps", 0, 2)?, []);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let network = network();
        let whole = || batch([[1.0; 4]]);
        let broken = batch([[1.0, 0.0, f32::NAN, 9.0], [1.0; 4]]);
        let each = strongest_of_each(&network, [whole(), broken], "maps", 1);
        let error = each.expect_err("NaN").to_string();
        assert!(
            error.contains("channel 1 of maps answers NaN to image 1"),
            "{error}"
        );
        for (layer, channel, said) in [
            ("maps", 2, "maps has 2 channels, from 0; channel is 2"),
            ("rows", 0, "rows gives [1, 2, 2]"),
        ] {
            let error = strongest(&network, [whole()], layer, channel, 1).expect_err(said);
            assert!(error.to_string().contains(said), "{error}");
        }
        let lost = || bail!("the disk is gone");
        let error = strongest(&network, [whole(), lost()], "maps", 0, 1).expect_err("lost");
        assert!(error.to_string().contains("the disk is gone"), "{error}");
        Ok(())
    }
}
