//! The classifier of the Convnet: fully connected layers on the last maps.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, Init, ZERO};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use striate::layers::Dropout;
use striate::ops::cpu::dense;
use striate::{Clock, relu};

use crate::architecture::Layer;
use crate::config::SwwaeConfig;
use crate::encoder::dropout;

/// The fully connected layers: ReLU between them, dropout before each.
///
/// # Convention
/// Tensors are `fc1.weight` (units, inputs), `fc1.bias`, .. below the prefix of the builder.
/// Dropout streams are `dropout/fc1`, ..
#[derive(Clone, Debug)]
pub(crate) struct Classifier {
    layers: Vec<(Option<Dropout>, Linear)>,
    /// Shape of the maps that the first layer reads.
    pub(crate) maps: (usize, usize, usize),
}

impl Classifier {
    /// The classifier of `config`, or nothing if it has none.
    pub(crate) fn new(config: &SwwaeConfig, clock: &Clock, vb: VarBuilder) -> Result<Option<Self>> {
        let sizes = fc_sizes(config)?;
        let Some((maps, sizes)) = sizes else {
            return Ok(None);
        };
        let last = sizes.len().saturating_sub(1);
        let mut layers = Vec::with_capacity(sizes.len());
        for (i, pair) in sizes.into_iter().enumerate() {
            let name = format!("fc{}", i + 1);
            let layer = linear(pair, i == last, vb.pp(&name))?;
            layers.push((dropout(config.fc_dropout, &name, clock), layer));
        }
        Ok(Some(Self { layers, maps }))
    }

    /// The output of the first `count` layers, or of all.
    pub(crate) fn run(&self, features: &Tensor, train: bool, count: usize) -> Result<Tensor> {
        let (_, c, h, w) = features.dims4()?;
        if (c, h, w) != self.maps {
            bail!(
                "swwae: the classifier reads maps of {:?}, the images lead to {:?}; give images of the network's image_size, or build it with theirs",
                self.maps,
                (c, h, w)
            );
        }
        let mut ys = dense("swwae classifier", features)?.flatten_from(1)?;
        for (i, (dropout, layer)) in self.layers.iter().take(count).enumerate() {
            if let Some(dropout) = dropout {
                ys = dropout.forward_t(&ys, train)?;
            }
            ys = layer.forward(&ys)?;
            if i + 1 < self.layers.len() {
                ys = relu(&ys)?;
            }
        }
        Ok(ys)
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = &Linear> {
        self.layers.iter().map(|(_, layer)| layer)
    }
}

/// The maps that the classifier reads, and (inputs, units) of each of its layers.
type FcSizes = ((usize, usize, usize), Vec<(usize, usize)>);

fn fc_sizes(config: &SwwaeConfig) -> Result<Option<FcSizes>> {
    let layers = config.architecture.layers();
    let shapes = config.output_shapes()?;
    let Some(first) = layers
        .iter()
        .position(|layer| matches!(layer, Layer::Fc { .. }))
    else {
        return Ok(None);
    };
    // The parser refuses a fully connected layer that comes first.
    let Some(&maps) = first.checked_sub(1).and_then(|before| shapes.get(before)) else {
        bail!(
            "swwae {}: a fully connected layer comes first; put a convolution before it",
            config.architecture
        );
    };
    // A product beyond memory is refused where the weight is made.
    let mut inputs = maps.0.saturating_mul(maps.1).saturating_mul(maps.2);
    let sizes = shapes[first..].iter().map(|&(units, _, _)| {
        let pair = (inputs, units);
        inputs = units;
        pair
    });
    Ok(Some((maps, sizes.collect())))
}

/// A fully connected layer with biases of 0; see [`draw`] for its weights.
pub(crate) fn linear(
    (inputs, units): (usize, usize),
    is_last: bool,
    vb: VarBuilder,
) -> Result<Linear> {
    let weight = vb.get_with_hints((units, inputs), "weight", draw(inputs, is_last))?;
    Ok(Linear::new(
        weight,
        Some(vb.get_with_hints(units, "bias", ZERO)?),
    ))
}

/// He's draw for a layer before a ReLU, a standard deviation smaller by sqrt(2) for a last layer:
/// the draw of the weights of a layer whose units have `fan_in` inputs each.
pub(crate) fn draw(fan_in: usize, is_last: bool) -> Init {
    match is_last {
        false => DEFAULT_KAIMING_NORMAL,
        true => Init::Randn {
            mean: 0.0,
            stdev: (1.0 / fan_in.max(1) as f64).sqrt(),
        },
    }
}
