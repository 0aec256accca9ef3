//! The parts together: what each paper's idea buys in one small network, alone and beside the others.
//!
//! No paper has these experiments.

mod ideas;
mod network;
mod objective;
mod setup;
mod tables;

use crate::experiment::Experiment;

/// The same networks on digits as they are and on distorted ones.
pub(crate) static EXPERIMENTS: &[Experiment] = &[tables::PLAIN, tables::DISTORTED];
