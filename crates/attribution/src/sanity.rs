//! The sanity check of attributions: how much of a picture is left when the network knows nothing.
//!
//! Adebayo et al., "Sanity Checks for Saliency Maps", 2018: the layers' parameters become noise one after the other,
//! from the class scores down, and after each the attribution is compared with that of the trained network.
//! A method whose pictures hardly change shows the image rather than what the network has learned.

use candle_core::{DType, Result, Tensor, bail};
use striate::{Parameters, rng};

/// What is left of an attribution when the parameters of `layer` and of all layers above it are noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The layer that became noise in this stage.
    pub layer: String,
    /// [`rank_correlation`] with the attribution of the trained network.
    pub similarity: f64,
}

/// Makes the parameters noise, layer by layer from the top, and compares the attribution each time.
///
/// The noise of a tensor is normal with the tensor's own mean and deviation, drawn from `seed` and its name.
/// Layers are taken by name in reverse order of `layers`; the tensors of layer `L` are those named `L.*`.
/// The parameters are as before when the function returns, on an error too.
///
/// # Errors
/// A layer without parameters, or what `attribute` refuses.
///
/// ```
/// use attribution::{Attribution, GuidedBackprop, Target, cascading_randomization};
/// use attribution::candle_core::{DType, Device, Result, Tensor};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = Config { width: 0.1, ..Config::all_cnn_c() };
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&config, parameters.builder())?;
///     let images = Tensor::rand(0f32, 1f32, (1, 3, 32, 32), &Device::Cpu)?;
///     let guided = GuidedBackprop::new(&network);
///     let stages = cascading_randomization(&parameters, &["conv8", "conv9"], 7, || {
///         guided.attribute(&images, &Target::class(3))
///     })?;
///     assert_eq!((stages.len(), stages[0].layer.as_str()), (2, "conv9"));
///     Ok(())
/// }
/// ```
pub fn cascading_randomization(
    parameters: &Parameters,
    layers: &[impl AsRef<str>],
    seed: u64,
    attribute: impl Fn() -> Result<Tensor>,
) -> Result<Vec<Stage>> {
    let named = parameters.named();
    let saved: Vec<Tensor> = named
        .iter()
        .map(|(_, var)| var.as_tensor().copy())
        .collect::<Result<_>>()?;
    let run = || {
        let trained = attribute()?;
        let mut stages = Vec::new();
        for layer in layers.iter().rev().map(AsRef::as_ref) {
            let of_layer = |name: &str| {
                name.strip_prefix(layer)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            let mut any = false;
            for (name, var) in named.iter().filter(|(name, _)| of_layer(name)) {
                var.set(&noise(var.as_tensor(), seed, name)?)?;
                any = true;
            }
            if !any {
                bail!("cascading_randomization: no parameters are called {layer}.*");
            }
            let similarity = rank_correlation(&trained, &attribute()?)?;
            stages.push(Stage {
                layer: layer.to_owned(),
                similarity,
            });
        }
        Ok(stages)
    };
    let result = run();
    for ((_, var), tensor) in named.iter().zip(&saved) {
        var.set(tensor)?;
    }
    result
}

/// Normal values with the mean and the deviation of `tensor`.
fn noise(tensor: &Tensor, seed: u64, name: &str) -> Result<Tensor> {
    let values: Vec<f64> = tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let mut draws = rng::stream(seed, &format!("randomize/{name}"), 0);
    let drawn: Vec<f64> = values
        .iter()
        .map(|_| mean + deviation * draws.normal())
        .collect();
    let drawn = Tensor::from_vec(drawn, tensor.shape(), &candle_core::Device::Cpu)?;
    drawn.to_dtype(tensor.dtype())?.to_device(tensor.device())
}

/// Spearman's rank correlation of the absolute values of two attributions: a mean over images, from -1 to 1.
///
/// Equal values share the mean of their ranks; an image whose values are all equal counts as 0.
/// NaN has no rank: the result is NaN if there is one, so that a broken network does not look like a similar one.
///
/// # Errors
/// Two shapes, or none with images.
pub fn rank_correlation(a: &Tensor, b: &Tensor) -> Result<f64> {
    if a.dims() != b.dims() || a.rank() < 2 || a.dim(0)? == 0 {
        bail!(
            "rank_correlation: the attributions have shapes {:?} and {:?}; two equal ones with at least one image are wanted",
            a.dims(),
            b.dims()
        );
    }
    let rows = |t: &Tensor| {
        t.abs()?
            .to_dtype(DType::F64)?
            .flatten_from(1)?
            .to_vec2::<f64>()
    };
    let (a, b) = (rows(a)?, rows(b)?);
    let sum: f64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| match a.iter().chain(b).any(|x| x.is_nan()) {
            true => f64::NAN,
            false => correlation(&ranks(a), &ranks(b)),
        })
        .sum();
    Ok(sum / a.len() as f64)
}

/// The rank of each value, from 0; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = from as f64 + (group.len() - 1) as f64 / 2.0;
        group.iter().for_each(|&index| ranks[index] = mean);
        from += group.len();
    }
    ranks
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - ma, y - mb);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    match aa > 0.0 && bb > 0.0 {
        true => ab / (aa * bb).sqrt(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn ranks_of_equal_values_are_shared() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 0.5]), [2.5, 1.0, 2.5, 0.0]);
        assert_eq!(
            correlation(&ranks(&[1.0, 2.0, 9.0]), &ranks(&[10.0, 20.0, 21.0])),
            1.0
        );
        assert_eq!(
            correlation(&ranks(&[1.0, 2.0, 9.0]), &ranks(&[3.0, 2.0, 1.0])),
            -1.0
        );
        assert_eq!(correlation(&[1.0, 1.0], &[0.0, 1.0]), 0.0);
    }

    #[test]
    fn nan_is_not_similar_to_anything() -> Result<()> {
        let row = |values: [f32; 3]| Tensor::new(&[values, [1.0, 2.0, 3.0]], &Device::Cpu);
        let (whole, broken) = (row([3.0, 1.0, 2.0])?, row([f32::NAN, 1.0, 2.0])?);
        assert_eq!(rank_correlation(&whole, &whole)?, 1.0);
        let nowhere = row([f32::NAN; 3])?;
        for (a, b) in [(&whole, &broken), (&broken, &whole), (&nowhere, &nowhere)] {
            assert!(rank_correlation(a, b)?.is_nan());
        }
        Ok(())
    }

    #[test]
    fn a_broken_network_is_not_similar() -> Result<()> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        parameters.builder().get(4, "layer.weight")?;
        let broken = || Tensor::full(f32::NAN, (1, 1, 2, 2), &Device::Cpu);
        let stages = cascading_randomization(&parameters, &["layer"], 1, broken)?;
        assert!(stages[0].similarity.is_nan(), "{stages:?}");
        Ok(())
    }
}
