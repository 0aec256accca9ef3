//! How the networks of Tables 3 to 5 are trained at each scale (Sec. 3.2), and how wide they are.

use allconv::{
    AllConv, Architecture, BaseModel, ClassMapActivation, Config, ImageNetConfig, LargeConfig,
};
use lab::data::{Augment, Preprocess};
use lab::report::{Choice, Scales};
use lab::train::{LrSchedule, Recipe};
use striate::Initializer;

use crate::images::{Data, Images};
use crate::model::models;
use crate::training::{CHOSEN_RATE, Training, sgd};

models! {
    Config => AllConv::new;
    LargeConfig => AllConv::large;
    ImageNetConfig => AllConv::imagenet;
}

/// CIFAR-10, and what stands in for it.
pub(super) const CIFAR10: Data = Data::of("cifar10").quick("fashion-mnist");

/// CIFAR-10 where nothing stands in for it in a quick run: so few steps are too few for augmentation to pay.
pub(super) const CIFAR10_ALONE: Data = Data::of("cifar10").smoke("fashion-mnist");

/// A setup of Sec. 3.2.
pub(super) struct Setup {
    /// The part of the paper's channels.
    width: f64,
    class_maps: ClassMapActivation,
    input_dropout: f32,
    dropout: f32,
    /// Epochs of a base model and what is made of it.
    epochs: fn(BaseModel) -> usize,
    batch_size: usize,
    /// The rate if none is chosen.
    lr: f64,
    /// Rates of which the best on held-out training images is taken.
    rates: &'static [f64],
    /// Epochs of the trial of a rate; all unless set.
    trial_epochs: Option<usize>,
    /// On weights and biases alike.
    weight_decay: f64,
    /// How the rate falls.
    decay: fn() -> LrSchedule,
    /// Epochs of linear warm-up.
    warmup: f64,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
    preprocess: fn() -> Preprocess,
}

/// The paper: 350 epochs, a tenth of the rate after 200, 250 and 300.
const PAPER: Setup = Setup {
    width: 1.0,
    class_maps: ClassMapActivation::Relu,
    input_dropout: 0.2,
    dropout: 0.5,
    epochs: |_| 350,
    batch_size: 128,
    lr: 0.1,
    rates: &[0.25, 0.1, 0.05, 0.01],
    trial_epochs: None,
    weight_decay: 0.001,
    decay: || LrSchedule::steps_at_fractions(&[200.0 / 350.0, 250.0 / 350.0, 300.0 / 350.0], 0.1),
    warmup: 0.0,
    images: (None, None),
    preprocess: Preprocess::gcn_zca,
};

const CPU: Setup = Setup {
    // With a ReLU there, network A stays at ln 10 from the first hundred steps on.
    class_maps: ClassMapActivation::Identity,
    // Tables 4 and 5 and the pictures are of C: most of the time is for it.
    epochs: |base| match base {
        BaseModel::A | BaseModel::B => 20,
        BaseModel::C => 40,
    },
    lr: 0.05,
    rates: &[0.1, 0.05, 0.025],
    trial_epochs: Some(2),
    decay: || LrSchedule::cosine(0.0),
    warmup: 1.0,
    ..PAPER
};

const QUICK: Setup = Setup {
    width: 1.0 / 6.0,
    input_dropout: 0.0,
    dropout: 0.1,
    epochs: |_| 6,
    batch_size: 32,
    lr: 0.03,
    rates: &[],
    trial_epochs: None,
    weight_decay: 0.0005,
    decay: || LrSchedule::steps_at_fractions(&[0.7, 0.9], 0.1),
    warmup: 0.64,
    images: (Some(10_000), Some(2_000)),
    preprocess: || Preprocess::Standardize,
    ..CPU
};

const SMOKE: Setup = Setup {
    width: 1.0 / 24.0,
    input_dropout: PAPER.input_dropout,
    dropout: PAPER.dropout,
    epochs: |_| 1,
    images: (Some(32), Some(20)),
    ..QUICK
};

pub(super) const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// What Sec. 3.2 does not say.
pub(super) const CHOICES: &[Choice] = &[
    Choice::new("recipe.batch_size", "the paper does not state it"),
    Choice::new(
        "recipe.optimizer.weight_decay",
        "biases are decayed like weights, of which the paper says nothing",
    ),
    Choice::new("initializer", "the paper does not state it"),
    CHOSEN_RATE,
];

impl Setup {
    /// A network of Table 3 and its training.
    pub(super) fn training(&self, architecture: Architecture, images: &Images) -> Training {
        let (in_channels, height, width) = images.size;
        let config = Config {
            classes: images.classes,
            in_channels,
            image_size: (height, width),
            width: self.width,
            class_map_activation: self.class_maps,
            input_dropout: self.input_dropout,
            dropout: self.dropout,
            ..Config::cifar10(architecture)
        };
        let optimizer = sgd(self.lr, self.weight_decay);
        let recipe = Recipe {
            schedule: self.decay().warmup(self.warmup),
            ..Recipe::new((self.epochs)(architecture.base), self.batch_size, optimizer)
        };
        Training {
            rates: self.rates.to_vec(),
            trial_epochs: self.trial_epochs,
            train_images: self.images.0,
            test_images: self.images.1,
            initializer: Some(Initializer::kaiming()),
            preprocess: (self.preprocess)(),
            ..Training::new(config, recipe)
        }
    }

    /// The same with augmentation.
    pub(super) fn augmented(
        &self,
        architecture: Architecture,
        images: &Images,
        augment: Augment,
    ) -> Training {
        let training = self.training(architecture, images);
        Training {
            recipe: Recipe {
                augment,
                ..training.recipe
            },
            ..training
        }
    }

    /// How the rate falls.
    pub(super) fn decay(&self) -> LrSchedule {
        (self.decay)()
    }
}
