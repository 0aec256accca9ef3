//! Sec. 4.3: CIFAR-10 and CIFAR-100 with all their labels and images without.
//!
//! Command: `cargo xtask reproduce swwae/cifar --scale paper --data DIR`, where DIR holds both sets
//! Expected: reconstruction of the images without labels takes one to two points off the Convnet's error.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the paper's 80 Million Tiny Images were withdrawn by their owners.
//! In their place stand the training images of the other of the two sets, which were taken from that collection:
//! those of CIFAR-100 for CIFAR-10, and the other way round.

use anyhow::Result;
use lab::data::{Augment, Dataset};
use lab::report::{Claim, Scale};
use lab::train::Recipe;
use swwae::SwwaeConfig;

use super::model::KeptLabels;
use super::recipe::{self, Budget, Kind};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::training::Training;

/// The two tables: label, network, and the paper's share of right answers of the Convnet and with the decoder.
const TABLES: [(&str, [f64; 2]); 2] = [("CIFAR-10", [91.33, 92.23]), ("CIFAR-100", [67.50, 69.12])];
/// Flips and shifts, which the paper is believed to use; the border is ours.
const AUGMENT: Augment = Augment {
    flip: true,
    translate: 4,
};
/// The networks of a table.
const KINDS: [Kind; 2] = [Kind::Convnet, Kind::SwwaeDropout];

pub(crate) struct Cifar;

fn label(table: &str, kind: Kind) -> String {
    let kind = match kind {
        Kind::Convnet => "Convnet + dropout",
        kind => kind.label(),
    };
    format!("{table}, {kind}")
}

/// The networks of one table for a set of which `labelled` images have a label.
fn trainings(table: &str, scale: Scale, images: Images, labelled: usize) -> Vec<Training> {
    let paper = match table {
        "CIFAR-10" => SwwaeConfig::cifar10(),
        _ => SwwaeConfig::cifar100(),
    };
    let paper = match images.classes {
        10 => SwwaeConfig::cifar10(),
        _ => paper,
    };
    let training = |kind: Kind| {
        let config = recipe::with_dropout(recipe::config(&paper, scale, images), scale);
        let model = kind.model(config, KeptLabels::All, scale);
        let unlabelled = images.train.saturating_sub(labelled);
        let mut recipe = Budget::colored(scale).recipe(unlabelled.max(1));
        recipe = match unlabelled {
            0 => Recipe {
                labelled: None,
                ..recipe
            },
            _ => recipe,
        };
        if matches!(scale, Scale::Cpu | Scale::Paper) {
            recipe.augment = AUGMENT;
        }
        let (_, test) = recipe::colored_images(scale);
        recipe::training(label(table, kind), model, recipe, (None, test))
    };
    KINDS.map(training).into()
}

/// The set that a scale without files puts in place of CIFAR-100.
fn other(scale: Scale) -> &'static str {
    match scale {
        Scale::Smoke | Scale::Quick => "mnist",
        Scale::Cpu | Scale::Paper => "cifar100",
    }
}

impl Experiment for Cifar {
    fn id(&self) -> &'static str {
        "swwae/cifar"
    }

    fn title(&self) -> &'static str {
        "CIFAR-10 and CIFAR-100 with images without labels"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::colored(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Sec. 4.3, CIFAR; the paper gives the share of right answers";
        let of_table = |(table, right): (&'static str, [f64; 2])| {
            let claim = move |(kind, right): (Kind, f64)| {
                super::error("swwae/cifar", label(table, kind), 100.0 - right, source)
            };
            KINDS.into_iter().zip(right).map(claim)
        };
        TABLES.into_iter().flat_map(of_table).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(
            "The images without labels are the training images of the other set, in place of the withdrawn 80 Million Tiny Images; \
             both networks have dropout, since the paper is not known to say."
                .to_owned(),
        );
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let (train, _) = recipe::colored_images(scale);
        let own = train.unwrap_or(usize::MAX).min(images.train);
        let both = Images {
            train: 2 * own,
            ..images
        };
        let of_table = |(table, _)| trainings(table, scale, both, own);
        TABLES.into_iter().flat_map(of_table).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let scale = laboratory.scale();
        let (train, test) = recipe::colored_images(scale);
        let cut =
            |data: &Dataset| data.first(train.unwrap_or(usize::MAX), test.unwrap_or(usize::MAX));
        let first = cut(data);
        let second = laboratory.other(other(scale))?;
        let second = cut(&second);
        for ((table, _), (own, foreign)) in TABLES
            .into_iter()
            .zip([(&first, &second), (&second, &first)])
        {
            let labelled = own.train.len();
            let data = recipe::with_unlabelled(own, Some(&foreign.train))?;
            for training in trainings(table, scale, Images::of(&data.train), labelled) {
                laboratory.train(&training, &data)?;
            }
        }
        laboratory.draw_curves()
    }
}
