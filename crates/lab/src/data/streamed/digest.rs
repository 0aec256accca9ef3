//! A digest of pictures on disk, for the identity of a run.

use sha2::{Digest, Sha256};

use super::{Pictures, Streamed};

impl Streamed {
    /// Adds the pictures to a hash, and the framing.
    ///
    /// Of files the path below the folder and the size of each, and the contents of 256 files of the list, evenly spaced;
    /// of shards the path, the footer and the row of each picture.
    pub(crate) fn hash(&self, hash: &mut Sha256) {
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        match self.pictures.as_ref() {
            Pictures::Files(files) => {
                for &row in self.rows.iter() {
                    let (path, bytes) = files.entry(row as usize).unwrap_or_default();
                    text(path);
                    text(&bytes.to_string());
                }
                text(files.content());
            }
            Pictures::Shards(shards) => {
                let mut last = None;
                for (path, footer, row) in self.rows.iter().filter_map(|&row| shards.entry(row)) {
                    if last.replace(path) != Some(path) {
                        text(&path.to_string_lossy());
                        text(footer);
                    }
                    text(&row.to_string());
                }
            }
        }
        // All of its fields by name: a new one changes the digest.
        text(&format!("{:?}", self.framing));
    }
}
