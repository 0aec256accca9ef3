//! A canvas: small images, enlarged and put into the middle of a larger square, for networks that want large ones.

use candle_core::{Result, Tensor};
use candle_nn::ModuleT;
pub(crate) use striate::model_file::Canvas;
use striate::{Clock, Network, Parameters};

use crate::model::{Described, Model};

/// `network` seeing its images on `canvas`.
pub(crate) fn under(canvas: Canvas, network: Box<dyn Network>) -> impl Network {
    Placed { canvas, network }
}

/// A model whose network sees its images on a canvas.
pub(crate) struct OnCanvas<M> {
    pub(crate) canvas: Canvas,
    pub(crate) model: M,
}

impl<M: Model> Model for OnCanvas<M> {
    fn build(&self, parameters: &Parameters) -> Result<Box<dyn Network>> {
        Ok(Box::new(under(self.canvas, self.model.build(parameters)?)))
    }

    fn settings(&self) -> anyhow::Result<toml::Table> {
        let mut settings = self.model.settings()?;
        let canvas = toml::Value::try_from(self.canvas)?;
        settings.insert("canvas".to_owned(), canvas);
        Ok(settings)
    }

    fn described(&self) -> Result<Option<Described>> {
        Ok(self.model.described()?.map(|described| Described {
            canvas: Some(self.canvas),
            ..described
        }))
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
