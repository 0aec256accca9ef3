//! The gradient with respect to the bias: db[o] = sum over n, i, j of dy[n,o,i,j]; and the bias alone, without any input.

use rayon::prelude::*;

use super::ConvShape;
use crate::kernels::level::Level;
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch};

/// See [`super::backward_bias`]; channels over threads, images in order.
pub(super) fn backward_bias<T: Lanes>(level: Level, s: &ConvShape, dy: &[T]) -> Vec<T> {
    let plane = s.h_out() * s.w_out();
    let sum = |channel: usize| {
        let planes = dy
            .get(channel * plane..)
            .unwrap_or_default()
            .chunks(s.c_out * plane);
        dispatch(
            level,
            Sum {
                planes: planes.map(|map| &map[..plane]),
            },
        )
    };
    (0..s.c_out)
        .into_par_iter()
        .with_min_len(8)
        .map(sum)
        .collect()
}

/// What the forward pass gives without input channels: y[n,o,i,j] = b[o], or 0, after the ReLU.
pub(super) fn alone<T: Lanes>(s: &ConvShape, bias: Option<&[T]>, relu: bool) -> Vec<T> {
    let mut y = vec![T::ZERO; s.y_len()];
    let maps = y.chunks_exact_mut(s.h_out() * s.w_out());
    for (map, &b) in maps.zip(bias.unwrap_or_default().iter().cycle()) {
        map.fill(if relu && b < T::ZERO { T::ZERO } else { b });
    }
    y
}

/// Adds up planes.
struct Sum<I> {
    planes: I,
}

impl<'a, T: Lanes, I: Iterator<Item = &'a [T]>> Kernel<T> for Sum<I> {
    type Output = T;

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) -> T {
        // SAFETY: loads stay inside the planes; the stores fill `lanes`, which has room for any vector.
        unsafe {
            let mut sums = [S::zero(); 4];
            let mut rest = T::ZERO;
            for plane in self.planes {
                let whole = plane.len() / S::LANES;
                for i in 0..whole {
                    let sum = &mut sums[i % 4];
                    *sum = S::add(*sum, S::load(plane.as_ptr().add(i * S::LANES)));
                }
                for &value in &plane[whole * S::LANES..] {
                    rest += value;
                }
            }
            let mut lanes = [T::ZERO; 16];
            S::store(
                lanes.as_mut_ptr(),
                S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])),
            );
            lanes.into_iter().fold(rest, |sum, lane| sum + lane)
        }
    }
}
