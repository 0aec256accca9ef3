//! Hard pooling and unpooling: each window's maximum and where it was.

use candle_core::{Result, Tensor};
use striate::{Chain, Rounding, Switches, Window2d, max_unpool2d};

/// The window of a pooling without overlap: `size` x `size` cells, moved by `size`.
///
/// With [`Rounding::Floor`] the rows and columns that do not fill a window are left out, and an unpooling leaves them 0;
/// with [`Rounding::Ceil`] the last windows see the cells that exist.
pub fn side_by_side(size: usize, rounding: Rounding) -> Window2d {
    Window2d {
        rounding,
        ..Window2d::square(size).stride(size)
    }
}

/// What a pooling found and where.
///
/// ```text
/// what[k] = max over window k of z,  where[k] = argmax over window k of z
/// ```
///
/// # Gradient
/// Goes through the values; where is a constant. Of equal maxima the first in row-major order counts.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351); Zeiler and Fergus 2014.
///
/// ```
/// use swwae::candle_core::{Device, Result, Tensor};
/// use swwae::WhatWhere;
/// use striate::Rounding;
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[1f32, 5.0, 2.0, 0.0], [3.0, 4.0, 8.0, 6.0]], &Device::Cpu)?;
///     let pooled = WhatWhere::pool(&xs.reshape((1, 1, 2, 4))?, 2, Rounding::Floor)?;
///     assert_eq!(pooled.what.flatten_all()?.to_vec1::<f32>()?, [5.0, 8.0]);
///     // Another what at the same places.
///     let back = pooled.unpool(&pooled.what.affine(10.0, 0.0)?)?;
///     let back = back.flatten_all()?.to_vec1::<f32>()?;
///     assert_eq!(back, [0.0, 50.0, 0.0, 0.0, 0.0, 0.0, 80.0, 0.0]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct WhatWhere {
    /// The maxima, (N, C, Ho, Wo).
    pub what: Tensor,
    /// Where they were.
    pub switches: Switches,
}

impl WhatWhere {
    /// Pools `xs`, (N, C, H, W), over windows of `size` x `size` cells side by side.
    ///
    /// # Errors
    /// Integer dtypes, another rank, a map smaller than a window, a size of 0.
    pub fn pool(xs: &Tensor, size: usize, rounding: Rounding) -> Result<Self> {
        Self::pool_chain(Chain::new(xs), size, rounding)
    }

    /// Pools what a chain ends with.
    ///
    /// # Errors
    /// Those of [`WhatWhere::pool`] and of the chain.
    pub fn pool_chain(chain: Chain, size: usize, rounding: Rounding) -> Result<Self> {
        let (what, switches) = chain.max_pool2d_with_switches(&side_by_side(size, rounding))?;
        Ok(Self { what, switches })
    }

    /// Puts `what` where the maxima were, in maps of the size that was pooled; 0 everywhere else.
    ///
    /// # Errors
    /// A `what` of another shape than the switches.
    pub fn unpool(&self, what: &Tensor) -> Result<Tensor> {
        max_unpool2d(what, &self.switches, self.switches.source)
    }

    /// As [`WhatWhere::unpool`], in maps of (height, width) cells.
    ///
    /// # Errors
    /// A `what` of another shape than the switches, a switch that has no place in the output.
    pub fn unpool_to(&self, what: &Tensor, output_size: (usize, usize)) -> Result<Tensor> {
        max_unpool2d(what, &self.switches, output_size)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use proptest::prelude::*;
    use striate::testing::{Directions, Tolerance, assert_close, gradcheck, values};

    use super::*;

    fn distinct(dims: &[usize]) -> Result<Tensor> {
        let mut values: Vec<f64> = (0..dims.iter().product())
            .map(|i: usize| i as f64 - 7.0)
            .collect();
        striate::rng::stream(1, "distinct", 0).shuffle(&mut values);
        Tensor::from_vec(values, dims, &Device::Cpu)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Each window keeps its maximum in place and nothing else; what was pooled from that is what was put there.
        #[test]
        fn unpooling_keeps_each_maximum_in_place(
            (h, w, size, ceil) in (1usize..10, 1usize..10, 1usize..5, any::<bool>()),
        ) {
            prop_assume!(h >= size && w >= size);
            let rounding = if ceil { Rounding::Ceil } else { Rounding::Floor };
            let xs = distinct(&[2, 3, h, w]).unwrap();
            let pooled = WhatWhere::pool(&xs, size, rounding).unwrap();
            let back = pooled.unpool(&pooled.what).unwrap();
            let (x, b) = (values(&xs).unwrap(), values(&back).unwrap());
            for (plane, (x, b)) in x.chunks(h * w).zip(b.chunks(h * w)).enumerate() {
                for at in 0..h * w {
                    let (i, j) = (at / w / size, at % w / size);
                    let window = |at: &usize| (at / w / size, at % w / size) == (i, j);
                    let top = (0..h * w).filter(window).map(|at| x[at]).fold(f64::MIN, f64::max);
                    let covered = ceil || ((i + 1) * size <= h && (j + 1) * size <= w);
                    let expected = if covered && x[at] == top { top } else { 0.0 };
                    prop_assert_eq!(b[at], expected, "plane {} cell {}", plane, at);
                }
            }
        }
    }

    #[test]
    fn pooling_undoes_unpooling_of_values_that_are_not_negative() -> Result<()> {
        let pooled = WhatWhere::pool(&distinct(&[2, 3, 7, 9])?, 2, Rounding::Floor)?;
        let what = pooled.what.abs()?;
        let again = WhatWhere::pool(&pooled.unpool(&what)?, 2, Rounding::Floor)?;
        assert_close("what", &again.what, &what, Tolerance::Exact);
        Ok(())
    }

    #[test]
    fn of_equal_maxima_the_first_counts() -> Result<()> {
        let xs = Tensor::ones((1, 1, 2, 4), DType::F32, &Device::Cpu)?;
        let pooled = WhatWhere::pool(&xs, 2, Rounding::Floor)?;
        let back = pooled
            .unpool(&pooled.what)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        assert_eq!(back, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        Ok(())
    }

    /// Moving the input by a window moves what and where with it.
    #[test]
    fn a_shift_by_a_window_shifts_what_and_where() -> Result<()> {
        let xs = distinct(&[1, 2, 6, 6])?;
        let moved = xs.pad_with_zeros(3, 2, 0)?;
        let pool = |xs: &Tensor| WhatWhere::pool(xs, 2, Rounding::Floor);
        let (before, after) = (pool(&xs)?, pool(&moved)?);
        assert_close(
            "what",
            &after.what.narrow(3, 1, 3)?,
            &before.what,
            Tolerance::Exact,
        );
        let column = |p: &WhatWhere| -> Result<Vec<f64>> {
            let width = p.switches.source.1 as f64;
            Ok(values(&p.switches.indices)?
                .into_iter()
                .map(|at| at % width)
                .collect())
        };
        let shifted = WhatWhere {
            what: before.what.clone(),
            switches: Switches {
                indices: after.switches.indices.narrow(3, 1, 3)?.contiguous()?,
                source: after.switches.source,
            },
        };
        let moved: Vec<f64> = column(&before)?.iter().map(|at| at + 2.0).collect();
        assert_eq!(column(&shifted)?, moved);
        Ok(())
    }

    #[test]
    fn an_explicit_size_keeps_rows_and_columns() -> Result<()> {
        let pooled = WhatWhere::pool(&distinct(&[1, 1, 4, 4])?, 2, Rounding::Floor)?;
        let small = pooled.unpool(&pooled.what)?;
        let large = pooled.unpool_to(&pooled.what, (5, 6))?;
        let inner = large.narrow(2, 0, 4)?.narrow(3, 0, 4)?;
        assert_close("inner", &inner, &small, Tolerance::Exact);
        assert_eq!(large.dims(), [1, 1, 5, 6]);
        let error = pooled
            .unpool_to(&pooled.what, (2, 2))
            .expect_err("accepted");
        assert!(
            error.to_string().contains("no cell in an output of 2 x 2"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn gradient() -> Result<()> {
        let f = |x: &[Tensor]| {
            let pooled = WhatWhere::pool(&x[0], 3, Rounding::Ceil)?;
            pooled.unpool(&(&pooled.what * &x[1])?)
        };
        let inputs = [distinct(&[2, 2, 7, 5])?, distinct(&[2, 2, 3, 2])?];
        gradcheck(f, &inputs, Directions::Random(6))
    }
}
