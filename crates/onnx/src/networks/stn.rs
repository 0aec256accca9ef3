//! The digit networks of Spatial Transformer Networks: localisation net, grid and sampler, then the classifier.

use candle_core::{DType, Device, Result, Tensor, bail};
use stn::module::Pool;
use stn::networks::{Body, DigitConfig, Transform};
use stn::{ConvLocalisationConfig, FcLocalisation, GridGenerator};
use striate::Window2d;
use striate::layer_list::{LayerSpec, Nonlinearity};

use super::{Exported, LOGITS};
use crate::graph::{Attribute, Graph, whole};
use crate::layers::Maps;

impl Exported for DigitConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        let side = xs.shape.1;
        let maps = match self.transform {
            None => xs,
            Some(transform) => {
                let names = (1..=self.transformers)
                    .map(|at| transformed(graph, self, transform, at, &xs))
                    .collect::<Result<Vec<String>>>()?;
                let channels = xs.shape.0 * names.len();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let together = vec![("axis", Attribute::Int(1))];
                Maps {
                    name: graph.node("Concat", "transformed", &names, together),
                    shape: (channels, side, side),
                }
            }
        };
        let maps = match self.pool {
            1 => maps,
            factor => graph.layer("", maps, &average("transformed.pooled", factor))?,
        };
        match self.body {
            Body::Fcn { .. } => {
                let hidden = graph.perceptron("", &numbered("fc", 2), &maps.name, true)?;
                graph.dense(LOGITS, "fc3", &hidden)?;
            }
            Body::Cnn { filters } => {
                let layers = [
                    conv("conv1", 9, filters),
                    maximum("pool1"),
                    conv("conv2", 7, filters),
                    maximum("pool2"),
                ];
                let maps = graph.layers("", maps, &layers)?;
                graph.dense(LOGITS, "fc", &maps.name)?;
            }
        }
        graph.output(LOGITS, &[self.classes])
    }
}

/// The image as transformer `at` gives it.
fn transformed(
    graph: &mut Graph<'_>,
    config: &DigitConfig,
    transform: Transform,
    at: usize,
    xs: &Maps,
) -> Result<String> {
    let prefix = format!("st{at}.");
    let features = match config.body {
        Body::Fcn { .. } => {
            let hidden = numbered("fc", FcLocalisation::PAPER_HIDDEN.len());
            graph.perceptron(&prefix, &hidden, &xs.name, true)?
        }
        Body::Cnn { .. } => {
            let net = ConvLocalisationConfig::mnist(xs.shape.0, (xs.shape.1, xs.shape.2));
            let maps = localised(graph, &prefix, &net, xs)?;
            graph.perceptron(&prefix, &numbered("fc", net.hidden.len()), &maps, true)?
        }
    };
    let generator = transform.generator(config.side)?;
    let theta = theta(graph, &prefix, generator.as_ref(), &features)?;
    let grid = grid(graph, &prefix, transform, generator.as_ref(), &theta)?;
    let attributes = vec![
        ("mode", Attribute::Text("bilinear")),
        ("padding_mode", Attribute::Text("zeros")),
        ("align_corners", Attribute::Int(1)),
    ];
    Ok(graph.node(
        "GridSample",
        &format!("{prefix}sampled"),
        &[&xs.name, &grid],
        attributes,
    ))
}

/// The maps of a convolutional localisation net.
fn localised(
    graph: &mut Graph<'_>,
    prefix: &str,
    net: &ConvLocalisationConfig,
    xs: &Maps,
) -> Result<String> {
    let mut maps = xs.clone();
    if net.downsample != 1 {
        maps = graph.layer("", maps, &average(&format!("{prefix}half"), net.downsample))?;
    }
    for (at, stage) in net.stages.iter().enumerate() {
        let name = format!("{prefix}conv{}", at + 1);
        let window = Window2d::square(stage.kernel)
            .stride(stage.stride)
            .padding(stage.padding);
        let layer = LayerSpec::Conv {
            name,
            window,
            channels: stage.filters,
            nonlinearity: Nonlinearity::Relu,
        };
        maps = graph.layer("", maps, &layer)?;
        if stage.pool == Pool::Max2 {
            maps = graph.layer("", maps, &maximum(&format!("{prefix}pool{}", at + 1)))?;
        }
    }
    Ok(maps.name)
}

/// theta = identity + projection h + offset.
fn theta(
    graph: &mut Graph<'_>,
    prefix: &str,
    generator: &dyn GridGenerator,
    features: &str,
) -> Result<String> {
    let identity = generator.identity();
    let offset = graph.tensor(&format!("{prefix}theta.offset"))?;
    let identity = Tensor::from_slice(&identity, identity.len(), &Device::Cpu)?;
    let start = (offset.to_dtype(DType::F64)? + identity)?;
    let start = graph.constant(&format!("{prefix}theta.start"), &start)?;
    let projection = graph.parameter(&format!("{prefix}theta.projection"))?;
    Ok(graph.affine(&format!("{prefix}theta"), [features, &projection, &start]))
}

/// The places (x, y) that are sampled: `theta M` for kinds whose grid is linear in theta.
fn grid(
    graph: &mut Graph<'_>,
    prefix: &str,
    transform: Transform,
    generator: &dyn GridGenerator,
    theta: &str,
) -> Result<String> {
    match transform {
        Transform::Affine | Transform::Tps => {}
        Transform::Projective => {
            bail!(
                "onnx: the projective grid is not supported; the affine one and the thin plate spline are"
            )
        }
    }
    // Row i of M is the grid of the i-th unit vector; the grid of zeros is zero.
    let units = Tensor::eye(generator.parameter_count(), DType::F32, &Device::Cpu)?;
    let rows = generator.grid(&units)?.coords.flatten_from(1)?;
    let matrix = graph.constant(&format!("{prefix}grid.matrix"), &rows)?;
    let places = graph.node(
        "MatMul",
        &format!("{prefix}grid.flat"),
        &[theta, &matrix],
        vec![],
    );
    let (h, w) = generator.size();
    let shape = graph.integers(
        &format!("{prefix}grid.shape"),
        &[-1, whole(h)?, whole(w)?, 2],
    )?;
    Ok(graph.node(
        "Reshape",
        &format!("{prefix}grid"),
        &[&places, &shape],
        vec![],
    ))
}

/// A convolution with ReLU and without padding.
fn conv(name: &str, kernel: usize, channels: usize) -> LayerSpec {
    LayerSpec::Conv {
        name: name.to_owned(),
        window: Window2d::square(kernel),
        channels,
        nonlinearity: Nonlinearity::Relu,
    }
}

/// The maximum of 2x2 windows side by side.
fn maximum(name: &str) -> LayerSpec {
    LayerSpec::MaxPool {
        name: name.to_owned(),
        window: Window2d::square(2).stride(2),
    }
}

/// The mean of windows side by side.
fn average(name: &str, factor: usize) -> LayerSpec {
    LayerSpec::AvgPool {
        name: name.to_owned(),
        window: Window2d::square(factor).stride(factor),
    }
}

fn numbered(name: &str, count: usize) -> Vec<String> {
    (1..=count).map(|at| format!("{name}{at}")).collect()
}
