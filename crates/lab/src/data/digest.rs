//! A digest of what a set holds, for the identity of a run and for the cache of fitted preprocessing.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::hex::hex;
use super::{Dataset, ImageSet};

/// Bytes that one task hashes. Changing it changes every digest.
const BLOCK: usize = 1 << 20;

impl ImageSet {
    /// SHA-256 of the images and their labels, as 64 hexadecimal digits.
    ///
    /// ```text
    /// SHA-256("striate images 1" | N | H | W | C | classes | SHA-256 of each MiB of pixels | SHA-256 of each MiB of labels)
    /// ```
    ///
    /// Numbers are 8 bytes and labels 4 bytes, the low byte first.
    /// Of pictures that stay on disk the text is "striate pictures 1", and in the place of the pixels are
    /// the path below the folder and the size in bytes of each file, the contents of 256 files of the list, evenly spaced,
    /// and the [`Framing`](super::Framing); of shards the path, the footer and the row of each picture.
    /// Reading all would take as long as an epoch.
    /// Names do not count. All cores hash.
    ///
    /// ```
    /// use lab::data::{Source, load};
    /// let data = load("mnist", &Source::Embedded)?;
    /// let mut other = data.train.clone();
    /// other.pixels[0] ^= 1;
    /// assert_ne!(data.train.digest(), other.digest());
    /// assert_eq!(data.train.digest().len(), 64);
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn digest(&self) -> String {
        let mut hash = self.pixel_hash();
        let labels: Vec<u8> = self
            .labels
            .iter()
            .flat_map(|label| label.to_le_bytes())
            .collect();
        blocks(&mut hash, &labels);
        hex(&hash.finalize())
    }

    /// The state of [`digest`](Self::digest) after the pixels.
    pub(super) fn pixel_hash(&self) -> Sha256 {
        let mut hash = Sha256::new();
        hash.update(match self.streamed {
            None => "striate images 1",
            Some(_) => "striate pictures 1",
        });
        for number in [
            self.len(),
            self.height,
            self.width,
            self.channels,
            self.classes(),
        ] {
            hash.update((number as u64).to_le_bytes());
        }
        match &self.streamed {
            None => blocks(&mut hash, &self.pixels),
            Some(set) => set.hash(&mut hash),
        }
        hash
    }
}

impl Dataset {
    /// SHA-256 of the digests of both sets, as 64 hexadecimal digits.
    ///
    /// It costs a pass over all pixels: keep it beside the set rather than ask again.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.train.digest());
        hash.update(self.test.digest());
        hex(&hash.finalize())
    }
}

/// Adds the hash of each block, which do not depend on the number of threads.
fn blocks(hash: &mut Sha256, bytes: &[u8]) {
    let hashes: Vec<_> = bytes.par_chunks(BLOCK).map(Sha256::digest).collect();
    for block in hashes {
        hash.update(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        ImageSet {
            name: "made".into(),
            class_names: vec!["a".into(), "b".into()],
            height: 700,
            width: 1000,
            channels: 3,
            pixels: (0..4_200_000u32)
                .map(|at| (at.wrapping_mul(at) % 251) as u8)
                .collect(),
            labels: vec![0, 1],
            left_out: 0,
            streamed: None,
        }
    }

    #[test]
    fn every_pixel_label_and_size_counts() {
        let whole = set().digest();
        assert_eq!(whole, set().digest());
        for at in [0, BLOCK - 1, BLOCK, 4_199_999] {
            let mut other = set();
            other.pixels[at] ^= 1;
            assert_ne!(other.digest(), whole, "pixel {at}");
        }
        let mut other = set();
        other.labels[1] = 0;
        assert_ne!(other.digest(), whole);
        let mut other = set();
        (other.height, other.width) = (1000, 700);
        assert_ne!(other.digest(), whole);
        let renamed = ImageSet {
            name: "other".into(),
            ..set()
        };
        assert_eq!(renamed.digest(), whole);
    }

    #[test]
    fn the_number_of_threads_does_not_count() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let alone = pool.expect("a pool").install(|| set().digest());
        assert_eq!(alone, set().digest());
    }

    #[test]
    fn both_splits_count() {
        let data = |train: ImageSet, test: ImageSet| Dataset {
            name: "made".into(),
            train,
            test,
        };
        let small = set().first(1);
        assert_ne!(
            data(set(), small.clone()).digest(),
            data(small, set()).digest()
        );
    }
}
