//! App. A.2: where in these pictures is what they have in common? No labels say where or what it is.
//!
//! Expected: the window finds the digit in all pictures without clutter; among clutter in most of them, by class.

use anyhow::Result;
use candle_core::Tensor;
use lab::data::{CommonObject, FloatSet, common_object};
use lab::report::{ImageGrid, Mark, Note, Picture, Scales};
use lab::train::{LrSchedule, Recipe};
use stn::networks::{Body, CoLocalisationConfig, DigitConfig};

use super::found::{CHOICES, FINDINGS, FOUND};
use super::grid_overlay;
use super::search::{self, Search, Window};
use super::setup::MNIST;
use crate::experiment::{Experiment, Row};
use crate::images::Images;
use crate::planned::{self, Planned};
use crate::session::Session;
use crate::training::{Training, adam};

/// The row of the encoder, which is trained first.
const ENCODER: &str = "encoder: CNN on plain digits";
/// Pictures of a class.
const PICTURES: usize = 100;
/// A window counts if it overlaps the digit's frame by more than this.
const OVERLAP: f64 = 0.5;
/// Pictures without clutter, and with the paper's pieces of it.
const PLAIN: (&str, usize) = ("T", 0);
const CLUTTERED: (&str, usize) = ("TC", 16);
/// Digits that the encoder's codes are measured on.
const MEASURED: usize = 500;
/// Pictures of a class in the figure.
const SHOWN: usize = 2;
/// Classes side by side.
const ACROSS: usize = 5;

/// A setup of appendix A.2.
struct Setup {
    /// Filters of the encoder; the codes of wide ones hold digits of a class further apart, and with 32 most windows stay lost.
    filters: usize,
    epochs: usize,
    batch_size: usize,
    images: (Option<usize>, Option<usize>),
    /// Steps of a search, each on all pictures.
    steps: usize,
    /// The kinds of pictures.
    clutter: &'static [(&'static str, usize)],
}

const PAPER: Setup = Setup {
    filters: 64,
    epochs: 4,
    batch_size: 64,
    images: (None, None),
    steps: 200,
    clutter: &[PLAIN, CLUTTERED],
};

const CPU: Setup = Setup {
    filters: 16,
    ..PAPER
};

const QUICK: Setup = Setup {
    epochs: 8,
    batch_size: 32,
    clutter: &[PLAIN],
    ..CPU
};

const SMOKE: Setup = Setup {
    epochs: 1,
    images: (Some(200), Some(20)),
    steps: 2,
    clutter: &[PLAIN, CLUTTERED],
    ..QUICK
};

const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

pub(crate) const COLOCALISATION: Experiment = Experiment::new(
    "stn/colocalisation",
    "finding what pictures have in common",
    MNIST,
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::with(
        "Found: pictures of a class, of {pictures}, in which the window overlaps the \
         frame of the digit's image by more than {overlap} of their union; they are \
         those that it was trained on.",
        &[("pictures", PICTURES as f64), ("overlap", OVERLAP)],
    ),
    Note::with(
        "Among clutter the paper finds {least} to {most} %, by class.",
        &[("least", 75.0), ("most", 93.0)],
    ),
    Note::with(
        "A search is {steps} steps of Adam on all pictures at once, with a rate that falls from \
         {rate} to nothing by a cosine and a decay of the squares of {beta}, where the paper has \
         SGD.",
        &[
            ("steps", PAPER.steps as f64),
            ("rate", search::RATE),
            ("beta", search::BETA2),
        ],
    ),
    Note::with(
        "The code is the layer after the second convolution alone, scaled so that \
         digits are {margins} margins from a blank crop, where the paper has the activations of \
         three layers.",
        &[("margins", search::TO_BLANK)],
    ),
    Note::with(
        "Windows shrink from the whole picture to the size of a digit by a schedule, \
         and only their places are learned, where the paper learns their size, too; random \
         windows may hang over the edge; a \
         search that ends with more than {lost} of the margin as its loss begins again, \
         with {starts} starts at most.",
        &[("lost", search::LOST), ("starts", search::STARTS as f64)],
    ),
    Note::with(
        "The localisation net as described has {ours} parameters where the text says \
         {paper}.",
        &[("ours", 5_947.0), ("paper", 100_000.0)],
    ),
])
.of_one_seed()
.run(run);

fn rows() -> Vec<Row> {
    let encoder = Row::new(ENCODER, |scale, images| {
        let setup = SETUPS.at(scale);
        let config = config(setup, images);
        let encoder = DigitConfig {
            classes: images.classes,
            ..DigitConfig::plain(config.crop, config.body)
        };
        let recipe = Recipe {
            schedule: LrSchedule::cosine(0.0),
            ..Recipe::new(setup.epochs, setup.batch_size, adam(0.002))
        };
        Some(Training {
            train_images: setup.images.0,
            test_images: setup.images.1,
            ..Training::new(encoder, recipe)
        })
    });
    let of_class = |(name, pieces): (&'static str, usize)| {
        (0..10).map(move |class| {
            let row = Row::untrained(row(name, class));
            match pieces {
                0 => row.number(FOUND, 100.0, Mark::Verified, "App. A.2"),
                _ => row.unknown(FOUND, "App. A.2"),
            }
        })
    };
    let classes = [PLAIN, CLUTTERED].into_iter().flat_map(of_class);
    std::iter::once(encoder.measured_error())
        .chain(classes)
        .collect()
}

/// Sizes of the networks for digits of these images.
fn config(setup: &Setup, images: &Images) -> CoLocalisationConfig {
    let digit = images.side();
    CoLocalisationConfig {
        side: 3 * digit,
        crop: digit,
        body: Body::Cnn {
            filters: setup.filters,
        },
        ..CoLocalisationConfig::digits()
    }
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    let encoder_row = planned::network_row(rows.first(), session.id(), ENCODER)?;
    let setup = SETUPS.at(session.scale());
    let images = Images::of(&encoder_row.data);
    let Some(encoder) = session.trained(encoder_row)? else {
        return Ok(());
    };
    let sets = session.prepare(encoder_row)?;
    let digits = &sets.0;
    let config = config(setup, &images);
    let some = search::all(&digits.split_at(MEASURED).0, session.device())?;
    let factors = search::factors(&config, &encoder.parameters, &some)?;
    let search = Search {
        config: CoLocalisationConfig { factors, ..config },
        steps: setup.steps,
        encoder: &encoder.parameters,
        seed: encoder.seed,
    };
    let settings = encoder_row.settings(&encoder_row.training, encoder.seed)?;
    for &(name, pieces) in setup.clutter {
        let mut shown = Vec::new();
        for class in 0..images.classes as u32 {
            let label = row(name, class);
            if !session.settings.wants(&label) {
                continue;
            }
            let (side, seed) = (search.config.side, encoder.seed);
            let common = common_object(digits, class, PICTURES, side, pieces, seed)?;
            let found = search.windows(session, &common.pictures, &label, &settings)?;
            let Some(found) = found else { continue };
            session.console().note(format!(
                "{} {label}: loss {:.3} a pair, from start {}",
                session.id(),
                found.loss,
                found.starts
            ));
            let measured = Planned {
                label,
                ..encoder_row.clone()
            };
            let share = percent_found(&common, &found.windows);
            session.measured(
                &measured,
                FOUND,
                seed,
                Some(share),
                Some(common.boxes.len()),
            )?;
            shown.push(pictures(&common.pictures, &found.windows)?);
        }
        if !shown.is_empty() {
            let title = format!("{name}: the window in the first pictures of each digit");
            let mut figure = ImageGrid::new(title);
            for k in 0..SHOWN {
                for classes in shown.chunks(ACROSS) {
                    let kth = classes.iter().filter_map(|shown| shown.get(k).cloned());
                    figure.row("", kth.collect());
                }
            }
            session.figure(name, &figure.draw()?)?;
        }
    }
    Ok(())
}

fn row(name: &str, class: u32) -> String {
    format!("{name}, digit {class}")
}

fn percent_found(common: &CommonObject, windows: &[Window]) -> f64 {
    let pairs = windows.iter().zip(&common.boxes);
    let found = pairs.filter(|(window, frame)| overlap(window, frame) > OVERLAP);
    100.0 * found.count() as f64 / common.boxes.len().max(1) as f64
}

/// The intersection of two boxes as a share of their union.
fn overlap(a: &Window, b: &Window) -> f64 {
    let area =
        |&[left, top, right, bottom]: &Window| (right - left).max(0.0) * (bottom - top).max(0.0);
    let both = area(&[
        a[0].max(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].min(b[3]),
    ]);
    both / (area(a) + area(b) - both).max(f64::MIN_POSITIVE)
}

/// The first pictures with their windows.
fn pictures(set: &FloatSet, windows: &[Window]) -> Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    for (index, window) in windows.iter().enumerate().take(SHOWN) {
        let Some(image) = set.image(index) else { break };
        let image = Tensor::from_slice(image, (set.height, set.width), &candle_core::Device::Cpu)?;
        pictures.push(grid_overlay::with_box(&image, window)?);
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps() {
        let unit = [0.0, 0.0, 2.0, 2.0];
        assert_eq!(overlap(&unit, &unit), 1.0);
        assert_eq!(overlap(&unit, &[2.0, 0.0, 4.0, 2.0]), 0.0);
        assert!((overlap(&unit, &[1.0, 0.0, 3.0, 2.0]) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(overlap(&unit, &[5.0, 5.0, 4.0, 4.0]), 0.0);
    }
}
