//! Equation 3 and its derivatives, in the plane and in a volume.

use crate::options::{AlignCorners, PaddingMode};

/// A kernel k(d) with its derivative and the radius beyond which both are 0.
pub struct ReferenceKernel<'a> {
    /// Where it ends.
    pub radius: f64,
    /// k(d).
    pub weight: &'a dyn Fn(f64) -> f64,
    /// k'(d).
    pub derivative: &'a dyn Fn(f64) -> f64,
}

/// Equation 5: max(0, 1 - |d|).
pub fn bilinear() -> ReferenceKernel<'static> {
    ReferenceKernel {
        radius: 1.0,
        weight: &|d| (1.0 - d.abs()).max(0.0),
        // The right derivative of the sum at whole positions, as every implementation takes it.
        derivative: &|d| match d {
            _ if (0.0..1.0).contains(&d) => -1.0,
            _ if (-1.0..0.0).contains(&d) => 1.0,
            _ => 0.0,
        },
    }
}

/// Keys' cubic convolution with a = -0.75.
pub fn bicubic() -> ReferenceKernel<'static> {
    const A: f64 = -0.75;
    ReferenceKernel {
        radius: 2.0,
        weight: &|d| match d.abs() {
            d if d <= 1.0 => (A + 2.0) * d.powi(3) - (A + 3.0) * d.powi(2) + 1.0,
            d if d < 2.0 => A * d.powi(3) - 5.0 * A * d.powi(2) + 8.0 * A * d - 4.0 * A,
            _ => 0.0,
        },
        derivative: &|d| {
            d.signum()
                * match d.abs() {
                    d if d <= 1.0 => 3.0 * (A + 2.0) * d.powi(2) - 2.0 * (A + 3.0) * d,
                    d if d < 2.0 => 3.0 * A * d.powi(2) - 10.0 * A * d + 8.0 * A,
                    _ => 0.0,
                }
        },
    }
}

/// The pixel of an axis of `n` that index `i` of the continued axis shows; `None` where a value of its own lies.
pub fn continued(
    i: i64,
    n: usize,
    align_corners: AlignCorners,
    padding: PaddingMode,
) -> Option<usize> {
    let n = n as i64;
    if (0..n).contains(&i) {
        return Some(i as usize);
    }
    match padding {
        PaddingMode::Zeros | PaddingMode::Constant(_) => None,
        PaddingMode::Border => Some(i.clamp(0, n - 1) as usize),
        PaddingMode::Wrap => Some(i.rem_euclid(n) as usize),
        PaddingMode::Reflection => {
            // Walk back and forth between the mirrors.
            let mut i = i;
            while !(0..n).contains(&i) {
                let (first, last) = match align_corners {
                    AlignCorners::Yes if n == 1 => return Some(0),
                    AlignCorners::Yes => (0, 2 * (n - 1)),
                    AlignCorners::No => (-1, 2 * n - 1),
                };
                i = if i < 0 { first - i } else { last - i };
            }
            Some(i as usize)
        }
    }
}

/// A map of one channel, D-dimensional, and the rules to read it.
pub struct ReferenceMap<'a, const D: usize> {
    /// Its values, row-major.
    pub values: &'a [f64],
    /// Its sides, the last along x.
    pub size: [usize; D],
    /// What -1 and +1 mean.
    pub align_corners: AlignCorners,
    /// What lies outside.
    pub padding: PaddingMode,
}

/// The value at one point, and its derivatives.
pub struct Sample<const D: usize> {
    /// V.
    pub value: f64,
    /// dV/dU: (offset in the map, weight) of every pixel in reach; a pixel may occur more than once.
    pub pixels: Vec<(usize, f64)>,
    /// dV with respect to the coordinates, x first.
    pub coordinates: [f64; D],
}

/// Equation 3 at the coordinates `at`, x first.
pub fn sample<const D: usize>(
    map: &ReferenceMap<D>,
    kernel: &ReferenceKernel,
    at: [f64; D],
) -> Sample<D> {
    let mut sample = Sample {
        value: 0.0,
        pixels: Vec::new(),
        coordinates: [0.0; D],
    };
    let constant = match map.padding {
        PaddingMode::Constant(value) => value,
        _ => 0.0,
    };
    let side = |d: usize| map.size[D - 1 - d];
    let position: [f64; D] = std::array::from_fn(|d| map.align_corners.to_pixel(at[d], side(d)));
    let scale: [f64; D] = std::array::from_fn(|d| map.align_corners.pixels_per_unit(side(d)));
    let first: [i64; D] = std::array::from_fn(|d| (position[d] - kernel.radius).floor() as i64);
    let count = 2 * kernel.radius.ceil() as i64 + 2;
    for step in 0..count.pow(D as u32) {
        // The indices (m, n, ..) of this term.
        let mut rest = step;
        let mut index = [0i64; D];
        for d in 0..D {
            index[d] = first[d] + rest % count;
            rest /= count;
        }
        let distance: [f64; D] = std::array::from_fn(|d| position[d] - index[d] as f64);
        let weight: f64 = distance.iter().map(|&d| (kernel.weight)(d)).product();
        let pixel: Option<Vec<usize>> = (0..D)
            .map(|d| continued(index[d], side(d), map.align_corners, map.padding))
            .collect();
        let offset = pixel.map(|pixel| {
            pixel
                .iter()
                .enumerate()
                .rev()
                .fold(0, |at, (d, i)| at * side(d) + i)
        });
        let value = offset.map_or(constant, |offset| map.values[offset]);
        sample.value += value * weight;
        if let Some(offset) = offset {
            sample.pixels.push((offset, weight));
        }
        for d in 0..D {
            let factors = (0..D).map(|e| match e == d {
                true => (kernel.derivative)(distance[e]) * scale[e],
                false => (kernel.weight)(distance[e]),
            });
            sample.coordinates[d] += value * factors.product::<f64>();
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_worked_by_hand() {
        // Pixels 1 2 / 3 4; the point (x, y) = (0.25, 0.5) in pixels, corners aligned.
        let map = ReferenceMap {
            values: &[1.0, 2.0, 3.0, 4.0],
            size: [2, 2],
            align_corners: AlignCorners::Yes,
            padding: PaddingMode::Zeros,
        };
        let sample = sample(&map, &bilinear(), [-0.5, 0.0]);
        assert_eq!(
            sample.value,
            0.75 * 0.5 * 1.0 + 0.25 * 0.5 * 2.0 + 0.75 * 0.5 * 3.0 + 0.25 * 0.5 * 4.0
        );
        // One unit of x is half a pixel here.
        assert_eq!(sample.coordinates, [0.5, 1.0]);
    }

    #[test]
    fn continuation_by_hand() {
        let show = |align, padding| -> Vec<Option<usize>> {
            (-4..7).map(|i| continued(i, 3, align, padding)).collect()
        };
        let some = |v: [usize; 11]| v.map(Some).to_vec();
        assert_eq!(
            show(AlignCorners::Yes, PaddingMode::Reflection),
            some([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2])
        );
        assert_eq!(
            show(AlignCorners::No, PaddingMode::Reflection),
            some([2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0])
        );
        assert_eq!(
            show(AlignCorners::No, PaddingMode::Wrap),
            some([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
        );
        assert_eq!(
            show(AlignCorners::No, PaddingMode::Border),
            some([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2])
        );
    }
}
