//! What a workload is: named cases that run once when asked, and a check of their answers.

use anyhow::Result;

/// Sizes that all workloads share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) batch: usize,
    pub(crate) size: usize,
}

/// One thing that is timed.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Billions of multiplications and additions of one run by definition; 0 where memory is the limit.
    pub(crate) gflop: f64,
    /// Runs in a row that make a sample, more than one where a run is too short for the clock.
    pub(crate) inner: usize,
    /// Runs once; returns a number that PyTorch must compute too (a loss, a sum).
    pub(crate) run: Box<dyn FnMut() -> Result<f64>>,
}

/// Cases that share a process.
pub(crate) struct Work {
    /// Fails if striate's answers on a small case are wrong.
    pub(crate) check: Box<dyn Fn() -> Result<()>>,
    pub(crate) cases: Vec<Case>,
}
