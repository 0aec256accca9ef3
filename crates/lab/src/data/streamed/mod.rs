//! Sets whose pictures stay on disk and are read, decoded and cut to size when a batch needs them.

mod digest;
mod files;
mod framing;
mod pipeline;
mod sample;
mod shards;

use std::fmt::Display;
use std::ops::ControlFlow;
use std::sync::Arc;

pub(super) use files::PictureFiles;
use framing::Draw;
pub use framing::{Crop, Framing};
pub(super) use shards::Shards;

use parquet::data_type::ByteArray;
use striate::rng::stream;

use super::DataError;
use super::read::{contain, photograph};
use super::rows::Rows;

/// Pictures on disk, in the place of the pixels of a set.
///
/// Cheap to clone: the list is shared.
/// Memory holds the list of the files, and of the pictures those that worker threads are at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    pictures: Arc<Pictures>,
    /// Which pictures of the list, in the order of the set.
    rows: Rows,
    framing: Framing,
}

/// Where the pictures of a set are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pictures {
    /// A file for each.
    Files(PictureFiles),
    /// Row groups of parquet shards.
    Shards(Shards),
}

/// When and for what images are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// Training in an epoch of a seed: crops are drawn.
    Training { seed: u64, epoch: u64 },
    /// Anything else: the middle is seen.
    Looking,
}

impl Streamed {
    /// All pictures of a list.
    pub(super) fn new(pictures: Pictures, framing: Framing) -> Result<Self, DataError> {
        let count = match &pictures {
            Pictures::Files(files) => files.len(),
            Pictures::Shards(shards) => shards.len(),
        };
        let count = u32::try_from(count).map_err(|_| DataError::Argument {
            op: "load_streamed",
            argument: "pictures",
            found: count.to_string(),
            expected: "fewer than 2^32".to_owned(),
        })?;
        Ok(Self {
            pictures: Arc::new(pictures),
            rows: Rows::first(count),
            framing,
        })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How pictures become images.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The pictures at these indices of the set; those past the end are left out.
    pub(super) fn select(&self, indices: impl Iterator<Item = usize>) -> Self {
        self.with(self.rows.select(indices))
    }

    /// The first `n` pictures and the rest.
    pub(super) fn split_at(&self, n: usize) -> (Self, Self) {
        let (first, rest) = self.rows.split_at(n);
        (self.with(first), self.with(rest))
    }

    fn with(&self, rows: Rows) -> Self {
        Self {
            rows,
            ..self.clone()
        }
    }

    /// Gives `take` the H, W, C bytes of the images at `indices`, in this order, until it breaks.
    ///
    /// `workers` threads decode; how many there are changes no byte.
    ///
    /// # Errors
    /// The first picture, in this order, that cannot be read.
    pub(super) fn each(
        &self,
        indices: &[u32],
        moment: Moment,
        workers: usize,
        mut take: impl FnMut(Vec<u8>) -> Result<ControlFlow<()>, DataError>,
    ) -> Result<(), DataError> {
        let mut outcome = Ok(());
        let taken = |image: Result<Vec<u8>, DataError>| match image.and_then(&mut take) {
            Ok(flow) => flow,
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        };
        let row = |index: u32| self.rows.get(index as usize).copied().unwrap_or(u32::MAX);
        match self.pictures.as_ref() {
            Pictures::Files(files) => {
                let work = |index: u32| {
                    let (path, file) = files.read(row(index) as usize)?;
                    self.image(&path.display(), &file, index, moment)
                };
                pipeline::in_order(indices.iter().copied(), workers, work, taken)?;
            }
            Pictures::Shards(shards) => {
                let rows = indices.iter().map(|&index| row(index)).collect();
                let work = |(&index, picture): (&u32, Result<(String, ByteArray), DataError>)| {
                    let (place, file) = picture?;
                    self.image(&place, file.data(), index, moment)
                };
                let items = indices.iter().zip(shards.pictures(rows));
                pipeline::in_order(items, workers, work, taken)?;
            }
        }
        outcome
    }

    /// The order of a training epoch, a pure function of (seed, epoch) and the pictures; of shards few row groups are mixed at a time.
    pub(super) fn shuffled(&self, seed: u64, epoch: u64) -> Vec<u32> {
        match self.pictures.as_ref() {
            Pictures::Files(_) => {
                let mut order: Vec<u32> = (0..).take(self.len()).collect();
                stream(seed, "shuffle", epoch).shuffle(&mut order);
                order
            }
            Pictures::Shards(shards) => shards.shuffled(&self.rows, seed, epoch),
        }
    }

    /// Whether the pictures can be read in any order; those in shards come a row group at a time.
    pub(super) fn has_any_order(&self) -> bool {
        matches!(self.pictures.as_ref(), Pictures::Files(_))
    }

    /// The H, W, C bytes of one image.
    fn image(
        &self,
        place: &dyn Display,
        file: &[u8],
        index: u32,
        moment: Moment,
    ) -> Result<Vec<u8>, DataError> {
        let draw = match moment {
            Moment::Training { seed, epoch } => Some(Draw { seed, epoch, index }),
            Moment::Looking => None,
        };
        let framing = &self.framing;
        let decode = || photograph(place, file, framing.side, |size| framing.frame(size, draw));
        // A decoder that panics must not take its thread with it: the others would wait for what it made.
        contain(decode).unwrap_or_else(|reason| {
            Err(DataError::content(
                place,
                "a readable picture",
                format!("a damaged one ({reason})"),
                "fetch the file again",
            ))
        })
    }
}
