//! The three terms of the objective, their weights, and the three modes of training.
//!
//! ```text
//! L       = L_NLL + lambda_L2rec L_L2rec + lambda_L2M L_L2M
//! L_NLL   = mean over the labelled images of -ln softmax(logits)[label]
//! L_L2rec = mean over all elements of (x - x~)^2                  x the image, x~ its reconstruction
//! L_L2M   = sum over the levels m of the mean over all elements of (x_m - x~_m)^2
//! ```
//!
//! x_m is what the pooling of level m passes up, and x~_m the decoder's state just before the unpooling of that level.
//! The means are over the elements of a tensor, images included; the paper does not say whether it sums or averages,
//! which moves the right lambda by orders of magnitude.

use candle_core::{DType, Result, Tensor, bail};
use serde::{Deserialize, Serialize};
use striate::cross_entropy;
use striate::ops::class_labels;
use striate::ops::cpu::dense;

use crate::model::Pass;

/// How much the reconstruction terms count; the classification term counts 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// lambda_L2rec: the image.
    pub l2_rec: f64,
    /// lambda_L2M: the levels in between, each of them.
    pub l2_m: f64,
}

/// Which terms are active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every image has a label; with weights of 0 this is a plain Convnet, otherwise reconstruction regularizes it.
    Supervised,
    /// Labels do not count: a deep convolutional auto-encoder.
    Unsupervised,
    /// Labelled images count in all terms, the others in the reconstruction terms only.
    SemiSupervised,
}

/// Whether the gradient of L_L2M reaches the encoder through x_m too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderSide {
    /// It does: encoder and decoder move towards each other, as joint training suggests.
    #[default]
    Joint,
    /// x_m is a constant, so that the encoder cannot please the term by shrinking.
    Detached,
}

/// The labels of a batch, some of which may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Number of images.
    count: usize,
    /// Index of each labelled image, in order.
    rows: Vec<u32>,
    /// Its label.
    classes: Vec<u32>,
}

impl Labels {
    /// Every image has a label: u32 or i64 (N).
    ///
    /// # Errors
    /// Another dtype or rank.
    pub fn all(labels: &Tensor) -> Result<Self> {
        if labels.rank() != 1 {
            bail!(
                "swwae: labels have shape {:?} and dtype {:?}; u32 or i64 (N) is wanted",
                labels.dims(),
                labels.dtype()
            );
        }
        let classes = class_labels(labels)?.to_vec1::<u32>()?;
        Ok(Self {
            count: classes.len(),
            rows: (0..classes.len() as u32).collect(),
            classes,
        })
    }

    /// `None` for an image without a label.
    pub fn partly(labels: &[Option<u32>]) -> Self {
        let known = labels.iter().zip(0u32..);
        let (rows, classes) = known
            .filter_map(|(label, row)| label.map(|label| (row, label)))
            .unzip();
        Self {
            count: labels.len(),
            rows,
            classes,
        }
    }

    /// No label for any of `count` images.
    pub fn none(count: usize) -> Self {
        Self {
            count,
            rows: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// Number of images with a label.
    pub fn known(&self) -> usize {
        self.rows.len()
    }
}

/// The terms of the objective for one batch, as scalars with gradients; none is weighted yet.
#[derive(Clone, Debug)]
pub struct SwwaeLoss {
    /// L_NLL; nothing without labelled images.
    pub nll: Option<Tensor>,
    /// L_L2rec.
    pub l2_rec: Tensor,
    /// The terms of L_L2M, from the image up; nothing for a level that the decoder starts from.
    pub l2_m: Vec<Option<Tensor>>,
}

impl SwwaeLoss {
    /// The terms for `images` after [`Swwae::pass`](crate::Swwae::pass), in their dtype; means over f16 and bf16 are taken in f32.
    ///
    /// # Errors
    /// Other images than those of the pass, by their shape or dtype; labels of another number than images;
    /// in supervised mode an image without a label; labels for a network without a classifier, or that are no class of it.
    pub fn new(
        pass: &Pass,
        images: &Tensor,
        labels: &Labels,
        mode: Mode,
        side: EncoderSide,
    ) -> Result<Self> {
        let reconstruction = &pass.decoding.reconstruction;
        if (images.dims(), images.dtype()) != (reconstruction.dims(), reconstruction.dtype()) {
            bail!(
                "swwae: the images are {:?} {:?}, the reconstruction of the pass is {:?} {:?}; give the images that the pass was made of",
                images.dtype(),
                images.dims(),
                reconstruction.dtype(),
                reconstruction.dims()
            );
        }
        let levels = pass.encoding.levels.iter().zip(&pass.decoding.states);
        let term = |(level, state): (&crate::Level, &Option<Tensor>)| {
            let what = match side {
                EncoderSide::Joint => level.what.clone(),
                EncoderSide::Detached => level.what.detach(),
            };
            let state = state.as_ref();
            state.map(|state| mean_squares(&what, state)).transpose()
        };
        Ok(Self {
            nll: nll(pass, images.dim(0)?, labels, mode)?,
            l2_rec: mean_squares(images, reconstruction)?,
            l2_m: levels.map(term).collect::<Result<_>>()?,
        })
    }

    /// L_NLL + lambda_L2rec L_L2rec + lambda_L2M L_L2M.
    ///
    /// A term with weight 0 is left out, so that it has no gradient at all.
    ///
    /// # Errors
    /// A weight that is negative or not finite; no active term.
    pub fn total(&self, weights: &LossWeights) -> Result<Tensor> {
        for (name, weight) in [("l2_rec", weights.l2_rec), ("l2_m", weights.l2_m)] {
            if !(0.0..f64::INFINITY).contains(&weight) {
                bail!("swwae: the weight {name} is {weight}; it must be finite and at least 0");
            }
        }
        let levels = self.l2_m.iter().flatten().map(|term| (term, weights.l2_m));
        let terms = std::iter::once((&self.l2_rec, weights.l2_rec)).chain(levels);
        let mut total = self.nll.clone();
        for (term, weight) in terms.filter(|&(_, weight)| weight > 0.0) {
            let term = (term * weight)?;
            total = Some(match total {
                Some(total) => (total + term)?,
                None => term,
            });
        }
        match total {
            Some(total) => Ok(total),
            None => bail!(
                "swwae: no term is active: there are no labels and both weights are 0; set l2_rec above 0"
            ),
        }
    }
}

fn nll(pass: &Pass, images: usize, labels: &Labels, mode: Mode) -> Result<Option<Tensor>> {
    if labels.count != images {
        bail!(
            "swwae: {} labels for {images} images; use Labels::partly for images without one",
            labels.count
        );
    }
    let all = labels.known() == images;
    match mode {
        Mode::Unsupervised => return Ok(None),
        Mode::Supervised if !all => bail!(
            "swwae: supervised training, but only {} of {images} images have a label; use Mode::SemiSupervised",
            labels.known()
        ),
        Mode::SemiSupervised if labels.known() == 0 => return Ok(None),
        Mode::Supervised | Mode::SemiSupervised => {}
    }
    let Some(logits) = &pass.logits else {
        bail!(
            "swwae: labels, but the network has no classifier; add a fully connected layer such as 10fc, or use Mode::Unsupervised"
        );
    };
    let device = logits.device();
    let classes = Tensor::new(labels.classes.as_slice(), device)?;
    if all {
        return cross_entropy(logits, &classes).map(Some);
    }
    let rows = Tensor::new(labels.rows.as_slice(), device)?;
    cross_entropy(&logits.index_select(&rows, 0)?, &classes).map(Some)
}

/// The mean over all elements of (a - b)^2; over f16 and bf16 in f32, since Candle's sums are in the dtype of the elements.
fn mean_squares(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let wide = |x: &Tensor| match x.dtype() {
        DType::F16 | DType::BF16 => dense("swwae loss", x)?.to_dtype(DType::F32),
        _ => Ok(x.clone()),
    };
    let mean = (wide(a)? - wide(b)?)?.sqr()?.mean_all()?;
    mean.to_dtype(a.dtype())
}

#[cfg(test)]
mod tests;
