//! App. A.2: where in these pictures is what they have in common? Nothing is told but that they have something in common.
//!
//! Command: `cargo xtask reproduce stn/colocalisation`
//! Expected: the window finds the digit in all pictures without clutter; among clutter in 75 to 93 % of them, by class.
//! Cost: a classifier of digits and ten small transformers, twenty at scale cpu; `--list` prints the former's.
//! Deviations: [`Colocalisation::deviations`].

use anyhow::Result;
use candle_core::Tensor;
use lab::data::{CommonObject, Dataset, FloatSet, Preprocess, common_object};
use lab::report::{Claim, ImageGrid, Mark, Picture, Record, Scale};
use lab::train::{AdamConfig, LrSchedule, Recipe};
use stn::networks::{Body, CoLocalisationConfig, DigitConfig};

use super::search::{self, Search, Window};
use super::{looked, recipe};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::training::Training;

/// The row of the encoder, which is trained first.
const ENCODER: &str = "encoder: CNN on plain digits";
/// What is measured.
const FOUND: &str = "found";
/// Pictures of a class.
const PICTURES: usize = 100;
/// A window counts if it overlaps the digit's frame by more than this.
const OVERLAP: f64 = 0.5;
/// Clutter: none, and the paper's pieces.
const CLUTTER: [(&str, usize); 2] = [("T", 0), ("TC", 16)];
/// Digits that the encoder's codes are measured on.
const MEASURED: usize = 500;
/// Pictures of a class in the figure.
const SHOWN: usize = 6;

pub(crate) struct Colocalisation;

/// Sizes of the networks for digits of these images.
fn config(scale: Scale, images: Images) -> CoLocalisationConfig {
    let digit = images.size.1.max(images.size.2);
    CoLocalisationConfig {
        side: 3 * digit,
        crop: digit,
        body: Body::Cnn {
            filters: filters(scale),
        },
        ..CoLocalisationConfig::digits()
    }
}

/// Filters of the encoder; the codes of wide ones hold digits of a class further apart, and with 32 most windows stay lost.
fn filters(scale: Scale) -> usize {
    match scale {
        Scale::Paper => 64,
        Scale::Cpu | Scale::Quick | Scale::Smoke => 16,
    }
}

/// The kinds of pictures that are looked at.
fn clutter(scale: Scale) -> &'static [(&'static str, usize)] {
    match scale {
        Scale::Quick => &CLUTTER[..1],
        _ => &CLUTTER,
    }
}

impl Experiment for Colocalisation {
    fn id(&self) -> &'static str {
        "stn/colocalisation"
    }

    fn title(&self) -> &'static str {
        "finding what pictures have in common"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let classes = CLUTTER
            .iter()
            .flat_map(|(name, pieces)| (0..10).map(move |class| (row(name, class), *pieces)));
        let claim = |(row, pieces): (String, usize)| {
            let claim = Claim::new(self.id(), row, FOUND, "%").source("App. A.2");
            match pieces {
                0 => claim.value(100.0, Mark::Verified),
                _ => claim,
            }
        };
        let encoder = Claim {
            mark: Mark::Absent,
            ..Claim::new(self.id(), ENCODER, "test error", "%")
        };
        std::iter::once(encoder).chain(classes.map(claim)).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let found = "Found: pictures of a class, of 100, in which the window overlaps the frame of the digit's image by more than half of their union; \
                     they are those that it was trained on. Among clutter the paper says 75 to 93 %, by class.";
        let steps = search::steps(scale);
        let filters = filters(scale);
        let ours = format!(
            "Deviations: {steps} steps of Adam at 0.003 on all 100 pictures at once; \
             the code is the layer behind the second convolution alone, scaled so that digits are two margins from a blank crop; \
             windows shrink from the whole picture to the size of a digit by a schedule, and only their places are learnt; \
             random windows may hang over the edge; a search that ends with more than half the margin as its loss begins again, with five starts at most; an encoder of {filters} filters, trained on plain digits for few epochs; \
             the localisation net as described has 5,947 parameters where the text says 100k."
        );
        let mut notes = vec![found.to_owned(), ours];
        if scale == Scale::Quick {
            notes.push("Not run at this scale: pictures with clutter (TC).".to_owned());
        }
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = config(scale, images);
        let encoder = DigitConfig {
            classes: images.classes,
            ..DigitConfig::plain(config.crop, config.body)
        };
        let (epochs, batch_size) = match scale {
            Scale::Paper | Scale::Cpu => (4, 64),
            Scale::Quick => (8, 32),
            Scale::Smoke => (1, 32),
        };
        let adam = AdamConfig {
            lr: 0.002,
            ..AdamConfig::default()
        };
        let (train_images, test_images) = match scale {
            Scale::Smoke => (Some(200), Some(20)),
            _ => (None, None),
        };
        vec![Training {
            label: ENCODER.to_owned(),
            model: Box::new(encoder),
            recipe: Recipe {
                schedule: LrSchedule::cosine(0.0),
                ..Recipe::new(epochs, batch_size, adam)
            },
            rates: Vec::new(),
            train_images,
            test_images,
            initializer: None,
            preprocess: Preprocess::UnitRange,
            scenery: None,
        }]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let scale = laboratory.scale();
        let images = Images::of(&data.train);
        let trainings = self.trainings(scale, images);
        let Some(training) = trainings.first() else {
            return Ok(());
        };
        let Some(encoder) = laboratory.trained(training, data)? else {
            return Ok(());
        };
        let digits = &laboratory.prepare(training, data)?.0;
        let config = config(scale, images);
        let some = search::all(&digits.split_at(MEASURED).0, &laboratory.settings.device)?;
        let factors = search::factors(&config, &encoder.parameters, &some)?;
        let search = Search {
            config: CoLocalisationConfig { factors, ..config },
            scale,
            encoder: &encoder.parameters,
            seed: encoder.seed,
        };
        for &(name, pieces) in clutter(scale) {
            let mut figure = ImageGrid::new(format!("{name}: the window in the first pictures"));
            for class in 0..images.classes as u32 {
                let side = search.config.side;
                let seed = encoder.seed;
                let common = common_object(digits, class, PICTURES, side, pieces, seed)?;
                let label = row(name, class);
                let folder = laboratory.folder().join(name).join(class.to_string());
                let found = search.windows(laboratory, &common.pictures, &folder, &label)?;
                let (loss, starts) = (found.loss, found.starts);
                laboratory.console.note(format!(
                    "{} {label}: loss {loss:.3} a pair, from start {starts}",
                    self.id()
                ));
                let windows = found.windows;
                let claim = Claim::new(self.id(), label, FOUND, "%");
                let record = Record::new(&claim, laboratory.described(training, data), scale)
                    .value(encoder.seed, Some(percent_found(&common, &windows)));
                laboratory.keep(&folder, &record)?;
                figure.row(class.to_string(), pictures(&common.pictures, &windows)?);
            }
            laboratory.figure(name, &figure.draw()?)?;
        }
        Ok(())
    }
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
        pictures.push(looked::with_box(&image, window)?);
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
