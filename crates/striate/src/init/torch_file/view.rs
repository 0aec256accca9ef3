//! The elements of a tensor among the numbers of its storage.

use candle_core::{Result, bail};

use super::pickle::{Storage, View};

/// The number of a view's elements, all of which lie in the storage.
pub(super) fn check(view: &View, storage: &Storage) -> Result<usize> {
    let product = |sizes: &[usize]| {
        sizes
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size))
    };
    let count = product(&view.shape).filter(|&count| count <= storage.len);
    let Some(count) = count else {
        bail!(
            "it has shape {:?}, its storage {} numbers",
            view.shape,
            storage.len
        );
    };
    if count > 0 {
        let steps = view.shape.iter().zip(&view.strides);
        let last = steps
            .into_iter()
            .try_fold(view.offset, |at, (&size, &stride)| {
                stride.checked_mul(size - 1)?.checked_add(at)
            });
        if last.is_none_or(|last| last >= storage.len) {
            bail!(
                "shape {:?}, strides {:?} and offset {} reach past the {} numbers of its storage",
                view.shape,
                view.strides,
                view.offset,
                storage.len
            );
        }
    }
    Ok(count)
}

/// The elements of `view` in row-major order, `width` bytes each.
pub(super) fn gather(bytes: &[u8], view: &View, width: usize, count: usize) -> Vec<u8> {
    let mut numbers = Vec::with_capacity(count * width);
    for index in 0..count {
        let (mut rest, mut at) = (index, view.offset);
        for (&size, &stride) in view.shape.iter().zip(&view.strides).rev() {
            at += rest % size * stride;
            rest /= size;
        }
        numbers.extend_from_slice(&bytes[at * width..(at + 1) * width]);
    }
    numbers
}
