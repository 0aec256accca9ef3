//! What an experiment's networks depend on of a data set, and which sets its rows are measured on.

use lab::data::{Dataset, Framing, ImageSet};
use lab::report::Scales;

/// The size of a data set, as far as networks and recipes depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Images {
    /// (channels, height, width).
    pub(crate) size: (usize, usize, usize),
    /// Number of classes.
    pub(crate) classes: usize,
    /// Number of training images, with and without label.
    pub(crate) train: usize,
    /// Number of training images with a label.
    pub(crate) labelled: usize,
    /// Number of test images.
    pub(crate) test: usize,
    /// The predefined folds of the labels, if the data set has them.
    pub(crate) folds: Option<Vec<Vec<u32>>>,
}

impl Images {
    /// The size of a set.
    pub(crate) fn of(data: &Dataset) -> Self {
        let ImageSet {
            channels,
            height,
            width,
            labels,
            ..
        } = &data.train;
        let known = |label: &&u32| **label != lab::data::UNLABELLED;
        Self {
            size: (*channels, *height, *width),
            classes: data.train.classes(),
            train: data.train.len(),
            labelled: labels.iter().filter(known).count(),
            test: data.test.len(),
            folds: None,
        }
    }

    /// The larger side of an image.
    pub(crate) fn side(&self) -> usize {
        self.size.1.max(self.size.2)
    }
}

/// The data that a row is measured on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    /// The paper's data set, by the name that [`lab::data::load`] knows.
    pub(crate) paper: &'static str,
    /// What stands in for it where no files are given; nothing: the row needs files.
    pub(crate) stand_in: Scales<Option<&'static str>>,
    /// What is made of the set before training.
    pub(crate) view: View,
    /// Pictures in files stay on disk, and become images so; nothing: the set is read into memory.
    pub(crate) framing: Option<Framing>,
}

/// What is made of a data set before training.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    /// Nothing.
    Whole,
    /// The last sixth of the training images takes the place of the test set.
    HeldOut,
    /// The training images of another set are added without their labels; both sets are cut to their first images.
    UnlabelledOf {
        paper: &'static str,
        stand_in: Scales<Option<&'static str>>,
        train: Scales<Option<usize>>,
        test: Scales<Option<usize>>,
    },
    /// The set's own images without labels are added, at most so many; its folds decide which labels are kept.
    Unlabelled {
        at_most: Scales<usize>,
        folds: Scales<bool>,
    },
}

impl Data {
    /// A data set for which nothing stands in.
    pub(crate) const fn of(paper: &'static str) -> Self {
        Self {
            paper,
            stand_in: Scales::all(None),
            view: View::Whole,
            framing: None,
        }
    }

    /// The same with pictures that stay on disk where files are given.
    pub(crate) const fn streamed(self, framing: Framing) -> Self {
        Self {
            framing: Some(framing),
            ..self
        }
    }

    /// The same with an embedded set for runs of scale smoke.
    pub(crate) const fn smoke(self, name: &'static str) -> Self {
        Self {
            stand_in: Scales {
                smoke: Some(name),
                ..self.stand_in
            },
            ..self
        }
    }

    /// The same with an embedded set for runs of scale smoke and quick.
    pub(crate) const fn quick(self, name: &'static str) -> Self {
        let with_smoke = self.smoke(name);
        Self {
            stand_in: Scales {
                quick: Some(name),
                ..with_smoke.stand_in
            },
            ..with_smoke
        }
    }

    /// The same with another view.
    pub(crate) const fn view(self, view: View) -> Self {
        Self { view, ..self }
    }
}
