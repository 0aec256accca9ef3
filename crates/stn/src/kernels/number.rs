//! What sampling needs of a number type beyond arithmetic.

use striate::kernels::Lanes;

/// f32 or f64.
pub trait Number: Lanes {
    /// The largest whole number that is not greater.
    fn floor(self) -> Self;
    /// The nearest whole number, halves to the even one.
    fn round_ties_even(self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// Truncated; saturates.
    fn to_i32(self) -> i32;
    /// Truncated, without the range checks that keep a loop from being vectorized.
    ///
    /// # Safety
    /// The number is finite and its whole part fits into i32.
    unsafe fn to_i32_unchecked(self) -> i32;

    /// Clamped to `low` and `high`; NaN stays NaN.
    #[inline(always)]
    fn clamped(self, low: Self, high: Self) -> Self {
        let raised = if self < low { low } else { self };
        if raised > high { high } else { raised }
    }

    /// Whether this is NaN.
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "NaN is the value that differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }
}

macro_rules! number {
    ($type:ty) => {
        impl Number for $type {
            #[inline(always)]
            fn floor(self) -> Self {
                self.floor()
            }
            #[inline(always)]
            fn round_ties_even(self) -> Self {
                self.round_ties_even()
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            unsafe fn to_i32_unchecked(self) -> i32 {
                // SAFETY: the caller's promise.
                unsafe { self.to_int_unchecked() }
            }
        }
    };
}

number!(f32);
number!(f64);
