//! Fig. 3: what the strongest unit near the top looks at, by gradient, deconvnet and guided backpropagation.
//!
//! Command: `cargo xtask reproduce allconv/fig3`
//! Expected: guided pictures are sharp in both networks; the deconvnet needs switches, which the all-convolutional network has not.
//! Cost: `--list` prints it.
//! Deviations: CIFAR networks instead of the ImageNet one; beside the pictures, the sanity check of Adebayo et al. 2018:
//! the rank correlation of a method's pictures with those of the same network when all its layers are noise.

use allconv::attribution::{
    Attribution, Deconvnet, Gradient, GuidedBackprop, Target, cascading_randomization,
};
use allconv::{Architecture, BaseModel, Variant};
use anyhow::{Context, Result};
use candle_core::{DType, Tensor};
use lab::data::Dataset;
use lab::report::{Claim, ImageGrid, Mark, Picture, Record, Scale};
use striate::Network;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::pictures;
use crate::training::Training;

/// The layer near the top: the one before the class maps, in both networks, counted from the end.
const FROM_TOP: usize = 2;
/// Images shown.
const SHOWN: usize = 8;
/// Networks: with pooling, and without.
const NETWORKS: [Variant; 2] = [Variant::Base, Variant::AllConv];
/// What is measured of every method.
const SIMILARITY: &str = "similarity when all layers are noise";

pub(crate) struct Fig3;

/// A method by the name in the figure.
type Method<'a> = (&'static str, Box<dyn Attribution + 'a>);

fn methods<'a>(network: &'a dyn Network, variant: Variant) -> Vec<Method<'a>> {
    let mut methods: Vec<Method> = vec![
        ("gradient", Box::new(Gradient::new(network))),
        ("deconvnet", Box::new(Deconvnet::new(network))),
    ];
    if variant == Variant::Base {
        let without = Deconvnet::new(network).without_switches();
        methods.push(("no switches", Box::new(without)));
    }
    methods.push(("guided", Box::new(GuidedBackprop::new(network))));
    methods
}

/// The names of [`methods`].
fn names(variant: Variant) -> &'static [&'static str] {
    match variant {
        Variant::Base => &["gradient", "deconvnet", "no switches", "guided"],
        _ => &["gradient", "deconvnet", "guided"],
    }
}

fn architecture(variant: Variant) -> Architecture {
    Architecture::new(BaseModel::C, variant)
}

impl Experiment for Fig3 {
    fn id(&self) -> &'static str {
        "allconv/fig3"
    }

    fn title(&self) -> &'static str {
        "what the strongest unit looks at, by three methods"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |model: String, quantity: &str, unit: &str| Claim {
            mark: Mark::Absent,
            ..Claim::new(self.id(), model, quantity, unit)
        };
        let of_network = |variant: Variant| {
            let network = architecture(variant);
            let mut claims = vec![claim(network.to_string(), "test error", "%")];
            claims.extend(
                names(variant)
                    .iter()
                    .map(|name| claim(format!("{network}, {name}"), SIMILARITY, "")),
            );
            claims
        };
        NETWORKS.into_iter().flat_map(of_network).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(
            "Similarity is the rank correlation of absolute values, a mean over the images shown: \
             1 means that the pictures do not depend on what the network has learned."
                .to_owned(),
        );
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        NETWORKS
            .map(|variant| recipe::training(architecture(variant), scale, images))
            .into()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let trainings = self.trainings(laboratory.scale(), Images::of(&data.train));
        let mut columns: Vec<String> = vec!["image".to_owned()];
        let mut rows: Vec<Vec<Picture>> = (0..SHOWN)
            .map(|index| Ok(vec![pictures::image(&data.test, index)?]))
            .collect::<Result<_>>()?;
        for (variant, training) in NETWORKS.into_iter().zip(&trainings) {
            let Some(trained) = laboratory.trained(training, data)? else {
                return Ok(());
            };
            let network = trained.network.as_ref();
            let layer = layer(network)?;
            let layers: Vec<String> = network
                .layer_names()
                .into_iter()
                .filter(|name| name.starts_with("conv"))
                .collect();
            let sets = laboratory.prepare(training, data)?;
            let device = &laboratory.settings.device;
            let inputs: Vec<Tensor> = (0..SHOWN)
                .map(|index| pictures::input(&sets.1, index, device))
                .collect::<Result<_>>()?;
            let targets: Vec<Target> = inputs
                .iter()
                .map(|input| strongest(network, input, &layer))
                .collect::<Result<_>>()?;
            for (name, method) in methods(network, variant) {
                columns.push(format!("{} {name}", architecture(variant)));
                let attribute = || {
                    let of = |(input, target): (&Tensor, &Target)| method.attribute(input, target);
                    let signals: Vec<Tensor> = inputs
                        .iter()
                        .zip(&targets)
                        .map(of)
                        .collect::<candle_core::Result<_>>()?;
                    Tensor::cat(&signals, 0)
                };
                let signals = attribute()?;
                for (index, row) in rows.iter_mut().enumerate() {
                    row.push(pictures::signal(&signals.narrow(0, index, 1)?)?);
                }
                let stages = cascading_randomization(&trained.parameters, &layers, 1, attribute)?;
                let last = stages.last().map(|stage| stage.similarity);
                let claim = Claim::new(
                    self.id(),
                    format!("{}, {name}", architecture(variant)),
                    SIMILARITY,
                    "",
                );
                let dataset = laboratory.described(training, data);
                let record =
                    Record::new(&claim, dataset, laboratory.scale()).value(trained.seed, last);
                laboratory.keep(
                    &laboratory
                        .folder()
                        .join("similarity")
                        .join(format!("{variant:?}-{name}")),
                    &record,
                )?;
            }
        }
        let mut grid = ImageGrid::new("strongest unit of the layer before the class maps")
            .columns(columns)
            .enlarge(4);
        rows.into_iter().for_each(|row| grid.row("", row));
        laboratory.figure("strongest-unit", &grid.draw()?)?;
        laboratory.draw_curves()
    }
}

/// The layer [`FROM_TOP`] below the class scores.
fn layer(network: &dyn Network) -> Result<String> {
    let names = network.layer_names();
    let index = names.len().checked_sub(FROM_TOP + 1);
    let name = index.and_then(|index| names.get(index));
    name.cloned()
        .context("the network has too few layers for Fig. 3")
}

/// The unit of the layer that answers most to the image.
fn strongest(network: &dyn Network, input: &Tensor, layer: &str) -> Result<Target> {
    let maps = network.forward_to(input, layer)?.detach();
    let (_, c, h, w) = maps.dims4()?;
    let best: Vec<f32> = maps
        .to_dtype(DType::F32)?
        .reshape((c, h * w))?
        .max(1)?
        .to_vec1()?;
    let channel = (0..c).fold(0, |best_so_far, at| {
        if best[at] > best[best_so_far] {
            at
        } else {
            best_so_far
        }
    });
    Ok(Target::strongest(layer, channel))
}
