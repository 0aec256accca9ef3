//! Fig. 3: what the strongest unit near the top looks at, by gradient, deconvnet and guided backpropagation.
//!
//! Expected: guided pictures are sharp in both networks; the deconvnet needs switches, which the all-convolutional network has not.
//! Deviations: CIFAR networks instead of the ImageNet one; beside the pictures, the sanity check of Adebayo et al. 2018:
//! the rank correlation of a method's pictures with those of the same network when all its layers are noise.

use allconv::attribution::{
    Attribution, Deconvnet, Gradient, GuidedBackprop, Target, cascading_randomization,
};
use allconv::{Architecture, BaseModel, Variant};
use anyhow::{Context, Result};
use candle_core::{DType, Tensor};
use lab::report::{ImageGrid, Note, Picture};
use striate::Network;

use super::setup::{CHOICES, CIFAR10, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::{self, Planned};
use crate::session::Session;

/// The layer near the top: the one before the class maps, in both networks, counted from the end.
const FROM_TOP: usize = 2;
/// Images shown.
const SHOWN: usize = 8;
/// Networks: with pooling, and without.
const NETWORKS: [Variant; 2] = [Variant::Base, Variant::AllConv];
/// What is measured of every method.
const SIMILARITY: &str = "similarity when all layers are noise";

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

pub(crate) const FIG3: Experiment = Experiment::new(
    "allconv/fig3",
    "what the strongest unit looks at, by three methods",
    CIFAR10,
    rows,
)
.choices(&[CHOICES])
.notes(&[
    Note::new(
        "The networks are those of Table 3 for small images, where the paper has its \
         ImageNet network.",
    ),
    Note::new(
        "Similarity is the rank correlation of absolute values, a mean over the images \
         shown: one means that the pictures do not depend on what the network has \
         learned.",
    ),
])
.of_one_seed()
.run(draw);

/// The networks, and the methods on each, which have rows of their own.
fn rows() -> Vec<Row> {
    let of_network = |variant: Variant| {
        let architecture = architecture(variant);
        let network = Row::new(architecture.to_string(), move |scale, images| {
            Some(SETUPS.at(scale).training(architecture, images))
        });
        let methods = names(variant)
            .iter()
            .map(move |name| Row::untrained(method_row(variant, name)).measured((SIMILARITY, "")));
        std::iter::once(network.measured_error()).chain(methods)
    };
    NETWORKS.into_iter().flat_map(of_network).collect()
}

fn draw(session: &mut Session, networks: &[Planned]) -> Result<()> {
    // With --row the list holds only some of the networks.
    for variant in NETWORKS {
        let network = architecture(variant).to_string();
        let is_wanted = |name: &&str| session.settings.wants(&method_row(variant, name));
        let row = networks.iter().find(|row| row.label == network);
        if row.is_some() || names(variant).iter().any(is_wanted) {
            let row = planned::network_row(row, session.id(), &network)?;
            draw_network(session, row, variant)?;
        }
    }
    session.draw_curves()
}

/// The row of what is measured of a method on a network.
fn method_row(variant: Variant, method: &str) -> String {
    format!("{}, {method}", architecture(variant))
}

/// The picture of a network, a column a method, and how alike its pictures are to those of noise.
fn draw_network(session: &mut Session, row: &Planned, variant: Variant) -> Result<()> {
    let Some(trained) = session.trained(row)? else {
        return Ok(());
    };
    let mut columns: Vec<String> = vec!["image".to_owned()];
    let mut rows: Vec<Vec<Picture>> = (0..SHOWN)
        .map(|index| Ok(vec![pictures::image(&row.data.test, index)?]))
        .collect::<Result<_>>()?;
    let network = trained.network.as_ref();
    let layer = layer(network)?;
    let layers: Vec<String> = network
        .layer_names()
        .into_iter()
        .filter(|name| name.starts_with("conv"))
        .collect();
    let sets = session.prepare(row)?;
    let device = session.device();
    let inputs: Vec<Tensor> = (0..SHOWN)
        .map(|index| pictures::input(&sets.1, index, device))
        .collect::<Result<_>>()?;
    let targets: Vec<Target> = inputs
        .iter()
        .map(|input| strongest(network, input, &layer))
        .collect::<Result<_>>()?;
    for (name, method) in methods(network, variant) {
        columns.push(name.to_owned());
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
        for (index, pictures) in rows.iter_mut().enumerate() {
            pictures.push(pictures::signal(&signals.narrow(0, index, 1)?)?);
        }
        let stages = cascading_randomization(&trained.parameters, &layers, 1, attribute)?;
        let last = stages.last().map(|stage| stage.similarity);
        let measured = Planned {
            label: method_row(variant, name),
            ..row.clone()
        };
        session.measured(&measured, (SIMILARITY, ""), trained.seed, last, None)?;
    }
    let mut grid = ImageGrid::new(format!(
        "what the strongest unit of {} before the class maps sees",
        row.label
    ))
    .columns(columns)
    .enlarge(4);
    rows.into_iter().for_each(|row| grid.row("", row));
    let name = format!("strongest-unit-{}", row.label.to_lowercase());
    session.figure(&name, &grid.draw()?)
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
