//! How the networks are trained at each scale, and how wide they are.
//!
//! Nothing of the paper's training is known, so all of it is ours: Adam with a cosine schedule,
//! batches with as many labelled as unlabelled images, and the weights of the terms,
//! which the experiment `swwae/weights` chooses on held-out training images.

use lab::data::{Augment, Preprocess};
use lab::report::{Choice, Scales};
use lab::train::{LrSchedule, Recipe};
use swwae::{EncoderSide, LossWeights, SwwaeConfig};

use super::model::SemiSupervised;
use crate::images::{Data, Images};
use crate::kept_labels::KeptLabels;
use crate::training::{Training, adam};

/// MNIST, and its first images.
pub(super) const MNIST: Data = Data::of("mnist").quick("mnist");

/// MNIST where its first images do not stand in for it in a quick run.
pub(super) const MNIST_ALONE: Data = Data::of("mnist").smoke("mnist");

/// A setup.
pub(super) struct Setup {
    /// The part of the paper's maps.
    width: f64,
    /// Dropout after the poolings and before the classifier, in the variant that has it.
    dropout: (f32, f32),
    /// Training steps on digits and on colored images, whose networks are larger, rounded to whole passes over the unlabelled images.
    steps: usize,
    colored_steps: usize,
    /// Labelled images in a batch, and as many unlabelled ones.
    labelled: usize,
    /// The learning rate at the start.
    lr: f64,
    /// Changes of CIFAR's images.
    pub(super) augment: Augment,
    /// Labels that are kept at most: there are images for so many.
    labels: usize,
    /// Training and test images of MNIST; all unless few.
    pub(super) images: (Option<usize>, Option<usize>),
    /// The same of the colored sets.
    pub(super) colored_images: (Option<usize>, Option<usize>),
}

pub(super) const PAPER: Setup = Setup {
    width: 1.0,
    dropout: (0.2, 0.5),
    steps: 50_000,
    colored_steps: 50_000,
    labelled: 128,
    lr: 0.001,
    // The paper is believed to use flips and shifts; the border is ours.
    augment: Augment {
        flip: true,
        translate: 4,
    },
    labels: usize::MAX,
    images: (None, None),
    colored_images: (None, None),
};

pub(super) const CPU: Setup = Setup {
    steps: 5_000,
    colored_steps: 3_000,
    labelled: 64,
    ..PAPER
};

pub(super) const QUICK: Setup = Setup {
    width: 0.25,
    dropout: (0.0, 0.2),
    steps: 1_500,
    colored_steps: 120,
    labelled: 32,
    lr: 0.003,
    augment: Augment::NONE,
    colored_images: (Some(4_000), Some(1_000)),
    ..PAPER
};

pub(super) const SMOKE: Setup = Setup {
    width: 1.0 / 16.0,
    steps: 3,
    colored_steps: 3,
    labelled: 8,
    labels: 100,
    images: (Some(300), Some(20)),
    colored_images: (Some(300), Some(20)),
    ..QUICK
};

pub(super) const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// What is not known of the paper.
pub(super) const CHOICES: &[Choice] = &choices(
    "chosen among the candidates of swwae/weights on held-out training images; the paper's are \
     not known",
);

/// The same for networks that differ in the weights of the terms.
pub(super) const CANDIDATES: &[Choice] = &choices("a candidate; the paper's are not known");

const fn choices(weights: &'static str) -> [Choice; 10] {
    [
        Choice::new("recipe.optimizer", "the paper's optimizer is not known"),
        Choice::new("recipe.schedule.decay", "the paper's schedule is not known"),
        Choice::new(
            "recipe.epochs",
            "passes over the unlabeled images; the paper's are not known",
        ),
        Choice::new("recipe.batch_size", "the paper's is not known"),
        Choice::new(
            "recipe.labelled",
            "as many labeled as unlabeled images; the paper's batches are not known",
        ),
        Choice::new("recipe.augment", "the paper's augmentation is not known"),
        Choice::new("model.weights", weights),
        Choice::new(
            "model.network.pool_dropout",
            "the places of dropout in the paper are not known",
        ),
        Choice::new(
            "model.network.fc_dropout",
            "the places of dropout in the paper are not known",
        ),
        Choice::new("preprocess", "the paper's preprocessing is not known"),
    ]
}

impl Setup {
    /// The labels that are kept where the paper keeps `labels`.
    pub(super) fn few(&self, labels: usize) -> usize {
        labels.min(self.labels)
    }

    /// One of the paper's networks for these images.
    pub(super) fn config(&self, paper: SwwaeConfig, images: &Images) -> SwwaeConfig {
        let (in_channels, height, width) = images.size;
        SwwaeConfig {
            in_channels,
            image_size: (height, width),
            ..paper.scaled(self.width)
        }
    }

    /// The variant with dropout.
    pub(super) fn with_dropout(&self, config: SwwaeConfig) -> SwwaeConfig {
        let (pool_dropout, fc_dropout) = self.dropout;
        SwwaeConfig {
            pool_dropout,
            fc_dropout,
            ..config
        }
    }

    /// A training on MNIST of a model that keeps so many labels.
    pub(super) fn digits(&self, model: SemiSupervised, labels: usize, images: &Images) -> Training {
        let train = self.images.0.unwrap_or(images.train);
        let recipe = self.recipe(self.steps, train.saturating_sub(self.few(labels)));
        training(model, recipe, self.images)
    }

    /// The recipe of a training on colored images of which so many have no label.
    pub(super) fn colored(&self, unlabelled: usize) -> Recipe {
        self.recipe(self.colored_steps, unlabelled)
    }

    fn recipe(&self, steps: usize, unlabelled: usize) -> Recipe {
        let steps_per_epoch = unlabelled.div_ceil(self.labelled).max(1);
        let epochs = (steps as f64 / steps_per_epoch as f64).round().max(1.0) as usize;
        Recipe {
            labelled: Some(self.labelled),
            evaluate_every: epochs.div_ceil(10),
            schedule: LrSchedule::cosine(0.0),
            ..Recipe::new(epochs, 2 * self.labelled, adam(self.lr))
        }
    }
}

/// A training on the first of these numbers of training and test images.
pub(super) fn training(
    model: SemiSupervised,
    recipe: Recipe,
    (train_images, test_images): (Option<usize>, Option<usize>),
) -> Training {
    Training {
        train_images,
        test_images,
        preprocess: Preprocess::Standardize,
        ..Training::new(model, recipe)
    }
}

/// The weights of the terms, as `swwae/weights` found them on held-out training images at scale cpu:
/// with a pass over the whole set, one is better than none and a tenth.
pub(super) const WEIGHTS: LossWeights = LossWeights {
    l2_rec: 1.0,
    l2_m: 1.0,
};

/// No reconstruction: the Convnet.
pub(super) const CONVNET: LossWeights = LossWeights {
    l2_rec: 0.0,
    l2_m: 0.0,
};

/// Which of a table's three networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Encoder and classifier alone.
    Convnet,
    /// With the decoder.
    Swwae,
    /// With the decoder and dropout.
    SwwaeDropout,
}

impl Kind {
    /// In the order of the tables.
    pub(super) const ALL: [Self; 3] = [Self::Convnet, Self::Swwae, Self::SwwaeDropout];

    /// The name in the tables.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Convnet => "Convnet",
            Self::Swwae => "SWWAE",
            Self::SwwaeDropout => "SWWAE + dropout",
        }
    }

    /// The network of this kind.
    pub(super) fn model(
        self,
        config: SwwaeConfig,
        labels: KeptLabels,
        setup: &Setup,
    ) -> SemiSupervised {
        let (config, weights) = match self {
            Self::Convnet => (config, CONVNET),
            Self::Swwae => (config, WEIGHTS),
            Self::SwwaeDropout => (setup.with_dropout(config), WEIGHTS),
        };
        SemiSupervised {
            config,
            weights,
            side: EncoderSide::Joint,
            labels,
            canvas: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn steps_hardly_depend_on_the_number_of_labels() {
        for labels in [100, 600, 1000, 3000] {
            let unlabelled: usize = 60_000 - labels;
            let recipe = CPU.recipe(CPU.steps, unlabelled);
            let steps = recipe.epochs * unlabelled.div_ceil(CPU.labelled);
            let off = steps as f64 / CPU.steps as f64 - 1.0;
            assert!(off.abs() < 0.2, "{labels} labels: {steps} steps");
            recipe.check().expect("a sound recipe");
        }
    }

    #[test]
    fn the_convnet_lacks_the_decoder_and_nothing_else() -> anyhow::Result<()> {
        let [convnet, swwae, dropout] =
            Kind::ALL.map(|kind| kind.model(SwwaeConfig::mnist(), KeptLabels::Balanced(100), &CPU));
        assert_eq!(
            (&convnet.config, &convnet.labels),
            (&swwae.config, &swwae.labels)
        );
        assert_eq!(dropout.config, swwae.config.clone().with_dropout());
        assert_eq!(dropout.weights, swwae.weights);
        assert_ne!(convnet.settings()?, swwae.settings()?);
        Ok(())
    }
}
