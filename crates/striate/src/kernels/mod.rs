//! Fast CPU kernels: slices and sizes in, slices or vectors out.
//!
//! Kernels know neither tensors nor the reference that judges them; the only unsafe code of the crate is here.
//! Work is split over threads by whole planes or whole rows, and every sum has a fixed order,
//! so the bits of a result do not depend on the number of threads.

#![allow(
    unsafe_code,
    reason = "vector instructions and memory that is written before it is read"
)]

pub mod avg_pool2d;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub mod level;
pub mod lp_pool2d;
pub mod max_pool2d;
pub mod relu;
pub mod unpool;
pub mod upsample;

mod awake;
mod chacha;
mod output;
mod planes;
mod pool_shape;
mod real;
mod scratch;
mod shared;
mod simd;
mod sizes;
mod tasks;
mod vectorize;

/// What the kernels of other crates of this workspace are made of; no stable interface.
#[doc(hidden)]
pub mod parts {
    pub use super::awake::stay_awake;
    pub use super::conv2d::panels::{gather_channels, scatter_channels};
    pub use super::output::written_by;
    pub use super::planes::{split, split2};
    pub use super::scratch::Scratch;
    pub use super::shared::Shared;
    pub use super::simd::{Kernel, Simd, dispatch};
    pub use super::tasks::run_tasks;

    /// Runs `work` compiled for the vector level of this CPU.
    #[inline(always)]
    pub fn vectorize<R>(work: impl FnOnce() -> R) -> R {
        super::vectorize::vectorize!(work())
    }
}

pub(crate) use awake::stay_awake;
pub use pool_shape::PoolShape;
pub use real::Real;
pub use relu::ReluRule;
pub use scratch::release as release_scratch;
pub use simd::Lanes;
pub(crate) use sizes::product;

#[cfg(test)]
mod tests;
