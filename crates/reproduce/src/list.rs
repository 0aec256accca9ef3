//! `--list`: every experiment, what it needs, and how long it takes.

use std::collections::BTreeMap;
use std::io::{Write, stdout};

use anyhow::Result;
use lab::data::{Mix, Source, load};
use lab::report::Scale;
use lab::train::duration;

use crate::experiment::{Experiment, Images};

/// Prints the list.
pub(crate) fn list(experiments: &[&'static dyn Experiment]) -> Result<()> {
    let mut out = stdout().lock();
    // Each embedded set is read once, not for every experiment.
    let mut embedded = BTreeMap::new();
    writeln!(out, "Times are estimates for two cores and one seed.\n")?;
    for experiment in experiments {
        writeln!(out, "{}: {}", experiment.id(), experiment.title())?;
        for scale in Scale::ALL {
            let (images, needs) = match experiment.embedded(scale) {
                Some(name) => {
                    if !embedded.contains_key(name) {
                        let data = load(name, &Source::Embedded)?;
                        embedded.insert(name, Images::of(&data.train));
                    }
                    (embedded[name], format!("nothing, runs on embedded {name}"))
                }
                None => {
                    let name = experiment.data_set();
                    let needs = format!("--data DIR with {name}, or --data hub");
                    (Images::expected(name), needs)
                }
            };
            let time = duration(seconds(*experiment, scale, images));
            writeln!(out, "  {scale:<6} {time:>12}  needs {needs}")?;
        }
    }
    Ok(())
}

/// The part of the speed of a full network that is left to the small ones, where every pass over memory counts more.
fn share(scale: Scale) -> f64 {
    match scale {
        Scale::Smoke | Scale::Quick => 0.4,
        Scale::Cpu | Scale::Paper => 1.0,
    }
}

/// Time of one seed at `scale`, from the multiplications of every training.
fn seconds(experiment: &dyn Experiment, scale: Scale, images: Images) -> f64 {
    let trainings = experiment.trainings(scale, images).into_iter();
    let seconds = trainings.map(|training| {
        let seen = training
            .train_images
            .unwrap_or(images.train)
            .min(images.train) as f64;
        let seen = seen * training.scenery.map_or(1.0, |of| of.share(images.classes));
        // Where batches are mixed, an epoch is a pass over the images without labels.
        let mixed = |mix: Mix| mix.batch_size() as f64 / mix.unlabelled.max(1) as f64;
        let seen = seen * training.recipe.mix().map_or(1.0, mixed);
        let passes = seen * training.recipe.epochs as f64 * training.candidates() as f64;
        // Forward, input gradient, weight gradient; two operations a multiplication.
        let flops = 6.0 * training.model.multiplications() * passes;
        flops / (training.model.gflops() * share(scale) * 1e9)
    });
    seconds.sum::<f64>().max(1.0)
}
