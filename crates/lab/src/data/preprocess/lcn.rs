//! Local contrast normalization: every pixel is compared with its neighborhood.

use serde::{Deserialize, Serialize};

use crate::data::DataError;

/// Subtracts the local mean and divides by the local deviation, channel by channel.
///
/// ```text
/// v    = x - G * x                    G a Gaussian of `size` x `size` taps with deviation `sigma` that sums to 1
/// s    = sqrt(G * v^2)                * with zeros around the image
/// y    = v / max(s, mean(s), min_divisor)
/// ```
///
/// Source: Jarrett et al., "What is the best multi-stage architecture for object recognition?", 2009, Sec. 3.1,
/// with the constants of the Maxout code for SVHN, which are the defaults; Network In Network, Sec. 4.4, follows it.
/// That code leaves its loop after the first channel; here all channels are normalized.
///
/// ```
/// use lab::data::Lcn;
///
/// // An even slope: inside, where no edge is near, it is its own mean.
/// let mut image: Vec<f64> = (0..400).map(|i| (i % 20) as f64).collect();
/// Lcn::default().apply_f64(&mut image, (20, 20))?;
/// assert!(image[10 * 20 + 10].abs() < 1e-12);
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[doc(alias = "local contrast normalisation")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lcn {
    /// Taps of the Gaussian in each direction, odd. 7 in the Maxout code.
    pub size: usize,
    /// Its standard deviation in pixels. 2 in the Maxout code.
    pub sigma: f64,
    /// The least divisor. 1e-4 in the Maxout code.
    pub min_divisor: f64,
}

impl Default for Lcn {
    fn default() -> Self {
        Self {
            size: 7,
            sigma: 2.0,
            min_divisor: 1e-4,
        }
    }
}

impl Lcn {
    /// Normalizes each of the planes of `height` x `width` values in `planes`, a channel of an image each.
    ///
    /// # Errors
    /// When `planes` is not a whole number of planes, or a constant is not usable.
    pub fn apply_f64(
        &self,
        planes: &mut [f64],
        (height, width): (usize, usize),
    ) -> Result<(), DataError> {
        self.check()?;
        super::zca::check_len("Lcn", planes.len(), height * width)?;
        self.normalize(planes, (height, width));
        Ok(())
    }

    /// The size must be odd, sigma positive, the least divisor positive.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let wrong = |argument, found: String, expected: &str| {
            Err(DataError::Argument {
                op: "Lcn",
                argument,
                found,
                expected: expected.to_owned(),
            })
        };
        if self.size.is_multiple_of(2) {
            return wrong("size", self.size.to_string(), "an odd number");
        }
        if !positive(self.sigma) {
            return wrong("sigma", self.sigma.to_string(), "a positive number");
        }
        if !positive(self.min_divisor) {
            return wrong(
                "min_divisor",
                self.min_divisor.to_string(),
                "a positive number",
            );
        }
        Ok(())
    }

    pub(super) fn normalize(&self, planes: &mut [f64], (height, width): (usize, usize)) {
        let taps = self.taps();
        for plane in planes.chunks_exact_mut(height * width) {
            let mean = blurred(plane, width, &taps);
            for (x, mean) in plane.iter_mut().zip(mean) {
                *x -= mean;
            }
            let squares: Vec<f64> = plane.iter().map(|v| v * v).collect();
            let deviation = blurred(&squares, width, &taps);
            let sum: f64 = deviation.iter().map(|s| s.sqrt()).sum();
            let least = (sum / plane.len() as f64).max(self.min_divisor);
            for (x, square) in plane.iter_mut().zip(deviation) {
                *x /= square.sqrt().max(least);
            }
        }
    }

    /// The Gaussian in one direction, which sums to 1; its product with itself is the one in two directions.
    fn taps(&self) -> Vec<f64> {
        let middle = (self.size / 2) as f64;
        let bell = |at: usize| (-0.5 * ((at as f64 - middle) / self.sigma).powi(2)).exp();
        let taps: Vec<f64> = (0..self.size).map(bell).collect();
        let sum: f64 = taps.iter().sum();
        taps.into_iter().map(|tap| tap / sum).collect()
    }
}

/// A plane, convolved with `taps` along its rows and then along its columns, with zeros around it.
fn blurred(plane: &[f64], width: usize, taps: &[f64]) -> Vec<f64> {
    let reach = taps.len() / 2;
    let height = plane.len() / width;
    let along = |from: &[f64], len: usize, stride: usize, starts: &dyn Fn(usize) -> usize| {
        let mut to = vec![0.0; from.len()];
        for line in 0..from.len() / len {
            let start = starts(line);
            for at in 0..len {
                let first = at.saturating_sub(reach);
                let last = (at + reach).min(len - 1);
                to[start + at * stride] = (first..=last)
                    .map(|i| taps[i + reach - at] * from[start + i * stride])
                    .sum();
            }
        }
        to
    };
    let rows = along(plane, width, 1, &|row| row * width);
    along(&rows, height, width, &|column| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, tap by tap in two directions.
    fn reference(plane: &[f64], (h, w): (usize, usize)) -> Vec<f64> {
        let mut kernel = [[0.0; 7]; 7];
        let mut sum = 0.0;
        for (i, row) in kernel.iter_mut().enumerate() {
            for (j, tap) in row.iter_mut().enumerate() {
                let (y, x) = (i as f64 - 3.0, j as f64 - 3.0);
                *tap = (-(x * x + y * y) / 8.0).exp();
                sum += *tap;
            }
        }
        let blur = |plane: &[f64], at: usize| {
            let (y, x) = ((at / w) as isize, (at % w) as isize);
            let mut total = 0.0;
            for (i, row) in kernel.iter().enumerate() {
                for (j, tap) in row.iter().enumerate() {
                    let (y, x) = (y + i as isize - 3, x + j as isize - 3);
                    if (0..h as isize).contains(&y) && (0..w as isize).contains(&x) {
                        total += tap / sum * plane[y as usize * w + x as usize];
                    }
                }
            }
            total
        };
        let v: Vec<f64> = (0..h * w).map(|at| plane[at] - blur(plane, at)).collect();
        let squares: Vec<f64> = v.iter().map(|v| v * v).collect();
        let s: Vec<f64> = (0..h * w).map(|at| blur(&squares, at).sqrt()).collect();
        let mean = s.iter().sum::<f64>() / s.len() as f64;
        (0..h * w)
            .map(|at| v[at] / s[at].max(mean).max(1e-4))
            .collect()
    }

    #[test]
    fn matches_the_definition() {
        let mut draws = striate::rng::stream(1, "planes", 0);
        for size in [(9, 12), (32, 32), (3, 5), (1, 1)] {
            let n = size.0 * size.1;
            let mut planes: Vec<f64> = (0..2 * n).map(|_| draws.uniform_f64() * 255.0).collect();
            let expected: Vec<f64> = planes
                .chunks(n)
                .flat_map(|plane| reference(plane, size))
                .collect();
            Lcn::default().apply_f64(&mut planes, size).unwrap();
            for (a, b) in planes.iter().zip(expected) {
                assert!((a - b).abs() < 1e-10, "{size:?}: {a} and {b}");
            }
        }
    }

    /// The same with scipy.signal.convolve2d, in its full mode and cut to the image.
    #[test]
    fn matches_scipy() {
        let value = |at: usize| ((at % 7) * 3 + (at / 6) * (at / 6)) as f64;
        let mut plane: Vec<f64> = (0..30).map(value).collect();
        Lcn::default().apply_f64(&mut plane, (5, 6)).unwrap();
        let expected = [
            -0.4807226154192966,
            -0.20973505503067505,
            0.08272774451989225,
            0.46534533217580987,
            0.9434387719876206,
            1.463893787697839,
            1.7039486440015696,
        ];
        for (a, b) in plane.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{a} and {b}");
        }
    }

    #[test]
    fn a_black_image_stays_black() {
        let mut plane = [0.0; 16];
        Lcn::default().apply_f64(&mut plane, (4, 4)).unwrap();
        assert_eq!(plane, [0.0; 16]);
    }

    #[test]
    fn errors() {
        let text = |lcn: Lcn| {
            let result = lcn.apply_f64(&mut [0.0; 4], (2, 2));
            result.unwrap_err().to_string()
        };
        let lcn = Lcn::default();
        let even = Lcn { size: 4, ..lcn };
        assert_eq!(text(even), "Lcn: size is 4, expected an odd number");
        let flat = Lcn { sigma: 0.0, ..lcn };
        assert_eq!(text(flat), "Lcn: sigma is 0, expected a positive number");
        let odd = lcn.apply_f64(&mut [0.0; 5], (2, 2)).unwrap_err();
        assert!(odd.to_string().contains("a multiple of the image length 4"));
    }
}
