//! Layers as nodes.

use candle_core::{Result, bail};
use striate::Window2d;
use striate::layer_list::{LayerSpec, MapShape, Nonlinearity};

use crate::graph::{Attribute, Attributes, Graph, whole};

/// A value of the graph, with its size for one image.
#[derive(Clone)]
pub(crate) struct Maps {
    pub(crate) name: String,
    pub(crate) shape: MapShape,
}

impl Graph<'_> {
    /// The layers one after another; tensors are below `prefix`.
    pub(crate) fn layers(&mut self, prefix: &str, xs: Maps, layers: &[LayerSpec]) -> Result<Maps> {
        layers
            .iter()
            .try_fold(xs, |xs, layer| self.layer(prefix, xs, layer))
    }

    /// One layer; dropout is nothing.
    pub(crate) fn layer(&mut self, prefix: &str, xs: Maps, layer: &LayerSpec) -> Result<Maps> {
        let shapes =
            striate::layer_list::output_shapes("onnx", xs.shape, std::slice::from_ref(layer))?;
        let shape = shapes.first().copied().unwrap_or(xs.shape);
        let name = match layer {
            LayerSpec::Dropout { .. } => return Ok(xs),
            LayerSpec::Conv {
                name,
                window,
                nonlinearity,
                ..
            } => {
                let tensors = format!("{prefix}{name}");
                self.conv(name, &tensors, &xs.name, window, *nonlinearity)?
            }
            LayerSpec::MaxPool { name, window } => {
                let attributes = pooling(window, xs.shape, shape)?;
                self.node("MaxPool", name, &[&xs.name], attributes)
            }
            LayerSpec::AvgPool { name, window } => {
                let attributes = averaging(name, window, xs.shape, shape)?;
                self.node("AveragePool", name, &[&xs.name], attributes)
            }
            LayerSpec::Linear { name, .. } => {
                self.dense(name, &format!("{prefix}{name}"), &xs.name)?
            }
        };
        Ok(Maps { name, shape })
    }

    /// A convolution with the tensors `tensors`.weight and `tensors`.bias, and what follows it.
    pub(crate) fn conv(
        &mut self,
        name: &str,
        tensors: &str,
        xs: &str,
        window: &Window2d,
        nonlinearity: Nonlinearity,
    ) -> Result<String> {
        let weight = self.parameter(&format!("{tensors}.weight"))?;
        let bias = self.parameter(&format!("{tensors}.bias"))?;
        self.convolved(name, [xs, &weight, &bias], window, nonlinearity)
    }

    /// A convolution of values in the graph.
    pub(crate) fn convolved(
        &mut self,
        name: &str,
        [xs, weight, bias]: [&str; 3],
        window: &Window2d,
        nonlinearity: Nonlinearity,
    ) -> Result<String> {
        let linear = match nonlinearity {
            Nonlinearity::Identity => name.to_owned(),
            _ => format!("{name}.linear"),
        };
        let attributes = sliding(window, (0, 0))?;
        let ys = self.node("Conv", &linear, &[xs, weight, bias], attributes);
        Ok(match nonlinearity {
            Nonlinearity::Identity => ys,
            Nonlinearity::Relu => self.node("Relu", name, &[&ys], vec![]),
            Nonlinearity::LeakyRelu { slope } => {
                let alpha = vec![("alpha", Attribute::Float(slope as f32))];
                self.node("LeakyRelu", name, &[&ys], alpha)
            }
        })
    }

    /// A fully connected layer on all values of an image, with the tensors `tensors`.weight and `tensors`.bias.
    pub(crate) fn dense(&mut self, name: &str, tensors: &str, xs: &str) -> Result<String> {
        let weight = self.parameter(&format!("{tensors}.weight"))?;
        let bias = self.parameter(&format!("{tensors}.bias"))?;
        Ok(self.affine(name, [xs, &weight, &bias]))
    }

    /// `xs weight^T + bias` on all values of an image.
    pub(crate) fn affine(&mut self, name: &str, [xs, weight, bias]: [&str; 3]) -> String {
        let flat = self.flat(&format!("{name}.flat"), xs);
        let transposed = vec![("transB", Attribute::Int(1))];
        self.node("Gemm", name, &[&flat, weight, bias], transposed)
    }

    /// Fully connected layers with a ReLU after each but, unless `all`, the last.
    pub(crate) fn perceptron(
        &mut self,
        prefix: &str,
        names: &[String],
        xs: &str,
        all: bool,
    ) -> Result<String> {
        let mut ys = xs.to_owned();
        for (at, name) in names.iter().enumerate() {
            let own = format!("{prefix}{name}");
            ys = match all || at + 1 < names.len() {
                true => {
                    let linear = self.dense(&format!("{own}.linear"), &own, &ys)?;
                    self.node("Relu", &own, &[&linear], vec![])
                }
                false => self.dense(&own, &own, &ys)?,
            };
        }
        Ok(ys)
    }

    /// All values of an image in a row.
    pub(crate) fn flat(&mut self, name: &str, xs: &str) -> String {
        self.node("Flatten", name, &[xs], vec![])
    }

    /// The mean of each map.
    pub(crate) fn global_average(&mut self, name: &str, xs: &str) -> String {
        let mean = self.node("GlobalAveragePool", &format!("{name}.mean"), &[xs], vec![]);
        self.flat(name, &mean)
    }
}

/// What a maximum pooling takes; where windows round up, cells below and to the right of the maps make them whole.
pub(crate) fn pooling(
    window: &Window2d,
    (_, h, w): MapShape,
    (_, ho, wo): MapShape,
) -> Result<Attributes<'static>> {
    let extra = |at: usize, len: usize, out: usize| {
        let (size, stride) = axis(window.size, window.stride, at);
        let (padding, dilation) = axis(window.padding, window.dilation, at);
        let reach = out.saturating_sub(1) * stride + (size - 1) * dilation + 1;
        reach.saturating_sub(len + 2 * padding)
    };
    sliding(window, (extra(0, h, ho), extra(1, w, wo)))
}

/// What the average pooling `name` takes, padding counted as zeros.
pub(crate) fn averaging(
    name: &str,
    window: &Window2d,
    from: MapShape,
    to: MapShape,
) -> Result<Attributes<'static>> {
    let whole_windows = Window2d {
        rounding: striate::Rounding::Floor,
        ..*window
    };
    if whole_windows.output_size(from.1, from.2)? != (to.1, to.2) {
        bail!(
            "onnx: {name} averages over windows that hang over the edge, of {:?} cells on {}x{}, which is not supported; windows that round down are",
            window.size,
            from.1,
            from.2
        );
    }
    if window.dilation != (1, 1) {
        bail!(
            "onnx: {name} averages over dilated windows, which is not supported; windows without dilation are"
        );
    }
    let mut attributes = sliding(window, (0, 0))?;
    attributes.retain(|(name, _)| *name != "dilations");
    attributes.push(("count_include_pad", Attribute::Int(1)));
    Ok(attributes)
}

/// Kernel, stride, dilation and padding, with `more` cells below and to the right.
fn sliding(window: &Window2d, more: (usize, usize)) -> Result<Attributes<'static>> {
    let pair = |(a, b): (usize, usize)| -> Result<Attribute<'static>> {
        Ok(Attribute::Ints(vec![whole(a)?, whole(b)?]))
    };
    let (top, left) = window.padding;
    let pads = [top, left, top + more.0, left + more.1];
    let pads = pads.into_iter().map(whole).collect::<Result<_>>()?;
    Ok(vec![
        ("kernel_shape", pair(window.size)?),
        ("strides", pair(window.stride)?),
        ("dilations", pair(window.dilation)?),
        ("pads", Attribute::Ints(pads)),
    ])
}

/// The sizes of two pairs along an axis.
fn axis(first: (usize, usize), second: (usize, usize), at: usize) -> (usize, usize) {
    match at {
        0 => (first.0, second.0),
        _ => (first.1, second.1),
    }
}
