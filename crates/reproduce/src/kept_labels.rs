//! The labels that a training may see.

use lab::data::{DataError, FloatSet, UNLABELLED, balanced_draw};
use serde::Serialize;

/// Which training images keep their label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeptLabels {
    /// All that have one.
    All,
    /// So many, equally many of each class, drawn by the seed.
    Balanced(usize),
    /// Those of the predefined fold that the seed counts to, as far as its images are not held out.
    Folds(#[serde(skip)] Vec<Vec<u32>>),
}

impl KeptLabels {
    /// The set as the network may see it.
    pub(crate) fn apply(&self, set: &FloatSet, seed: u64) -> Result<FloatSet, DataError> {
        match self {
            Self::All => Ok(set.clone()),
            Self::Balanced(count) => {
                set.with_labels_of(&balanced_draw(&set.labels, set.classes, *count, seed)?)
            }
            Self::Folds(folds) => {
                let fold = folds.get((seed % folds.len().max(1) as u64) as usize);
                // The last labelled images may be held out: then nothing is in their place, or an image without a label.
                let is_kept = |&index: &u32| {
                    let label = set.labels.get(index as usize);
                    label.is_some_and(|&label| label != UNLABELLED)
                };
                let fold = fold.into_iter().flatten().copied();
                set.with_labels_of(&fold.filter(is_kept).collect::<Vec<u32>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> FloatSet {
        let labels = vec![0, 1, 0, 1, 0, 1];
        FloatSet::new((1, 1, 1), vec![0.0; 6], labels, 2).expect("a set")
    }

    #[test]
    fn labels_are_kept_by_draw_or_by_fold() -> Result<(), DataError> {
        assert_eq!(KeptLabels::All.apply(&set(), 3)?.labelled(), 6);
        let drawn = |seed| KeptLabels::Balanced(2).apply(&set(), seed);
        assert_eq!(drawn(1)?.labelled(), 2);
        assert_eq!(drawn(1)?.labels, drawn(1)?.labels);
        let folds = KeptLabels::Folds(vec![vec![0], vec![1, 2]]);
        // The seed counts through the folds and begins again.
        for (seed, count) in [(0, 1), (1, 2), (2, 1)] {
            assert_eq!(folds.apply(&set(), seed)?.labelled(), count);
        }
        assert!(KeptLabels::Balanced(8).apply(&set(), 0).is_err());
        Ok(())
    }

    #[test]
    fn of_a_fold_the_images_that_are_held_out_are_left_out() -> Result<(), DataError> {
        let folds = KeptLabels::Folds(vec![vec![0, 3, 5]]);
        let labels = vec![0, 1, 0, 1, 0, 1, UNLABELLED, UNLABELLED];
        let with_more = FloatSet::new((1, 1, 1), vec![0.0; 8], labels, 2)?;
        for set in [set(), with_more] {
            assert_eq!(folds.apply(&set, 0)?.labelled(), 3);
            let (kept, held_out) = set.hold_out(2);
            assert_eq!(*held_out.labels, [0, 1]);
            let few = folds.apply(&kept, 0)?;
            assert_eq!(few.labelled(), 2);
            assert_eq!(few.labels[..4], [0, UNLABELLED, UNLABELLED, 1]);
        }
        Ok(())
    }
}
