//! Tests of the module: identity start, gradients, gradient scale, series and parallel, drawing back.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::Module;
use striate::rng::stream;
use striate::testing::{Directions, Tolerance, assert_close, gradcheck, values};
use striate::{Initializer, Parameters};

use super::*;
use crate::grid::{AffineGrid, AttentionGrid, GridGenerator, ProjectiveGrid, ThinPlateSplineGrid};
use crate::options::{AlignCorners, GridSampleOptions, PaddingMode};

fn images(dims: &[usize]) -> Result<Tensor> {
    let mut draws = stream(5, "images", 0);
    let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu)
}

fn message<T>(result: Result<T>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

/// A net that predicts the same theta whatever it sees.
#[derive(Clone, Debug)]
struct Fixed(Tensor);

impl LocalisationNet for Fixed {
    fn parameter_count(&self) -> usize {
        self.0.dims().last().copied().unwrap_or(0)
    }
    fn theta(&self, _xs: &Tensor) -> Result<Tensor> {
        Ok(self.0.clone())
    }
}

#[test]
fn an_untrained_transformer_passes_its_input_through() -> Result<()> {
    let xs = images(&[2, 1, 16, 16])?;
    let size = (16, 16);
    // Whatever draws the weights, the regression layer starts at the identity.
    let parameters =
        Parameters::new(1, DType::F64, &Device::Cpu).with_weights(Initializer::kaiming());
    let generators: [Box<dyn GridGenerator>; 3] = [
        Box::new(AffineGrid::new(size, AlignCorners::Yes)?),
        Box::new(ProjectiveGrid::new(size, AlignCorners::No)?),
        Box::new(ThinPlateSplineGrid::new(size, AlignCorners::Yes, 4)?),
    ];
    for (at, generator) in generators.into_iter().enumerate() {
        let generator = std::sync::Arc::new(generator);
        let vb = parameters.builder().pp(format!("st{at}"));
        let config = ConvLocalisationConfig {
            downsample: 1,
            ..ConvLocalisationConfig::mnist(1, size)
        };
        let identity = generator.identity();
        let nets: [Box<dyn LocalisationNet>; 2] = [
            Box::new(FcLocalisation::new(
                256,
                &FcLocalisation::PAPER_HIDDEN,
                &identity,
                vb.pp("fc"),
            )?),
            Box::new(ConvLocalisation::new(&config, &identity, vb.pp("conv"))?),
        ];
        for net in nets {
            let transformer = SpatialTransformer::new(net, generator.clone())?;
            assert_close(
                "identity",
                &transformer.forward(&xs)?,
                &xs,
                Tolerance::Elementwise(1e-9),
            );
        }
    }
    Ok(())
}

#[test]
fn a_gradient_reaches_the_first_layer_once_the_last_has_moved() -> Result<()> {
    let parameters = Parameters::new(1, DType::F64, &Device::Cpu);
    let generator = AffineGrid::new((6, 6), AlignCorners::Yes)?;
    let net = FcLocalisation::new(36, &[8, 8], &generator.identity(), parameters.builder())?;
    let transformer = SpatialTransformer::new(net, generator)?;
    let xs = images(&[2, 1, 6, 6])?;
    let gradient = |name: &str| -> Result<Vec<f64>> {
        let gradients = transformer.forward(&xs)?.sqr()?.sum_all()?.backward()?;
        let vars = parameters.named();
        let var = vars
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, var)| var.clone());
        match var.and_then(|var| gradients.get(&var).cloned()) {
            Some(gradient) => values(&gradient),
            None => candle_core::bail!("{name} has no gradient"),
        }
    };
    assert!(gradient("theta.projection")?.iter().any(|g| *g != 0.0));
    for (name, var) in parameters.named() {
        if name == "theta.projection" {
            var.set(&images(var.dims())?.affine(0.05, 0.0)?)?;
        }
    }
    assert!(gradient("fc1.weight")?.iter().any(|g| *g != 0.0));
    Ok(())
}

#[test]
fn the_gradient_scale_reaches_the_net_and_leaves_the_value() -> Result<()> {
    let theta = Var::from_tensor(&Tensor::new(
        &[[0.9f64, 0.1, 0.03, -0.1, 0.8, 0.05]],
        &Device::Cpu,
    )?)?;
    let xs = images(&[1, 2, 5, 5])?;
    let run = |factor| -> Result<(Tensor, Tensor)> {
        let generator = AffineGrid::new((5, 5), AlignCorners::Yes)?;
        let net = Fixed(theta.as_tensor().clone());
        let ys = SpatialTransformer::new(net, generator)?
            .gradient_scale(factor)
            .forward(&xs)?;
        let gradients = ys.sqr()?.sum_all()?.backward()?;
        match gradients.get(&theta) {
            Some(gradient) => Ok((ys, gradient.clone())),
            None => candle_core::bail!("no gradient"),
        }
    };
    let (full, tenth) = (run(1.0)?, run(0.1)?);
    assert_close("value", &tenth.0, &full.0, Tolerance::Exact);
    assert_close(
        "gradient",
        &tenth.1,
        &(full.1 * 0.1)?,
        Tolerance::Elementwise(1e-12),
    );
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let xs = images(&[2, 2, 5, 6])?;
    let theta = Tensor::new(
        &[
            [0.913f64, 0.107, 0.031, -0.113, 0.817, 0.053],
            [1.117, -0.219, 0.103, 0.109, 1.223, -0.071],
        ],
        &Device::Cpu,
    )?;
    gradcheck(
        |t| {
            let generator = AffineGrid::new((4, 4), AlignCorners::Yes)?;
            SpatialTransformer::new(Fixed(t[1].clone()), generator)?.forward(&t[0])
        },
        &[xs, theta],
        Directions::EveryElement,
    )
}

#[test]
fn series_and_parallel() -> Result<()> {
    let xs = images(&[1, 2, 7, 7])?;
    let attention = |s: f64, x: f64, y: f64| -> Result<SpatialTransformer<Fixed, AttentionGrid>> {
        let theta = Tensor::new(&[[s, x, y]], &Device::Cpu)?;
        SpatialTransformer::new(Fixed(theta), AttentionGrid::new((7, 7), AlignCorners::Yes)?)
    };
    let (left, right) = (attention(0.5, -0.5, 0.0)?, attention(0.5, 0.5, 0.0)?);
    let pair = ParallelTransformers::new(vec![left.clone(), right.clone()])?;
    let ys = pair.forward(&xs)?;
    assert_eq!(ys.dims(), [1, 4, 7, 7]);
    assert_close(
        "left",
        &ys.narrow(1, 0, 2)?,
        &left.forward(&xs)?,
        Tolerance::Exact,
    );
    let row = candle_nn::seq().add(left).add(right);
    assert_eq!(row.forward(&xs)?.dims(), [1, 2, 7, 7]);
    let none: Vec<SpatialTransformer<Fixed, AttentionGrid>> = Vec::new();
    assert!(message(ParallelTransformers::new(none)).contains("at least 1"));
    Ok(())
}

#[test]
fn drawing_back_undoes_a_whole_pixel_shift() -> Result<()> {
    let xs = images(&[1, 1, 5, 5])?;
    let affine = Tensor::new(&[[1.0f64, 0.0, 0.5, 0.0, 1.0, 0.0]], &Device::Cpu)?;
    let projective = Tensor::new(&[[1.0f64, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0]], &Device::Cpu)?;
    let check = |generator: Box<dyn GridGenerator>, theta: &Tensor| -> Result<()> {
        // Around the drawn region are zeros, whatever the transformer saw around its input.
        let options = GridSampleOptions {
            padding: PaddingMode::Border,
            ..Default::default()
        };
        let transformer = SpatialTransformer::new(Fixed(theta.clone()), generator)?;
        let transformer = transformer.options(options);
        let back = transformer.unwarp(&transformer.transform(&xs)?, (5, 5))?;
        // The first column was not seen.
        assert_close(
            "seen",
            &back.narrow(3, 1, 4)?,
            &xs.narrow(3, 1, 4)?,
            Tolerance::Elementwise(1e-9),
        );
        assert!(
            values(&back.narrow(3, 0, 1)?)?
                .iter()
                .all(|v| v.abs() < 1e-9)
        );
        Ok(())
    };
    check(
        Box::new(AffineGrid::new((5, 5), AlignCorners::Yes)?),
        &affine,
    )?;
    check(
        Box::new(ProjectiveGrid::new((5, 5), AlignCorners::Yes)?),
        &projective,
    )?;
    let spline = ThinPlateSplineGrid::new((5, 5), AlignCorners::Yes, 2)?;
    let theta = Tensor::from_vec(spline.identity(), (1, 8), &Device::Cpu)?;
    assert!(message(spline.inverse_grid(&theta, (5, 5))).contains("no inverse"));
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let generator = AffineGrid::new((5, 5), AlignCorners::Yes)?;
    let three = Fixed(Tensor::zeros((1, 3), DType::F64, &Device::Cpu)?);
    let text = message(SpatialTransformer::new(three, generator));
    assert!(
        text.contains("predicts 3 parameters") && text.contains("takes 6"),
        "{text}"
    );
    let vb = Parameters::new(1, DType::F64, &Device::Cpu).builder();
    let net = FcLocalisation::new(30, &[4], &[1.0], vb.pp("a"))?;
    assert!(message(net.theta(&images(&[1, 1, 5, 5])?)).contains("25 values, the net takes 30"));
    assert!(message(FcLocalisation::new(30, &[0], &[1.0], vb.pp("b"))).contains("at least 1"));
    let small = ConvLocalisationConfig::mnist(1, (9, 9));
    assert!(ConvLocalisation::new(&small, &[1.0], vb.pp("c")).is_err());
    // After rounding down, 33 pixels are as many as 32.
    let even = ConvLocalisationConfig::mnist(1, (32, 32));
    let net = ConvLocalisation::new(&even, &[1.0], vb.pp("d"))?;
    net.theta(&images(&[1, 1, 32, 32])?)?;
    let text = message(net.theta(&images(&[1, 1, 33, 32])?));
    assert!(
        text.contains("[1, 1, 33, 32]; it takes (N, 1, 32, 32)"),
        "{text}"
    );
    Ok(())
}

#[test]
fn parameter_counts_of_the_facts_file() -> Result<()> {
    let count = |config: &ConvLocalisationConfig, p: usize| -> Result<usize> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        ConvLocalisation::new(config, &vec![0.0; p], parameters.builder())?;
        Ok(parameters.count())
    };
    assert_eq!(
        count(&ConvLocalisationConfig::mnist(1, (42, 42)), 6)?,
        17_086
    );
    assert_eq!(
        count(&ConvLocalisationConfig::mnist(1, (60, 60)), 6)?,
        43_086
    );
    assert_eq!(
        count(&ConvLocalisationConfig::colocalisation((84, 84)), 3)?,
        5_947
    );
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    FcLocalisation::new(
        42 * 42,
        &FcLocalisation::PAPER_HIDDEN,
        &[0.0; 6],
        parameters.builder(),
    )?;
    assert_eq!(parameters.count(), 58_790);
    Ok(())
}
