//! Convolution layers of the papers, operands for them, and the check of all their passes.

use candle_core::{Result, bail};
use striate::kernels::conv2d::{Algorithm, ConvShape, backward_input, backward_weight, forward};
use striate::kernels::level::Level;
use striate::reference::conv2d::{self as reference, Sizes};
use striate::rng;
use striate::window::Window2d;

/// A layer with square kernel and map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) c_in: usize,
    pub(crate) c_out: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    /// Side of the input.
    pub(crate) size: usize,
}

const fn layer(
    name: &'static str,
    (c_in, c_out): (usize, usize),
    (kernel, stride, padding): (usize, usize, usize),
    size: usize,
) -> Layer {
    Layer {
        name,
        c_in,
        c_out,
        kernel,
        stride,
        padding,
        size,
    }
}

pub(crate) const LAYERS: [Layer; 16] = [
    // All-CNN-C.
    layer("L1", (3, 96), (3, 1, 1), 32),
    layer("L2", (96, 96), (3, 1, 1), 32),
    layer("L3", (96, 96), (3, 2, 1), 32),
    layer("L4", (96, 192), (3, 1, 1), 16),
    layer("L5", (192, 192), (3, 1, 1), 16),
    layer("L6", (192, 192), (3, 2, 1), 16),
    layer("L7", (192, 192), (3, 1, 0), 8),
    layer("L8", (192, 192), (1, 1, 0), 6),
    layer("L9", (192, 10), (1, 1, 0), 6),
    // Network In Network.
    layer("N1", (3, 192), (5, 1, 2), 32),
    layer("N2", (192, 160), (1, 1, 0), 32),
    layer("N3", (160, 96), (1, 1, 0), 32),
    layer("N4", (96, 192), (5, 1, 2), 16),
    // SWWAE.
    layer("S1", (64, 64), (3, 1, 1), 16),
    layer("S2", (64, 128), (3, 1, 1), 8),
    layer("S3", (128, 128), (3, 1, 1), 8),
];

/// The window of a layer.
fn window(layer: Layer) -> Window2d {
    Window2d::square(layer.kernel)
        .stride(layer.stride)
        .padding(layer.padding)
}

/// The layer on `n` images.
pub(crate) fn shape(layer: Layer, n: usize) -> ConvShape {
    let input = (n, layer.c_in, layer.size, layer.size);
    ConvShape::new(input, layer.c_out, 1, &window(layer)).expect("the layers' sizes fit")
}

/// Standard normal numbers times `scale`.
fn normal(name: &str, len: usize, scale: f32) -> Vec<f32> {
    let mut values = vec![0.0; len];
    rng::stream(0, name, 0).fill_normal(&mut values);
    values.iter_mut().for_each(|value| *value *= scale);
    values
}

/// Operands as in training: x after a ReLU, weights by He's rule.
pub(crate) struct Operands {
    pub(crate) x: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) dy: Vec<f32>,
}

impl Operands {
    pub(crate) fn new(s: &ConvShape) -> Self {
        let channels = s.y_dims().1;
        let fan_in = s.weight_len() / channels;
        Self {
            x: normal("x", s.x_len(), 1.0)
                .into_iter()
                .map(|value| value.max(0.0))
                .collect(),
            weight: normal("weight", s.weight_len(), (2.0 / fan_in as f32).sqrt()),
            bias: normal("bias", channels, 0.1),
            dy: normal("dy", s.y_len(), 1.0),
        }
    }
}

/// Fails unless all passes agree with the reference within 1e-4 of its largest value.
pub(crate) fn check(level: Level, algorithm: Algorithm, layer: Layer) -> Result<()> {
    let s = shape(layer, 1);
    let sizes = Sizes {
        input: (1, layer.c_in, layer.size, layer.size),
        c_out: layer.c_out,
        window: window(layer),
        groups: 1,
    };
    let o = Operands::new(&s);
    let wide = |values: &[f32]| {
        values
            .iter()
            .map(|&value| value.into())
            .collect::<Vec<f64>>()
    };
    let (x, weight, bias, dy) = (wide(&o.x), wide(&o.weight), wide(&o.bias), wide(&o.dy));
    let close = |pass: &str, got: Vec<f32>, wanted: Vec<f64>| {
        let largest = wanted
            .iter()
            .fold(0.0, |max: f64, value| max.max(value.abs()));
        for (got, wanted) in got.iter().zip(&wanted) {
            let error = (f64::from(*got) - wanted).abs() / largest;
            if error.is_nan() || error >= 1e-4 {
                bail!("{} {pass}: {got}, wanted {wanted}", layer.name);
            }
        }
        Ok(())
    };
    let mut y = reference::forward(&sizes, &x, &weight, Some(&bias))?;
    y.iter_mut().for_each(|value| *value = value.max(0.0));
    let got = forward(level, algorithm, &s, &o.x, &o.weight, Some(&o.bias), true);
    close("forward", got, y)?;
    let dx = reference::backward_input(&sizes, &dy, &weight)?;
    let got = backward_input(level, algorithm, &s, &o.dy, &o.weight);
    close("backward_input", got, dx)?;
    let dweight = reference::backward_weight(&sizes, &x, &dy)?;
    let got = backward_weight(level, algorithm, &s, &o.x, &o.dy);
    close("backward_weight", got, dweight)
}
