//! Every kernel on shapes small enough for Miri, against the reference where it has one.
//!
//! `CONTRIBUTING.md` has the command. Miri finds reads of numbers that were never written, pointers out of bounds,
//! and references that alias; the same tests run with the others, on every vector level that this CPU has.

use super::conv2d::{self, Algorithm, ConvShape};
use super::level::Level;
use super::unpool::UnpoolShape;
use super::upsample::UpsampleShape;
use super::{PoolShape, Real, ReluRule, avg_pool2d, cross_entropy, dropout, lp_pool2d, max_pool2d};
use super::{relu, unpool, upsample};
use crate::reference;
use crate::rng::stream;
use crate::window::Window2d;

fn numbers(name: &str, len: usize) -> Vec<f64> {
    let mut values = vec![0.0f32; len];
    stream(2, name, 0).fill_normal(&mut values);
    values.into_iter().map(f64::from).collect()
}

fn narrow<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

#[track_caller]
fn assert_near<T: Real>(got: &[T], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted
        .iter()
        .fold(1.0, |most: f64, value| most.max(value.abs()));
    for (got, wanted) in got.iter().zip(wanted) {
        let error = (got.to_f64() - wanted).abs();
        assert!(error <= 1e-4 * largest, "{got:?} instead of {wanted}");
    }
}

/// All passes of a convolution on every level.
fn convolution<T: super::Lanes>(
    input: (usize, usize, usize, usize),
    c_out: usize,
    groups: usize,
    window: Window2d,
) {
    let s = ConvShape::new(input, c_out, groups, &window).expect("the sizes fit");
    let sizes = reference::conv2d::Sizes {
        input,
        c_out,
        window,
        groups,
    };
    let (x, w) = (numbers("x", s.x_len()), numbers("w", s.weight_len()));
    let (b, dy) = (numbers("b", c_out), numbers("dy", s.y_len()));
    let y = reference::conv2d::forward(&sizes, &x, &w, Some(&b)).expect("the window fits");
    let y: Vec<f64> = y.into_iter().map(|value| value.max(0.0)).collect();
    let dx = reference::conv2d::backward_input(&sizes, &dy, &w).expect("the window fits");
    let dw = reference::conv2d::backward_weight(&sizes, &x, &dy).expect("the window fits");
    let db = reference::conv2d::backward_bias(&sizes, &dy).expect("the window fits");
    let (x, w) = (narrow::<T>(&x), narrow::<T>(&w));
    let (b, dy_narrow) = (narrow::<T>(&b), narrow::<T>(&dy));
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        for algorithm in [Algorithm::Direct, Algorithm::Winograd] {
            let got = conv2d::forward(level, algorithm, &s, &x, &w, Some(&b), true);
            assert_near(&got, &y);
            let got = conv2d::backward_input(level, algorithm, &s, &dy_narrow, &w);
            assert_near(&got, &dx);
            let got = conv2d::backward_weight(level, algorithm, &s, &x, &dy_narrow);
            assert_near(&got, &dw);
        }
        assert_near(&conv2d::backward_bias(level, &s, &dy_narrow), &db);
        let open = vec![T::ONE; s.y_len()];
        let (gated, sums) = conv2d::backward_gate(level, &s, ReluRule::Backprop, &open, &dy_narrow);
        assert_near(&gated, &dy);
        assert_near(&sums, &db);
    }
}

#[test]
fn convolutions() {
    let k = Window2d::square;
    // Winograd with one tile and with several, ragged channels.
    convolution::<f32>((1, 2, 5, 6), 3, 1, k(3).padding(1));
    convolution::<f32>((2, 9, 3, 4), 5, 1, k(3));
    convolution::<f32>((1, 1, 3, 3), 2, 1, k(5).padding(2));
    // Few channels on one side, and a tap beyond the map.
    convolution::<f32>((1, 16, 2, 2), 1, 1, k(3).padding(1));
    convolution::<f32>((1, 16, 1, 1), 1, 1, k(5).padding(2));
    convolution::<f64>((1, 1, 3, 2), 16, 1, k(2));
    // Strides, dilations, groups, patches by tap.
    convolution::<f32>((1, 2, 7, 5), 4, 2, k(2).stride(2).padding(1));
    convolution::<f64>((1, 2, 5, 5), 3, 1, k(2).dilation(3).padding(1));
    convolution::<f32>((1, 1, 21, 4), 2, 1, Window2d::new((1, 2)).strides((20, 1)));
    convolution::<f32>((1, 1, 40, 2), 2, 1, k(2).dilations((39, 1)));
    convolution::<f64>((1, 3, 2, 2), 17, 1, k(1));
    // Nothing to sum over: the bias alone.
    convolution::<f32>((2, 0, 3, 3), 2, 1, k(3).padding(1));
    convolution::<f64>((1, 0, 2, 3), 3, 1, k(1));
}

#[test]
fn pools() {
    let k = Window2d::square;
    for (size, window) in [
        ((4, 6), k(2).stride(2)),
        ((5, 5), k(2).stride(2).ceil()),
        ((5, 4), k(3).stride(2).padding(1)),
        ((2, 2), k(3).stride(2).ceil()),
        (
            (7, 5),
            Window2d::new((2, 3)).strides((3, 1)).dilations((2, 1)),
        ),
    ] {
        let planes = 2;
        let s = PoolShape::new(planes, size.0, size.1, window).expect("the window fits");
        let (x, dy) = (numbers("x", s.input_len()), numbers("dy", s.output_len()));
        let (y, at) = reference::max_pool2d::forward(planes, size, &window, &x).expect("it fits");
        let dx = reference::max_pool2d::unpool(planes, size.0 * size.1, &at, &dy);
        let (x32, dy32) = (narrow::<f32>(&x), narrow::<f32>(&dy));
        assert_near(&max_pool2d::forward(&s, &x32), &y);
        let (got, got_at) = max_pool2d::forward_with_positions(&s, &x32);
        assert_near(&got, &y);
        assert_eq!(got_at, at);
        assert_near(&max_pool2d::backward(&s, &at, &dy32), &dx);
        assert_near(&max_pool2d::backward_from_input(&s, &x32, &dy32), &dx);
        let y = reference::lp_pool2d::forward(planes, size, &window, 2.0, &x).expect("it fits");
        assert_near(&lp_pool2d::forward(&s, 2.0, &x32), &y);
        let of_norm = reference::lp_pool2d::backward(planes, size, &window, 2.0, &x, &dy);
        assert_near(
            &lp_pool2d::backward(&s, 2.0, &x32, &dy32),
            &of_norm.expect("it fits"),
        );
        for (counted, padding) in [
            (avg_pool2d::Counted::Frame, true),
            (avg_pool2d::Counted::Input, false),
        ] {
            let y = reference::avg_pool2d::forward(planes, size, &window, padding, &x);
            assert_near(
                &avg_pool2d::forward(&s, counted, &x32),
                &y.expect("it fits"),
            );
            let dx = reference::avg_pool2d::backward(planes, size, &window, padding, &dy);
            assert_near(
                &avg_pool2d::backward(&s, counted, &dy32),
                &dx.expect("it fits"),
            );
        }
        let (ho, wo) = s.output_size();
        let unpooling = UnpoolShape::new(planes, ho * wo, size, size).expect("the sizes fit");
        let back = unpool::forward(&unpooling, &dy32, &at).expect("every position has a cell");
        assert_near(&back, &dx);
        let taken = reference::max_pool2d::unpool_backward(planes, size.0 * size.1, &at, &x);
        assert_near(&unpool::backward(&unpooling, &at, &x32), &taken);
    }
    let s = UpsampleShape::new(2, 2, 3, (2, 3)).expect("the sizes fit");
    let (x, dy) = (numbers("x", 12), numbers("dy", 72));
    let y = reference::upsample::upsample_nearest2d(2, (2, 3), (2, 3), &x);
    assert_near(&upsample::forward(&s, &narrow::<f32>(&x)), &y);
    let dx = reference::upsample::upsample_nearest2d_backward(2, (2, 3), (2, 3), &dy);
    assert_near(&upsample::backward(&s, &narrow::<f32>(&dy)), &dx);
    assert_near(
        &avg_pool2d::global_backward(3, &[3.0f32, 6.0]),
        &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0],
    );
    assert_near(&avg_pool2d::global(17, &[1.0f32; 34]), &[1.0, 1.0]);
}

#[test]
fn element_by_element() {
    let x: Vec<f32> = narrow(&numbers("x", 700));
    let y = relu::forward(&x);
    assert!(y.iter().zip(&x).all(|(y, x)| *y == x.max(0.0)));
    let dx = relu::backward(ReluRule::Guided, &y, &x);
    assert_eq!(dx, y);
    let key = stream(1, "miri", 0).key();
    let dropped = dropout::elements(&key, 0.5, &x);
    assert!(
        dropped
            .iter()
            .zip(&x)
            .all(|(y, x)| *y == 0.0 || *y == 2.0 * x)
    );
    let dropped = dropout::planes(&key, 0.5, 7, &x);
    assert!(
        dropped
            .iter()
            .zip(&x)
            .all(|(y, x)| *y == 0.0 || *y == 2.0 * x)
    );
    let labels = [2u32, 0];
    let loss = cross_entropy::forward(3, &[0.0f64; 6], &labels);
    assert!((loss - 3f64.ln()).abs() < 1e-12);
    let third = 1.0 / 6.0;
    let dz = cross_entropy::backward(3, &[0.0f64; 6], &labels, 1.0);
    assert_near(&dz, &[third, third, third - 0.5, third - 0.5, third, third]);
}
