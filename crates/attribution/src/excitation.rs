//! Which images excite a channel most, and where (the paper's Fig. 2).

use candle_core::{DType, Result, Tensor, bail};
use striate::{Network, Window2d};

use super::target::first_maximum;

/// The strongest answer of a channel to an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excitation {
    /// Row of the image in the batch.
    pub image: usize,
    /// Row and column of the unit in its map.
    pub position: (usize, usize),
    /// Its activation.
    pub activation: f64,
}

/// The `count` images of `xs` that excite a channel of `layer` most, strongest first; one unit an image.
///
/// Of equal answers the earlier image comes first.
///
/// # Errors
/// A layer or channel that is not there, a wrong input.
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
///     let best = strongest(&network, &images, "conv3", 0, 3)?;
///     assert!(best.len() == 3 && best[0].activation >= best[1].activation);
///     Ok(())
/// }
/// ```
pub fn strongest(
    network: &dyn Network,
    xs: &Tensor,
    layer: &str,
    channel: usize,
    count: usize,
) -> Result<Vec<Excitation>> {
    let maps = maps(network, xs, layer)?;
    let channels = maps.dim(1)?;
    if channel >= channels {
        bail!("strongest: {layer} has {channels} channels, from 0; channel is {channel}");
    }
    let mut of_channel = sorted(&maps.narrow(1, channel, 1)?, count)?;
    Ok(of_channel.swap_remove(0))
}

/// [`strongest`] for every channel of `layer`, in the order of the channels, with one forward pass.
///
/// # Errors
/// A layer that is not there, a wrong input.
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
///     let best = strongest_of_each(&network, &images, "conv3", 3)?;
///     assert_eq!(best[1], strongest(&network, &images, "conv3", 1, 3)?);
///     Ok(())
/// }
/// ```
pub fn strongest_of_each(
    network: &dyn Network,
    xs: &Tensor,
    layer: &str,
    count: usize,
) -> Result<Vec<Vec<Excitation>>> {
    sorted(&maps(network, xs, layer)?, count)
}

/// The maps of a layer, with a cell or more each.
fn maps(network: &dyn Network, xs: &Tensor, layer: &str) -> Result<Tensor> {
    let maps = network.forward_to(xs, layer)?.detach();
    match *maps.dims() {
        [_, _, h, w] if h.min(w) > 0 => Ok(maps),
        ref dims => {
            bail!("strongest: {layer} gives {dims:?}; a layer with maps (N, C, H, W) is wanted")
        }
    }
}

/// For each channel of `maps` the `count` images with the largest maximum.
fn sorted(maps: &Tensor, count: usize) -> Result<Vec<Vec<Excitation>>> {
    let (n, channels, h, w) = maps.dims4()?;
    let values = maps.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let of_channel = |channel: usize| {
        let of_image = |image: usize| {
            let start = (image * channels + channel) * h * w;
            let map = &values[start..start + h * w];
            let at = first_maximum(map);
            Excitation {
                image,
                position: (at / w, at % w),
                activation: map[at],
            }
        };
        let mut found: Vec<Excitation> = (0..n).map(of_image).collect();
        // A stable sort: equal answers stay in the order of the images.
        found.sort_by(|a, b| b.activation.total_cmp(&a.activation));
        found.truncate(count);
        found
    };
    Ok((0..channels).map(of_channel).collect())
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
