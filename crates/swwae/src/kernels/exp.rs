//! The exponential of a number that is not positive, as soft pooling needs it.

use striate::kernels::Real;

/// A number with a fast exponential.
pub(crate) trait Exp: Real {
    /// e to the power of `self`, which is at most 0; at least 0 and at most 1. Of a larger number, anything.
    fn exp_of_negative(self) -> Self;
}

impl Exp for f32 {
    /// Within 2 units in the last place; 0 below -87.
    ///
    /// `x = n ln 2 + r` with |r| <= ln 2 / 2, and `exp(x) = 2^n exp(r)`, where exp(r) is its Taylor polynomial of degree 6.
    /// Straight-line code, so that loops over it are vectorized.
    #[inline(always)]
    fn exp_of_negative(self) -> f32 {
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        /// Adding and subtracting it rounds to a whole number.
        const ROUND: f32 = 12_582_912.0;
        let x = if self > -87.0 { self } else { -87.0 };
        let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
        let r = (x - n * LN2_HIGH) - n * LN2_LOW;
        let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0));
        let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * tail)));
        // n is at least -126, so that the biased exponent is positive.
        // The largest number of a window with NaN may not be known: then x may be positive, and the sum will be NaN.
        let power = f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23);
        let y = p * power;
        if self > -87.0 {
            y
        } else {
            zero_unless_nan(self)
        }
    }
}

impl Exp for f64 {
    #[inline(always)]
    fn exp_of_negative(self) -> f64 {
        self.exp()
    }
}

#[inline(always)]
fn zero_unless_nan(x: f32) -> f32 {
    if x.is_nan() { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_the_exact_exponential() {
        for step in 0..870_000 {
            let x = -(step as f32) * 1e-4;
            let (fast, exact) = (f64::from(x.exp_of_negative()), f64::from(x).exp());
            assert!(
                (fast - exact).abs() <= 3e-7 * exact,
                "exp({x}): {fast} instead of {exact}"
            );
        }
        assert_eq!(0f32.exp_of_negative(), 1.0);
        assert_eq!((-88f32).exp_of_negative(), 0.0);
        assert_eq!(f32::NEG_INFINITY.exp_of_negative(), 0.0);
        assert!(f32::NAN.exp_of_negative().is_nan());
        // Larger numbers do not panic, and that is all.
        for x in [1e10, f32::MAX, f32::INFINITY] {
            std::hint::black_box(x.exp_of_negative());
        }
    }
}
