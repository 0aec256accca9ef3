//! An experiment: a table or figure of a paper as a list of runs.

use std::io::{Write, stdout};

use allconv::layer::{LayerSpec, output_shapes};
use anyhow::Result;

use crate::job::Job;
use crate::scale::Scale;

/// A table or figure of a paper.
pub(crate) trait Experiment: Sync {
    /// `paper/item`, as the paper numbers it.
    fn id(&self) -> &'static str;

    /// One line on what it shows.
    fn title(&self) -> &'static str;

    /// The paper's data set, by the name that [`lab::data::load`] knows.
    fn data_set(&self) -> &'static str;

    /// What stands in for it at a scale that needs no download; `None`: nothing does.
    fn embedded(&self, scale: Scale) -> Option<&'static str>;

    /// The runs at `scale`, for images of `image` = (channels, height, width) and `classes` classes.
    fn jobs(&self, scale: Scale, image: (usize, usize, usize), classes: usize) -> Vec<Job>;

    /// Where the runs at `scale` differ from the paper's, one sentence each.
    fn deviations(&self, scale: Scale) -> Vec<String>;
}

/// Prints every experiment, what it needs, and how long it takes.
///
/// # Errors
/// Standard output that cannot be written.
pub(crate) fn list(experiments: &[&'static dyn Experiment]) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "Times are estimates for two cores and one seed.\n")?;
    for experiment in experiments {
        writeln!(out, "{}: {}", experiment.id(), experiment.title())?;
        for scale in [Scale::Smoke, Scale::Quick, Scale::Cpu, Scale::Paper] {
            let (name, needs) = match experiment.embedded(scale) {
                Some(name) => (name, format!("nothing, runs on embedded {name}")),
                None => {
                    let name = experiment.data_set();
                    (name, format!("--data DIR with {name}, or --data hub"))
                }
            };
            writeln!(
                out,
                "  {scale:<6} {:>9}  needs {needs}",
                estimate(*experiment, scale, name)
            )?;
        }
    }
    Ok(())
}

/// What a training run reaches on two cores, preparation and evaluation included.
///
/// A step of All-CNN-C alone reaches 240 at full width; the narrow networks of the quick scale reach 16 to 63.
fn assumed_gflops(scale: Scale) -> f64 {
    match scale {
        Scale::Smoke | Scale::Quick => 40.0,
        Scale::Cpu | Scale::Paper => 100.0,
    }
}

/// Time of one seed at `scale`, from the multiplications of every run.
fn estimate(experiment: &dyn Experiment, scale: Scale, data: &str) -> String {
    let (image, classes, images) = match data {
        "fashion-mnist" => ((1, 28, 28), 10, 10_000),
        "cifar100" => ((3, 32, 32), 100, 50_000),
        "imagenet" => ((3, 224, 224), 1000, 1_281_167),
        _ => ((3, 32, 32), 10, 50_000),
    };
    let flops: f64 = experiment
        .jobs(scale, image, classes)
        .iter()
        .map(|job| {
            let seen = job.recipe.train_images.unwrap_or(images) as f64 * job.recipe.epochs as f64;
            // Forward, input gradient, weight gradient; two operations a multiplication.
            6.0 * multiplications(job) * seen * job.candidates() as f64
        })
        .sum();
    let seconds = flops / (assumed_gflops(scale) * 1e9);
    match seconds {
        s if s < 60.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86400.0),
    }
}

/// Multiplications of one forward pass of one image.
fn multiplications(job: &Job) -> f64 {
    let (layers, input) = job.network.layers_and_input();
    let Ok(shapes) = output_shapes(input, &layers) else {
        return 0.0;
    };
    let mut inputs = input.0;
    let mut sum = 0.0;
    for (layer, (channels, h, w)) in layers.iter().zip(shapes) {
        if let LayerSpec::Conv { window, .. } = layer {
            sum += (channels * h * w * inputs * window.size.0 * window.size.1) as f64;
            inputs = channels;
        }
    }
    sum
}
