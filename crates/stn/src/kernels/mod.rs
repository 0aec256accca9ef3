//! Fast CPU kernels: slices and sizes in, vectors out.
//!
//! | file | what it holds |
//! |:--|:--|
//! | `affine` | coordinates of affine grids |
//! | `shape` | sizes of a sampling, checked; gradients |
//! | `axis`, `map` | from coordinates to positions in pixels for every padding mode |
//! | `block` | positions and weights of 64 points at a time, in vectors |
//! | `bilinear` | bilinear sampling in the plane: the two passes |
//! | `driver`, `schedule`, `split`, `touched`, `task` | their tasks, bands and blocks, the same for every layout |
//! | `layout` | what a layout of the channels offers to the driver |
//! | `squares` | points whose neighbors are all in memory, a vector of points at once |
//! | `planar` | channel by channel, for few channels |
//! | `padded` | the same with a margin, for many small maps |
//! | `channels_last` | channels in vector lanes, for many channels |
//! | `taps` | any separable kernel, in the plane and in a volume |
//!
//! Kernels know neither tensors nor the reference that judges them; the only unsafe code of the crate is here.
//! Sizes are checked when a shape is made, and the lengths of slices when a kernel is called:
//! every public function is safe for every argument.
//! Work is cut into parts by the sizes alone and every sum has a fixed order,
//! so the bits of a result do not depend on the number of threads.

#![allow(
    unsafe_code,
    reason = "vector instructions and memory that is written before it is read"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "one index runs over several arrays of fixed length, which is what vectorizes"
)]

pub mod affine;
pub mod bilinear;
pub mod taps;

mod axis;
mod block;
mod channels_last;
mod driver;
mod layout;
mod map;
mod number;
mod padded;
mod planar;
mod schedule;
mod shape;
mod split;
mod squares;
mod task;
mod touched;

pub use number::Number;
pub use shape::{Gradients, NeedsGrad, SampleShape};
