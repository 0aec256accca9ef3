//! Candle modules around the ops.
//!
//! Every layer is a thin struct over the free function of the same idea in [`crate::ops`].
//! Layers with parameters have two constructors, as in candle-nn: `Layer::new(tensors..)` and `layer(sizes.., vb)`.

mod candle;
mod conv2d;
mod dropout;
mod link;
mod pool;
mod relu;
mod upsample;

pub use conv2d::{Conv2d, conv2d, conv2d_no_bias};
pub use dropout::{ChannelDropout, Dropout};
pub use link::Link;
pub use pool::{AvgPool2d, GlobalAvgPool, MaxPool2d, MaxUnpool2d};
pub use relu::Relu;
pub use upsample::UpsampleNearest2d;

#[cfg(test)]
mod tests;
