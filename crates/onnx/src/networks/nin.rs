//! Network In Network: layers, and the head.

use candle_core::{Result, bail};
use nin::{NinConfig, PlainCnnConfig};

use super::{Exported, LOGITS};
use crate::graph::Graph;
use crate::layers::Maps;

impl Exported for NinConfig {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()> {
        let maps = graph.layers("", xs, &self.layers())?;
        match self.head.is_fully_connected() {
            true => graph.dense(LOGITS, "fc", &maps.name)?,
            false => graph.global_average(LOGITS, &maps.name),
        };
        graph.output(LOGITS, &[self.classes])
    }
}

impl Exported for PlainCnnConfig {
    fn nodes(&self, _: &mut Graph<'_>, _: Maps) -> Result<()> {
        bail!("onnx: the plain CNN has a locally connected layer, for which ONNX has no operator")
    }
}
