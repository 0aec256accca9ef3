//! The sampler in plain loops over slices, in f64: equation 3 as it is printed.
//!
//! V = sum over all integers n, m of U(n, m) k(x - m) k(y - n), where U is the map continued by the padding rule.
//! Nothing here is fast; it is written to be compared with the paper, and it judges the kernels.

pub mod sampler;
