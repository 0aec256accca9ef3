//! Convolution, pooling, unpooling and friends for Candle: correct gradients, fast on the CPU, reproducible.
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules in reading order
//!
//! | module | what it holds |
//! |:--|:--|
//! | [`rng`] | one seed, named streams |
//! | [`init`] | named parameters and the draws that fill them |
//! | [`window`] | window geometry and output sizes |
//! | [`mod@reference`] | every op in plain loops: the definition and the judge |
//! | [`kernels`] | fast CPU code on slices; the only unsafe code |
//! | [`ops`] | autograd ops on tensors |
//! | [`layers`] | Candle modules around the ops |
//! | [`layer_list`] | networks as lists of layers: sizes and parameter counts |
//! | [`network`] | what all models have in common |
//! | [`model_file`] | weights that know their network |
//! | `testing` | gradient checks and tolerances (feature `testing`) |
//!
//! Dependencies point one way: `rng`, `window` -> `reference` | `kernels` -> `ops` -> `layers`.
//! `reference` and `kernels` never see a tensor and never each other; layers never see a kernel.
//!
//! # Conventions
//! Tensors are (N, C, H, W).
//! Pairs of sizes are (height, width).
//! f32 and f64 are computed as such, f16 and bf16 in f32, integers are refused.
//! The same seed gives the same bits for any number of threads.

pub use candle_core;
pub use candle_nn;

pub mod rng;

pub mod init;

pub mod window;

pub mod reference;

pub mod kernels;

pub mod ops;

pub mod layers;

pub mod layer_list;

pub mod network;

pub mod model_file;

#[cfg(feature = "testing")]
pub mod testing;

pub use init::{Initializer, Parameters};
pub use model_file::{ModelFile, Pretrained};
pub use network::Network;
pub use ops::{
    Activation, Chain, Conv2dOptions, ConvAlgorithm, Padding, PoolRule, ReluRule, Switches,
    avg_pool2d, channel_dropout, conv2d, cross_entropy, dropout, global_avg_pool, lp_pool2d,
    max_pool2d, max_pool2d_with_switches, max_unpool2d, relu, trace_relus, upsample_nearest2d,
};
pub use rng::{Clock, Seed};
pub use window::{Rounding, Window2d};
