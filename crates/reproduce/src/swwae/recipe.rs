//! How the networks are trained at each scale, and how wide they are.
//!
//! Nothing of the paper's training is known, so all of it is ours: Adam with a cosine schedule,
//! batches with as many labelled as unlabelled images, and the weights of the terms,
//! which the experiment `swwae/weights` chooses on held-out training images.

use anyhow::Result;
use lab::data::{Dataset, ImageSet, Preprocess};
use lab::report::Scale;
use lab::train::{AdamConfig, LrSchedule, Recipe};
use swwae::{EncoderSide, LossWeights, SwwaeConfig};

use super::model::{KeptLabels, SemiSupervised};
use crate::experiment::Images;
use crate::training::Training;

/// The weights of the terms at a scale, both equal, as `swwae/weights` found them on held-out training images.
///
/// A narrow network with few steps has no room for more than a tenth (errors 6.0, 6.0, 7.1 and 25.7 % for 0, 0.1, 1 and 10 on L2M);
/// with a pass over the whole set 1 is better than none and a tenth (3.85, 3.65, 3.45 and 4.13 %).
pub(super) fn weights(scale: Scale) -> LossWeights {
    let both = match scale {
        Scale::Smoke | Scale::Quick => 0.1,
        Scale::Cpu | Scale::Paper => 1.0,
    };
    LossWeights {
        l2_rec: both,
        l2_m: both,
    }
}

/// No reconstruction: the Convnet.
pub(super) const CONVNET: LossWeights = LossWeights {
    l2_rec: 0.0,
    l2_m: 0.0,
};

/// How much training a table's networks get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Training steps, rounded to whole passes over the unlabelled images.
    pub(super) steps: usize,
    /// Labelled images in a batch, and as many unlabelled ones.
    pub(super) labelled: usize,
    /// The learning rate at the start.
    pub(super) lr: f64,
}

impl Budget {
    /// The budget of digits at `scale`.
    pub(super) fn of(scale: Scale) -> Self {
        let (steps, labelled, lr) = match scale {
            Scale::Smoke => (3, 8, 0.003),
            Scale::Quick => (300, 32, 0.003),
            Scale::Cpu => (1_000, 64, 0.001),
            Scale::Paper => (50_000, 128, 0.001),
        };
        Self {
            steps,
            labelled,
            lr,
        }
    }

    /// The budget of colored images at `scale`: their networks are larger.
    pub(super) fn colored(scale: Scale) -> Self {
        let digits = Self::of(scale);
        Self {
            steps: match scale {
                Scale::Quick => 120,
                Scale::Cpu => 3_000,
                Scale::Smoke | Scale::Paper => digits.steps,
            },
            ..digits
        }
    }

    /// The recipe for a training set with so many images without a label.
    pub(super) fn recipe(self, unlabelled: usize) -> Recipe {
        let steps_per_epoch = unlabelled.div_ceil(self.labelled).max(1);
        let epochs = (self.steps as f64 / steps_per_epoch as f64)
            .round()
            .max(1.0) as usize;
        let adam = AdamConfig {
            lr: self.lr,
            ..AdamConfig::default()
        };
        Recipe {
            labelled: Some(self.labelled),
            evaluate_every: epochs.div_ceil(10),
            schedule: LrSchedule::cosine(0.0),
            ..Recipe::new(epochs, 2 * self.labelled, adam)
        }
    }
}

/// The part of the width that a scale trains.
pub(super) fn width(scale: Scale) -> f64 {
    match scale {
        Scale::Paper | Scale::Cpu => 1.0,
        Scale::Quick => 0.25,
        Scale::Smoke => 1.0 / 16.0,
    }
}

/// One of the paper's networks for these images, as wide as `scale` allows.
pub(super) fn config(paper: &SwwaeConfig, scale: Scale, images: Images) -> SwwaeConfig {
    let (in_channels, height, width_) = images.size;
    SwwaeConfig {
        in_channels,
        image_size: (height, width_),
        ..paper.clone().scaled(width(scale))
    }
}

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
        scale: Scale,
    ) -> SemiSupervised {
        let (config, terms) = match self {
            Self::Convnet => (config, CONVNET),
            Self::Swwae => (config, weights(scale)),
            Self::SwwaeDropout => (with_dropout(config, scale), weights(scale)),
        };
        SemiSupervised {
            config,
            weights: terms,
            side: EncoderSide::Joint,
            labels,
            canvas: None,
        }
    }
}

/// The variant with dropout; the narrow networks of the small scales take less of it.
pub(super) fn with_dropout(config: SwwaeConfig, scale: Scale) -> SwwaeConfig {
    match scale {
        Scale::Paper | Scale::Cpu => config.with_dropout(),
        Scale::Quick | Scale::Smoke => SwwaeConfig {
            fc_dropout: 0.2,
            ..config
        },
    }
}

/// A training of `model` on the first `train_images` images.
pub(super) fn training(
    label: String,
    model: SemiSupervised,
    recipe: Recipe,
    (train_images, test_images): (Option<usize>, Option<usize>),
) -> Training {
    Training {
        label,
        model: Box::new(model),
        recipe,
        rates: Vec::new(),
        train_images,
        test_images,
        initializer: None,
        scenery: None,
        preprocess: Preprocess::Standardize,
    }
}

/// What is ours in the runs of `scale`.
pub(super) fn deviations(scale: Scale) -> Vec<String> {
    let ours = "the paper's optimizer, schedule, batches, weights and places of dropout are not known: Adam falling to 0 by a cosine, \
                as many labelled as unlabelled images in a batch, standardized images";
    let text = match scale {
        Scale::Smoke => {
            "Deviations: a smoke run shows that everything works, its numbers mean nothing."
                .to_owned()
        }
        Scale::Quick => format!(
            "Deviations: few images of a small set, a quarter of the maps, some hundred steps, dropout 0.2 before the classifier alone; {ours}."
        ),
        Scale::Cpu => format!(
            "Deviations: about 1,000 steps of 128 images, a pass over the unlabelled ones; {ours}."
        ),
        Scale::Paper => format!("Deviations: {ours}."),
    };
    vec![text]
}

/// What stands in for the colored sets without a download.
pub(super) fn colored(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("fashion-mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}

/// Training and test images of the colored sets; all unless few.
pub(super) fn colored_images(scale: Scale) -> (Option<usize>, Option<usize>) {
    match scale {
        Scale::Smoke => (Some(300), Some(20)),
        Scale::Quick => (Some(4_000), Some(1_000)),
        Scale::Cpu | Scale::Paper => (None, None),
    }
}

/// The labels that a scale keeps where the paper keeps `labels`: a smoke run has images for few.
pub(super) fn few(labels: usize, scale: Scale) -> usize {
    match scale {
        Scale::Smoke => 100,
        Scale::Quick | Scale::Cpu | Scale::Paper => labels,
    }
}

/// The set with these images, without their labels, behind its training images.
pub(super) fn with_unlabelled(data: &Dataset, extra: Option<&ImageSet>) -> Result<Dataset> {
    let Some(extra) = extra else {
        return Ok(data.clone());
    };
    Ok(Dataset {
        name: format!("{} and {} images of {}", data.name, extra.len(), extra.name),
        train: data.train.with_unlabelled(extra)?,
        test: data.test.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Model;

    #[test]
    fn steps_hardly_depend_on_the_number_of_labels() {
        let budget = Budget::of(Scale::Cpu);
        for labels in [100, 600, 1000, 3000] {
            let unlabelled: usize = 60_000 - labels;
            let recipe = budget.recipe(unlabelled);
            let steps = recipe.epochs * unlabelled.div_ceil(budget.labelled);
            let off = steps as f64 / budget.steps as f64 - 1.0;
            assert!(off.abs() < 0.2, "{labels} labels: {steps} steps");
            recipe.check().expect("a sound recipe");
        }
    }

    #[test]
    fn the_convnet_lacks_the_decoder_and_nothing_else() -> Result<()> {
        let [convnet, swwae, dropout] = Kind::ALL
            .map(|kind| kind.model(SwwaeConfig::mnist(), KeptLabels::Balanced(100), Scale::Cpu));
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
