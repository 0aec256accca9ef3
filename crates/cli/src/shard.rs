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
    fn a_shard_is_a_part_of_a_count() {
        let shard: Shard = "2/3".parse().expect("valid");
        assert_eq!((shard.index(), shard.count()), (2, 3));
    }

    #[test]
    fn a_shard_that_is_not_there_is_refused() {
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "", "-1/3", "1/3/4"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong:?}");
        }
    }
}
