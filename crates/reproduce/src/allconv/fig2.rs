//! Fig. 2: the test patches that excite some units most, beside what guided backpropagation shows of them.
//!
//! Command: `cargo xtask reproduce allconv/fig2`
//! Expected: units of the early layer stand for small patterns, those of the late layer for larger, class-like ones.
//! Cost: `--list` prints it.
//! Deviations: All-CNN-C on the small images instead of the ImageNet network, so the layers are conv3 and conv6;
//! the units are those with the strongest ten answers on the test images, since the paper does not name its own.

use allconv::attribution::{
    Attribution, Excitation, GuidedBackprop, Target, receptive_field, strongest,
};
use allconv::{Architecture, BaseModel, Config, Variant};
use anyhow::{Context, Result};
use candle_core::Tensor;
use lab::data::Dataset;
use lab::report::{Claim, ImageGrid, Mark, Scale};
use striate::{Network, Window2d};

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::pictures;
use crate::training::Training;

/// An early and a late layer.
const LAYERS: [&str; 2] = ["conv3", "conv6"];
/// Units of each layer.
const UNITS: usize = 4;
/// Patches of each unit.
const PATCHES: usize = 10;
/// Test images that are searched.
const SEARCHED: usize = 500;

pub(crate) struct Fig2;

fn architecture() -> Architecture {
    Architecture::new(BaseModel::C, Variant::AllConv)
}

impl Experiment for Fig2 {
    fn id(&self) -> &'static str {
        "allconv/fig2"
    }

    fn title(&self) -> &'static str {
        "patches that excite units of an early and a late layer most"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = Claim::new(self.id(), architecture().to_string(), "test error", "%");
        vec![Claim {
            mark: Mark::Absent,
            ..claim
        }]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        vec![recipe::training(architecture(), scale, images)]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let trainings = self.trainings(laboratory.scale(), Images::of(&data.train));
        let training = trainings.first().context("Fig. 2 trains one network")?;
        let Some(trained) = laboratory.trained(training, data)? else {
            return Ok(());
        };
        let network = trained.network.as_ref();
        let sets = laboratory.prepare(training, data)?;
        let device = laboratory.settings.device.clone();
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
                    let size = (data.test.height, data.test.width);
                    let field = receptive_field(&windows, excitation.position, size);
                    patches.push(pictures::image(&data.test, excitation.image)?.cropped(field)?);
                    signals.push(pictures::signal(&signal)?.cropped(field)?);
                }
                grid.row(format!("unit {channel}"), patches);
                grid.row("guided", signals);
            }
            laboratory.figure(&format!("{layer}-units"), &grid.draw()?)?;
        }
        Ok(())
    }
}

/// Names and windows of the layers, in forward order.
fn windows() -> Vec<(String, Window2d)> {
    let layers = Config::cifar10(architecture()).layers();
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
