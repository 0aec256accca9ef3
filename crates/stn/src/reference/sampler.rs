//! Equation 3 and its derivatives, in the plane and in a volume.

use candle_core::{Result, bail};

use crate::options::{AlignCorners, PaddingMode};
use crate::size::product;

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

/// The pixel of an axis of `n` that index `i` of the padded axis reads; `None` for the value outside, or if n is 0.
pub fn continued(
    i: i64,
    n: usize,
    align_corners: AlignCorners,
    padding: PaddingMode,
) -> Option<usize> {
    let length = i128::try_from(n).ok().filter(|&n| n > 0)?;
    let i = i128::from(i);
    if (0..length).contains(&i) {
        return usize::try_from(i).ok();
    }
    let pixel = match padding {
        PaddingMode::Zeros | PaddingMode::Constant(_) => return None,
        PaddingMode::Border => i.clamp(0, length - 1),
        PaddingMode::Wrap => i.rem_euclid(length),
        // The map and its mirror image repeat: n - 1 pixels each between the centers, n between the edges.
        PaddingMode::Reflection => match align_corners {
            AlignCorners::Yes if n == 1 => 0,
            AlignCorners::Yes => {
                let period = 2 * (length - 1);
                let i = i.rem_euclid(period);
                i.min(period - i)
            }
            AlignCorners::No => {
                let i = i.rem_euclid(2 * length);
                i.min(2 * length - 1 - i)
            }
        },
    };
    usize::try_from(pixel).ok()
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

/// The largest radius of a kernel, and the largest distance of a point from the map in pixels.
const MAX_RADIUS: f64 = 1024.0;
const MAX_POSITION: f64 = 1e15;

/// Equation 3 at the coordinates `at`, x first.
///
/// # Errors
/// A map whose sides are 0 or do not match its values, a radius that is not from 0 to 1024,
/// a point that is not finite or more than 1e15 pixels away, where f64 no longer resolves the fraction.
pub fn sample<const D: usize>(
    map: &ReferenceMap<D>,
    kernel: &ReferenceKernel,
    at: [f64; D],
) -> Result<Sample<D>> {
    let cells = product("reference", "the size of the map", &map.size)?;
    if cells == 0 || map.values.len() != cells {
        bail!(
            "reference: a map of {:?} has {} values",
            map.size,
            map.values.len()
        );
    }
    if !(0.0..=MAX_RADIUS).contains(&kernel.radius) {
        bail!(
            "reference: the kernel has radius {}; it must be from 0 to {MAX_RADIUS}",
            kernel.radius
        );
    }
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
    if !position.iter().all(|x| x.abs() <= MAX_POSITION) {
        bail!(
            "reference: the coordinates {at:?} are at {position:?}; at most {MAX_POSITION:e} pixels are supported"
        );
    }
    let scale: [f64; D] = std::array::from_fn(|d| map.align_corners.pixels_per_unit(side(d)));
    let first: [i64; D] = std::array::from_fn(|d| (position[d] - kernel.radius).floor() as i64);
    let count = 2 * kernel.radius.ceil() as i64 + 2;
    let Some(terms) = count.checked_pow(D as u32) else {
        bail!("reference: {D} axes are too many");
    };
    for step in 0..terms {
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
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_worked_by_hand() -> Result<()> {
        // Pixels 1 2 / 3 4; the point (x, y) = (0.25, 0.5) in pixels, corners aligned.
        let map = ReferenceMap {
            values: &[1.0, 2.0, 3.0, 4.0],
            size: [2, 2],
            align_corners: AlignCorners::Yes,
            padding: PaddingMode::Zeros,
        };
        let found = sample(&map, &bilinear(), [-0.5, 0.0])?;
        assert_eq!(
            found.value,
            0.75 * 0.5 * 1.0 + 0.25 * 0.5 * 2.0 + 0.75 * 0.5 * 3.0 + 0.25 * 0.5 * 4.0
        );
        // One unit of x is half a pixel here.
        assert_eq!(found.coordinates, [0.5, 1.0]);
        for at in [[f64::NAN, 0.0], [1e300, 0.0]] {
            assert!(sample(&map, &bilinear(), at).is_err());
        }
        let short = ReferenceMap {
            values: &[1.0],
            ..map
        };
        assert!(sample(&short, &bilinear(), [0.0, 0.0]).is_err());
        Ok(())
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
