//! A network with everything that it takes to ask it.

use candle_core::{D, Result, Tensor};
use candle_nn::ModuleT;
use candle_nn::ops::softmax;

use super::{ModelCard, Whitening};
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
    /// The class with the largest probability.
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
    /// Another rank or number type.
    pub fn answers(&self, logits: &Tensor) -> Result<Vec<Answer>> {
        let rows = softmax(logits, D::Minus1)?.to_vec2::<f32>()?;
        let answer = |row: Vec<f32>| {
            let best = row.iter().copied().enumerate();
            let (class, probability) = best.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
            let name = self.card.classes.get(class).cloned();
            Answer {
                class,
                name: name.unwrap_or_else(|| format!("class {class}")),
                probability,
            }
        };
        Ok(rows.into_iter().map(answer).collect())
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
