//! Fast CPU kernels: slices and sizes in, vectors out.
//!
//! | file | what it holds |
//! |:--|:--|
//! | `affine` | coordinates of affine grids |
//! | `place` | from coordinates to pixels under every rule for the outside |
//! | `block` | places and weights of 64 points at a time, in vectors |
//! | `planes` | bilinear sampling channel by channel, for few channels |
//! | `framed` | the same for many small maps |
//! | `lanes` | bilinear sampling with channels in vector lanes, for many |
//! | `taps` | any separable kernel, in the plane and in a volume |
//!
//! Kernels know neither tensors nor the reference that judges them; the only unsafe code of the crate is here.
//! Work is cut into parts by the sizes alone and every sum has a fixed order,
//! so the bits of a result do not depend on the number of threads.

#![allow(
    unsafe_code,
    reason = "vector instructions and memory that is written before it is read"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "one index runs over several arrays of fixed length, which is what vectorises"
)]

pub mod affine;
pub mod bilinear;
pub mod taps;

mod block;
mod framed;
mod lanes;
mod number;
mod place;
mod planes;
mod split;

pub use number::Number;
