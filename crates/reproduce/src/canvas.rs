//! A canvas: small images, enlarged and put into the middle of a larger square, for networks that want large ones.

use candle_core::{Result, Tensor, bail};
use candle_nn::ModuleT;
use serde::Serialize;
use striate::{Clock, Network, Parameters, upsample_nearest2d};

use crate::model::Model;

/// Enlarges an image by whole pixels and puts it in the middle of a square of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Canvas {
    /// Side of the square.
    pub(crate) side: usize,
    /// Factor of the enlargement.
    pub(crate) scale: usize,
}

impl Canvas {
    /// The images (N, C, H, W) in squares, (N, C, side, side).
    pub(crate) fn place(self, xs: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        let (big_h, big_w) = (h * self.scale, w * self.scale);
        if big_h > self.side || big_w > self.side {
            bail!(
                "an image of {h}x{w}, enlarged {} times, does not fit into {}x{}; use smaller images",
                self.scale,
                self.side,
                self.side
            );
        }
        let xs = upsample_nearest2d(xs, (self.scale, self.scale))?;
        let (top, left) = ((self.side - big_h) / 2, (self.side - big_w) / 2);
        let xs = xs.pad_with_zeros(2, top, self.side - big_h - top)?;
        xs.pad_with_zeros(3, left, self.side - big_w - left)
    }

    /// `network` seeing its images on this canvas.
    pub(crate) fn under(self, network: Box<dyn Network>) -> impl Network {
        Placed {
            canvas: self,
            network,
        }
    }
}

/// A model whose network sees its images on a canvas.
pub(crate) struct OnCanvas<M> {
    pub(crate) canvas: Canvas,
    pub(crate) model: M,
}

impl<M: Model> Model for OnCanvas<M> {
    fn build(&self, parameters: &Parameters) -> Result<Box<dyn Network>> {
        Ok(Box::new(self.canvas.under(self.model.build(parameters)?)))
    }

    fn settings(&self) -> anyhow::Result<toml::Table> {
        let mut settings = self.model.settings()?;
        let canvas = toml::Value::try_from(self.canvas)?;
        settings.insert("canvas".to_owned(), canvas);
        Ok(settings)
    }
}

/// A network that sees its images on a canvas.
struct Placed {
    canvas: Canvas,
    network: Box<dyn Network>,
}

impl ModuleT for Placed {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        self.network.forward_t(&self.canvas.place(xs)?, train)
    }
}

impl Network for Placed {
    fn clock(&self) -> &Clock {
        self.network.clock()
    }

    fn layer_names(&self) -> Vec<String> {
        self.network.layer_names()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.network.forward_features(&self.canvas.place(xs)?)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        self.network.forward_to(&self.canvas.place(xs)?, layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn images_are_in_the_middle() -> Result<()> {
        let xs = Tensor::ones((1, 1, 2, 1), DType::F32, &Device::Cpu)?;
        let ys = Canvas { side: 6, scale: 2 }.place(&xs)?;
        assert_eq!(ys.dims(), [1, 1, 6, 6]);
        assert_eq!(ys.sum_all()?.to_scalar::<f32>()?, 8.0);
        let middle = ys.narrow(2, 1, 4)?.narrow(3, 2, 2)?;
        assert_eq!(middle.sum_all()?.to_scalar::<f32>()?, 8.0);
        assert!(Canvas { side: 3, scale: 2 }.place(&xs).is_err());
        Ok(())
    }
}
