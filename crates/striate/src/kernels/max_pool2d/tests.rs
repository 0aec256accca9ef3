//! Every level against the windows one by one.

use super::maxima::one_by_one;
use super::*;
use crate::rng::stream;
use crate::window::Window2d;

/// Planes with equal values, infinities and NaN.
fn planes(seed: u64, len: usize) -> Vec<f32> {
    let mut draws = stream(seed, "planes", 0);
    (0..len)
        .map(|_| match draws.below(20) {
            0 => f32::NAN,
            1 => f32::NEG_INFINITY,
            2 => f32::INFINITY,
            n => n as f32,
        })
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check(s: &PoolShape) {
    let x = planes(s.input_len() as u64, s.input_len());
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let (mut wanted, mut wanted_at) = (vec![0.0; s.output_len()], vec![0; s.output_len()]);
    let outputs = wanted.chunks_mut(to).zip(wanted_at.chunks_mut(to));
    for (x, (y, at)) in x.chunks(from).zip(outputs) {
        one_by_one(s, x, y, at);
    }
    let sight = Sight::new(s).expect("a small map");
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        let (mut y, mut at) = (vec![0.0; s.output_len()], vec![0; s.output_len()]);
        let both = Maxima::<f32, ValuesAndPositions> {
            shape: s,
            sight: Some(&sight),
            x: &x,
            y: &mut y,
            at: &mut at,
            results: PhantomData,
        };
        dispatch(level, both);
        assert_eq!(bits(&y), bits(&wanted), "{level}, {s:?}");
        assert_eq!(at, wanted_at, "{level}, {s:?}");
        y.fill(0.0);
        let values = Maxima::<f32, ValuesOnly> {
            shape: s,
            sight: Some(&sight),
            x: &x,
            y: &mut y,
            at: &mut [],
            results: PhantomData,
        };
        dispatch(level, values);
        assert_eq!(bits(&y), bits(&wanted), "{level}, {s:?}");
    }
}

#[test]
fn all_levels_find_the_same_maxima() {
    let k = Window2d::square;
    // Rows shorter than a vector, as long, a little longer, of several vectors, even and odd.
    for w in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 34, 47, 64, 66] {
        for window in [
            k(2).stride(2),
            k(2).stride(2).ceil(),
            k(3).stride(2),
            k(3).stride(2).ceil(),
            k(3).stride(2).padding(1),
            k(3).stride(1).padding(1),
            k(3).stride(3),
            k(5).stride(4).padding(2),
            k(2).dilation(3).padding(1),
            k(3).dilation(2).stride(2).padding(1),
            Window2d::new((1, 4)).strides((2, 3)).paddings((0, 2)),
        ] {
            for h in [4, 5, 10] {
                // Windows that do not fit are refused.
                if let Ok(s) = PoolShape::new(3, h, w, window) {
                    check(&s);
                }
            }
        }
    }
}

#[test]
fn maps_without_a_sight_are_pooled_one_by_one() {
    // A tall window on a narrow map: lines of scratch would be much larger than the map.
    let window = Window2d::new((9000, 1));
    let s = PoolShape::new(1, 9001, 1, window).expect("it fits");
    assert!(Sight::<f32>::new(&s).is_none());
    let mut x = vec![0.0f32; 9001];
    (x[3], x[8000]) = (1.0, 1.0);
    assert_eq!(forward_with_positions(&s, &x), (vec![1.0, 1.0], vec![3, 3]));
    assert_eq!(forward(&s, &x), [1.0, 1.0]);
}

#[test]
fn windows_far_larger_than_the_map_are_pooled_at_once() {
    let x = planes(7, 2 * 3 * 5);
    let wanted = PoolShape::new(2, 3, 5, Window2d::new((3, 5))).expect("it fits");
    for size in [1 << 20, 1 << 40, 1 << 60] {
        let window = Window2d::square(size).stride(size).ceil();
        let s = PoolShape::new(2, 3, 5, window).expect("it fits");
        let (y, at) = forward_with_positions(&s, &x);
        let (wanted_y, wanted_at) = forward_with_positions(&wanted, &x);
        assert_eq!((bits(&y), at), (bits(&wanted_y), wanted_at), "{size}");
        assert_eq!(bits(&forward(&s, &x)), bits(&wanted_y), "{size}");
        let dy = [1.0, 2.0];
        let dx = backward_from_input(&s, &x, &dy);
        assert_eq!(dx, backward_from_input(&wanted, &x, &dy), "{size}");
    }
}

#[test]
fn padding_far_wider_than_the_map_takes_the_memory_of_one_map() {
    // One cell, seen from as many places as the window has columns.
    let size = 1 << 22;
    let window = Window2d::new((1, size)).paddings((0, size - 1));
    let s = PoolShape::new(1, 1, 1, window).expect("it fits");
    let dx = backward_from_input(&s, &[1.0f32], &vec![1.0; size]);
    assert_eq!(dx, [size as f32]);
}
