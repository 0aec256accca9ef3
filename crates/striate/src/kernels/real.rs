//! The number types that kernels compute in.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// f32 or f64.
///
/// Sealed: `output` relies on the fact that every bit pattern is a value.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + sealed::Sealed
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Less than every other number.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number in f64.
    fn to_f64(self) -> f64;
    /// `self * factor + term` with one rounding; one instruction where the CPU has it, slow elsewhere.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// e to this power.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The same slice, if the numbers are f32: for kernels that only f32 has.
    fn f32s(_values: &[Self]) -> Option<&[f32]> {
        None
    }
    /// The results of such a kernel.
    fn from_f32s(values: Vec<f32>) -> Vec<Self> {
        let convert = |value| Self::from_f64(f64::from(value));
        values.into_iter().map(convert).collect()
    }
}

macro_rules! real {
    ($type:ty { $($own:item)* }) => {
        impl sealed::Sealed for $type {}

        impl Real for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = Self::NEG_INFINITY;
            const NAN: Self = Self::NAN;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                self.mul_add(factor, term)
            }

            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
            }

            #[inline(always)]
            fn ln(self) -> Self {
                self.ln()
            }

            $($own)*
        }
    };
}

real! {
    f32 {
        fn f32s(values: &[Self]) -> Option<&[f32]> {
            Some(values)
        }

        fn from_f32s(values: Vec<f32>) -> Vec<Self> {
            values
        }
    }
}
real! { f64 {} }

mod sealed {
    pub trait Sealed {}
}
