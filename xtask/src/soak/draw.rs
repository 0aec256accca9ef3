//! Random choices, decided by one seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random choices of one try.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// The choices of try `number` of a check: the same whatever was tried before.
    pub(super) fn new(seed: u64, check: u64, number: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((check << 48) ^ number);
        Self(rng)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The remainder prefers small numbers by less than one in 2^32, which no check notices.
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    /// One of several; there must be one.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.next_u32().to_le_bytes()[0]
    }

    /// A moment within a time.
    pub(super) fn moment(&mut self, within: Duration) -> Duration {
        within.mul_f64(f64::from(self.0.next_u32()) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_can_be_done_again() {
        let numbers = |seed, check, number| {
            let mut draw = Draw::new(seed, check, number);
            [(); 4].map(|()| draw.below(1000))
        };
        assert_eq!(numbers(1, 2, 3), numbers(1, 2, 3));
        let others = [numbers(2, 2, 3), numbers(1, 3, 3), numbers(1, 2, 4)];
        assert!(others.iter().all(|other| *other != numbers(1, 2, 3)));
        assert_eq!(Draw::new(0, 0, 0).below(0), 0);
    }
}
