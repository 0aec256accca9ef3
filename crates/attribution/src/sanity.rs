//! The sanity check of attributions: how much of a picture is left when the network knows nothing.
//!
//! Adebayo et al., "Sanity Checks for Saliency Maps", 2018: the layers' parameters become noise one after the other,
//! from the class scores down, and after each the attribution is compared with that of the trained network.
//! A method whose pictures hardly change shows the image rather than what the network has learned.

use candle_core::{DType, Device, Result, Tensor, Var, bail};
use striate::ops::cpu::{checked_len, dense};
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
/// The parameters are as before when the function returns, on an error and on a panic of `attribute` too.
///
/// # Errors
/// A layer without parameters, before `attribute` is called; what `attribute` refuses;
/// parameters that could not be put back, all others are.
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
    let is_of = |layer: &str, name: &str| {
        name.strip_prefix(layer)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    for layer in layers.iter().map(AsRef::as_ref) {
        if !named.iter().any(|(name, _)| is_of(layer, name)) {
            let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
            bail!(
                "cascading_randomization: no parameters are called {layer}.*; there are {}",
                names.join(", ")
            );
        }
    }
    let mut saved = Saved::of(&named)?;
    let trained = attribute()?;
    let mut stages = Vec::new();
    for layer in layers.iter().rev().map(AsRef::as_ref) {
        for (name, var) in named.iter().filter(|(name, _)| is_of(layer, name)) {
            var.set(&noise(var.as_tensor(), seed, name)?)?;
        }
        let similarity = rank_correlation(&trained, &attribute()?)?;
        stages.push(Stage {
            layer: layer.to_owned(),
            similarity,
        });
    }
    saved.restore()?;
    Ok(stages)
}

/// Variables and what they were, which comes back when it is dropped.
struct Saved(Vec<(Var, Tensor)>);

impl Saved {
    fn of(named: &[(String, Var)]) -> Result<Self> {
        let saved = named
            .iter()
            .map(|(_, var)| Ok((var.clone(), var.as_tensor().copy()?)));
        saved.collect::<Result<_>>().map(Self)
    }

    /// Puts back every one that can be, once; the error is that of the first that cannot.
    fn restore(&mut self) -> Result<()> {
        let saved = std::mem::take(&mut self.0).into_iter();
        saved
            .map(|(var, was)| var.set(&was))
            .fold(Ok(()), Result::and)
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        // On the way out of an error or a panic, which is what the caller hears of.
        let _ = self.restore();
    }
}

/// Normal values with the mean and the deviation of `tensor`.
fn noise(tensor: &Tensor, seed: u64, name: &str) -> Result<Tensor> {
    let values = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    let values: Vec<f64> = values.flatten_all()?.to_vec1()?;
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let mut draws = rng::stream(seed, &format!("randomize/{name}"), 0);
    let drawn: Vec<f64> = values
        .iter()
        .map(|_| mean + deviation * draws.normal())
        .collect();
    let drawn = Tensor::from_vec(drawn, tensor.shape(), &Device::Cpu)?;
    drawn.to_dtype(tensor.dtype())?.to_device(tensor.device())
}

/// Spearman's rank correlation of the absolute values of two attributions: a mean over images, from -1 to 1.
///
/// Equal values share the mean of their ranks; an image whose values are all equal counts as 0.
/// NaN has no rank: the result is NaN if there is one, so that a broken network does not look like a similar one.
///
/// # Errors
/// Two shapes, or none with images; views of more values than memory holds.
pub fn rank_correlation(a: &Tensor, b: &Tensor) -> Result<f64> {
    if a.dims() != b.dims() || a.rank() < 2 || a.dim(0)? == 0 {
        bail!(
            "rank_correlation: the attributions have shapes {:?} and {:?}; two equal ones with at least one image are wanted",
            a.dims(),
            b.dims()
        );
    }
    if checked_len("rank_correlation", a.dims())? == 0 {
        return Ok(0.0);
    }
    let rows = |t: &Tensor| {
        dense("rank_correlation", t)?
            .to_device(&Device::Cpu)?
            .to_dtype(DType::F64)?
            .abs()?
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
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use candle_nn::Init;

    use super::*;

    /// Two layers, the upper one with two tensors, and their values one after the other.
    fn two_layers() -> Result<(Parameters, impl Fn() -> Vec<f32>)> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let draw = Init::Randn {
            mean: 0.0,
            stdev: 1.0,
        };
        for (name, len) in [
            ("first.weight", 4),
            ("second.weight", 4),
            ("second.bias", 2),
        ] {
            parameters.builder().get_with_hints(len, name, draw)?;
        }
        let vars = parameters.all_vars();
        let values = move || {
            let of = |var: &Var| var.to_vec1::<f32>().expect("values");
            vars.iter().flat_map(of).collect()
        };
        Ok((parameters, values))
    }

    #[test]
    fn a_missing_layer_is_found_before_anything_is_run() -> Result<()> {
        let (parameters, values) = two_layers()?;
        let before = values();
        let calls = Cell::new(0);
        let stages = cascading_randomization(&parameters, &["missing", "second"], 1, || {
            calls.set(calls.get() + 1);
            Tensor::ones((1, 4), DType::F32, &Device::Cpu)
        });
        let error = stages.expect_err("refused").to_string();
        assert!(error.contains("called missing.*"), "{error}");
        assert!(error.contains("first.weight, second.bias"), "{error}");
        assert_eq!((calls.get(), values()), (0, before));
        Ok(())
    }

    #[test]
    fn the_parameters_are_back_after_an_error_and_a_panic() -> Result<()> {
        let (parameters, values) = two_layers()?;
        let before = values();
        for panics in [false, true] {
            let calls = Cell::new(0);
            let attribute = || {
                calls.set(calls.get() + 1);
                // The third call is that of the second stage.
                match calls.get() {
                    3 if panics => panic!("attribute panics"),
                    3 => bail!("attribute fails"),
                    call => assert_eq!(values() == before, call == 1),
                }
                Tensor::ones((1, 4), DType::F32, &Device::Cpu)
            };
            let layers = ["first", "second"];
            let run = || cascading_randomization(&parameters, &layers, 1, attribute);
            let result = catch_unwind(AssertUnwindSafe(run));
            assert_eq!(result.is_err(), panics);
            assert!(result.is_err() || result.is_ok_and(|stages| stages.is_err()));
            assert_eq!(values(), before);
        }
        Ok(())
    }

    /// One that cannot be put back keeps no other from it.
    #[test]
    fn all_are_put_back_that_can_be() -> Result<()> {
        let zeros = || Var::zeros(2, DType::F32, &Device::Cpu);
        let (broken, whole) = (zeros()?, zeros()?);
        let was = |len: usize| Tensor::ones(len, DType::F32, &Device::Cpu);
        let mut saved = Saved(vec![(broken, was(3)?), (whole.clone(), was(2)?)]);
        assert!(saved.restore().is_err());
        assert_eq!(whole.to_vec1::<f32>()?, [1.0, 1.0]);
        Ok(())
    }

    #[test]
    fn a_view_of_more_values_than_memory_is_refused() -> Result<()> {
        let one = Tensor::ones((1, 1), DType::F32, &Device::Cpu)?;
        let view = one.broadcast_as((1 << 25, 1 << 24))?;
        assert!(rank_correlation(&view, &view).is_err());
        Ok(())
    }

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
