//! A digest of pictures on disk, for the identity of a run.

use sha2::{Digest, Sha256};

use super::Streamed;

impl Streamed {
    /// Adds the pictures to a hash: the path below the folder and the size of each, the framing,
    /// and the contents of 256 files of the list, evenly spaced.
    pub(crate) fn hash(&self, hash: &mut Sha256) {
        for &row in self.rows.iter() {
            let (path, bytes) = self.pictures.entry(row as usize).unwrap_or_default();
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(path);
            hash.update(bytes.to_le_bytes());
        }
        // All of its fields by name: a new one changes the digest.
        hash.update(format!("{:?}", self.framing));
        hash.update(self.pictures.content());
    }
}
