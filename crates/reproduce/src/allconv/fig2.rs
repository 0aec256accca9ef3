//! Fig. 2: the test patches that excite some units most, beside what guided backpropagation shows of them.
//!
//! Expected: units of the early layer stand for small patterns, those of the late layer for larger, class-like ones.
//! Deviations: All-CNN-C on the small images instead of the ImageNet network, so the layers are conv3 and conv6;
//! the units are those with the strongest ten answers on the test images, since the paper does not name its own.

use allconv::Config;
use allconv::attribution::{
    Attribution, Excitation, GuidedBackprop, Target, receptive_field, strongest,
};
use anyhow::{Context, Result};
use candle_core::Tensor;
use lab::report::{ImageGrid, Note};
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
/// Test images that are searched.
const SEARCHED: usize = 500;

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
        "The units are those with the strongest {patches} answers on {searched} test \
         images, since the paper does not name its own.",
        &[("patches", PATCHES as f64), ("searched", SEARCHED as f64)],
    ),
])
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
        let count = SEARCHED.min(sets.1.len());
        let images: Vec<Tensor> = (0..count)
            .map(|index| pictures::input(&sets.1, index, &device))
            .collect::<Result<_>>()?;
        let images = Tensor::cat(&images, 0)?;
        let windows = windows();
        for layer in LAYERS {
            let mut grid = ImageGrid::new(format!(
                "{layer}: strongest patches, and what guided backpropagation shows of them"
            ))
            .enlarge(3);
            for (channel, best) in units(network, &images, layer)? {
                let (mut patches, mut signals) = (Vec::new(), Vec::new());
                for excitation in best {
                    let target = Target::unit(layer, channel, excitation.position);
                    let input = images.narrow(0, excitation.image, 1)?;
                    let signal = GuidedBackprop::new(network).attribute(&input, &target)?;
                    let seen = windows
                        .iter()
                        .position(|(name, _)| name == layer)
                        .context("the layer is listed")?;
                    let windows: Vec<Window2d> =
                        windows[..=seen].iter().map(|(_, window)| *window).collect();
                    let size = (row.data.test.height, row.data.test.width);
                    let field = receptive_field(&windows, excitation.position, size);
                    patches
                        .push(pictures::image(&row.data.test, excitation.image)?.cropped(field)?);
                    signals.push(pictures::signal(&signal)?.cropped(field)?);
                }
                grid.row(format!("unit {channel}"), patches);
                grid.row("guided", signals);
            }
            session.figure(&format!("{layer}-units"), &grid.draw()?)?;
        }
    }
    Ok(())
}

/// Names and windows of the layers, in forward order.
fn windows() -> Vec<(String, Window2d)> {
    let layers = Config::cifar10(ALL_CNN_C).layers();
    let with_window = layers
        .iter()
        .filter_map(|layer| Some((layer.name().to_owned(), *layer.window()?)));
    with_window.collect()
}

/// The [`UNITS`] channels of a layer whose [`PATCHES`] strongest answers are strongest together.
fn units(
    network: &dyn Network,
    images: &Tensor,
    layer: &str,
) -> Result<Vec<(usize, Vec<Excitation>)>> {
    let channels = network
        .forward_to(&images.narrow(0, 0, 1)?, layer)?
        .dim(1)?;
    let mut units = Vec::with_capacity(channels);
    for channel in 0..channels {
        units.push((
            channel,
            strongest(network, images, layer, channel, PATCHES)?,
        ));
    }
    let sum = |best: &[Excitation]| best.iter().map(|e| e.activation).sum::<f64>();
    units.sort_by(|(_, a), (_, b)| sum(b).total_cmp(&sum(a)));
    units.truncate(UNITS);
    Ok(units)
}
