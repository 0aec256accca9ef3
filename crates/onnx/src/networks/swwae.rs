//! The stacked what-where auto-encoder: encoder, classifier, and the decoder with the places of the maxima.

use candle_core::{Result, bail};
use striate::Window2d;
use striate::layer_list::{LayerSpec, Nonlinearity};
use swwae::{ConvnetConfig, side_by_side};
use swwae::{DecoderInput, DecoderWeights, Layer, Pooling, SwwaeConfig, Unpooling};

use super::{Exported, LOGITS};
use crate::graph::Graph;
use crate::layers::{Maps, pooling};

/// The name of the image that the decoder makes.
const RECONSTRUCTION: &str = "reconstruction";

impl Exported for ConvnetConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        let encoded = encode(graph, &self.0, xs)?;
        match classify(graph, &self.0, &encoded.features)? {
            true => Ok(()),
            false => bail!("onnx: the network has no classifier, so it has no result"),
        }
    }
}

impl Exported for SwwaeConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        let (c, h, w) = xs.shape;
        let encoded = encode(graph, self, xs)?;
        classify(graph, self, &encoded.features)?;
        decode(graph, self, &encoded)?;
        graph.output(RECONSTRUCTION, &[c, h, w])
    }
}

/// What an encoder leaves.
struct Encoded {
    features: Maps,
    /// The maps before each pooling and the flat places of its maxima, from the image up.
    places: Vec<(String, String)>,
}

fn encode(graph: &mut Graph<'_>, config: &SwwaeConfig, xs: Maps) -> Result<Encoded> {
    if let Pooling::Soft { .. } = config.pooling {
        bail!("onnx: soft pooling is not supported; Pooling::Hard is");
    }
    let (mut maps, mut places) = (xs, Vec::new());
    for layer in config.layers() {
        match &layer {
            LayerSpec::Linear { .. } => break,
            LayerSpec::MaxPool { name, window } => {
                let window = side_by_side(window.size.0, config.rounding);
                let (h, w) = window.output_size(maps.shape.1, maps.shape.2)?;
                let shape = (maps.shape.0, h, w);
                let where_ = format!("{name}.where");
                let attributes = pooling(&window, maps.shape, shape)?;
                graph.node_with("MaxPool", &[&maps.name], &[name, &where_], attributes);
                places.push((maps.name, where_));
                maps = Maps {
                    name: name.clone(),
                    shape,
                };
            }
            _ => maps = graph.layer("encoder.", maps, &layer)?,
        }
    }
    Ok(Encoded {
        features: maps,
        places,
    })
}

/// Whether there is a classifier, whose nodes are then added.
fn classify(graph: &mut Graph<'_>, config: &SwwaeConfig, features: &Maps) -> Result<bool> {
    let Some(classes) = config.architecture.classes() else {
        return Ok(false);
    };
    let layers = config.architecture.layers().iter();
    let count = layers
        .filter(|layer| matches!(layer, Layer::Fc { .. }))
        .count();
    let hidden: Vec<String> = (1..count).map(|at| format!("fc{at}")).collect();
    let hidden = graph.perceptron("classifier.", &hidden, &features.name, true)?;
    graph.dense(LOGITS, &format!("classifier.fc{count}"), &hidden)?;
    graph.output(LOGITS, &[classes])?;
    Ok(true)
}

fn decode(graph: &mut Graph<'_>, config: &SwwaeConfig, encoded: &Encoded) -> Result<()> {
    if config.unpooling != Unpooling::Where {
        bail!("onnx: a decoder without where is not supported; Unpooling::Where is");
    }
    if config.decoder_input != DecoderInput::Features {
        bail!("onnx: a decoder that starts from the logits is not supported");
    }
    let is_conv = |layer: &&Layer| matches!(layer, Layer::Conv { .. });
    let layers = config.architecture.layers();
    let (mut convs, mut pools) = (layers.iter().filter(is_conv).count(), encoded.places.len());
    let mut xs = encoded.features.name.clone();
    for layer in layers.iter().rev() {
        match *layer {
            Layer::Fc { .. } => {}
            Layer::Pool { .. } => {
                pools -= 1;
                let (maps, places) = &encoded.places[pools];
                xs = unpool(
                    graph,
                    &format!("decoder.unpool{}", pools + 1),
                    [&xs, places, maps],
                )?;
            }
            Layer::Conv { kernel, .. } => {
                xs = mirror(graph, config, convs, kernel, &xs)?;
                convs -= 1;
            }
        }
    }
    // The image comes from an unpooling, which has a name of its own.
    if !begins_with_conv(config) {
        graph.node("Identity", RECONSTRUCTION, &[&xs], vec![]);
    }
    Ok(())
}

/// Whether the mirror of the first convolution makes the image; otherwise poolings before it are still to be undone.
fn begins_with_conv(config: &SwwaeConfig) -> bool {
    matches!(
        config.architecture.layers().first(),
        Some(Layer::Conv { .. })
    )
}

/// The mirror of convolution `at`, with a ReLU after all but that of the first.
fn mirror(
    graph: &mut Graph<'_>,
    config: &SwwaeConfig,
    at: usize,
    kernel: usize,
    xs: &str,
) -> Result<String> {
    let own = format!("decoder.conv{at}");
    let weight = match config.decoder_weights {
        DecoderWeights::Untied => graph.parameter(&format!("{own}.weight"))?,
        DecoderWeights::Tied => {
            let weight = graph.tensor(&format!("encoder.conv{at}.weight"))?;
            let weight = weight.transpose(0, 1)?.contiguous()?.flip(&[2, 3])?;
            graph.constant(&format!("{own}.weight"), &weight)?
        }
    };
    let bias = graph.parameter(&format!("{own}.bias"))?;
    let window = Window2d::square(kernel).padding(kernel / 2);
    let (name, nonlinearity) = match at {
        1 if begins_with_conv(config) => (RECONSTRUCTION, Nonlinearity::Identity),
        1 => (own.as_str(), Nonlinearity::Identity),
        _ => (own.as_str(), Nonlinearity::Relu),
    };
    graph.convolved(name, [xs, &weight, &bias], &window, nonlinearity)
}

/// `what` at `places`, which count through all images, in maps of the size of `maps`.
///
/// MaxUnpool would read the places in maps without the cells that no window covers.
fn unpool(graph: &mut Graph<'_>, name: &str, [what, places, maps]: [&str; 3]) -> Result<String> {
    let row = graph.integers("decoder.row", &[-1])?;
    let mut flat = |part: &str, xs: &str| {
        graph.node("Reshape", &format!("{name}.{part}"), &[xs, &row], vec![])
    };
    let (what, places) = (flat("what", what), flat("where", places));
    let shape = graph.node("Shape", &format!("{name}.shape"), &[maps], vec![]);
    // Zeros, unless told otherwise.
    let zeros = graph.node(
        "ConstantOfShape",
        &format!("{name}.zeros"),
        &[&shape],
        vec![],
    );
    let zeros = graph.node("Reshape", &format!("{name}.cells"), &[&zeros, &row], vec![]);
    let cells = [zeros.as_str(), &places, &what];
    let filled = graph.node("ScatterElements", &format!("{name}.filled"), &cells, vec![]);
    Ok(graph.node("Reshape", name, &[&filled, &shape], vec![]))
}
