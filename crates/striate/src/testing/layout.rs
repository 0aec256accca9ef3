//! Tensors that lie in their storage in unusual ways.

use candle_core::{DType, Device, Result, Tensor};

/// How a tensor lies in its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All of it, in row-major order.
    Whole,
    /// The last two dimensions of a transposed tensor.
    Transposed,
    /// One element of the first dimension, repeated: all of it overlaps.
    Broadcast,
    /// A part that starts after the first element of the first dimension; at its end where it is empty.
    Offset,
    /// The empty part at the end of the first dimension.
    Empty,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 5] = [
        Self::Whole,
        Self::Transposed,
        Self::Broadcast,
        Self::Offset,
        Self::Empty,
    ];

    /// A tensor of `dims`, but for an empty first dimension with [`Layout::Empty`], whose storage `fill` makes.
    ///
    /// A tensor without the dimensions that a layout needs is whole.
    ///
    /// # Errors
    /// What `fill` refuses.
    pub fn of(self, dims: &[usize], fill: impl Fn(&[usize]) -> Result<Tensor>) -> Result<Tensor> {
        match (self, dims) {
            (Self::Transposed, [first @ .., h, w]) => {
                let turned = fill(&[first, &[*w, *h]].concat())?;
                turned.transpose(dims.len() - 2, dims.len() - 1)
            }
            (Self::Broadcast, [_, rest @ ..]) => fill(&[&[1], rest].concat())?.broadcast_as(dims),
            (Self::Offset, [n, rest @ ..]) => fill(&[&[n + 1], rest].concat())?.narrow(0, 1, *n),
            (Self::Empty, [n, ..]) => fill(dims)?.narrow(0, *n, 0),
            _ => fill(dims),
        }
    }
}

/// Numbers of both signs, from -2 to 2.
///
/// # Errors
/// A dtype that the CPU does not convert to.
pub fn ramp(dims: &[usize], dtype: DType) -> Result<Tensor> {
    let numbers = (0..dims.iter().product()).map(|k| (k % 17) as f32 / 4.0 - 2.0);
    Tensor::from_vec(numbers.collect::<Vec<_>>(), dims, &Device::Cpu)?.to_dtype(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn layouts_are_what_they_say() -> Result<()> {
        let fill = |dims: &[usize]| ramp(dims, DType::F64);
        let of = |layout: Layout, dims: &[usize]| layout.of(dims, fill);
        let dims = [2, 3, 4];
        for layout in [
            Layout::Whole,
            Layout::Transposed,
            Layout::Broadcast,
            Layout::Offset,
        ] {
            let xs = of(layout, &dims)?;
            assert_eq!(xs.dims(), dims, "{layout:?}");
            let is_dense = matches!(layout, Layout::Whole | Layout::Offset);
            assert_eq!(xs.is_contiguous(), is_dense, "{layout:?}");
        }
        assert_eq!(values(&of(Layout::Offset, &[2, 1])?)?, [-1.75, -1.5]);
        let empty = of(Layout::Empty, &dims)?;
        assert_eq!(empty.dims(), [0, 3, 4]);
        assert_eq!(empty.layout().start_offset(), 24);
        assert_eq!(of(Layout::Transposed, &[3])?.dims(), [3]);
        Ok(())
    }
}
