//! The sampler: reads a map at the points of a grid, with gradients to both.
//!
//! V = sum over n, m of U(n, m) k(x - m) k(y - n) (equation 3), for every channel with the same grid.

mod composed;
mod custom;
mod grid_sample;
mod grid_sample_3d;
mod layer;
mod op;

pub use crate::kernels::taps::SeparableKernel;
pub use custom::grid_sample_with;
pub use grid_sample::grid_sample;
pub use grid_sample_3d::grid_sample_3d;
pub use layer::GridSampler;

#[cfg(test)]
mod tests;
