//! Co-localisation: finding an object that pictures have in common, without labels (appendix A.2).

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::{ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::network::unknown_layer;
use striate::ops::cpu::dense;
use striate::rng::Stream;
use striate::{Clock, Network, relu};

use super::classifier::{Body, Classifier};
use crate::grid::AttentionGrid;
use crate::host;
use crate::module::{ConvLocalisation, ConvLocalisationConfig, SpatialTransformer, Transformed};
use crate::options::AlignCorners;
use crate::size::matrix;

/// Sizes of the co-localisation experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoLocalisationConfig {
    /// Side of the scenes.
    pub side: usize,
    /// Side of a crop.
    pub crop: usize,
    /// The net that encodes crops.
    pub body: Body,
    /// The window at the start, as a share of the scene's side.
    pub start: f64,
    /// Factors of the two hidden layers and the logits in the code; a layer with factor 0 is left out.
    pub factors: [f64; 3],
    /// Factor of the gradient to the localisation net.
    pub gradient_scale: f64,
}

impl CoLocalisationConfig {
    /// Scenes of 84 x 84 with a digit of 28 x 28.
    pub fn digits() -> Self {
        Self {
            side: 84,
            crop: 28,
            body: Body::Cnn { filters: 64 },
            start: 1.0,
            factors: [1.0; 3],
            gradient_scale: 1.0,
        }
    }
}

/// What sets the size of the windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WindowSize {
    /// The localisation net predicts it, as in the paper.
    Learned,
    /// This share of the scene's side for all windows; the net predicts their centers alone.
    Given(f64),
}

/// A transformer that crops, and a net that encodes crops so that crops of the common object are close.
///
/// # Convention
/// Tensors `st.*` of the localisation net, `encoder.*` of the encoder.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.2.
#[derive(Clone, Debug)]
pub struct CoLocalisation {
    transformer: SpatialTransformer<ConvLocalisation, AttentionGrid>,
    encoder: Classifier,
    factors: [f64; 3],
    clock: Clock,
}

impl CoLocalisation {
    /// The pair of networks of `config`.
    ///
    /// # Errors
    /// Scenes or crops too small for the convolutions, tensors of another shape in `vb`, a code without layers.
    pub fn new(config: &CoLocalisationConfig, vb: VarBuilder) -> Result<Self> {
        if config.factors.iter().all(|&factor| factor == 0.0) {
            bail!(
                "co-localisation: factors are {:?}; a code has at least one layer, so give one another factor than 0",
                config.factors
            );
        }
        let generator = AttentionGrid::new((config.crop, config.crop), AlignCorners::Yes)?;
        let layers = ConvLocalisationConfig::colocalisation((config.side, config.side));
        let net = ConvLocalisation::new(&layers, &[config.start, 0.0, 0.0], vb.pp("st"))?;
        let transformer =
            SpatialTransformer::new(net, generator)?.gradient_scale(config.gradient_scale);
        let encoder = Classifier::new(config.body, 1, config.crop, 10, vb.pp("encoder"))?;
        Ok(Self {
            transformer,
            encoder,
            factors: config.factors,
            clock: Clock::new(0),
        })
    }

    /// The crops of the scenes `xs`, (N, 1, side, side).
    ///
    /// # Errors
    /// An input of another shape.
    pub fn transform(&self, xs: &Tensor, size: WindowSize) -> Result<Transformed> {
        let WindowSize::Given(share) = size else {
            return self.transformer.transform(xs);
        };
        let theta = self.transformer.theta(xs)?;
        let n = theta.dim(0)?;
        let sizes = host::tensor(vec![share; n], (n, 1), &theta)?;
        let theta = Tensor::cat(&[&sizes, &theta.narrow(1, 1, 2)?], 1)?;
        self.transformer.warp(xs, theta)
    }

    /// The code of crops: the activations of all three layers, each times its factor, concatenated.
    ///
    /// # Errors
    /// An input of another shape.
    pub fn encode(&self, crops: &Tensor) -> Result<Tensor> {
        let layers = self.encoder.activations(crops)?;
        let layers = layers.iter().zip(self.factors);
        let layers = layers.filter(|&(_, factor)| factor != 0.0);
        let code: Vec<Tensor> = layers
            .map(|(layer, factor)| layer * factor)
            .collect::<Result<_>>()?;
        Tensor::cat(&code, 1)
    }

    /// The loss of a batch of scenes, with the crops.
    ///
    /// Random windows have the size of the predicted ones, at most that of the scene, and come from `draws`.
    /// Their centers are anywhere on the scene: a window as large as the scene would have one place only inside it.
    ///
    /// # Errors
    /// An input of another shape, fewer than two scenes.
    pub fn loss(
        &self,
        xs: &Tensor,
        size: WindowSize,
        alpha: f64,
        draws: &mut Stream,
    ) -> Result<(Tensor, Transformed)> {
        let crops = self.transform(xs, size)?;
        let windows: Vec<Vec<f64>> = host::values("co-localisation", &crops.theta)?.to_vec2()?;
        let random = windows.iter().flat_map(|theta| {
            let mut at = || 2.0 * draws.uniform_f64() - 1.0;
            [theta[0].abs().min(1.0), at(), at()]
        });
        let random = random.collect::<Vec<f64>>();
        let random = host::tensor(random, (windows.len(), 3), xs)?;
        let random = self.transformer.warp(xs, random)?;
        let loss = triplet_loss(
            &self.encode(&crops.output)?,
            &self.encode(&random.output)?,
            alpha,
        )?;
        Ok((loss, crops))
    }

    /// (left, top, right, bottom) in pixels, the edges of the windows `theta` on scenes of `side`.
    ///
    /// # Errors
    /// Parameters of another shape than (N, 3).
    pub fn boxes(theta: &Tensor, side: usize) -> Result<Vec<[f64; 4]>> {
        let theta: Vec<Vec<f64>> = host::values("boxes", theta)?.to_vec2()?;
        let pixel = |g: f64| AlignCorners::Yes.to_pixel(g, side) + 0.5;
        theta
            .iter()
            .map(|theta| match theta[..] {
                [s, x, y] => {
                    let s = s.abs();
                    Ok([pixel(x - s), pixel(y - s), pixel(x + s), pixel(y + s)])
                }
                _ => bail!(
                    "boxes: {} parameters a window; they must be (s, tx, ty)",
                    theta.len()
                ),
            })
            .collect()
    }
}

impl ModuleT for CoLocalisation {
    /// The codes of the scenes' crops.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let code = self.encode(&self.transform(xs, WindowSize::Learned)?.output)?;
        if train {
            self.clock.tick();
        }
        Ok(code)
    }
}

impl Network for CoLocalisation {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        ["crop", "hidden1", "hidden2", "hidden3", "code"]
            .map(String::from)
            .to_vec()
    }

    /// The crops, (N, 1, crop, crop).
    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        Ok(self.transform(xs, WindowSize::Learned)?.output)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        let Some(at) = names.iter().position(|name| name == layer) else {
            return Err(unknown_layer(layer, &names));
        };
        let crops = self.forward_features(xs)?;
        match at {
            0 => Ok(crops),
            4 => self.encode(&crops),
            at => Ok(self.encoder.activations(&crops)?[at - 1].clone()),
        }
    }
}

/// L = sum over n, m != n of max(0, |e(T_n) - e(T_m)|^2 - |e(T_n) - e(R_n)|^2 + alpha).
///
/// # Shapes
/// `crops` and `random`, the codes of crops and of random patches, (N, E) both; the result is a scalar of their dtype,
/// summed in f32 for f16 and bf16. Memory grows with N squared.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.2, with alpha = 1.
///
/// # Errors
/// Other shapes, fewer than two codes, codes that are no floating-point numbers, an alpha that is not finite,
/// and more codes than memory holds distances of.
pub fn triplet_loss(crops: &Tensor, random: &Tensor, alpha: f64) -> Result<Tensor> {
    let n = match *crops.dims() {
        [n, e] if n >= 2 && random.dims() == [n, e] => n,
        _ => bail!(
            "triplet loss: the codes have shapes {:?} and {:?}; both must be (N, E) with at least two rows",
            crops.dims(),
            random.dims()
        ),
    };
    let dtype = crops.dtype();
    if !dtype.is_float() || !alpha.is_finite() {
        bail!(
            "triplet loss: codes of {dtype:?} and alpha {alpha}; give codes of a floating-point type and a finite alpha"
        );
    }
    matrix("triplet loss", "the distances (N, N)", &[n, n])?;
    let wide = |codes: &Tensor| {
        let codes = dense("triplet loss", codes)?;
        match codes.dtype() {
            DType::F16 | DType::BF16 => codes.to_dtype(DType::F32),
            _ => Ok(codes),
        }
    };
    let (crops, random) = (wide(crops)?, wide(random)?);
    let square = crops.sqr()?.sum_keepdim(1)?;
    let products = crops.matmul(&crops.t()?)?;
    let apart = square
        .broadcast_add(&square.t()?)?
        .sub(&(products * 2.0)?)?;
    let from_random = crops.sub(&random)?.sqr()?.sum_keepdim(1)?;
    let hinge = relu(&(apart.broadcast_sub(&from_random)? + alpha)?)?;
    let others = Tensor::eye(n, hinge.dtype(), hinge.device())?.affine(-1.0, 1.0)?;
    hinge.mul(&others)?.sum_all()?.to_dtype(dtype)
}
