//! ChaCha with eight rounds, sixteen blocks side by side.
//!
//! Word w of block b of the key stream depends on key, nonce, b and w alone, so any part of a mask can be computed anywhere.
//! The state is sixteen words; here every word is a vector over consecutive blocks.
//! The result equals the stream of [`crate::rng`], in another order: see [`words`].
//!
//! The rounds are written for each level by intrinsics: of loops over arrays the compiler makes scalar code,
//! and too much of it to be inlined into a function with the instructions.

use super::level::Level;
use crate::rng::StreamKey;

/// Blocks of a group.
const LANES: usize = 16;

/// Words in one group: sixteen blocks of sixteen words.
pub(super) const GROUP: usize = 16 * LANES;

type Lanes = [u32; LANES];

/// Group `group` of a key stream: element `[w][l]` is word `w` of block `first_block + 16 * group + l`.
///
/// The first block is the one that holds the stream's next word, or the one after it if that block has been begun.
pub(super) fn words(key: &StreamKey, group: u64) -> [Lanes; 16] {
    let first_block = key.word.div_ceil(16).wrapping_add(group * LANES as u64);
    let block: [u64; LANES] = std::array::from_fn(|l| first_block.wrapping_add(l as u64));
    let start: [Lanes; 16] = [
        // "expand 32-byte k"
        [0x6170_7865; LANES],
        [0x3320_646e; LANES],
        [0x7962_2d32; LANES],
        [0x6b20_6574; LANES],
        [key.key[0]; LANES],
        [key.key[1]; LANES],
        [key.key[2]; LANES],
        [key.key[3]; LANES],
        [key.key[4]; LANES],
        [key.key[5]; LANES],
        [key.key[6]; LANES],
        [key.key[7]; LANES],
        std::array::from_fn(|l| block[l] as u32),
        std::array::from_fn(|l| (block[l] >> 32) as u32),
        [key.nonce as u32; LANES],
        [(key.nonce >> 32) as u32; LANES],
    ];
    // A level that this CPU lacks counts as plain here, as in `vectorize!`.
    match Level::current().unwrap_or(Level::Plain) {
        // SAFETY: a level is only ever current on a CPU that has its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::avx512(&start) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::avx2(&start) },
        _ => plain(&start),
    }
}

/// A quarter round on four of the words of a state of vectors.
macro_rules! quarter {
    ($state:ident[$a:literal $b:literal $c:literal $d:literal], $add:expr, $xor:expr, $rotate:ident) => {
        $state[$a] = $add($state[$a], $state[$b]);
        $state[$d] = $rotate::<16, 16>($xor($state[$d], $state[$a]));
        $state[$c] = $add($state[$c], $state[$d]);
        $state[$b] = $rotate::<12, 20>($xor($state[$b], $state[$c]));
        $state[$a] = $add($state[$a], $state[$b]);
        $state[$d] = $rotate::<8, 24>($xor($state[$d], $state[$a]));
        $state[$c] = $add($state[$c], $state[$d]);
        $state[$b] = $rotate::<7, 25>($xor($state[$b], $state[$c]));
    };
}

/// Eight rounds: four times the columns, then the diagonals.
macro_rules! rounds {
    ($state:ident, $add:expr, $xor:expr, $rotate:ident) => {
        for _ in 0..4 {
            quarter!($state[0 4 8 12], $add, $xor, $rotate);
            quarter!($state[1 5 9 13], $add, $xor, $rotate);
            quarter!($state[2 6 10 14], $add, $xor, $rotate);
            quarter!($state[3 7 11 15], $add, $xor, $rotate);
            quarter!($state[0 5 10 15], $add, $xor, $rotate);
            quarter!($state[1 6 11 12], $add, $xor, $rotate);
            quarter!($state[2 7 8 13], $add, $xor, $rotate);
            quarter!($state[3 4 9 14], $add, $xor, $rotate);
        }
    };
}

/// Block by block.
fn plain(start: &[Lanes; 16]) -> [Lanes; 16] {
    fn xor(a: u32, b: u32) -> u32 {
        a ^ b
    }
    /// To the left by `LEFT` bits; `RIGHT` is the rest of 32.
    fn rotate<const LEFT: u32, const RIGHT: u32>(word: u32) -> u32 {
        word.rotate_left(LEFT)
    }
    let mut words = [[0; LANES]; 16];
    for block in 0..LANES {
        let start = start.map(|lanes| lanes[block]);
        let mut state = start;
        rounds!(state, u32::wrapping_add, xor, rotate);
        for (w, lanes) in words.iter_mut().enumerate() {
            lanes[block] = state[w].wrapping_add(start[w]);
        }
    }
    words
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes};

    /// Sixteen blocks in vectors of sixteen.
    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512(start: &[Lanes; 16]) -> [Lanes; 16] {
        #[target_feature(enable = "avx512f")]
        fn rotate<const LEFT: i32, const RIGHT: i32>(words: __m512i) -> __m512i {
            _mm512_rol_epi32::<LEFT>(words)
        }
        // SAFETY: sixteen words are 512 bits.
        let start = start.map(|lanes| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) });
        let mut state = start;
        rounds!(state, _mm512_add_epi32, _mm512_xor_si512, rotate);
        let mut words = [[0; LANES]; 16];
        for (w, lanes) in words.iter_mut().enumerate() {
            let sum = _mm512_add_epi32(state[w], start[w]);
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), sum) };
        }
        words
    }

    /// Sixteen blocks in two vectors of eight.
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(start: &[Lanes; 16]) -> [Lanes; 16] {
        #[target_feature(enable = "avx2")]
        fn rotate<const LEFT: i32, const RIGHT: i32>(words: __m256i) -> __m256i {
            _mm256_or_si256(
                _mm256_slli_epi32::<LEFT>(words),
                _mm256_srli_epi32::<RIGHT>(words),
            )
        }
        let mut words = [[0; LANES]; 16];
        for half in [0, LANES / 2] {
            // SAFETY: eight words are 256 bits, and from the middle on there are eight.
            let load = |lanes: &Lanes| unsafe { _mm256_loadu_si256(lanes[half..].as_ptr().cast()) };
            let mut state = start.each_ref().map(load);
            rounds!(state, _mm256_add_epi32, _mm256_xor_si256, rotate);
            for (w, lanes) in words.iter_mut().enumerate() {
                let sum = _mm256_add_epi32(state[w], load(&start[w]));
                // SAFETY: as above.
                unsafe { _mm256_storeu_si256(lanes[half..].as_mut_ptr().cast(), sum) };
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    #[test]
    fn equals_the_stream() {
        let mut draws = stream(11, "chacha", 1 << 40);
        let key = draws.key();
        let group = 3;
        let lanes = words(&key, group);
        let mut sequential = vec![0u32; 4 * GROUP];
        for pair in sequential.chunks_exact_mut(2) {
            let word = draws.u64();
            pair.copy_from_slice(&[word as u32, (word >> 32) as u32]);
        }
        for (w, lane_values) in lanes.iter().enumerate() {
            for (l, value) in lane_values.iter().enumerate() {
                assert_eq!(*value, sequential[group as usize * GROUP + 16 * l + w]);
            }
        }
    }

    #[test]
    fn every_level_gives_the_same() {
        let start: [Lanes; 16] = std::array::from_fn(|w| {
            std::array::from_fn(|l| ((w * LANES + l) as u32).wrapping_mul(0x9e37_79b9))
        });
        let wanted = plain(&start);
        #[cfg(target_arch = "x86_64")]
        for level in Level::ALL.into_iter().filter(|level| level.available()) {
            let found = match level {
                // SAFETY: the level is available.
                Level::Avx512 => unsafe { x86::avx512(&start) },
                // SAFETY: as above.
                Level::Avx2 => unsafe { x86::avx2(&start) },
                Level::Plain => plain(&start),
            };
            assert_eq!(found, wanted, "{level}");
        }
    }

    #[test]
    fn starts_at_the_next_whole_block() {
        let mut draws = stream(11, "chacha", 0);
        let second = words(&draws.key(), 0)[0][1];
        draws.u64();
        assert_eq!(words(&draws.key(), 0)[0][0], second);
    }
}
