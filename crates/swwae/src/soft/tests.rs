//! Tests of soft pooling and unpooling.

use candle_core::{DType, Device, Var};
use proptest::prelude::*;
use striate::testing::{Directions, Tolerance, assert_close, gradcheck, values};

use super::*;
use crate::kernels::SoftShape;
use crate::what_where::WhatWhere;

fn normal(seed: u64, dims: &[usize]) -> Tensor {
    let mut draws = striate::rng::stream(seed, "soft", 0);
    let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

/// Positions inside the window and off the cells, where the interpolation has no kinks.
fn places(seed: u64, size: usize, dims: &[usize]) -> Tensor {
    let mut draws = striate::rng::stream(seed, "places", 0);
    let cells = size.saturating_sub(1).max(1);
    let values: Vec<f64> = (0..dims.iter().product())
        .map(|_| {
            let at = draws.below(cells as u64) as f64 + 0.1 + 0.8 * draws.uniform_f64();
            2.0 * at / cells as f64 - 1.0
        })
        .collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

fn shape(xs: &Tensor, size: usize, rounding: Rounding) -> Result<SoftShape> {
    let (n, c, h, w) = xs.dims4()?;
    let (ho, wo) = windows(size, rounding, (h, w))?;
    Ok(SoftShape {
        planes: n * c,
        h,
        w,
        ho,
        wo,
        k: size,
    })
}

/// The definition, window by window, in plain loops: m, x and y of every window of one plane.
fn reference(z: &[f64], s: &SoftShape, beta: f64) -> Vec<[f64; 3]> {
    let mut out = Vec::new();
    for (i, j) in (0..s.ho).flat_map(|i| (0..s.wo).map(move |j| (i, j))) {
        let (mut sum, mut moments) = (0.0, [0.0; 3]);
        for (u, v) in (0..s.k).flat_map(|u| (0..s.k).map(move |v| (u, v))) {
            let (row, column) = (i * s.k + u, j * s.k + v);
            if row < s.h && column < s.w {
                let z = z[row * s.w + column];
                let e = (beta * z).exp();
                sum += e;
                let terms = [z, s.coordinate(v), s.coordinate(u)];
                moments
                    .iter_mut()
                    .zip(terms)
                    .for_each(|(moment, term)| *moment += e * term);
            }
        }
        out.push(moments.map(|moment| moment / sum));
    }
    out
}

/// The output of `f` and the gradients of a loss that weights every output.
fn with_gradients(
    f: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let vars: Vec<Var> = inputs
        .iter()
        .map(|&x| Var::from_tensor(x))
        .collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let ys = f(&tensors)?;
    let grads = (&ys * normal(9, ys.dims()))?.sum_all()?.backward()?;
    let grads = vars.iter().map(|var| match grads.get(var) {
        Some(grad) => Ok(grad.clone()),
        None => var.zeros_like(),
    });
    std::iter::once(Ok(ys)).chain(grads).collect()
}

fn compare(name: &str, a: Vec<Tensor>, b: Vec<Tensor>) {
    for (a, b) in a.iter().zip(&b) {
        assert_close(name, a, b, Tolerance::Elementwise(1e-10));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn matches_reference(
        (seed, h, w, size, ceil, beta) in (0u64..1000, 1usize..12, 1usize..12, 1usize..5, any::<bool>(), 0.0f64..4.0),
    ) {
        prop_assume!(h >= size && w >= size);
        let rounding = if ceil { Rounding::Ceil } else { Rounding::Floor };
        let xs = normal(seed, &[2, 2, h, w]);
        let s = shape(&xs, size, rounding).unwrap();
        let packed = soft_pool2d(&xs, size, rounding, beta).unwrap();
        prop_assert_eq!(packed.dims(), [2, 2, 3, s.ho, s.wo]);
        let n = s.windows();
        let (z, p) = (values(&xs).unwrap(), values(&packed).unwrap());
        for (z, p) in z.chunks(h * w).zip(p.chunks(3 * n)) {
            for (at, expected) in reference(z, &s, beta).into_iter().enumerate() {
                for (part, expected) in expected.into_iter().enumerate() {
                    let actual = p[part * n + at];
                    prop_assert!((actual - expected).abs() < 1e-12, "{} instead of {}", actual, expected);
                }
            }
        }
        // f32 agrees with f64.
        let single = soft_pool2d(&xs.to_dtype(DType::F32).unwrap(), size, rounding, beta).unwrap();
        assert_close("f32", &single, &packed, Tolerance::Elementwise(2e-5));
    }

    /// Values and gradients of the kernels equal those of Candle's ops.
    #[test]
    fn matches_composed(
        (seed, h, w, size, ceil) in (0u64..1000, 1usize..10, 1usize..10, 1usize..5, any::<bool>()),
    ) {
        prop_assume!(h >= size && w >= size);
        let rounding = if ceil { Rounding::Ceil } else { Rounding::Floor };
        // Far below 0, where a zero beyond the edge would be the maximum.
        let xs = (normal(seed, &[2, 2, h, w]) - 1e3).unwrap();
        let s = shape(&xs, size, rounding).unwrap();
        let what = normal(seed + 1, &[2, 2, s.ho, s.wo]);
        let place = places(seed, size, &[2, 2, 2, s.ho, s.wo]);
        let kernel = with_gradients(&|x| soft_pool2d(&x[0], size, rounding, 1.5), &[&xs]).unwrap();
        let candle = with_gradients(&|x| composed::pool(&x[0], &s, 1.5), &[&xs]).unwrap();
        compare("pool", kernel, candle);
        let kernel = with_gradients(&|x| soft_unpool2d(&x[0], &x[1], size, (h, w)), &[&what, &place]).unwrap();
        let candle = with_gradients(&|x| composed::unpool(&x[0], &x[1], &s), &[&what, &place]).unwrap();
        compare("unpool", kernel, candle);
    }
}

/// Positions that are cells, at the edge and outside: where the interpolation has kinks.
#[test]
fn composed_gradients_at_kinks() -> Result<()> {
    for (size, along) in [
        (1, vec![-1.0, 0.0, 1.0, 1.5]),
        (2, vec![-1.5, -1.0, 0.0, 1.0, 2.0]),
        (3, vec![-1.5, -1.0, -0.5, 0.0, 1.0, 1.25]),
        (5, vec![-1.0, -0.5, 0.0, 0.5, 1.0]),
    ] {
        let n = along.len();
        let pairs = along.iter().flat_map(|y| along.iter().map(move |x| (x, y)));
        let (xs, ys): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let place = Tensor::from_vec([xs, ys].concat(), (1, 1, 2, n, n), &Device::Cpu)?;
        let what = normal(1, &[1, 1, n, n]);
        let s = SoftShape {
            planes: 1,
            h: n * size,
            w: n * size,
            ho: n,
            wo: n,
            k: size,
        };
        let kernel = |x: &[Tensor]| soft_unpool2d(&x[0], &x[1], size, (s.h, s.w));
        let candle = |x: &[Tensor]| composed::unpool(&x[0], &x[1], &s);
        let kernel = with_gradients(&kernel, &[&what, &place])?;
        compare(
            &format!("size {size}"),
            with_gradients(&candle, &[&what, &place])?,
            kernel,
        );
    }
    let what = Tensor::ones((1, 1, 1, 1), DType::F64, &Device::Cpu)?;
    let place = Tensor::new(&[f64::NAN, 0.0], &Device::Cpu)?.reshape((1, 1, 2, 1, 1))?;
    let s = SoftShape {
        planes: 1,
        h: 3,
        w: 3,
        ho: 1,
        wo: 1,
        k: 3,
    };
    let maps = values(&composed::unpool(&what, &place, &s)?)?;
    assert!(maps.iter().any(|x| x.is_nan()), "{maps:?}");
    Ok(())
}

#[test]
fn shapes() -> Result<()> {
    let xs = normal(1, &[2, 3, 7, 5]);
    for (rounding, expected) in [
        (Rounding::Floor, [2, 3, 3, 2]),
        (Rounding::Ceil, [2, 3, 4, 3]),
    ] {
        let pooled = SoftWhatWhere::pool(&xs, 2, rounding, 1.0)?;
        assert_eq!(pooled.what.dims(), expected);
        let [n, c, ho, wo] = expected;
        assert_eq!(pooled.place.dims(), [n, c, 2, ho, wo]);
        assert_eq!(pooled.unpool(&pooled.what)?.dims(), [2, 3, 7, 5]);
    }
    for dtype in [DType::F16, DType::BF16] {
        let pooled = SoftWhatWhere::pool(&xs.to_dtype(dtype)?, 2, Rounding::Floor, 1.0)?;
        assert_eq!(pooled.unpool(&pooled.what)?.dtype(), dtype);
    }
    let none = SoftWhatWhere::pool(
        &Tensor::zeros((0, 3, 4, 4), DType::F32, &Device::Cpu)?,
        2,
        Rounding::Floor,
        1.0,
    )?;
    assert_eq!(none.unpool(&none.what)?.dims(), [0, 3, 4, 4]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let xs = normal(1, &[1, 1, 4, 4]);
    let message = |beta: f64, size| match soft_pool2d(&xs, size, Rounding::Floor, beta) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    };
    assert!(message(-1.0, 2).contains("beta is -1"));
    assert!(message(f64::NAN, 2).contains("beta is NaN"));
    assert!(message(f64::INFINITY, 2).contains("hard pooling"));
    assert!(soft_pool2d(&xs, 2, Rounding::Floor, 1e39).is_ok());
    for dtype in [DType::F32, DType::F16, DType::BF16] {
        let pooled = soft_pool2d(&xs.to_dtype(dtype)?, 2, Rounding::Floor, 1e39);
        let refused = format!("beta is 1e39, and maps of {dtype:?} are computed in f32");
        assert!(pooled.is_err_and(|error| error.to_string().contains(&refused)));
    }
    assert!(message(1.0, 5).contains("smaller than the window"));
    assert!(message(1.0, 0).contains("size along the height is 0"));
    let integers = soft_pool2d(&xs.to_dtype(DType::U32)?, 2, Rounding::Floor, 1.0);
    assert!(integers.is_err_and(|error| error.to_string().contains("U32")));
    let place = normal(2, &[1, 1, 2, 4, 4]);
    for huge in [1 << 52, 1 << 62, usize::MAX] {
        assert!(soft_unpool2d(&xs, &place, 2, (huge, 4)).is_err());
        assert!(soft_unpool2d(&xs, &place, 2, (huge, huge)).is_err());
        assert!(soft_unpool2d(&xs, &place, huge, (8, 8)).is_err() || huge == 1 << 52);
    }
    let unpooled = soft_unpool2d(&xs, &normal(2, &[1, 1, 2, 4, 3]), 2, (8, 8));
    assert!(unpooled.is_err_and(|error| error.to_string().contains("(N, C, 2, Ho, Wo)")));
    let single = normal(2, &[1, 1, 2, 4, 4]).to_dtype(DType::F32)?;
    assert!(
        soft_unpool2d(&xs, &single, 2, (8, 8)).is_err_and(|e| e.to_string().contains("to_dtype"))
    );
    Ok(())
}

/// Large beta: the maximum, and its place.
#[test]
fn a_large_beta_is_hard_pooling() -> Result<()> {
    let mut values_: Vec<f64> = (0..2 * 6 * 9).map(|i| f64::from(i) / 4.0).collect();
    striate::rng::stream(3, "large beta", 0).shuffle(&mut values_);
    let xs = Tensor::from_vec(values_, (1, 2, 6, 9), &Device::Cpu)?;
    for dtype in [DType::F64, DType::F32] {
        let xs = xs.to_dtype(dtype)?;
        let soft = SoftWhatWhere::pool(&xs, 3, Rounding::Floor, 1e3)?;
        let hard = WhatWhere::pool(&xs, 3, Rounding::Floor)?;
        let tolerance = Tolerance::Elementwise(1e-6);
        assert_close("what", &soft.what, &hard.what, tolerance);
        assert_close(
            "maps",
            &soft.unpool(&soft.what)?,
            &hard.unpool(&hard.what)?,
            tolerance,
        );
    }
    Ok(())
}

/// A cell without a share of its window has no gradient, however large beta is.
#[test]
fn a_huge_beta_has_a_gradient() -> Result<()> {
    let xs = Tensor::new(&[[0f64, 100.0], [0.0, 0.0]], &Device::Cpu)?.reshape((1, 1, 2, 2))?;
    for (dtype, beta) in [(DType::F32, 1e37), (DType::F64, 1e307)] {
        let xs = Var::from_tensor(&xs.to_dtype(dtype)?)?;
        let pooled = SoftWhatWhere::pool(&xs, 2, Rounding::Floor, beta)?;
        let gradients = pooled.what.sum_all()?.backward()?;
        let dz = gradients.get(&xs).map(values).transpose()?;
        assert_eq!(dz, Some(vec![0.0, 1.0, 0.0, 0.0]), "{dtype:?}");
    }
    Ok(())
}

#[test]
fn nan_shows_beside_large_numbers() -> Result<()> {
    let nan = f64::NAN;
    for cells in [[nan, 0.0, 1e10, 0.0], [0.0, 1e30, 0.0, nan], [nan; 4]] {
        for dtype in [DType::F32, DType::F64] {
            let xs = Tensor::new(&cells, &Device::Cpu)?.reshape((1, 1, 2, 2))?;
            let xs = Var::from_tensor(&xs.to_dtype(dtype)?)?;
            let packed = soft_pool2d(&xs, 2, Rounding::Floor, 1.0)?;
            let gradients = packed.sum_all()?.backward()?;
            let dz = gradients.get(&xs).map(values).transpose()?;
            assert!(values(&packed)?.iter().all(|x| x.is_nan()), "{packed}");
            assert!(dz.is_some_and(|dz| dz.iter().all(|x| x.is_nan())));
        }
    }
    Ok(())
}

/// Beta 0: the mean, and the center of the window.
#[test]
fn beta_zero_is_the_mean_and_the_center() -> Result<()> {
    let xs = normal(4, &[1, 2, 6, 9]);
    let soft = SoftWhatWhere::pool(&xs, 3, Rounding::Floor, 0.0)?;
    let means = striate::avg_pool2d(
        &xs,
        &side_by_side(3, Rounding::Floor),
        striate::Padding::Counted,
    )?;
    assert_close("what", &soft.what, &means, Tolerance::Elementwise(1e-12));
    assert!(values(&soft.place)?.iter().all(|at| at.abs() < 1e-12));
    Ok(())
}

#[test]
fn gradient() -> Result<()> {
    for rounding in [Rounding::Floor, Rounding::Ceil] {
        for (size, beta) in [(1, 1.0), (2, 0.0), (2, 3.0), (3, 0.7)] {
            let xs = [normal(5, &[1, 2, 5, 7])];
            let f = |x: &[Tensor]| soft_pool2d(&x[0], size, rounding, beta);
            gradcheck(f, &xs, Directions::EveryElement)?;
            let s = shape(&xs[0], size, rounding)?;
            let inputs = [
                normal(6, &[1, 2, s.ho, s.wo]),
                places(7, size, &[1, 2, 2, s.ho, s.wo]),
            ];
            let f = |x: &[Tensor]| soft_unpool2d(&x[0], &x[1], size, (5, 7));
            gradcheck(f, &inputs, Directions::EveryElement)?;
        }
    }
    Ok(())
}

/// The gradient of a pooling and the unpooling of its own what and where.
#[test]
fn gradient_of_the_pair() -> Result<()> {
    let f = |x: &[Tensor]| {
        let pooled = SoftWhatWhere::pool(&x[0], 3, Rounding::Floor, 0.9)?;
        pooled.unpool(&pooled.what)
    };
    gradcheck(f, &[normal(8, &[2, 2, 6, 7])], Directions::Random(8))
}

#[test]
fn positions_outside_the_window_count_as_its_edge() -> Result<()> {
    let what = Tensor::ones((1, 1, 1, 1), DType::F64, &Device::Cpu)?;
    let at = |x: f64, y: f64| {
        let place = Tensor::new(&[x, y], &Device::Cpu)?.reshape((1, 1, 2, 1, 1))?;
        values(&soft_unpool2d(&what, &place, 3, (3, 3))?)
    };
    let cell = |k: usize| {
        (0..9)
            .map(|i| if i == k { 1.0 } else { 0.0 })
            .collect::<Vec<f64>>()
    };
    assert_eq!(at(-5.0, -1.0)?, cell(0));
    assert_eq!(at(1.0, 7.0)?, cell(8));
    assert_eq!(at(0.0, 0.0)?, cell(4));
    assert!(at(f64::NAN, 0.0)?.iter().any(|x| x.is_nan()));
    Ok(())
}

/// A shift by one window shifts what and where as a whole.
#[test]
fn a_shift_by_a_window_shifts_the_maps() -> Result<()> {
    let xs = normal(9, &[1, 1, 6, 6]);
    let packed = soft_pool2d(&xs, 2, Rounding::Floor, 2.0)?;
    let moved = soft_pool2d(&xs.pad_with_zeros(3, 2, 0)?, 2, Rounding::Floor, 2.0)?;
    assert_close("moved", &moved.narrow(4, 1, 3)?, &packed, Tolerance::Exact);
    Ok(())
}

#[test]
fn the_number_of_threads_changes_no_bit() -> Result<()> {
    let xs = normal(10, &[8, 40, 32, 32]).to_dtype(DType::F32)?;
    let run = |threads: usize| -> Result<Vec<Tensor>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(candle_core::Error::wrap)?.install(|| {
            let xs = Var::from_tensor(&xs)?;
            let pooled = SoftWhatWhere::pool(&xs, 2, Rounding::Floor, 1.0)?;
            let maps = pooled.unpool(&pooled.what)?;
            let grads = (&maps * &maps)?.sum_all()?.backward()?;
            let grad = grads.get(&xs).cloned();
            Ok(vec![maps.detach(), grad.unwrap_or(xs.zeros_like()?)])
        })
    };
    for (one, two) in run(1)?.iter().zip(&run(2)?) {
        assert_close("bits", one, two, Tolerance::Exact);
    }
    Ok(())
}
