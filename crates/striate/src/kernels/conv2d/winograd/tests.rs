//! The matrices in plain f64, and the fast code on shapes that only it can get wrong.

use super::applies;
use super::unit::{Input, Norms};
use crate::kernels::conv2d::ConvShape;

const POINTS: [f64; 7] = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5];

/// Row i: the powers of point i below `count`; at infinity, the last of `side` points, the last coefficient.
fn powers(side: usize, count: usize) -> Vec<Vec<f64>> {
    let finite = POINTS[..side - 1]
        .iter()
        .map(|p| (0..count).map(|j| p.powi(j as i32)).collect());
    let infinity = (0..count)
        .map(|j| f64::from(u8::from(j == count - 1)))
        .collect();
    finite.chain([infinity]).collect()
}

/// Product of p_i - p_j over j != i.
fn norm(side: usize, i: usize) -> f64 {
    let others = |i: usize| (0..side - 1).filter(move |&j| j != i);
    match i + 1 == side {
        true => 1.0,
        false => others(i).map(|j| POINTS[i] - POINTS[j]).product(),
    }
}

/// Row i of B^T: the coefficients of the product of x - p_j over the finite points j != i.
fn input_row(side: usize, i: usize) -> Vec<f64> {
    let mut row = vec![1.0];
    for j in (0..side - 1).filter(|&j| j != i) {
        let mut next = vec![0.0; row.len() + 1];
        for (k, c) in row.iter().enumerate() {
            next[k + 1] += c;
            next[k] -= POINTS[j] * c;
        }
        row = next;
    }
    row.resize(side, 0.0);
    row
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// One row of `m` outputs by the definition of the algorithm, and its taps' gradient.
#[test]
fn the_matrices_compute_a_correlation_and_its_gradient() {
    for (m, k) in [(4, 3), (4, 5)] {
        let side = m + k - 1;
        let (a, g) = (powers(side, m), powers(side, k));
        let data: Vec<f64> = (0..side).map(|i| (i as f64 * 1.7).sin()).collect();
        let taps: Vec<f64> = (0..k).map(|i| (i as f64 * 2.3).cos()).collect();
        let dy: Vec<f64> = (0..m).map(|i| (i as f64 * 0.9).cos()).collect();
        let norms: &[f64] = match side {
            6 => &<Input as Norms<6>>::NORMS,
            _ => &<Input as Norms<8>>::NORMS,
        };
        for (i, inverse) in norms.iter().enumerate() {
            assert!((inverse * norm(side, i) - 1.0).abs() < 1e-15, "point {i}");
        }
        let v: Vec<f64> = (0..side).map(|i| dot(&input_row(side, i), &data)).collect();
        let u: Vec<f64> = (0..side)
            .map(|i| dot(&g[i], &taps) / norm(side, i))
            .collect();
        for j in 0..m {
            let output: f64 = (0..side).map(|i| a[i][j] * u[i] * v[i]).sum();
            assert!(
                (output - dot(&taps, &data[j..])).abs() < 1e-12,
                "F({m}, {k}), output {j}"
            );
        }
        let z: Vec<f64> = (0..side).map(|i| dot(&a[i], &dy)).collect();
        for j in 0..k {
            let gradient: f64 = (0..side)
                .map(|i| g[i][j] / norm(side, i) * v[i] * z[i])
                .sum();
            assert!(
                (gradient - dot(&dy, &data[j..])).abs() < 1e-12,
                "F({m}, {k}), tap {j}"
            );
        }
    }
}

#[test]
fn applies_where_the_definition_is_covered() {
    let s = ConvShape {
        n: 1,
        c_in: 1,
        h: 8,
        w: 8,
        c_out: 1,
        kh: 3,
        kw: 3,
        stride: (1, 1),
        padding: (2, 0),
        dilation: (1, 1),
        groups: 1,
    };
    assert!(applies(&s));
    assert!(applies(&ConvShape { kh: 5, kw: 5, ..s }));
    let halving = ConvShape {
        stride: (2, 2),
        padding: (1, 1),
        ..s
    };
    assert!(applies(&halving));
    for refused in [
        ConvShape {
            padding: (1, 0),
            ..halving
        },
        ConvShape {
            kh: 5,
            kw: 5,
            ..halving
        },
        ConvShape {
            padding: (3, 0),
            ..s
        },
        ConvShape {
            stride: (1, 2),
            ..s
        },
        ConvShape {
            dilation: (2, 1),
            ..s
        },
        ConvShape { kw: 5, ..s },
        ConvShape { kh: 1, kw: 1, ..s },
        ConvShape {
            c_in: 2,
            c_out: 2,
            groups: 2,
            ..s
        },
    ] {
        assert!(!applies(&refused), "{refused:?}");
    }
}
