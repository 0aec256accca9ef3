//! Tests of the objective.

use std::collections::HashMap;

use candle_core::{DType, Device, Var};
use candle_nn::{ModuleT, VarBuilder};
use striate::testing::{Directions, Tolerance, assert_close, gradcheck};
use striate::{Network, Parameters};

use super::*;
use crate::config::{DecoderWeights, Pooling, SwwaeConfig};
use crate::model::Swwae;

fn config() -> SwwaeConfig {
    let architecture = "(3)3c-2p-(4)3c-2p-3fc"
        .parse()
        .expect("the text is an architecture");
    SwwaeConfig::new(architecture, 1, (7, 9))
}

fn images(n: usize) -> Result<Tensor> {
    let mut draws = striate::rng::stream(6, "images", 0);
    let values: Vec<f64> = (0..n * 63).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, (n, 1, 7, 9), &Device::Cpu)
}

fn build(config: &SwwaeConfig) -> Result<(Swwae, Parameters)> {
    let parameters = Parameters::new(2, DType::F64, &Device::Cpu);
    Ok((Swwae::new(config, parameters.builder())?, parameters))
}

const WEIGHTS: LossWeights = LossWeights {
    l2_rec: 0.7,
    l2_m: 0.3,
};

fn terms(network: &Swwae, xs: &Tensor, labels: &Labels, mode: Mode) -> Result<SwwaeLoss> {
    SwwaeLoss::new(
        &network.pass(xs, false)?,
        xs,
        labels,
        mode,
        EncoderSide::Joint,
    )
}

/// The gradient of each parameter, or zeros.
fn gradients(total: &Tensor, parameters: &Parameters) -> Result<Vec<(String, Tensor)>> {
    let grads = total.backward()?;
    let gradient = |(name, var): (String, Var)| {
        let grad = grads.get(&var).cloned();
        Ok((name, grad.map_or_else(|| var.zeros_like(), Ok)?))
    };
    parameters.named().into_iter().map(gradient).collect()
}

fn scalar(term: &Tensor) -> Result<f64> {
    term.to_scalar::<f64>()
}

#[test]
fn terms_are_means_over_elements() -> Result<()> {
    let (network, _) = build(&config())?;
    let xs = images(2)?;
    let pass = network.pass(&xs, false)?;
    let loss = terms(&network, &xs, &Labels::none(2), Mode::Unsupervised)?;
    let squares = |a: &Tensor, b: &Tensor| -> Result<f64> {
        let (a, b) = (
            a.flatten_all()?.to_vec1::<f64>()?,
            b.flatten_all()?.to_vec1::<f64>()?,
        );
        let sum: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
        Ok(sum / a.len() as f64)
    };
    let expected = squares(&xs, &pass.decoding.reconstruction)?;
    assert!((scalar(&loss.l2_rec)? - expected).abs() < 1e-12);
    // The second level is the decoder's input.
    let [Some(first), None] = loss.l2_m.as_slice() else {
        panic!("terms of the levels: {:?}", loss.l2_m)
    };
    let state = pass.decoding.states[0].clone().expect("a state");
    let level = squares(&pass.encoding.levels[0].what, &state)?;
    assert!((scalar(first)? - level).abs() < 1e-12);
    let total = scalar(&loss.total(&WEIGHTS)?)?;
    assert!((total - 0.7 * expected - 0.3 * level).abs() < 1e-12);
    // A sum in half precision would stop growing long before the last of these.
    for dtype in [DType::F16, DType::BF16] {
        let zeros = Tensor::zeros((100, 1, 28, 28), dtype, &Device::Cpu)?;
        let mean = mean_squares(&zeros, &zeros.ones_like()?)?;
        assert_eq!(mean.dtype(), dtype);
        assert_eq!(mean.to_dtype(DType::F64)?.to_scalar::<f64>()?, 1.0);
    }
    Ok(())
}

/// With weights of 0 the gradients are those of the Convnet, to the bit, and the decoder has none.
#[test]
fn without_reconstruction_it_is_a_convnet() -> Result<()> {
    let (network, parameters) = build(&config())?;
    let xs = images(3)?;
    let targets = Tensor::new(&[0u32, 2, 1], &Device::Cpu)?;
    let convnet = cross_entropy(&network.forward_t(&xs, false)?, &targets)?;
    let expected = gradients(&convnet, &parameters)?;
    let labels = Labels::all(&targets)?;
    for mode in [Mode::Supervised, Mode::SemiSupervised] {
        let total = terms(&network, &xs, &labels, mode)?.total(&LossWeights::default())?;
        for ((name, actual), (_, expected)) in gradients(&total, &parameters)?.iter().zip(&expected)
        {
            assert_close(name, actual, expected, Tolerance::Exact);
            let largest = scalar(&actual.abs()?.max_all()?)?;
            assert_eq!(
                largest == 0.0,
                name.starts_with("decoder"),
                "{name}: {largest}"
            );
        }
    }
    Ok(())
}

/// An image without a label gives the classifier exactly no gradient, alone or among labelled ones.
#[test]
fn unlabelled_images_do_not_touch_the_classifier() -> Result<()> {
    let (network, parameters) = build(&config())?;
    let xs = images(3)?;
    let classifier = |total: &Tensor| -> Result<Vec<(String, Tensor)>> {
        let all = gradients(total, &parameters)?.into_iter();
        Ok(all
            .filter(|(name, _)| name.starts_with("classifier"))
            .collect())
    };
    for mode in [Mode::SemiSupervised, Mode::Unsupervised] {
        let total = terms(&network, &xs, &Labels::none(3), mode)?.total(&WEIGHTS)?;
        for (name, gradient) in classifier(&total)? {
            assert_eq!(scalar(&gradient.abs()?.max_all()?)?, 0.0, "{name}");
        }
        let encoder = gradients(&total, &parameters)?
            .into_iter()
            .filter(|(n, _)| n.starts_with("encoder"));
        for (name, gradient) in encoder {
            assert!(scalar(&gradient.abs()?.max_all()?)? > 0.0, "{name}");
        }
    }
    // One labelled image among three: the classifier's gradient is that of this image alone.
    let mixed = Labels::partly(&[None, Some(2), None]);
    let total = terms(&network, &xs, &mixed, Mode::SemiSupervised)?.total(&WEIGHTS)?;
    let alone = xs.narrow(0, 1, 1)?;
    let label = Labels::all(&Tensor::new(&[2u32], &Device::Cpu)?)?;
    let single =
        terms(&network, &alone, &label, Mode::Supervised)?.total(&LossWeights::default())?;
    for ((name, a), (_, b)) in classifier(&total)?.iter().zip(&classifier(&single)?) {
        assert_close(name, a, b, Tolerance::Elementwise(1e-12));
    }
    Ok(())
}

/// A detached encoder side gets nothing from the terms of the levels through x_m.
#[test]
fn a_detached_encoder_side_is_a_constant() -> Result<()> {
    let (network, parameters) = build(&config())?;
    let xs = images(2)?;
    let level = |side| -> Result<Vec<(String, Tensor)>> {
        let pass = network.pass(&xs, false)?;
        let loss = SwwaeLoss::new(&pass, &xs, &Labels::none(2), Mode::Unsupervised, side)?;
        gradients(
            &loss.total(&LossWeights {
                l2_rec: 0.0,
                l2_m: 1.0,
            })?,
            &parameters,
        )
    };
    let (joint, detached) = (level(EncoderSide::Joint)?, level(EncoderSide::Detached)?);
    for ((name, a), (_, b)) in joint.iter().zip(&detached) {
        let difference = scalar(&(a - b)?.abs()?.max_all()?)?;
        assert_eq!(
            difference > 0.0,
            name.starts_with("encoder.conv1"),
            "{name}: {difference}"
        );
    }
    Ok(())
}

/// Central differences of every term and of the total, at every parameter.
#[test]
fn gradcheck_of_every_term() -> Result<()> {
    let soft = Pooling::Soft { beta: 1.5 };
    for (pooling, decoder_weights) in [
        (Pooling::Hard, DecoderWeights::Untied),
        (soft, DecoderWeights::Untied),
        (soft, DecoderWeights::Tied),
    ] {
        let config = SwwaeConfig {
            pooling,
            decoder_weights,
            ..config()
        };
        let (_, parameters) = build(&config)?;
        let (names, vars): (Vec<String>, Vec<Var>) = parameters.named().into_iter().unzip();
        // Where an unpooling leaves zeros a unit sees its bias alone; at 0 that is the kink of its ReLU.
        let tensors: Vec<Tensor> = vars
            .iter()
            .map(|var| var.as_detached_tensor() + 0.05)
            .collect::<Result<_>>()?;
        let xs = images(2)?;
        let labels = Labels::partly(&[Some(1), None]);
        let loss = |inputs: &[Tensor]| -> Result<SwwaeLoss> {
            let map: HashMap<String, Tensor> =
                names.iter().cloned().zip(inputs.iter().cloned()).collect();
            let network = Swwae::new(
                &config,
                VarBuilder::from_tensors(map, DType::F64, &Device::Cpu),
            )?;
            terms(&network, &xs, &labels, Mode::SemiSupervised)
        };
        // All terms side by side, each with a random weight of its own: a wrong gradient of one of them shows.
        let f = |inputs: &[Tensor]| {
            let loss = loss(inputs)?;
            let level = loss.l2_m.iter().flatten().cloned();
            let all: Vec<Tensor> = loss
                .nll
                .clone()
                .into_iter()
                .chain([loss.l2_rec.clone()])
                .chain(level)
                .collect();
            assert_eq!(all.len(), 3);
            Tensor::stack(&all, 0)
        };
        gradcheck(f, &tensors, Directions::Random(3))?;
        gradcheck(
            |inputs| loss(inputs)?.total(&WEIGHTS),
            &tensors,
            Directions::Random(2),
        )?;
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (network, _) = build(&config())?;
    let xs = images(2)?;
    let message = |labels: Labels, mode| {
        terms(&network, &xs, &labels, mode)
            .expect_err("accepted")
            .to_string()
    };
    assert!(message(Labels::none(3), Mode::SemiSupervised).contains("3 labels for 2 images"));
    let half = Labels::partly(&[Some(0), None]);
    assert_eq!(half.known(), 1);
    assert!(message(half.clone(), Mode::Supervised).contains("only 1 of 2"));
    let wrong = Labels::partly(&[Some(3), None]);
    assert!(message(wrong, Mode::SemiSupervised).contains("label 3"));
    let pass = network.pass(&xs, false)?;
    for (other, said) in [
        (images(3)?, "F64 [3, 1, 7, 9]"),
        (xs.to_dtype(DType::F32)?, "F32 [2, 1, 7, 9]"),
    ] {
        let none = Labels::none(other.dim(0)?);
        let (mode, side) = (Mode::Unsupervised, EncoderSide::Joint);
        let error = SwwaeLoss::new(&pass, &other, &none, mode, side).expect_err("accepted");
        assert!(error.to_string().contains(said), "{error}");
    }
    let floats = Tensor::new(&[0f32], &Device::Cpu)?;
    assert!(Labels::all(&floats).is_err_and(|error| error.to_string().contains("u32 or i64")));
    let negative = Tensor::new(&[-1i64], &Device::Cpu)?;
    assert!(Labels::all(&negative).is_err_and(|error| error.to_string().contains("-1 in row 0")));
    let integers = Tensor::new(&[2i64, 0], &Device::Cpu)?;
    assert_eq!(Labels::all(&integers)?, Labels::partly(&[Some(2), Some(0)]));
    let loss = terms(&network, &xs, &Labels::none(2), Mode::SemiSupervised)?;
    let total = |l2_rec, l2_m| {
        loss.total(&LossWeights { l2_rec, l2_m })
            .map_err(|e| e.to_string())
    };
    assert!(total(0.0, 0.0).is_err_and(|m| m.contains("no term is active")));
    assert!(total(-1.0, 0.0).is_err_and(|m| m.contains("l2_rec is -1")));
    assert!(total(0.0, f64::NAN).is_err_and(|m| m.contains("l2_m is NaN")));
    let architecture = "(3)3c-2p".parse().expect("the text is an architecture");
    let (plain, _) = build(&SwwaeConfig::new(architecture, 1, (7, 9)))?;
    let no_classifier = terms(&plain, &xs, &half, Mode::SemiSupervised).expect_err("accepted");
    assert!(no_classifier.to_string().contains("no classifier"));
    assert!(terms(&plain, &xs, &half, Mode::Unsupervised)?.nll.is_none());
    assert_eq!(network.clock().step(), 0);
    Ok(())
}
