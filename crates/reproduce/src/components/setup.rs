//! How the networks are trained, all alike: the same steps, batches, labels and seeds.

use lab::data::Synthetic;
use lab::report::{Choice, Scale, Scales};
use lab::train::{LrSchedule, ParamGroup, Recipe};
use swwae::LossWeights;

use super::ideas::Ideas;
use super::network::Config;
use super::objective::FewLabels;
use crate::images::{Data, Images};
use crate::kept_labels::KeptLabels;
use crate::training::{Training, adam};

/// MNIST, and its first images.
pub(super) const MNIST: Data = Data::of("mnist").quick("mnist");

/// Draws of weights and labels.
pub(super) const SEEDS: Scales<u64> = Scales::new(3, 3, 2, 1);

struct Setup {
    /// Maps of the first convolution.
    maps: usize,
    /// Labels that are kept.
    labels: usize,
    /// Training steps, rounded to whole passes over the images without a label.
    steps: usize,
    /// Labelled images in a batch, and as many unlabelled ones.
    labelled: usize,
    /// The learning rate at the start.
    lr: f64,
    /// The factor of the localisation net's rate.
    localisation_rate: f64,
    /// The weights of the decoder's terms.
    weights: LossWeights,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
}

const CPU: Setup = Setup {
    maps: 32,
    labels: 1_000,
    steps: 3_000,
    labelled: 64,
    lr: 0.002,
    localisation_rate: 0.5,
    weights: LossWeights {
        l2_rec: 1.0,
        l2_m: 0.1,
    },
    images: (None, None),
};

const QUICK: Setup = Setup {
    maps: 12,
    labels: 500,
    steps: 500,
    labelled: 32,
    lr: 0.003,
    ..CPU
};

const SMOKE: Setup = Setup {
    maps: 4,
    labels: 100,
    steps: 2,
    labelled: 8,
    images: (Some(200), Some(20)),
    ..QUICK
};

/// No paper has these networks.
const SETUPS: Scales<Option<Setup>> = Scales::new(None, Some(CPU), Some(QUICK), Some(SMOKE));

/// What there is to choose: everything.
pub(super) const CHOICES: &[Choice] = &[
    Choice::new(
        "model.labels",
        "each seed draws its labels anew, equally many of each class",
    ),
    Choice::new("recipe.epochs", "passes over the images without a label"),
    Choice::new("recipe.optimizer", "for all networks alike"),
    Choice::new("model.weights", "of the decoder's terms"),
];

/// The training of a network with `ideas`.
pub(super) fn training(
    ideas: Ideas,
    synthetic: Option<(Synthetic, usize)>,
    scale: Scale,
    images: &Images,
) -> Option<Training> {
    let setup = SETUPS.at(scale).as_ref()?;
    let (in_channels, height, width) = images.size;
    let model = FewLabels {
        network: Config {
            ideas,
            maps: setup.maps,
            classes: images.classes,
            in_channels,
            image_size: synthetic.map_or((height, width), |(_, canvas)| (canvas, canvas)),
        },
        labels: KeptLabels::Balanced(setup.labels),
        weights: setup.weights,
    };
    let train = setup.images.0.unwrap_or(images.train);
    let unlabelled = train.saturating_sub(setup.labels);
    let steps_per_epoch = unlabelled.div_ceil(setup.labelled).max(1);
    let epochs = setup.steps.div_ceil(steps_per_epoch);
    let slow = ParamGroup::new("st*").lr_factor(setup.localisation_rate);
    let recipe = Recipe {
        labelled: Some(setup.labelled),
        evaluate_every: epochs,
        // Without a warm-up some localisation nets lose the image in the first steps, and nothing is learned from then on.
        schedule: LrSchedule::cosine(0.0).warmup(1.0),
        groups: Vec::from_iter(ideas.transformer.then_some(slow)),
        ..Recipe::new(epochs, 2 * setup.labelled, adam(setup.lr))
    };
    Some(Training {
        train_images: setup.images.0,
        test_images: setup.images.1,
        synthetic: synthetic.map(|(synthetic, _)| synthetic),
        ..Training::new(model, recipe)
    })
}
