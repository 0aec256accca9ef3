//! Fast CPU kernels: slices and sizes in, slices out.
//!
//! Kernels know neither tensors nor the reference; the only unsafe code of the crate is here.
