//! Seeded randomness: a draw is a pure function of (seed, stream name, step).
//!
//! One `u64` seed drives everything that is random.
//! Each use has a named stream, such as `init/conv1.weight`, `dropout/drop2`, `shuffle` or `augment`, and a step within it.
//! A stream is the key stream of ChaCha with eight rounds: seed and name form the key, the step is the nonce.
//! Because any word of a key stream can be computed on its own, a dropout mask never has to be stored,
//! and the number of threads cannot change a draw.
//!
//! ```
//! use striate::rng::stream;
//! let (mut a, mut b) = (stream(7, "shuffle", 3), stream(7, "shuffle", 3));
//! assert_eq!(a.u64(), b.u64());
//! assert_ne!(a.u64(), stream(7, "shuffle", 4).u64());
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The seed of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream `name` at `step` under this seed.
    pub fn stream(self, name: &str, step: u64) -> Stream {
        stream(self.0, name, step)
    }
}

/// The stream `name` at `step` under `seed`, at its first word.
pub fn stream(seed: u64, name: &str, step: u64) -> Stream {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..24].copy_from_slice(&fnv1a(name).to_le_bytes());
    key[24..].copy_from_slice(&(name.len() as u64).to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(step);
    Stream { rng }
}

/// A position in a key stream of random words.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// A uniform 64-bit integer.
    pub fn u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A uniform number in [0, 1) with 24 random bits.
    pub fn uniform(&mut self) -> f32 {
        (self.rng.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// A uniform number in [0, 1) with 53 random bits.
    pub fn uniform_f64(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Fills `out` with uniform numbers in [0, 1).
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        out.iter_mut().for_each(|value| *value = self.uniform());
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        self.normal_pair().0
    }

    /// Fills `out` with standard normal numbers.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        for pair in out.chunks_mut(2) {
            let (first, second) = self.normal_pair();
            pair[0] = first as f32;
            if let Some(value) = pair.get_mut(1) {
                *value = second as f32;
            }
        }
    }

    /// A uniform integer in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // Lemire's multiplication with rejection, so that no value is favored.
        let reject_below = if n == 0 { 0 } else { n.wrapping_neg() % n };
        loop {
            let product = u128::from(self.u64()) * u128::from(n);
            if product as u64 >= reject_below {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts `items` into a uniformly random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Key, nonce and position: all that is needed to compute any later word of this stream elsewhere.
    pub fn key(&self) -> StreamKey {
        let bytes = self.rng.get_seed();
        let mut key = [0u32; 8];
        for (word, bytes) in key.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        StreamKey {
            key,
            nonce: self.rng.get_stream(),
            // A position beyond 2^64 words cannot be reached by drawing.
            word: self.rng.get_word_pos() as u64,
        }
    }

    /// Two independent standard normal numbers (Box-Muller).
    fn normal_pair(&mut self) -> (f64, f64) {
        let radius = (-2.0 * (1.0 - self.uniform_f64()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform_f64()).sin_cos();
        (radius * cos, radius * sin)
    }
}

/// The address of a word in a key stream: what a kernel needs to recompute random words in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey {
    /// The ChaCha key.
    pub key: [u32; 8],
    /// The ChaCha nonce: the stream's step.
    pub nonce: u64,
    /// Index of the next 32-bit word.
    pub word: u64,
}

/// The seed and the step that drive the dropout masks of a model; clones share one clock.
///
/// The trainer seeks it when a run starts or resumes; the model ticks it once a training step.
///
/// ```
/// use striate::rng::Clock;
/// let clock = Clock::new(1);
/// let shared = clock.clone();
/// clock.tick();
/// assert_eq!((shared.seed(), shared.step()), (1, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockState>);

#[derive(Debug)]
struct ClockState {
    seed: AtomicU64,
    step: AtomicU64,
}

impl Clock {
    /// A clock at step 0.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(ClockState {
            seed: AtomicU64::new(seed),
            step: AtomicU64::new(0),
        }))
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.0.seed.load(Ordering::Relaxed)
    }

    /// The current step.
    pub fn step(&self) -> u64 {
        self.0.step.load(Ordering::Relaxed)
    }

    /// Moves on by one step and returns the step that was current before.
    pub fn tick(&self) -> u64 {
        self.0.step.fetch_add(1, Ordering::Relaxed)
    }

    /// Sets seed and step, for a new run or a resumed one.
    pub fn seek(&self, seed: u64, step: u64) {
        self.0.seed.store(seed, Ordering::Relaxed);
        self.0.step.store(step, Ordering::Relaxed);
    }

    /// The stream `name` at this clock's seed and step.
    pub fn stream(&self, name: &str) -> Stream {
        stream(self.seed(), name, self.step())
    }
}

/// FNV-1a with 128 bits: stable across platforms and versions, and names are not hostile.
fn fnv1a(name: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_name_and_step() {
        let first = |seed, name: &str, step| stream(seed, name, step).u64();
        let base = first(1, "init/a", 0);
        assert_eq!(base, first(1, "init/a", 0));
        assert_ne!(base, first(2, "init/a", 0));
        assert_ne!(base, first(1, "init/b", 0));
        assert_ne!(base, first(1, "init/a", 1));
    }

    #[test]
    fn values_are_stable() {
        // Recorded once: a change here changes every seeded result.
        let mut draws = stream(42, "init/conv1.weight", 0);
        assert_eq!(draws.u64(), 9_287_149_043_745_830_275);
    }

    #[test]
    fn moments() {
        let mut draws = stream(3, "moments", 0);
        let mut values = vec![0f32; 200_001];
        draws.fill_normal(&mut values);
        let (mean, variance) = mean_and_variance(&values);
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        draws.fill_uniform(&mut values);
        let (mean, variance) = mean_and_variance(&values);
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
    }

    #[test]
    fn below_and_shuffle() {
        let mut draws = stream(4, "below", 0);
        let mut counts = [0usize; 7];
        (0..70_000).for_each(|_| counts[draws.below(7) as usize] += 1);
        assert!(
            counts.iter().all(|c| (9_500..10_500).contains(c)),
            "{counts:?}"
        );
        assert_eq!((draws.below(0), draws.below(1)), (0, 0));
        let mut order: Vec<usize> = (0..100).collect();
        draws.shuffle(&mut order);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn key_follows_the_position() {
        let mut draws = stream(5, "key", 9);
        assert_eq!((draws.key().nonce, draws.key().word), (9, 0));
        draws.u64();
        draws.uniform();
        assert_eq!(draws.key().word, 3);
    }

    fn mean_and_variance(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
        (mean, squares.sum::<f64>() / n)
    }
}
