//! Reference definitions: every op in plain loops over slices, in f64.
//!
//! Nothing here is fast. These functions are written to be compared with the papers, and they judge the kernels.
//! They know neither tensors nor kernels.

pub mod conv2d;
