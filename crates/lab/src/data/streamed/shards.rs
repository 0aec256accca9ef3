//! Pictures in parquet shards, read a row group at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use parquet::data_type::ByteArray;
use striate::rng::stream;

use crate::data::DataError;
use crate::data::read::files::Root;
use crate::data::read::parquet::{RowGroup, read_rows};

/// Row groups of at least this many bytes together are shuffled among one another, and kept in memory for that.
const BLOCK: u64 = 64 << 20;

/// Shards below a folder, and where their row groups are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shards {
    root: Root,
    dir: PathBuf,
    /// The shards, each with the SHA-256 of its footer.
    files: Vec<(PathBuf, String)>,
    groups: Vec<RowGroup>,
    /// The first row of each group, counted over all, and their number.
    starts: Vec<u32>,
}

impl Shards {
    /// The rows of some shards, which are fewer than 2^32.
    pub(crate) fn new(
        root: &Root,
        dir: &Path,
        files: Vec<(PathBuf, String)>,
        groups: Vec<RowGroup>,
    ) -> Self {
        let mut starts = vec![0u32];
        for group in &groups {
            let last = starts.last().copied().unwrap_or(0);
            starts.push(last.saturating_add(u32::try_from(group.rows).unwrap_or(u32::MAX)));
        }
        Self {
            root: root.clone(),
            dir: dir.to_owned(),
            files,
            groups,
            starts,
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0) as usize
    }

    /// What a digest covers of a row: its shard's path and footer, and its number there.
    pub(crate) fn entry(&self, row: u32) -> Option<(&Path, &str, u64)> {
        let (group, at) = self.place(row)?;
        let group = self.groups.get(group)?;
        let (path, footer) = self.files.get(group.shard)?;
        let path = path.strip_prefix(&self.dir).unwrap_or(path);
        Some((path, footer, (group.first_row + at) as u64))
    }

    /// The group of a row, and the row's number in it.
    fn place(&self, row: u32) -> Option<(usize, usize)> {
        let group = self
            .starts
            .partition_point(|&start| start <= row)
            .checked_sub(1)?;
        let at = row - self.starts.get(group)?;
        (group < self.groups.len()).then_some((group, at as usize))
    }

    /// An order of images, given by their rows: groups are shuffled, then the images of some groups in a row among one another.
    pub(crate) fn shuffled(&self, rows: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.groups.len()];
        for (index, &row) in (0..).zip(rows) {
            let place = self
                .place(row)
                .and_then(|(group, _)| members.get_mut(group));
            place
                .into_iter()
                .for_each(|images: &mut Vec<u32>| images.push(index));
        }
        let mut groups: Vec<usize> = (0..self.groups.len()).collect();
        stream(seed, "shuffle/groups", epoch).shuffle(&mut groups);
        let mut draws = stream(seed, "shuffle", epoch);
        let (mut order, mut block, mut bytes) = (Vec::with_capacity(rows.len()), Vec::new(), 0);
        for (group, images) in groups.into_iter().map(|group| (group, &members[group])) {
            if images.is_empty() {
                continue;
            }
            block.extend_from_slice(images);
            bytes += self.groups[group].bytes;
            if bytes >= BLOCK {
                draws.shuffle(&mut block);
                order.append(&mut block);
                bytes = 0;
            }
        }
        draws.shuffle(&mut block);
        order.append(&mut block);
        order
    }

    /// At most `count` images, given by their rows: those of whole groups, which are evenly spaced.
    pub(crate) fn sample(&self, rows: &[u32], count: usize) -> Vec<u32> {
        let groups = self.groups.len();
        // So many groups hold so many images if all are alike.
        let wanted = (count * groups).div_ceil(rows.len().max(1)).min(groups);
        let chosen = super::files::evenly(groups, wanted);
        let is_chosen = |row: u32| {
            let place = self.place(row);
            place.is_some_and(|(group, _)| chosen.binary_search(&(group as u32)).is_ok())
        };
        let images = (0..).zip(rows).filter(|&(_, &row)| is_chosen(row));
        images.map(|(index, _)| index).take(count).collect()
    }

    /// The pictures of these rows, one after the other. A group is read when the first of its rows is wanted, and kept until the last.
    pub(crate) fn pictures(&self, rows: Vec<u32>) -> Pictures<'_> {
        let mut left = HashMap::new();
        for (group, _) in rows.iter().filter_map(|&row| self.place(row)) {
            *left.entry(group).or_insert(0) += 1;
        }
        Pictures {
            shards: self,
            rows: rows.into_iter(),
            left,
            read: HashMap::new(),
        }
    }
}

/// The pictures of some rows.
pub(crate) struct Pictures<'a> {
    shards: &'a Shards,
    rows: IntoIter<u32>,
    /// Rows of each group that are still to come.
    left: HashMap<usize, usize>,
    /// The groups that are in memory.
    read: HashMap<usize, Vec<ByteArray>>,
}

impl Pictures<'_> {
    /// The place and the file of the picture in a row.
    fn picture(&mut self, row: u32) -> Result<(String, ByteArray), DataError> {
        let shards = self.shards;
        let none =
            || DataError::content("shards", format!("a row {row}"), "none", "please report it");
        let (number, at) = shards.place(row).ok_or_else(none)?;
        let group = shards.groups.get(number).ok_or_else(none)?;
        let (path, _) = shards.files.get(group.shard).ok_or_else(none)?;
        let pictures = match self.read.remove(&number) {
            Some(pictures) => pictures,
            None => read_rows(&shards.root, path, group)?,
        };
        let picture = pictures.get(at).cloned().ok_or_else(none)?;
        let left = self.left.entry(number).or_insert(1);
        *left -= 1;
        if *left > 0 {
            self.read.insert(number, pictures);
        }
        let place = format!("{}, row {}", path.display(), group.first_row + at);
        Ok((place, picture))
    }
}

impl Iterator for Pictures<'_> {
    type Item = Result<(String, ByteArray), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(self.picture(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shards of three groups each, of `rows` rows and 30 MiB.
    fn shards(rows: usize) -> Result<Shards, DataError> {
        let dir = std::env::temp_dir();
        let group = |at: usize| RowGroup {
            shard: at / 3,
            number: at % 3,
            rows,
            first_row: at % 3 * rows,
            bytes: 30 << 20,
        };
        let files = ["a", "b"].map(|name| (dir.join(name), name.to_owned()));
        let groups = (0..6).map(group).collect();
        Ok(Shards::new(&Root::new(&dir)?, &dir, files.into(), groups))
    }

    #[test]
    fn rows_have_a_place() -> Result<(), DataError> {
        let shards = shards(4)?;
        assert_eq!(shards.len(), 24);
        assert_eq!(shards.place(0), Some((0, 0)));
        assert_eq!(shards.place(11), Some((2, 3)));
        assert_eq!(shards.place(12), Some((3, 0)));
        assert_eq!(shards.place(24), None);
        assert_eq!(shards.entry(13), Some((Path::new("b"), "b", 1)));
        Ok(())
    }

    #[test]
    fn few_groups_are_mixed_at_a_time() -> Result<(), DataError> {
        let shards = shards(100)?;
        let rows: Vec<u32> = (0..600).collect();
        let order = shards.shuffled(&rows, 1, 2);
        assert_eq!(order, shards.shuffled(&rows, 1, 2));
        assert_ne!(order, shards.shuffled(&rows, 1, 3));
        assert_ne!(order, shards.shuffled(&rows, 2, 2));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, rows);
        // Three groups of 30 MiB are the first of more than 64 MiB.
        for block in order.chunks(300) {
            let mut groups: Vec<u32> = block.iter().map(|row| row / 100).collect();
            assert!(groups.windows(2).filter(|two| two[0] != two[1]).count() > 100);
            groups.sort_unstable();
            groups.dedup();
            assert_eq!(groups.len(), 3);
        }
        Ok(())
    }

    #[test]
    fn a_sample_is_of_few_groups() -> Result<(), DataError> {
        let shards = shards(100)?;
        let rows: Vec<u32> = (0..600).collect();
        let sample = shards.sample(&rows, 250);
        assert_eq!(sample.len(), 250);
        let groups: std::collections::BTreeSet<u32> = sample.iter().map(|row| row / 100).collect();
        assert_eq!(groups.into_iter().collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(shards.sample(&rows, 9_999).len(), 600);
        Ok(())
    }
}
