//! Numbers that several sets share.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// Numbers that several sets share, or a part of such numbers: neither clones nor parts copy them.
///
/// ```
/// let values = lab::data::SharedValues::from(vec![1.0, 2.0, 3.0]);
/// let (first, rest) = values.split_at(1);
/// assert_eq!((&first[..], &rest[..]), (&[1.0][..], &[2.0, 3.0][..]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SharedValues {
    all: Arc<Vec<f32>>,
    /// Inside `all`.
    part: Range<usize>,
}

impl SharedValues {
    /// The first `n` numbers, or all if there are fewer, and the rest.
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        let Range { start, end } = self.part;
        let at = start + n.min(self.len());
        let part = |part| Self {
            all: Arc::clone(&self.all),
            part,
        };
        (part(start..at), part(at..end))
    }

    /// The numbers to be changed; copies them if others have them too.
    pub fn make_mut(&mut self) -> &mut [f32] {
        let part = self.part.clone();
        // `part` is inside `all`, whatever owner it has.
        &mut Arc::make_mut(&mut self.all)[part]
    }
}

impl From<Vec<f32>> for SharedValues {
    fn from(values: Vec<f32>) -> Self {
        Self {
            part: 0..values.len(),
            all: Arc::new(values),
        }
    }
}

impl Deref for SharedValues {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.all[self.part.clone()]
    }
}

impl PartialEq for SharedValues {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_and_changes_stay_apart() {
        let values = SharedValues::from(vec![1.0, 2.0, 3.0, 4.0]);
        let (first, rest) = values.split_at(3);
        let (middle, none) = first.split_at(1).1.split_at(9);
        assert!(Arc::ptr_eq(&values.all, &middle.all));
        assert_eq!((&rest[..], &middle[..]), (&[4.0][..], &[2.0, 3.0][..]));
        assert!(none.is_empty());
        let mut changed = middle.clone();
        changed.make_mut()[0] = 9.0;
        assert_eq!(
            (&changed[..], &middle[..]),
            (&[9.0, 3.0][..], &[2.0, 3.0][..])
        );
    }
}
