//! A value for each scale. This is the only place that tells the scales apart.

use lab::report::Scale;

/// One value for each scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales<T> {
    /// What the paper did.
    pub(crate) paper: T,
    pub(crate) cpu: T,
    pub(crate) quick: T,
    pub(crate) smoke: T,
}

impl<T> Scales<T> {
    /// A value for each scale, from large to small.
    pub(crate) const fn new(paper: T, cpu: T, quick: T, smoke: T) -> Self {
        Self {
            paper,
            cpu,
            quick,
            smoke,
        }
    }

    /// The value of a scale.
    pub(crate) const fn at(&self, scale: Scale) -> &T {
        match scale {
            Scale::Paper => &self.paper,
            Scale::Cpu => &self.cpu,
            Scale::Quick => &self.quick,
            Scale::Smoke => &self.smoke,
        }
    }
}

impl<T: Copy> Scales<T> {
    /// The same value at every scale.
    pub(crate) const fn all(value: T) -> Self {
        Self::new(value, value, value, value)
    }
}
