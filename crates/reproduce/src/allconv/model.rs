//! The networks of the crate `allconv` as models to train.

use allconv::layer::{LayerSpec, output_shapes};
use allconv::{AllConv, Config, ImageNetConfig, LargeConfig};
use anyhow::Result;
use candle_core::Result as CandleResult;
use striate::{Network, Parameters};

use crate::training::Model;

/// See [`Model::gflops`].
const GFLOPS: f64 = 270.0;

impl Model for Config {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(AllConv::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        multiplications(&self.layers(), self.in_channels, self.image_size)
    }

    /// Model A trains 317 images of CIFAR-10 in a second.
    fn gflops(&self) -> f64 {
        GFLOPS
    }
}

impl Model for LargeConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(AllConv::large(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        multiplications(&self.layers(), self.in_channels, self.image_size)
    }

    fn gflops(&self) -> f64 {
        GFLOPS
    }
}

impl Model for ImageNetConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(AllConv::imagenet(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        multiplications(&self.layers(), self.in_channels, self.image_size)
    }

    fn gflops(&self) -> f64 {
        GFLOPS
    }
}

/// Multiplications of one forward pass of one image; 0 if the image is too small for the layers.
fn multiplications(layers: &[LayerSpec], channels: usize, (height, width): (usize, usize)) -> f64 {
    let Ok(shapes) = output_shapes((channels, height, width), layers) else {
        return 0.0;
    };
    let mut inputs = channels;
    let mut sum = 0.0;
    for (layer, (channels, h, w)) in layers.iter().zip(shapes) {
        if let LayerSpec::Conv { window, .. } = layer {
            sum += (channels * h * w * inputs * window.size.0 * window.size.1) as f64;
            inputs = channels;
        }
    }
    sum
}
