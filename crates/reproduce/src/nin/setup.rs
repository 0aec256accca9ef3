//! How the networks are trained at each scale, and how wide they are.
//!
//! The paper's numbers are those of the authors' definition files: learning rate 0.1, biases at twice the rate and without decay,
//! the layer of the class maps at a tenth, decay 0.0001, 200 + 30 + 30 epochs.

use lab::data::Preprocess;
use lab::report::{Choice, Scales};
use lab::train::{LrSchedule, ParamGroup, Plateau, Recipe};
use nin::{ClassMapActivation, Head, Nin, NinConfig, PlainCnn, PlainCnnConfig};

use crate::images::{Data, Images};
use crate::model::{Model, models};
use crate::training::{CHOSEN_RATE, Training, sgd};

models! {
    NinConfig => Nin::new;
    PlainCnnConfig => PlainCnn::new;
}

/// CIFAR-10.
///
/// Nothing stands in for it in a quick run: in minutes, narrow networks learn too little to overfit,
/// so that neither dropout nor global average pooling has anything to lower.
pub(super) const CIFAR10: Data = Data::of("cifar10").smoke("fashion-mnist");

/// The row whose learning rate follows the paper's text instead of the authors' log.
pub(super) const AT_PLATEAUS: &str = "NIN + dropout, rate falls at plateaus";

/// Narrow networks take less dropout than the paper's half.
const NARROW_DROPOUT: f32 = 0.2;

/// A setup of the authors' files.
pub(super) struct Setup {
    /// The part of the paper's maps.
    width: f64,
    /// The part of the plain network's maps.
    plain_width: f64,
    /// Dropout after the poolings.
    dropout: f32,
    class_maps: ClassMapActivation,
    /// Whether the layer of the class maps of an mlpconv network is trained at a tenth of the rate.
    slow_class_maps: bool,
    epochs: usize,
    /// Epochs on MNIST.
    mnist_epochs: usize,
    batch_size: usize,
    /// The rate if none is chosen.
    lr: f64,
    /// Rates of which the best on held-out training images is taken.
    rates: &'static [f64],
    /// Epochs of the trial of a rate; all unless set.
    trial_epochs: Option<usize>,
    weight_decay: f64,
    /// The rate falls to a tenth after these parts of the run.
    falls: &'static [f64],
    /// Epochs without a better training error after which the rate of [`Setup::at_plateaus`] falls.
    patience: usize,
    /// Epochs of linear warm-up.
    warmup: f64,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
    preprocess: fn() -> Preprocess,
    preprocess_svhn: fn() -> Preprocess,
}

const PAPER: Setup = Setup {
    width: 1.0,
    plain_width: 1.0,
    dropout: 0.5,
    class_maps: ClassMapActivation::Relu,
    slow_class_maps: true,
    epochs: 260,
    mnist_epochs: 260,
    batch_size: 128,
    lr: 0.1,
    rates: &[],
    trial_epochs: None,
    weight_decay: 0.0001,
    falls: &[200.0 / 260.0, 230.0 / 260.0],
    patience: 10,
    warmup: 0.0,
    images: (None, None),
    preprocess: Preprocess::gcn_zca,
    preprocess_svhn: Preprocess::gcn_lcn,
};

const CPU: Setup = Setup {
    // With the ReLU, single class maps die early and stay dead: on MNIST 40.68 % test error were left after three epochs.
    class_maps: ClassMapActivation::Identity,
    slow_class_maps: false,
    epochs: 20,
    // Two cores need less than an hour for these.
    mnist_epochs: 10,
    patience: 2,
    lr: 0.05,
    rates: &[0.05, 0.025, 0.0125],
    trial_epochs: Some(2),
    warmup: 1.0,
    ..PAPER
};

const QUICK: Setup = Setup {
    width: 1.0 / 6.0,
    plain_width: 0.25,
    dropout: NARROW_DROPOUT,
    epochs: 6,
    // Digits are small images, so more of them fit into minutes.
    mnist_epochs: 20,
    batch_size: 32,
    // At 0.03 the network with a fully connected head diverges.
    lr: 0.02,
    rates: &[],
    trial_epochs: None,
    falls: &[0.7, 0.9],
    warmup: 0.64,
    images: (Some(3_000), Some(2_000)),
    preprocess: || Preprocess::Standardize,
    preprocess_svhn: || Preprocess::Standardize,
    ..CPU
};

const SMOKE: Setup = Setup {
    width: 1.0 / 24.0,
    epochs: 1,
    mnist_epochs: 1,
    images: (Some(32), Some(20)),
    ..QUICK
};

pub(super) const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// What neither the paper nor the authors' files say.
pub(super) const CHOICES: &[Choice] = &[
    Choice::new(
        "model.initialization",
        "the crate's guarded start, since the authors' start is often dead",
    ),
    Choice::new(
        "recipe.schedule.decay.fractions",
        "the rate drops at fixed fractions of the run, as in the authors' log for \
         CIFAR, which serves the other sets and the plain network too",
    ),
    Choice::new(
        "recipe.epochs",
        "the paper trains until training stops improving; the authors' log is of CIFAR \
         alone",
    ),
    Choice::new(
        "recipe.schedule.plateau",
        "the paper says neither how long it waits nor what counts as better",
    ),
    CHOSEN_RATE,
];

impl Setup {
    /// One of the paper's networks with its training.
    pub(super) fn training(&self, paper: NinConfig, images: &Images) -> Training {
        let (in_channels, height, width) = images.size;
        let config = NinConfig {
            classes: images.classes,
            in_channels,
            image_size: (height, width),
            width: self.width,
            dropout: self.dropout,
            class_map_activation: self.class_maps,
            ..paper
        };
        let biases = ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0);
        let class_maps = [
            ParamGroup::new("cccp6.weight").lr_factor(0.1),
            ParamGroup::new("cccp6.bias")
                .lr_factor(0.2)
                .weight_decay(0.0),
        ];
        let slow = class_maps.into_iter().filter(|_| self.slow_class_maps);
        self.of(config, slow.chain([biases]).collect())
    }

    /// The same with a third of the maps.
    pub(super) fn narrow(&self) -> Self {
        Self {
            width: self.width / 3.0,
            dropout: NARROW_DROPOUT,
            ..*self
        }
    }

    /// The same without dropout.
    pub(super) fn without_dropout(&self, paper: NinConfig, images: &Images) -> Training {
        Self {
            dropout: 0.0,
            ..*self
        }
        .training(paper, images)
    }

    /// The same, but the rate falls to a tenth when training stops getting better, twice at most (Sec. 4.1).
    pub(super) fn at_plateaus(&self, training: Training) -> Training {
        let rule = Plateau {
            patience: self.patience,
            min_gain: 0.05,
            factor: 0.1,
            falls: 2,
        };
        let schedule = LrSchedule::constant().warmup(self.warmup).plateau(rule);
        Training {
            recipe: Recipe {
                schedule,
                ..training.recipe
            },
            ..training
        }
    }

    /// The same on MNIST.
    pub(super) fn mnist(&self, images: &Images) -> Training {
        let training = self.training(NinConfig::mnist(), images);
        Training {
            preprocess: Preprocess::Standardize,
            // Digits are learned at the rate as it is.
            rates: Vec::new(),
            trial_epochs: None,
            recipe: Recipe {
                epochs: self.mnist_epochs,
                ..training.recipe
            },
            ..training
        }
    }

    /// The same on SVHN.
    pub(super) fn svhn(&self, images: &Images) -> Training {
        Training {
            preprocess: (self.preprocess_svhn)(),
            ..self.training(NinConfig::svhn(), images)
        }
    }

    /// The plain network of Sec. 4.6 with its training.
    pub(super) fn plain(&self, head: Head, images: &Images) -> Training {
        let (in_channels, height, width) = images.size;
        let config = PlainCnnConfig {
            classes: images.classes,
            in_channels,
            image_size: (height, width),
            width: self.plain_width,
            class_map_activation: self.class_maps,
            ..PlainCnnConfig::cifar10(head)
        };
        let biases = ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0);
        self.of(config, vec![biases])
    }

    fn of(&self, config: impl Model, groups: Vec<ParamGroup>) -> Training {
        let sgd = sgd(self.lr, self.weight_decay);
        let recipe = Recipe {
            schedule: LrSchedule::steps_at_fractions(self.falls, 0.1).warmup(self.warmup),
            groups,
            ..Recipe::new(self.epochs, self.batch_size, sgd)
        };
        Training {
            rates: self.rates.to_vec(),
            trial_epochs: self.trial_epochs,
            train_images: self.images.0,
            test_images: self.images.1,
            preprocess: (self.preprocess)(),
            ..Training::new(config, recipe)
        }
    }
}
