//! The module: theta = f_loc(U), the grid T_theta(G), and the sampled map V.

use candle_core::{Result, Tensor, bail};
use candle_nn::Module;
use striate::ops::cpu::dense;

use super::LocalisationNet;
use crate::grid::{GridGenerator, SamplingGrid};
use crate::options::{GridSampleOptions, PaddingMode};
use crate::sample::grid_sample;

/// `theta` with its gradient multiplied by `factor`; the value does not change.
///
/// A smaller gradient for the localisation net has the effect of the smaller learning rate
/// that implementations of the paper use, with one optimizer for everything.
///
/// # Errors
/// An integer dtype; a broadcast view of more elements than memory can hold.
///
/// ```
/// use stn::candle_core::{Device, Result, Var};
/// fn main() -> Result<()> {
///     let theta = Var::new(&[2f32], &Device::Cpu)?;
///     let scaled = stn::scale_gradient(&theta, 0.1)?;
///     assert_eq!(scaled.to_vec1::<f32>()?, [2.0]);
///     let gradients = scaled.sum_all()?.backward()?;
///     assert_eq!(gradients.get(&theta).map(|g| g.to_vec1::<f32>()).transpose()?, Some(vec![0.1]));
///     Ok(())
/// }
/// ```
pub fn scale_gradient(theta: &Tensor, factor: f64) -> Result<Tensor> {
    if factor == 1.0 {
        return Ok(theta.clone());
    }
    let theta = dense("scale_gradient", theta)?;
    let value = theta.detach();
    // The difference is exactly zero, so the value keeps its bits.
    value.add(&((theta - &value)? * factor)?)
}

/// The result of a transformer on a batch.
#[derive(Clone, Debug)]
pub struct Transformed {
    /// V: the sampled maps, (N, C, H_out, W_out).
    pub output: Tensor,
    /// The parameters, (N, P).
    pub theta: Tensor,
    /// The position in the input of each pixel of the output.
    pub grid: SamplingGrid,
}

/// A spatial transformer: a layer that predicts a transformation of its input and applies it.
///
/// It may come before or between any layers; all channels are transformed alike.
/// Transformers in series are layers in sequence; for several in parallel see [`ParallelTransformers`](super::ParallelTransformers).
///
/// # Shapes
/// (N, C, H, W) to (N, C, H_out, W_out), where the generator sets the output's size.
///
/// # Convention
/// That of the generator's grid; by default sampling is bilinear with zeros outside.
///
/// # Gradient
/// To the input through the sampler and through the localisation net, and to the net's parameters,
/// the latter multiplied by the gradient scale.
///
/// # Source
/// Jaderberg et al. 2015, section 3, Figure 2.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::candle_nn::Module;
/// use stn::{AffineGrid, AlignCorners, FcLocalisation, GridGenerator, SpatialTransformer};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let generator = AffineGrid::new((8, 8), AlignCorners::Yes)?;
///     let net = FcLocalisation::new(16 * 16, &[32], &generator.identity(), vb.pp("st"))?;
///     let transformer = SpatialTransformer::new(net, generator)?.gradient_scale(0.1);
///     let xs = Tensor::ones((2, 1, 16, 16), DType::F32, &Device::Cpu)?;
///     assert_eq!(transformer.forward(&xs)?.dims(), [2, 1, 8, 8]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SpatialTransformer<L, G> {
    localisation: L,
    generator: G,
    options: GridSampleOptions,
    gradient_scale: f64,
}

impl<L: LocalisationNet, G: GridGenerator> SpatialTransformer<L, G> {
    /// A transformer of a net and a generator.
    ///
    /// # Errors
    /// A net that predicts another number of parameters than the generator takes.
    pub fn new(localisation: L, generator: G) -> Result<Self> {
        let (predicted, taken) = (localisation.parameter_count(), generator.parameter_count());
        if predicted != taken {
            bail!(
                "spatial transformer: the localisation net predicts {predicted} parameters, the generator {generator:?} takes {taken}; make the net with the generator's identity()"
            );
        }
        Ok(Self {
            localisation,
            generator,
            options: GridSampleOptions::default(),
            gradient_scale: 1.0,
        })
    }

    /// The same with other sampling.
    pub fn options(self, options: GridSampleOptions) -> Self {
        Self { options, ..self }
    }

    /// The same with the gradient to the localisation net multiplied by `factor`.
    pub fn gradient_scale(self, factor: f64) -> Self {
        Self {
            gradient_scale: factor,
            ..self
        }
    }

    /// The net.
    pub fn localisation(&self) -> &L {
        &self.localisation
    }

    /// The generator.
    pub fn generator(&self) -> &G {
        &self.generator
    }

    /// The output with the parameters and the grid that made it.
    ///
    /// # Errors
    /// Those of the net and of the sampler.
    pub fn transform(&self, xs: &Tensor) -> Result<Transformed> {
        self.transform_from(xs, xs)
    }

    /// As [`transform`](Self::transform), where the net takes `features` and the sampler reads `xs`:
    /// for example a small picture and the same picture at full resolution.
    ///
    /// # Errors
    /// Those of the net and of the sampler.
    pub fn transform_from(&self, features: &Tensor, xs: &Tensor) -> Result<Transformed> {
        self.warp(xs, self.theta(features)?)
    }

    /// The parameters that the net predicts, (N, P), with the gradient to the net scaled.
    ///
    /// # Errors
    /// Those of the net.
    pub fn theta(&self, features: &Tensor) -> Result<Tensor> {
        scale_gradient(&self.localisation.theta(features)?, self.gradient_scale)
    }

    /// `xs` transformed by the given parameters (N, P).
    ///
    /// # Errors
    /// Those of the sampler; parameters of another shape.
    pub fn warp(&self, xs: &Tensor, theta: Tensor) -> Result<Transformed> {
        let grid = self.generator.grid(&theta)?;
        let output = grid_sample(xs, &grid, &self.options)?;
        Ok(Transformed {
            output,
            theta,
            grid,
        })
    }

    /// The output put back into the input's frame, of `size`, with zeros around it: the region that the transformer sampled.
    ///
    /// # Errors
    /// A generator without an inverse; parameters without an inverse.
    pub fn unwarp(&self, transformed: &Transformed, size: (usize, usize)) -> Result<Tensor> {
        let grid = self.generator.inverse_grid(&transformed.theta, size)?;
        let options = GridSampleOptions {
            padding: PaddingMode::Zeros,
            ..self.options
        };
        grid_sample(&transformed.output, &grid, &options)
    }
}

impl<L: LocalisationNet, G: GridGenerator> Module for SpatialTransformer<L, G> {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        Ok(self.transform(xs)?.output)
    }
}
