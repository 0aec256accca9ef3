//! A value for each scale.

use super::Scale;

/// One value for each scale, so that nothing else needs to tell scales apart.
///
/// ```
/// use lab::report::{Scale, Scales};
/// const EPOCHS: Scales<usize> = Scales { smoke: 1, ..Scales::all(350) };
/// assert_eq!((*EPOCHS.at(Scale::Smoke), *EPOCHS.at(Scale::Cpu)), (1, 350));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scales<T> {
    /// What the paper did.
    pub paper: T,
    /// What hours on two cores allow.
    pub cpu: T,
    /// What minutes on two cores allow.
    pub quick: T,
    /// What shows in seconds that everything works.
    pub smoke: T,
}

impl<T> Scales<T> {
    /// A value for each scale, from large to small.
    pub const fn new(paper: T, cpu: T, quick: T, smoke: T) -> Self {
        Self {
            paper,
            cpu,
            quick,
            smoke,
        }
    }

    /// The value of a scale.
    pub const fn at(&self, scale: Scale) -> &T {
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
    pub const fn all(value: T) -> Self {
        Self::new(value, value, value, value)
    }
}
