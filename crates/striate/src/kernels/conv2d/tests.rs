//! The kernels against the reference, on every level that this CPU has.

use proptest::prelude::*;

use super::*;
use crate::reference::conv2d as reference;
use crate::rng::stream;
use crate::window::Window2d;

/// The largest difference over the largest value.
fn error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(1e-30, |most: f64, v| most.max(v.abs()));
    got.iter().zip(want).fold(0.0, |most: f64, (g, w)| {
        assert!(g.is_finite(), "a value was not written");
        most.max((g - w).abs())
    }) / largest
}

fn numbers(name: &str, len: usize) -> Vec<f64> {
    let mut values = vec![0.0f32; len];
    stream(1, name, len as u64).fill_normal(&mut values);
    values.into_iter().map(f64::from).collect()
}

trait Number: Lanes {
    fn of(values: &[f64]) -> Vec<Self> {
        values.iter().map(|&v| Self::from_f64(v)).collect()
    }
    fn wide(values: &[Self]) -> Vec<f64> {
        values.iter().map(|v| v.to_f64()).collect()
    }
}
impl Number for f32 {}
impl Number for f64 {}

/// All four results of a case, on one level.
fn results<T: Number>(level: Level, s: &ConvShape, algorithm: Algorithm) -> [Vec<T>; 5] {
    let x = T::of(&numbers("x", s.x_len()));
    let w = T::of(&numbers("w", s.weight_len()));
    let b = T::of(&numbers("b", s.c_out));
    let dy = T::of(&numbers("dy", s.y_len()));
    [
        forward(level, algorithm, s, &x, &w, None, false),
        forward(level, algorithm, s, &x, &w, Some(&b), true),
        backward_input(level, algorithm, s, &dy, &w),
        backward_weight(level, algorithm, s, &x, &dy),
        backward_bias(level, s, &dy),
    ]
}

fn expected(s: &ConvShape) -> [Vec<f64>; 5] {
    let sizes = reference::Sizes {
        input: (s.n, s.c_in, s.h, s.w),
        c_out: s.c_out,
        window: Window2d::new((s.kh, s.kw))
            .strides(s.stride)
            .paddings(s.padding)
            .dilations(s.dilation),
        groups: s.groups,
    };
    let (x, w) = (numbers("x", s.x_len()), numbers("w", s.weight_len()));
    let (b, dy) = (numbers("b", s.c_out), numbers("dy", s.y_len()));
    let relu = |y: Vec<f64>| y.into_iter().map(|v| v.max(0.0)).collect();
    [
        reference::forward(&sizes, &x, &w, None).unwrap(),
        relu(reference::forward(&sizes, &x, &w, Some(&b)).unwrap()),
        reference::backward_input(&sizes, &dy, &w).unwrap(),
        reference::backward_weight(&sizes, &x, &dy).unwrap(),
        reference::backward_bias(&sizes, &dy).unwrap(),
    ]
}

#[track_caller]
fn check<T: Number>(s: &ConvShape, algorithm: Algorithm, tolerance: f64) {
    let want = expected(s);
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        let got = results::<T>(level, s, algorithm);
        for (pass, (got, want)) in got.iter().zip(&want).enumerate() {
            let error = error(&T::wide(got), want);
            assert!(
                error < tolerance,
                "{level}, pass {pass}, {s:?}: error {error:e}"
            );
        }
    }
}

fn square(
    n: usize,
    c_in: usize,
    size: usize,
    c_out: usize,
    k: usize,
    stride: usize,
    padding: usize,
) -> ConvShape {
    ConvShape {
        n,
        c_in,
        h: size,
        w: size,
        c_out,
        kh: k,
        kw: k,
        stride: (stride, stride),
        padding: (padding, padding),
        dilation: (1, 1),
        groups: 1,
    }
}

#[test]
fn shapes_of_the_papers_scaled_down() {
    for s in [
        square(2, 3, 12, 20, 3, 1, 1),
        square(3, 20, 9, 40, 3, 2, 1),
        square(2, 33, 8, 50, 3, 1, 0),
        square(2, 70, 6, 10, 1, 1, 0),
        square(1, 5, 30, 64, 5, 1, 2),
        square(9, 4, 4, 96, 3, 1, 1),
        square(1, 1, 40, 3, 7, 3, 2),
        square(1, 3, 45, 4, 11, 4, 0),
    ] {
        check::<f32>(&s, Algorithm::Direct, 1e-5);
        check::<f32>(&s, Algorithm::Auto, 1e-4);
        check::<f64>(&s, Algorithm::Auto, 1e-13);
    }
}

#[test]
fn few_channels_on_one_side() {
    for s in [
        square(3, 64, 9, 1, 5, 1, 2),
        square(2, 1, 9, 64, 5, 1, 2),
        square(2, 40, 7, 3, 3, 1, 0),
        square(2, 3, 7, 40, 3, 1, 1),
        square(1, 20, 3, 2, 5, 1, 4),
        square(2, 33, 6, 10, 1, 1, 0),
        // Winograd forward only.
        square(2, 3, 12, 70, 3, 1, 1),
        square(5, 2, 9, 64, 5, 1, 2),
        // Padding beyond the kernel, dilation, a window wider than the map.
        square(1, 17, 5, 1, 3, 1, 4),
        ConvShape {
            dilation: (2, 3),
            padding: (3, 1),
            ..square(2, 17, 9, 1, 3, 1, 0)
        },
        ConvShape {
            kh: 1,
            kw: 7,
            padding: (0, 3),
            ..square(2, 16, 4, 1, 1, 1, 0)
        },
    ] {
        check::<f32>(&s, Algorithm::Direct, 1e-5);
        check::<f64>(&s, Algorithm::Direct, 1e-13);
    }
}

#[test]
fn winograd() {
    // Channels that fill no vector, maps that fill no tile or less than one, wide maps, batch 1, every padding.
    for s in [
        square(3, 96, 32, 96, 3, 1, 1),
        square(2, 48, 8, 33, 3, 1, 0),
        square(5, 17, 7, 20, 3, 1, 2),
        square(1, 1, 3, 1, 3, 1, 0),
        square(1, 2, 1, 3, 3, 1, 1),
        square(2, 40, 16, 50, 5, 1, 2),
        square(3, 20, 9, 18, 5, 1, 0),
        square(3, 20, 16, 18, 5, 1, 2),
        square(1, 3, 1, 2, 5, 1, 4),
        ConvShape {
            w: 140,
            padding: (2, 0),
            ..square(1, 18, 9, 16, 3, 1, 1)
        },
        ConvShape {
            w: 131,
            padding: (0, 3),
            ..square(2, 3, 6, 17, 5, 1, 1)
        },
        // Stride 2: even and odd sides, one pixel, few tiles and many, wide maps.
        square(3, 96, 32, 96, 3, 2, 1),
        square(2, 17, 15, 33, 3, 2, 1),
        square(1, 33, 6, 20, 3, 2, 1),
        square(9, 2, 9, 3, 3, 2, 1),
        square(1, 2, 1, 3, 3, 2, 1),
        square(1, 1, 2, 1, 3, 2, 1),
        ConvShape {
            w: 139,
            ..square(1, 18, 9, 16, 3, 2, 1)
        },
    ] {
        assert!(winograd_applies(&s), "{s:?}");
        check::<f32>(&s, Algorithm::Winograd, 1e-4);
    }
}

#[test]
fn winograd_leaves_f64_to_the_direct_path() {
    let s = square(2, 17, 8, 20, 3, 1, 1);
    check::<f64>(&s, Algorithm::Winograd, 1e-13);
}

#[test]
fn corners() {
    // The stride leaves cells unread, padding exceeds the kernel, one pixel, a long row.
    for s in [
        square(2, 3, 7, 5, 2, 5, 0),
        square(1, 2, 3, 4, 1, 1, 3),
        square(1, 1, 1, 1, 1, 1, 0),
        ConvShape {
            h: 1,
            w: 700,
            ..square(1, 2, 1, 3, 1, 1, 0)
        },
        ConvShape {
            kh: 1,
            kw: 3,
            h: 2,
            w: 600,
            padding: (0, 1),
            ..square(1, 2, 1, 3, 1, 1, 0)
        },
    ] {
        check::<f32>(&s, Algorithm::Auto, 1e-4);
        check::<f64>(&s, Algorithm::Auto, 1e-13);
    }
}

#[test]
fn taps_that_reach_past_a_narrow_map() {
    for s in [
        square(1, 16, 1, 1, 5, 1, 2),
        square(1, 16, 2, 1, 7, 1, 3),
        square(1, 1, 1, 16, 5, 1, 2),
        ConvShape {
            w: 2,
            dilation: (4, 4),
            ..square(2, 32, 4, 1, 3, 1, 4)
        },
        ConvShape {
            w: 13,
            padding: (1, 2),
            dilation: (1, 4),
            ..square(7, 24, 3, 1, 5, 1, 2)
        },
    ] {
        check::<f32>(&s, Algorithm::Auto, 1e-4);
        check::<f32>(&s, Algorithm::Direct, 1e-5);
        check::<f64>(&s, Algorithm::Winograd, 1e-13);
    }
}

#[test]
fn nothing_on_one_side() {
    let s = square(2, 3, 5, 4, 3, 1, 1);
    for s in [
        ConvShape { n: 0, ..s },
        ConvShape { c_in: 0, ..s },
        ConvShape { c_out: 0, ..s },
        ConvShape {
            c_in: 0,
            c_out: 0,
            groups: 3,
            ..s
        },
    ] {
        for algorithm in [Algorithm::Auto, Algorithm::Direct, Algorithm::Winograd] {
            check::<f32>(&s, algorithm, 1e-5);
            check::<f64>(&s, algorithm, 1e-13);
        }
    }
}

#[test]
fn strides_and_dilations_far_beyond_the_map() {
    let apart = |h, stride, padding, dilation| ConvShape {
        h,
        w: h + 3,
        stride: (stride, stride + 1),
        padding: (padding, padding + 2),
        dilation: (dilation, dilation),
        ..square(2, 3, h, 5, 3, 1, 0)
    };
    for s in [
        apart(8, 2000, 0, 1),
        apart(45, 14, 2, 1),
        apart(45, 14, 2, 13),
        apart(3, 40, 900, 900),
        apart(70, 1, 0, 33),
        ConvShape {
            groups: 2,
            ..square(2, 4, 50, 6, 2, 25, 3)
        },
        ConvShape {
            padding: (1 << 40, 0),
            dilation: (1 << 40, 1),
            ..square(2, 3, 3, 4, 3, 1, 0)
        },
    ] {
        let window = Window2d::new((s.kh, s.kw))
            .strides(s.stride)
            .paddings(s.padding)
            .dilations(s.dilation);
        assert!(ConvShape::new((s.n, s.c_in, s.h, s.w), s.c_out, s.groups, &window).is_ok());
        check::<f32>(&s, Algorithm::Auto, 1e-5);
        check::<f64>(&s, Algorithm::Auto, 1e-13);
    }
}

#[test]
fn a_shape_refuses_what_the_kernels_could_not_address() {
    let message = |input, c_out, groups, window: Window2d| match ConvShape::new(
        input, c_out, groups, &window,
    ) {
        Ok(shape) => panic!("{shape:?} accepted"),
        Err(error) => error.to_string(),
    };
    let k = Window2d::square;
    let around = |padding| k(2).padding(padding);
    assert!(message((1, 1, 1, 1), 1, 1, around(1 << 31)).contains("the output"));
    assert!(message((4, 1, 1, 1), 1, 1, k(3).padding(1 << 30)).contains("the output"));
    assert!(message((1, 1, 1, 1), 1, 1, around(1 << 62)).contains("overflows"));
    assert!(message((1, 3, 4, 4), 4, 2, k(1)).contains("groups"));
    assert!(message((1, 3, 4, 4), 4, 0, k(1)).contains("groups"));
    assert!(message((1, 1, 0, 4), 1, 1, k(1).padding(1)).contains("0 x 4"));
    assert!(message((1, 1, 4, 4), 1, 1, k(2).ceil()).contains("Floor"));
    assert!(message((1, 1 << 25, 1, 1), 1, 1, k(1)).contains("2^24"));
    assert!(message((1, 1, 1, 1), 1 << 40, 1, k(1)).contains("2^24"));
}

fn any_shape() -> impl Strategy<Value = ConvShape> {
    let sizes = (
        1usize..4,
        1usize..4,
        1usize..20,
        1usize..20,
        1usize..20,
        1usize..14,
        1usize..14,
    );
    let window = (
        1usize..5,
        1usize..5,
        (1usize..4, 1usize..4),
        (0usize..4, 0usize..4),
        (1usize..3, 1usize..3),
    );
    (sizes, window).prop_filter_map(
        "the window fits",
        |((n, groups, c, o, extra, h, w), (kh, kw, stride, padding, dilation))| {
            let s = ConvShape {
                n,
                c_in: c * groups,
                h,
                w,
                c_out: (o + extra) * groups,
                kh,
                kw,
                stride,
                padding,
                dilation,
                groups,
            };
            let fits = |len: usize, k: usize, p: usize, d: usize| len + 2 * p > d * (k - 1);
            (fits(h, kh, padding.0, dilation.0) && fits(w, kw, padding.1, dilation.1)).then_some(s)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn matches_reference(s in any_shape()) {
        check::<f32>(&s, Algorithm::Auto, 1e-4);
        check::<f64>(&s, Algorithm::Auto, 1e-12);
    }

    #[test]
    fn winograd_of_stride_two_matches_reference(s in any_shape()) {
        let s = ConvShape {
            kh: 3, kw: 3, padding: (1, 1), stride: (2, 2), dilation: (1, 1), groups: 1, ..s
        };
        prop_assert!(winograd_applies(&s));
        check::<f32>(&s, Algorithm::Winograd, 1e-5);
    }

    #[test]
    fn winograd_matches_reference(s in any_shape(), five in proptest::bool::ANY) {
        let k = if five { 5 } else { 3 };
        let padding = (s.padding.0.min(k - 1), s.padding.1.min(k - 1));
        let s = ConvShape {
            h: s.h + 4, w: s.w + 4, kh: k, kw: k, padding,
            stride: (1, 1), dilation: (1, 1), groups: 1, ..s
        };
        check::<f32>(&s, Algorithm::Winograd, 1e-4);
    }
}

/// The results of a case are the same bits for any number of threads.
#[track_caller]
fn check_threads<T: Number>(s: &ConvShape, algorithm: Algorithm) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| results::<T>(Level::best(), s, algorithm))
    };
    let one = on(1);
    for threads in [2, 3, 8] {
        assert!(
            one == on(threads),
            "{threads} threads, {algorithm:?}, {s:?}"
        );
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for s in [
        square(5, 16, 16, 48, 3, 1, 1),
        square(40, 32, 16, 32, 3, 1, 1),
        square(3, 32, 16, 48, 5, 1, 2),
        square(4, 20, 17, 30, 3, 2, 1),
        square(2, 30, 8, 10, 1, 1, 0),
        square(3, 64, 9, 1, 5, 1, 2),
        square(1, 96, 8, 64, 3, 1, 1),
        square(1, 48, 8, 64, 3, 2, 1),
        // Winograd with stride 2, of many tiles.
        square(40, 32, 17, 32, 3, 2, 1),
    ] {
        check_threads::<f32>(&s, Algorithm::Auto);
        check_threads::<f32>(&s, Algorithm::Direct);
        check_threads::<f64>(&s, Algorithm::Auto);
    }
}

#[test]
fn an_empty_batch_has_zero_gradients() {
    let s = square(0, 3, 5, 4, 3, 1, 1);
    let weight = vec![1.0f32; s.weight_len()];
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        let auto = Algorithm::Auto;
        assert!(forward(level, auto, &s, &[], &weight, None, true).is_empty());
        assert!(backward_input(level, auto, &s, &[], &weight).is_empty());
        let dweight = backward_weight::<f32>(level, auto, &s, &[], &[]);
        assert_eq!(dweight, vec![0.0; s.weight_len()]);
        assert_eq!(backward_bias::<f32>(level, &s, &[]), [0.0; 4]);
        let (gated, bias) = backward_gate::<f32>(level, &s, ReluRule::Backprop, &[], &[]);
        assert!(gated.is_empty() && bias == [0.0; 4]);
    }
}

#[test]
fn edges_of_vectors_tiles_and_parts() {
    for s in [
        // One channel more than whole vectors, one less, several panels.
        square(1, 17, 6, 49, 3, 1, 1),
        square(2, 15, 5, 95, 3, 2, 1),
        square(1, 3, 8, 130, 5, 1, 2),
        // More pixels than a tile, more images than parts.
        square(1, 3, 37, 16, 3, 1, 1),
        square(19, 2, 5, 4, 3, 1, 1),
        // Sums cut into several runs.
        square(1, 96, 7, 24, 3, 1, 1),
        square(1, 40, 7, 24, 5, 2, 2),
    ] {
        check::<f32>(&s, Algorithm::Direct, 1e-5);
        check::<f64>(&s, Algorithm::Direct, 1e-13);
    }
}

#[test]
fn the_gate_and_the_bias_gradient_in_one_pass() {
    // Planes that are no whole number of runs, one pixel, a rule of each kind.
    for s in [
        square(3, 2, 7, 5, 3, 1, 1),
        square(2, 1, 1, 3, 1, 1, 0),
        square(2, 2, 16, 33, 1, 1, 0),
    ] {
        let (y, dy) = (numbers("y", s.y_len()), numbers("dy", s.y_len()));
        let rules = [ReluRule::Backprop, ReluRule::Deconvnet, ReluRule::Guided];
        let levels = Level::ALL.into_iter().filter(|level| level.available());
        for (rule, level) in levels.flat_map(|level| rules.map(|rule| (rule, level))) {
            let gated: Vec<f64> = y.iter().zip(&dy).map(|(&y, &g)| rule.gate(y, g)).collect();
            let sizes = reference::Sizes {
                input: (s.n, s.c_in, s.h, s.w),
                c_out: s.c_out,
                window: Window2d::new((s.kh, s.kw)).paddings(s.padding),
                groups: 1,
            };
            let bias = reference::backward_bias(&sizes, &gated).unwrap();
            let (y, mut dy) = (f32::of(&y), f32::of(&dy));
            let (got, got_bias) = backward_gate(level, &s, rule, &y, &dy);
            assert_eq!(f32::wide(&got), gated, "{level}, {rule:?}, {s:?}");
            assert!(
                error(&f32::wide(&got_bias), &bias) < 1e-6,
                "{level}, {rule:?}, {s:?}"
            );
            let (plain, plain_bias) = backward_gate(Level::Plain, &s, rule, &y, &dy);
            assert!(plain == got && plain_bias == got_bias, "{level}, {s:?}");
            assert_eq!(
                backward_gate_in_place(level, &s, rule, &y, &mut dy),
                got_bias
            );
            assert_eq!(dy, got);
        }
    }
}

#[test]
fn the_gate_lets_nan_pass() {
    let s = square(1, 1, 5, 5, 1, 1, 0);
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        for at in [0, 20, 24] {
            let (mut y, mut dy) = (vec![1.0f32; 25 * 5], vec![1.0f32; 25 * 5]);
            y[at] = f32::NAN;
            dy[25 + at] = f32::NAN;
            let (gated, sums) = backward_gate(level, &s, ReluRule::Guided, &y, &dy);
            assert!(gated[at] == 1.0 && gated[25 + at].is_nan(), "{level}, {at}");
            assert!(sums[0] == 25.0 && sums[1].is_nan(), "{level}, {at}");
        }
    }
}
