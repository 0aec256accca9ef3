//! Labelled and unlabelled images in every batch, at a stated ratio.

use striate::rng::stream;

use super::{DataError, UNLABELLED};

/// How many images of each kind a batch holds.
///
/// ```
/// use lab::data::{Mix, UNLABELLED};
/// let labels = [UNLABELLED, 0, UNLABELLED, UNLABELLED, 1];
/// let mix = Mix { labelled: 1, unlabelled: 2 };
/// let order = mix.order(&labels, 7, 0)?;
/// // Two batches: a labelled and two unlabelled images, then a labelled and the last unlabelled one.
/// assert_eq!(order.len(), 5);
/// assert!(labels[order[0] as usize] != UNLABELLED && labels[order[3] as usize] != UNLABELLED);
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Images with a label.
    pub labelled: usize,
    /// Images without.
    pub unlabelled: usize,
}

impl Mix {
    /// Images in a batch; the last batch of an epoch may have fewer unlabelled ones.
    pub fn batch_size(self) -> usize {
        self.labelled + self.unlabelled
    }

    /// Batches of an epoch over a set with these labels.
    ///
    /// # Errors
    /// Those of [`Mix::order`].
    pub fn batches(self, labels: &[u32]) -> Result<usize, DataError> {
        let known = labels.iter().filter(|&&label| label != UNLABELLED).count();
        let unknown = labels.len() - known;
        for (argument, count, of_set) in [
            ("labelled", self.labelled, known),
            ("unlabelled", self.unlabelled, unknown),
        ] {
            if count == 0 || of_set == 0 {
                return Err(DataError::Argument {
                    op: "Mix",
                    argument,
                    found: format!("{count} of a batch, {of_set} of the set"),
                    expected: "at least one of each; without both kinds take Batches::train"
                        .to_owned(),
                });
            }
        }
        Ok(unknown.div_ceil(self.unlabelled))
    }

    /// The images of an epoch, batch after batch: a pure function of (seed, epoch) and the labels.
    ///
    /// Unlabelled images come once each.
    /// Labelled ones go round in passes that run on from epoch to epoch, each pass in its own order,
    /// so that no label is seen twice more often than another.
    ///
    /// # Errors
    /// A kind of which the batch or the set has none.
    pub fn order(self, labels: &[u32], seed: u64, epoch: u64) -> Result<Vec<u32>, DataError> {
        let batches = self.batches(labels)?;
        let kind = |known: bool| {
            let of_kind = move |&(_, &label): &(u32, &u32)| (label != UNLABELLED) == known;
            (0..).zip(labels).filter(of_kind).map(|(index, _)| index)
        };
        let mut unlabelled: Vec<u32> = kind(false).collect();
        stream(seed, "shuffle", epoch).shuffle(&mut unlabelled);
        let known: Vec<u32> = kind(true).collect();
        let per_pass = known.len() as u64;
        let mut at = epoch * (batches * self.labelled) as u64;
        let mut pass: Option<(u64, Vec<u32>)> = None;
        let mut order = Vec::with_capacity(unlabelled.len() + batches * self.labelled);
        for chunk in unlabelled.chunks(self.unlabelled) {
            for _ in 0..self.labelled {
                let number = at / per_pass;
                let images = match pass.take() {
                    Some((current, images)) if current == number => images,
                    _ => {
                        let mut images = known.clone();
                        stream(seed, "shuffle/labelled", number).shuffle(&mut images);
                        images
                    }
                };
                order.extend(images.get((at % per_pass) as usize));
                pass = Some((number, images));
                at += 1;
            }
            order.extend_from_slice(chunk);
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 labelled images, 7 unlabelled ones.
    fn labels() -> Vec<u32> {
        let label = |i: u32| if i % 3 == 1 { i } else { UNLABELLED };
        (0..10).map(label).collect()
    }

    const MIX: Mix = Mix {
        labelled: 2,
        unlabelled: 3,
    };

    #[test]
    fn every_batch_has_its_labelled_images_first() -> Result<(), DataError> {
        let labels = labels();
        let order = MIX.order(&labels, 5, 2)?;
        let kinds: Vec<Vec<bool>> = order
            .chunks(MIX.batch_size())
            .map(|batch| {
                batch
                    .iter()
                    .map(|&i| labels[i as usize] != UNLABELLED)
                    .collect()
            })
            .collect();
        let whole = vec![true, true, false, false, false];
        assert_eq!(kinds, [whole.clone(), whole, vec![true, true, false]]);
        Ok(())
    }

    #[test]
    fn unlabelled_images_come_once_and_labelled_ones_equally_often() -> Result<(), DataError> {
        let labels = labels();
        let mut seen = [0; 10];
        for epoch in 0..3 {
            let order = MIX.order(&labels, 5, epoch)?;
            order.iter().for_each(|&i| seen[i as usize] += 1);
        }
        // 3 epochs of 3 batches take 18 labelled images: 6 passes over 3.
        for (index, &label) in labels.iter().enumerate() {
            assert_eq!(seen[index], if label == UNLABELLED { 3 } else { 6 });
        }
        Ok(())
    }

    #[test]
    fn order_follows_seed_and_epoch_alone() -> Result<(), DataError> {
        let order = |seed, epoch| MIX.order(&labels(), seed, epoch);
        assert_eq!(order(1, 4)?, order(1, 4)?);
        assert_ne!(order(1, 4)?, order(1, 5)?);
        assert_ne!(order(1, 4)?, order(2, 4)?);
        Ok(())
    }

    #[test]
    fn errors() {
        let text =
            |mix: Mix, labels: &[u32]| mix.order(labels, 0, 0).expect_err("accepted").to_string();
        assert!(text(MIX, &[0, 1]).starts_with("Mix: unlabelled is 3 of a batch, 0 of the set"));
        assert!(
            text(MIX, &[UNLABELLED]).starts_with("Mix: labelled is 2 of a batch, 0 of the set")
        );
        let none = Mix { labelled: 0, ..MIX };
        assert!(text(none, &[0, UNLABELLED]).contains("0 of a batch, 1 of the set"));
    }
}
