//! ChaCha with eight rounds, sixteen blocks side by side.
//!
//! Word w of block b of the key stream depends on key, nonce, b and w alone, so any part of a mask can be computed anywhere.
//! The state is sixteen words; here every word is an array over sixteen consecutive blocks, which the compiler turns into
//! vector registers. The result equals the stream of [`crate::rng`], in another order: see [`words`].

use crate::rng::StreamKey;

/// Blocks computed side by side.
const LANES: usize = 16;

/// Words in one group: sixteen blocks of sixteen words.
pub(super) const GROUP: usize = 16 * LANES;

type Lanes = [u32; LANES];

/// Group `group` of a key stream: element `[w][l]` is word `w` of block `first_block + 16 * group + l`.
///
/// The first block is the one that holds the stream's next word, or the one after it if that block has been begun.
#[inline(always)]
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
    let mut state = start;
    for _ in 0..4 {
        quarter(&mut state, 0, 4, 8, 12);
        quarter(&mut state, 1, 5, 9, 13);
        quarter(&mut state, 2, 6, 10, 14);
        quarter(&mut state, 3, 7, 11, 15);
        quarter(&mut state, 0, 5, 10, 15);
        quarter(&mut state, 1, 6, 11, 12);
        quarter(&mut state, 2, 7, 8, 13);
        quarter(&mut state, 3, 4, 9, 14);
    }
    for (word, start) in state.iter_mut().zip(&start) {
        *word = add(*word, *start);
    }
    state
}

#[inline(always)]
fn quarter(state: &mut [Lanes; 16], a: usize, b: usize, c: usize, d: usize) {
    state[a] = add(state[a], state[b]);
    state[d] = xor_rotate::<16>(state[d], state[a]);
    state[c] = add(state[c], state[d]);
    state[b] = xor_rotate::<12>(state[b], state[c]);
    state[a] = add(state[a], state[b]);
    state[d] = xor_rotate::<8>(state[d], state[a]);
    state[c] = add(state[c], state[d]);
    state[b] = xor_rotate::<7>(state[b], state[c]);
}

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|l| a[l].wrapping_add(b[l]))
}

#[inline(always)]
fn xor_rotate<const BITS: u32>(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|l| (a[l] ^ b[l]).rotate_left(BITS))
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
    fn starts_at_the_next_whole_block() {
        let mut draws = stream(11, "chacha", 0);
        let second = words(&draws.key(), 0)[0][1];
        draws.u64();
        assert_eq!(words(&draws.key(), 0)[0][0], second);
    }
}
