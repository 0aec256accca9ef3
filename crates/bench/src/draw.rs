//! Numbers that look random and are the same here and in `torch_baseline.py`: a hash of index and tensor number.

use anyhow::Result;
use candle_core::{Device, Tensor};

/// The hash, below 2^32; multipliers below 2^31, so that PyTorch's signed 64-bit products cannot overflow.
fn hash(tensor: u64, index: u64) -> u64 {
    const MASK: u64 = 0xffff_ffff;
    let mut h = (index + tensor * 0x3c6e_f372) & MASK;
    for multiplier in [0x7feb_352d, 0x4646_e9b5] {
        h ^= h >> 16;
        h = (h * multiplier) & MASK;
    }
    h ^ (h >> 15)
}

/// Uniform on [-bound, bound).
pub(crate) fn uniform(tensor: u64, bound: f64, shape: &[usize]) -> Result<Tensor> {
    let len = shape.iter().product::<usize>() as u64;
    let value = |index| (hash(tensor, index) as f64 / f64::powi(2.0, 31) - 1.0) * bound;
    let values: Vec<f32> = (0..len).map(|index| value(index) as f32).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// Classes below `classes`.
pub(crate) fn labels(tensor: u64, classes: u32, len: usize) -> Result<Tensor> {
    let classes = u64::from(classes);
    let values: Vec<u32> = (0..len as u64)
        .map(|index| (hash(tensor, index) % classes) as u32)
        .collect();
    Ok(Tensor::from_vec(values, len, &Device::Cpu)?)
}
