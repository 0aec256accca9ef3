//! The All Convolutional Net: layers, and the mean of each class map.

use allconv::{Config, ImageNetConfig, LargeConfig};
use candle_core::Result;
use striate::layer_list::LayerSpec;

use super::{Exported, LOGITS};
use crate::graph::Graph;
use crate::layers::Maps;

fn averaged(graph: &mut Graph<'_>, xs: Maps, layers: &[LayerSpec]) -> Result<()> {
    let maps = graph.layers("", xs, layers)?;
    graph.global_average(LOGITS, &maps.name);
    graph.output(LOGITS, &[maps.shape.0])
}

impl Exported for Config {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        averaged(graph, xs, &self.layers())
    }
}

impl Exported for LargeConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        averaged(graph, xs, &self.layers())
    }
}

impl Exported for ImageNetConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        averaged(graph, xs, &self.layers())
    }
}
