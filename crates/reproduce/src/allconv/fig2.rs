//! Fig. 2: the test patches that excite some units most, beside what guided backpropagation shows of them.
//!
//! Expected: units of the early layer stand for small patterns, those of the late layer for larger, class-like ones.
//! Deviations: All-CNN-C on the small images instead of the ImageNet network, so the layers are conv3 and conv6;
//! the units are those whose strongest ten answers on the test images stand out most, since the paper does not name its own.

use allconv::Config;
use allconv::attribution::{
    Attribution, Excitation, GuidedBackprop, Target, receptive_field, strongest_of_each,
};
use anyhow::{Context, Result};
use candle_core::{Device, Error};
use lab::data::{Batches, FloatSet};
use lab::report::{ImageGrid, Note, Picture};
use striate::{Network, Window2d};

use super::setup::{CHOICES, CIFAR10, SETUPS};
use super::table4::ALL_CNN_C;
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;

/// An early and a late layer.
const LAYERS: [&str; 2] = ["conv3", "conv6"];
/// Units of each layer.
const UNITS: usize = 4;
/// Patches of each unit.
const PATCHES: usize = 10;
/// Images that a unit's patches may share with those of another: units that are nearly alike are shown once.
const SHARED: usize = 2;
/// Test images in a batch while all are searched.
const BATCH: usize = 500;
/// A patch is enlarged to this many pixels, or a little less.
const SHOWN: u32 = 60;

pub(crate) const FIG2: Experiment = Experiment::new(
    "allconv/fig2",
    "patches that excite units of an early and a late layer most",
    CIFAR10,
    rows,
)
.choices(&[CHOICES])
.notes(&[
    Note::new(
        "The network is All-CNN-C on small images, where the paper has its ImageNet \
         network.",
    ),
    Note::with(
        "The units are those whose strongest {patches} answers to test images stand out \
         most from their answers to all test images, without those that have more than \
         {shared} of these images in common with one shown, since the paper does not name its \
         own.",
        &[("patches", PATCHES as f64), ("shared", SHARED as f64)],
    ),
])
.of_one_seed()
.run(draw);

fn rows() -> Vec<Row> {
    let row = Row::new(ALL_CNN_C.to_string(), |scale, images| {
        Some(SETUPS.at(scale).training(ALL_CNN_C, images))
    });
    vec![row.measured_error()]
}

fn draw(session: &mut Session, rows: &[Planned]) -> Result<()> {
    for row in rows {
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let network = trained.network.as_ref();
        let sets = session.prepare(row)?;
        let device = session.device().clone();
        let windows = windows();
        for layer in LAYERS {
            let seen = windows.iter().position(|(name, _)| name == layer);
            let seen = seen.context("the layer is listed")?;
            let windows: Vec<Window2d> =
                windows[..=seen].iter().map(|(_, window)| *window).collect();
            let field = Field::new(&windows);
            let mut grid = ImageGrid::new(format!(
                "{layer}: strongest patches, and what guided backpropagation shows of them"
            ))
            .enlarge((SHOWN / field.size.0.max(field.size.1) as u32).max(1));
            for (channel, best) in units(network, &sets.1, &device, layer)? {
                let (mut patches, mut signals) = (Vec::new(), Vec::new());
                for excitation in best {
                    let target = Target::unit(layer, channel, excitation.position);
                    let input = pictures::input(&sets.1, excitation.image, &device)?;
                    let signal = GuidedBackprop::new(network).attribute(&input, &target)?;
                    let image = pictures::image(&row.data.test, excitation.image)?;
                    patches.push(field.of(&image, excitation.position)?);
                    signals.push(field.of(&pictures::signal(&signal)?, excitation.position)?);
                }
                grid.row(format!("unit {channel}"), patches);
                grid.row("guided", signals);
            }
            session.figure(&format!("{layer}-units"), &grid.draw()?)?;
        }
    }
    Ok(())
}

/// What the units of a layer see.
struct Field<'a> {
    /// Those of the layers up to theirs.
    windows: &'a [Window2d],
    /// Height and width where no border cuts it.
    size: (usize, usize),
}

impl<'a> Field<'a> {
    fn new(windows: &'a [Window2d]) -> Self {
        // A unit in the middle of an image that is larger than every field.
        let (_, _, height, width) =
            receptive_field(windows, (1 << 20, 1 << 20), (1 << 30, 1 << 30));
        let size = (height, width);
        Self { windows, size }
    }

    /// The part of a picture that the unit at `position` sees, with gray where it sees no image.
    fn of(&self, picture: &Picture, position: (usize, usize)) -> Result<Picture> {
        let image = (picture.height() as usize, picture.width() as usize);
        let seen = receptive_field(self.windows, position, image);
        let (top, left, height, width) = seen;
        let beside = |start: usize, length: usize, image: usize, whole: usize| {
            let missing = (whole - length) as u32;
            // A field as large as this is cut by one border, or by both.
            match (start == 0, start + length == image) {
                (true, true) => (missing / 2, missing - missing / 2),
                (true, false) => (missing, 0),
                _ => (0, missing),
            }
        };
        let (above, below) = beside(top, height, image.0, self.size.0);
        let (before, after) = beside(left, width, image.1, self.size.1);
        let part = picture.cropped(seen)?;
        Ok(part.padded((above, before, below, after), [128; 3]))
    }
}

/// Names and windows of the layers, in forward order.
fn windows() -> Vec<(String, Window2d)> {
    let layers = Config::cifar10(ALL_CNN_C).layers();
    let with_window = layers
        .iter()
        .filter_map(|layer| Some((layer.name().to_owned(), *layer.window()?)));
    with_window.collect()
}

/// The [`UNITS`] channels of a layer whose [`PATCHES`] strongest answers are largest beside their mean answer.
fn units(
    network: &dyn Network,
    images: &FloatSet,
    device: &Device,
    layer: &str,
) -> Result<Vec<(usize, Vec<Excitation>)>> {
    let batches = Batches::eval(images, BATCH, device)?
        .map(|batch| batch.map(|batch| batch.xs).map_err(Error::wrap));
    let answers = strongest_of_each(network, batches, layer, usize::MAX)?;
    let sum = |answers: &[Excitation]| answers.iter().map(|e| e.activation).sum::<f64>();
    let mut units: Vec<(f64, usize, Vec<Excitation>)> = answers
        .into_iter()
        .enumerate()
        .map(|(channel, mut answers)| {
            let all = sum(&answers);
            answers.truncate(PATCHES);
            // A unit that never answers stands out from nothing.
            let share = if all > 0.0 { sum(&answers) / all } else { 0.0 };
            (share, channel, answers)
        })
        .collect();
    units.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let mut chosen: Vec<(usize, Vec<Excitation>)> = Vec::new();
    for (_, channel, best) in units {
        let shares = |(_, other): &(usize, Vec<Excitation>)| {
            let known = |e: &&Excitation| other.iter().any(|o| o.image == e.image);
            best.iter().filter(known).count() > SHARED
        };
        if chosen.len() < UNITS && !chosen.iter().any(shares) {
            chosen.push((channel, best));
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_at_the_border_is_as_large_as_others() {
        let windows: Vec<Window2d> = windows().into_iter().take(3).map(|(_, w)| w).collect();
        let field = Field::new(&windows);
        assert_eq!(field.size, (7, 7));
        let black = Picture::new(&[0.0; 32 * 32], (1, 32, 32), (0.0, 1.0)).unwrap();
        // The unit at the left lower corner sees (30, 0) in the middle, three pixels to every side.
        let patch = field.of(&black, (15, 0)).unwrap();
        let seen = |x: usize, y: usize| patch.pixels()[(y * 7 + x) * 3] == 0;
        assert_eq!((patch.width(), patch.height()), (7, 7));
        for (x, y) in (0..7).flat_map(|y| (0..7).map(move |x| (x, y))) {
            assert_eq!(seen(x, y), x >= 3 && y < 5, "({x}, {y})");
        }
    }
}
