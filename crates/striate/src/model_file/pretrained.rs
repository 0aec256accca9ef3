//! A network with everything that it takes to ask it.

use candle_core::{D, Result, Tensor, bail};
use candle_nn::ModuleT;
use candle_nn::ops::softmax;

use super::{ModelCard, Normalization, Whitening};
use crate::Parameters;

/// A network from a model file, with what is done to pictures before it sees them.
#[derive(Clone, Debug)]
pub struct Pretrained<N> {
    /// The network.
    pub network: N,
    /// Its parameters, to train it further.
    pub parameters: Parameters,
    /// What the file says about it.
    pub card: ModelCard,
    pub(super) image_shape: (usize, usize, usize),
    pub(super) whitening: Option<Whitening>,
}

/// What a network says of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The class with the largest logit, and so with the largest probability; the first of those with equal logits.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Its probability, 0 to 1, by the softmax of the logits.
    pub probability: f32,
}

impl<N> Pretrained<N> {
    /// Channels, height and width of the pictures that [`Pretrained::prepare`] takes.
    pub fn picture_shape(&self) -> (usize, usize, usize) {
        let (c, h, w) = self.image_shape;
        match self.card.preprocessing.canvas {
            // The picture is what lies on the canvas.
            Some(canvas) => {
                let inside = |side: usize| side.min(canvas.side) / canvas.scale.max(1);
                (c, inside(h), inside(w))
            }
            None => (c, h, w),
        }
    }

    /// The whitening, if the preprocessing has one.
    pub fn whitening(&self) -> Option<&Whitening> {
        self.whitening.as_ref()
    }

    /// Pixels (N, C, H, W) from 0 to 255 as the network wants them.
    ///
    /// # Errors
    /// Those of [`Preprocessing::apply`](super::Preprocessing::apply).
    pub fn prepare(&self, pixels: &Tensor) -> Result<Tensor> {
        let xs = self
            .card
            .preprocessing
            .apply(pixels, self.whitening.as_ref())?;
        xs.to_device(self.parameters.device())
    }

    /// Prepared images, or what a network made of them, as values from 0 to 1 that can be drawn.
    ///
    /// # Errors
    /// Those of [`Preprocessing::undo`](super::Preprocessing::undo).
    pub fn picture(&self, xs: &Tensor) -> Result<Tensor> {
        self.card.preprocessing.undo(xs)
    }
}

impl<N> Pretrained<N> {
    /// What the network says by these logits, (N, classes).
    ///
    /// # Errors
    /// Another rank or number type, and a logit that is not finite.
    pub fn answers(&self, logits: &Tensor) -> Result<Vec<Answer>> {
        let shares = softmax(logits, D::Minus1)?.to_vec2::<f32>()?;
        let rows = logits.to_vec2::<f32>()?.into_iter().zip(shares);
        let answer = |(picture, (row, shares)): (usize, (Vec<f32>, Vec<f32>))| {
            if let Some(bad) = row.iter().find(|logit| !logit.is_finite()) {
                bail!(
                    "answers: picture {picture} has the logit {bad}, which is no answer; the network's training diverged, or its input was not prepared: give pixels to Pretrained::prepare first"
                );
            }
            let mut class = 0;
            for (other, logit) in row.iter().enumerate() {
                if *logit > row[class] {
                    class = other;
                }
            }
            let name = self.card.classes.get(class).cloned();
            Ok(Answer {
                class,
                name: name.unwrap_or_else(|| format!("class {class}")),
                probability: shares.get(class).copied().unwrap_or_default(),
            })
        };
        rows.enumerate().map(answer).collect()
    }

    /// What the card says fits the network of so many `classes`: one that does not would answer with names that are none.
    pub(super) fn check_card(&self, classes: Option<usize>) -> Result<()> {
        let names = self.card.classes.len();
        if let Some(classes) = classes.filter(|&classes| names > 0 && classes != names) {
            bail!(
                "its card names {names} classes, its network has {classes}; write the file again with a name for each or with none (Parameters::load reads the weights)"
            );
        }
        let channels = self.image_shape.0;
        let (c, h, w) = self.picture_shape();
        match (&self.card.preprocessing.normalization, &self.whitening) {
            (Normalization::Affine { mean, factor }, _)
                if (mean.len(), factor.len()) != (channels, channels) =>
            {
                bail!(
                    "its preprocessing has {} means and {} factors, its network takes {channels} channels; write the file again with one of each for each channel (Parameters::load reads the weights)",
                    mean.len(),
                    factor.len()
                )
            }
            (Normalization::GcnZca { .. }, Some(Whitening { mean, .. }))
                if mean.len() != c * h * w =>
            {
                bail!(
                    "its whitening has {} values, the pictures of its network have {} ({c} channels of {h}x{w}); write the file again with the whitening of such pictures (Parameters::load reads the weights)",
                    mean.len(),
                    c * h * w
                )
            }
            _ => Ok(()),
        }
    }
}

impl<N: ModuleT> Pretrained<N> {
    /// The most likely class of each of the pictures, whose pixels (N, C, H, W) go from 0 to 255: one answer a picture.
    ///
    /// # Errors
    /// Those of [`Pretrained::prepare`] and of the network.
    pub fn classify(&self, pixels: &Tensor) -> Result<Vec<Answer>> {
        if pixels.dims().first() == Some(&0) {
            return Ok(Vec::new());
        }
        self.answers(&self.network.forward_t(&self.prepare(pixels)?, false)?)
    }

    /// The probability of every class, f32 (N, classes), in the order of the card's `classes`.
    ///
    /// # Errors
    /// Those of [`Pretrained::prepare`] and of the network.
    pub fn probabilities(&self, pixels: &Tensor) -> Result<Tensor> {
        softmax(
            &self.network.forward_t(&self.prepare(pixels)?, false)?,
            D::Minus1,
        )
    }
}
