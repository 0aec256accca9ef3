//! The networks of the four papers as nodes.

mod allconv;
mod nin;
mod stn;
mod swwae;

use candle_core::Result;

use crate::graph::Graph;
use crate::layers::Maps;

/// A configuration whose network can be written: adds its nodes on `xs`, and its results.
pub(crate) trait Exported {
    fn nodes(&self, graph: &mut Graph<'_>, xs: Maps) -> Result<()>;
}

/// The name of the class scores in every file.
pub(crate) const LOGITS: &str = "logits";
