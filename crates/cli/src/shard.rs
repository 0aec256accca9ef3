//! A part of the runs, for several machines or processes.

use std::str::FromStr;

/// Part `index` of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Which part, from 1 to [`Self::count`].
    pub fn index(self) -> usize {
        self.index
    }

    /// How many parts there are, at least 1.
    pub fn count(self) -> usize {
        self.count
    }

    /// Whether the run at `position`, counted from 0, belongs to this part.
    ///
    /// ```
    /// let shard: cli::Shard = "2/3".parse()?;
    /// let held: Vec<usize> = (0..7).filter(|&i| shard.holds(i)).collect();
    /// assert_eq!(held, [1, 4]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn holds(self, position: usize) -> bool {
        position % self.count + 1 == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').map(|(i, n)| (i.parse(), n.parse()));
        match parts {
            Some((Ok(index), Ok(count))) if (1..=count).contains(&index) => {
                Ok(Self { index, count })
            }
            _ => Err("wanted I/N with 1 <= I <= N, such as 1/4".to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_belongs_to_one_shard() {
        let shards: Vec<Shard> = (1..=3)
            .map(|i| format!("{i}/3").parse().expect("valid"))
            .collect();
        for position in 0..10 {
            let holders = shards.iter().filter(|shard| shard.holds(position));
            assert_eq!(holders.count(), 1, "{position}");
        }
    }

    #[test]
    fn a_shard_that_is_not_there_is_refused() {
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "", "-1/3", "1/3/4"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong:?}");
        }
    }
}
