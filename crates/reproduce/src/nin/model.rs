//! The networks of the crate `nin` as models to train.

use anyhow::Result;
use candle_core::Result as CandleResult;
use nin::{Nin, NinConfig, PlainCnn, PlainCnnConfig};
use striate::{Network, Parameters};

use crate::training::Model;

impl Model for NinConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(Nin::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    /// An estimate from the presets' layers: kernel and maps of each block, halved in size from block to block.
    fn multiplications(&self) -> f64 {
        let maps = |maps: usize| (maps as f64 * self.width).round().max(1.0);
        let mut inputs = self.in_channels as f64;
        let mut area = (self.image_size.0 * self.image_size.1) as f64;
        let mut sum = 0.0;
        for block in &self.blocks {
            let mut taps = (block.mlpconv.window.size.0 * block.mlpconv.window.size.1) as f64;
            for &channels in &block.mlpconv.channels {
                sum += area * inputs * taps * maps(channels);
                (inputs, taps) = (maps(channels), 1.0);
            }
            if block.pool.is_some() {
                area /= 4.0;
            }
        }
        sum + area * inputs * self.classes as f64
    }
}

impl Model for PlainCnnConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(PlainCnn::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    /// Three 5x5 convolutions of 64 maps on halving areas, as in the module's description.
    fn multiplications(&self) -> f64 {
        let maps = 64.0 * self.width;
        let area = (self.image_size.0 * self.image_size.1) as f64;
        let inputs = self.in_channels as f64;
        25.0 * maps * area * (inputs + maps / 4.0 + maps / 16.0)
    }
}
