//! Reference dropout: plain loops over the words of the stream, no speed.
//!
//! Element e = 256 g + 16 w + l is dropped if word w of block 16 g + l of the key stream is below p * 2^32.
//! A block has sixteen words of 32 bits; the first block is the stream's next whole one.

use crate::rng::Stream;

/// Which of `count` elements stay.
pub fn kept(stream: &Stream, p: f64, count: usize) -> Vec<bool> {
    let mut stream = stream.clone();
    // Go on to the next whole block; drawing u64 takes two words.
    while !stream.key().word.is_multiple_of(16) {
        stream.uniform();
    }
    let mut kept = vec![true; count];
    for group in kept.chunks_mut(256) {
        for l in 0..16 {
            for pair in 0..8 {
                let words = stream.u64();
                for (w, word) in [
                    (2 * pair, words as u32),
                    (2 * pair + 1, (words >> 32) as u32),
                ] {
                    if let Some(kept) = group.get_mut(16 * w + l) {
                        *kept = f64::from(word) >= (p * 2f64.powi(32)).round();
                    }
                }
            }
        }
    }
    kept
}
