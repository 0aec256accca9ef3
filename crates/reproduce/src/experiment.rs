//! An experiment: a table or figure of a paper.

use anyhow::Result;
use lab::data::{Dataset, ImageSet, NUMBER_CLASSES};
use lab::report::{Claim, Finding, Scale};

use crate::laboratory::Laboratory;
use crate::training::Training;

/// The size of a data set, as far as an experiment's networks depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Images {
    /// (channels, height, width).
    pub(crate) size: (usize, usize, usize),
    /// Number of classes.
    pub(crate) classes: usize,
    /// Number of training images.
    pub(crate) train: usize,
}

impl Images {
    /// The size of a set.
    pub(crate) fn of(set: &ImageSet) -> Self {
        Self {
            size: (set.channels, set.height, set.width),
            classes: set.classes(),
            train: set.len(),
        }
    }

    /// The size of a set that is not at hand, by its name.
    pub(crate) fn expected(data_set: &str) -> Self {
        let (size, classes, train) = match data_set {
            "fashion-mnist" => ((1, 28, 28), 10, 10_000),
            "mnist" => ((1, 28, 28), 10, 60_000),
            "cifar100" => ((3, 32, 32), 100, 50_000),
            "cub200-224" => ((3, 224, 224), 200, 5_994),
            "svhn-numbers-64" => ((3, 64, 64), NUMBER_CLASSES, 235_755),
            "imagenet" => ((3, 224, 224), 1000, 1_281_167),
            _ => ((3, 32, 32), 10, 50_000),
        };
        Self {
            size,
            classes,
            train,
        }
    }
}

/// A table or figure of a paper.
pub(crate) trait Experiment: Sync {
    /// `paper/item`, as the paper numbers it.
    fn id(&self) -> &'static str;

    /// One line on what it shows.
    fn title(&self) -> &'static str;

    /// The paper's data set, by the name that [`lab::data::load`] knows.
    fn data_set(&self) -> &'static str;

    /// What stands in for it at a scale that needs no download; `None`: nothing does.
    fn embedded(&self, scale: Scale) -> Option<&'static str>;

    /// The rows of its table with the paper's numbers.
    fn claims(&self) -> Vec<Claim>;

    /// What the paper claims about the rows.
    fn findings(&self) -> &'static [Finding] {
        &[]
    }

    /// Where the runs at `scale` differ from the paper's, one sentence each.
    fn deviations(&self, scale: Scale) -> Vec<String>;

    /// Runs of each network, with consecutive seeds, unless the command line says how many.
    fn seeds(&self, _scale: Scale) -> u64 {
        1
    }

    /// The networks that it trains at `scale`.
    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training>;

    /// Does it: trains, measures, draws. Unless an experiment has its own way, it trains its networks one after the other.
    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        for training in self.trainings(laboratory.scale(), Images::of(&data.train)) {
            laboratory.train(&training, data)?;
        }
        laboratory.draw_curves()
    }
}
