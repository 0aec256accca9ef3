//! Autograd ops on Candle tensors, as free functions.
//!
//! Every op has a right gradient, judged by finite differences, by PyTorch and by [`mod@crate::reference`].
//! Inputs may have any strides.
//! f32 and f64 are computed as such, f16 and bf16 in f32; integers are refused.

mod avg_pool2d;
mod chain;
mod class_labels;
mod composed;
mod conv2d;
#[doc(hidden)]
pub mod cpu;
mod cross_entropy;
mod dropout;
mod lp_pool2d;
mod max_pool2d;
mod max_unpool2d;
mod pool_rule;
mod relu;
mod rules;
mod upsample;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod test_support;

pub use avg_pool2d::{Padding, avg_pool2d, global_avg_pool};
pub use chain::Chain;
pub use class_labels::class_labels;
pub use conv2d::{Activation, Conv2dOptions, ConvAlgorithm, conv2d};
pub use cross_entropy::cross_entropy;
pub use dropout::{channel_dropout, dropout};
pub use lp_pool2d::lp_pool2d;
pub use max_pool2d::{Switches, max_pool2d, max_pool2d_with_switches};
pub use max_unpool2d::max_unpool2d;
pub use relu::{relu, trace_relus};
pub use rules::{PoolRule, ReluRule};
pub use upsample::upsample_nearest2d;
