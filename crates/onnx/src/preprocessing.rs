//! Pixels to what a network sees, as nodes.

use candle_core::{Device, Result, Tensor, bail};
use striate::layer_list::MapShape;
use striate::model_file::{Canvas, Normalization, Preprocessing, Whitening};

use crate::graph::{Attribute, Graph, whole};

impl Graph<'_> {
    /// What the network sees of `pixels`, whose images have `shape`.
    pub(crate) fn preprocessed(
        &mut self,
        preprocessing: &Preprocessing,
        whitening: Option<&Whitening>,
        pixels: &str,
        shape: MapShape,
    ) -> Result<String> {
        let xs = match (&preprocessing.normalization, whitening) {
            (Normalization::Affine { mean, factor }, _) => {
                self.standardized(pixels, mean, factor)?
            }
            (
                &Normalization::GcnZca {
                    scale,
                    sqrt_bias,
                    min_divisor,
                    ..
                },
                Some(whitening),
            ) => {
                let flat = self.contrast(pixels, (scale, sqrt_bias, min_divisor))?;
                self.whitened(&flat, whitening, shape)?
            }
            (Normalization::GcnZca { .. }, None) => {
                bail!("onnx: the preprocessing whitens, and its whitening is not there")
            }
        };
        match preprocessing.canvas {
            Some(canvas) => self.placed(&xs, canvas, shape),
            None => Ok(xs),
        }
    }

    /// `(x - mean) * factor` with both for each channel.
    fn standardized(&mut self, xs: &str, mean: &[f64], factor: &[f64]) -> Result<String> {
        let channels =
            |values: &[f64]| Tensor::from_slice(values, (1, values.len(), 1, 1), &Device::Cpu);
        let mean = self.constant("preprocessing.mean", &channels(mean)?)?;
        let factor = self.constant("preprocessing.factor", &channels(factor)?)?;
        let centered = self.node("Sub", "preprocessing.centered", &[xs, &mean], vec![]);
        Ok(self.node("Mul", "normalized", &[&centered, &factor], vec![]))
    }

    /// Global contrast normalization; gives the values of an image in a row.
    fn contrast(
        &mut self,
        xs: &str,
        (scale, sqrt_bias, min_divisor): (f64, f64, f64),
    ) -> Result<String> {
        let row = || {
            vec![
                ("axes", Attribute::Ints(vec![1])),
                ("keepdims", Attribute::Int(1)),
            ]
        };
        let xs = self.flat("gcn.flat", xs);
        let mean = self.node("ReduceMean", "gcn.mean", &[&xs], row());
        let xs = self.node("Sub", "gcn.centered", &[&xs, &mean], vec![]);
        let squares = self.node("ReduceSumSquare", "gcn.squares", &[&xs], row());
        let bias = self.scalar("gcn.bias", sqrt_bias)?;
        let squares = self.node("Add", "gcn.sum", &[&squares, &bias], vec![]);
        let length = self.node("Sqrt", "gcn.length", &[&squares], vec![]);
        let scale = self.scalar("gcn.scale", scale)?;
        let divisor = self.node("Div", "gcn.divisor", &[&length, &scale], vec![]);
        // A divisor of 0 is below the smallest number too.
        let least = self.scalar("gcn.least", min_divisor.max(f64::from(f32::MIN_POSITIVE)))?;
        let one = self.scalar("gcn.one", 1.0)?;
        let is_small = self.node("Less", "gcn.is_small", &[&divisor, &least], vec![]);
        let divisor = self.node(
            "Where",
            "gcn.divisor_or_one",
            &[&is_small, &one, &divisor],
            vec![],
        );
        Ok(self.node("Div", "gcn", &[&xs, &divisor], vec![]))
    }

    /// `(x - mu) P`, as images again.
    fn whitened(&mut self, xs: &str, whitening: &Whitening, (c, h, w): MapShape) -> Result<String> {
        let mean = &whitening.mean;
        let mean = Tensor::from_slice(mean, (1, mean.len()), &Device::Cpu)?;
        let mean = self.constant("zca.mean", &mean)?;
        let matrix = self.constant("zca.matrix", &whitening.matrix)?;
        let xs = self.node("Sub", "zca.centered", &[xs, &mean], vec![]);
        let xs = self.node("MatMul", "zca.flat", &[&xs, &matrix], vec![]);
        let shape = self.integers("zca.shape", &[-1, whole(c)?, whole(h)?, whole(w)?])?;
        Ok(self.node("Reshape", "normalized", &[&xs, &shape], vec![]))
    }

    /// The images enlarged in the middle of squares of zeros.
    fn placed(&mut self, xs: &str, canvas: Canvas, (_, h, w): MapShape) -> Result<String> {
        let Canvas { side, scale } = canvas;
        let mut xs = xs.to_owned();
        if scale != 1 {
            let factors = [1.0, 1.0, scale as f32, scale as f32];
            let factors = Tensor::new(&factors, &Device::Cpu)?;
            let factors = self.constant("canvas.factors", &factors)?;
            let attributes = vec![
                ("mode", Attribute::Text("nearest")),
                (
                    "coordinate_transformation_mode",
                    Attribute::Text("asymmetric"),
                ),
                ("nearest_mode", Attribute::Text("floor")),
            ];
            xs = self.node(
                "Resize",
                "canvas.enlarged",
                &[&xs, "", &factors],
                attributes,
            );
        }
        let around = |len: usize| -> Result<(i64, i64)> {
            let Some(room) = len.checked_mul(scale).and_then(|len| side.checked_sub(len)) else {
                bail!(
                    "onnx: an image of {h}x{w}, enlarged {scale} times, does not fit into {side}x{side}"
                );
            };
            Ok((whole(room / 2)?, whole(room - room / 2)?))
        };
        let ((top, bottom), (left, right)) = (around(h)?, around(w)?);
        let pads = [0, 0, top, left, 0, 0, bottom, right];
        let pads = self.integers("canvas.pads", &pads)?;
        Ok(self.node("Pad", "canvas", &[&xs, &pads], vec![]))
    }
}
