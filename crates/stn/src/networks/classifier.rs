//! FCN and CNN: the plain digit classifiers, to which the transformers are added (appendix A.4, from memory).

use candle_core::{Result, Tensor, bail};
use candle_nn::{Linear, Module, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layers::{Conv2d, Link};
use striate::{Activation, Chain, Conv2dOptions, Window2d, layers, relu};

use crate::dense::dense;
use crate::size::{check_maps, check_weight, product};

/// Which classifier, and how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Body {
    /// FC h - ReLU - FC h - ReLU - FC classes.
    Fcn {
        /// h: 128 to 256 in the paper.
        hidden: usize,
    },
    /// conv 9x9 f - ReLU - max 2x2 - conv 7x7 f - ReLU - max 2x2 - FC classes, without padding.
    Cnn {
        /// f: 32 to 64 in the paper.
        filters: usize,
    },
}

/// A classifier with three weight layers.
///
/// # Shapes
/// (N, C, side, side) to (N, classes).
///
/// # Convention
/// Tensors `fc1`, `fc2`, `fc3` or `conv1`, `conv2`, `fc`, each with `.weight` and `.bias`.
#[derive(Clone, Debug)]
pub struct Classifier {
    layers: Layers,
    input: (usize, usize),
}

#[derive(Clone, Debug)]
enum Layers {
    Fcn([Linear; 3]),
    Cnn([layers::Conv2d; 2], Linear),
}

impl Classifier {
    /// A classifier of images of `in_channels` channels and `side` x `side` pixels.
    ///
    /// # Errors
    /// A width of 0, an image too small for the convolutions, tensors of another shape in `vb`.
    pub fn new(
        body: Body,
        in_channels: usize,
        side: usize,
        classes: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let layers = match body {
            Body::Fcn { hidden: 0 } | Body::Cnn { filters: 0 } => {
                bail!("classifier: {body:?} has layers without units; the width must be at least 1")
            }
            Body::Fcn { hidden } => {
                let inputs = product("classifier", "the image", &[in_channels, side, side])?;
                Layers::Fcn([
                    dense(inputs, hidden, vb.pp("fc1"))?,
                    dense(hidden, hidden, vb.pp("fc2"))?,
                    dense(hidden, classes, vb.pp("fc3"))?,
                ])
            }
            Body::Cnn { filters } => {
                let options = Conv2dOptions {
                    activation: Activation::Relu,
                    ..Default::default()
                };
                let left = cnn_side(side)?;
                check_weight("classifier conv1", filters, &[in_channels, 9, 9])?;
                check_weight("classifier conv2", filters, &[filters, 7, 7])?;
                let convs = [
                    layers::conv2d(in_channels, filters, 9, options, vb.pp("conv1"))?,
                    layers::conv2d(filters, filters, 7, options, vb.pp("conv2"))?,
                ];
                let inputs = product("classifier", "the feature map", &[filters, left, left])?;
                Layers::Cnn(convs, dense(inputs, classes, vb.pp("fc"))?)
            }
        };
        Ok(Self {
            layers,
            input: (in_channels, side),
        })
    }

    /// Names of the layers that [`Classifier::activations`] gives.
    pub(super) const NAMES: [&str; 3] = ["hidden1", "hidden2", "logits"];

    /// The activations of the two hidden layers and the logits, each (N, values).
    ///
    /// # Errors
    /// An input of another shape.
    pub fn activations(&self, xs: &Tensor) -> Result<[Tensor; 3]> {
        let (channels, side) = self.input;
        check_maps("classifier", xs, [channels, side, side])?;
        match &self.layers {
            Layers::Fcn([first, second, last]) => {
                let one = relu(&first.forward(&xs.flatten_from(1)?)?)?;
                let two = relu(&second.forward(&one)?)?;
                let logits = last.forward(&two)?;
                Ok([one, two, logits])
            }
            Layers::Cnn([first, second], last) => {
                let pooled = |conv: &Conv2d, xs: &Tensor| {
                    let chain = conv.link(Chain::new(xs), false)?;
                    chain.max_pool2d(&halving())?.finish()
                };
                let one = pooled(first, xs)?;
                let two = pooled(second, &one)?.flatten_from(1)?;
                let logits = last.forward(&two)?;
                Ok([one.flatten_from(1)?, two, logits])
            }
        }
    }
}

impl Module for Classifier {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let [_, _, logits] = self.activations(xs)?;
        Ok(logits)
    }
}

fn halving() -> Window2d {
    Window2d::square(2).stride(2)
}

/// Side of the maps after both poolings.
fn cnn_side(side: usize) -> Result<usize> {
    let pooled = |side: usize, kernel: usize| -> Result<usize> {
        let (conv, _) = Window2d::square(kernel).output_size(side, side)?;
        Ok(halving().output_size(conv, conv)?.0)
    };
    match pooled(side, 9).and_then(|side| pooled(side, 7)) {
        Ok(side) => Ok(side),
        Err(_) => bail!(
            "classifier: an image of {side}x{side} is too small for the CNN; the smallest is 24x24"
        ),
    }
}
