//! Which images of a store a set has, and in which order.

use std::ops::Deref;
use std::sync::Arc;

/// The numbers of a set's images in what stores them; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows(Arc<Vec<u32>>);

impl Rows {
    /// The first `count` images of a store.
    pub(super) fn first(count: u32) -> Self {
        Self(Arc::new((0..count).collect()))
    }

    /// Those at these indices of the set; indices past the end are left out.
    pub(super) fn select(&self, indices: impl Iterator<Item = usize>) -> Self {
        let rows = indices.filter_map(|index| self.get(index).copied());
        Self(Arc::new(rows.collect()))
    }

    /// The first `n` and the rest.
    pub(super) fn split_at(&self, n: usize) -> (Self, Self) {
        let n = n.min(self.len());
        (self.select(0..n), self.select(n..self.len()))
    }
}

impl Deref for Rows {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.0
    }
}
