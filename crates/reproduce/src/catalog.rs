//! All experiments, paper by paper.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use lab::report::Scale;

use crate::experiment::Experiment;
use crate::{allconv, components, datasets, nin, stn, swwae};

/// Every experiment, in the order of the papers.
pub(crate) fn all() -> impl Iterator<Item = &'static Experiment> {
    let papers = [
        allconv::EXPERIMENTS,
        nin::EXPERIMENTS,
        stn::EXPERIMENTS,
        swwae::EXPERIMENTS,
        components::EXPERIMENTS,
    ];
    papers.into_iter().flatten()
}

/// The experiments with these names, in this order.
pub(crate) fn find(ids: &[&str]) -> Vec<&'static Experiment> {
    let known = |id: &&str| all().find(|experiment| experiment.id == *id);
    ids.iter().filter_map(known).collect()
}

/// Refuses the name of a row that none of these experiments has.
pub(crate) fn know_rows(experiments: &[&'static Experiment], names: &[String]) -> Result<()> {
    let rows = |experiment: &&Experiment| (experiment.rows)().into_iter().map(|row| row.label);
    let known: BTreeSet<String> = experiments.iter().flat_map(rows).collect();
    match names.iter().find(|name| !known.contains(*name)) {
        None => Ok(()),
        Some(name) => bail!(
            "--row {name}: there is no such row; wanted {}",
            known.into_iter().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Refuses learning rates to choose from for a network that has no error to choose by.
pub(crate) fn know_rates(
    experiments: &[&'static Experiment],
    names: &[String],
    scale: Scale,
    rates: &[f64],
) -> Result<()> {
    if rates.len() < 2 {
        return Ok(());
    }
    for experiment in experiments {
        for row in (experiment.rows)() {
            let images = datasets::of_paper(&experiment.data_of(&row)).1;
            let is_wanted = names.is_empty() || names.contains(&row.label);
            let training = row.training(scale, &images).filter(|_| is_wanted);
            if training.is_some_and(|training| !training.model.classifies()) {
                bail!(
                    "--rates: {} {:?} has no error to choose a learning rate by; give one rate, or name other experiments",
                    experiment.id,
                    row.label
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_command_line_knows_every_experiment() {
        let known = ::cli::EXPERIMENTS.iter().flat_map(|(_, ids)| ids.iter());
        let known: Vec<&str> = known.copied().collect();
        let ids: Vec<&str> = all().map(|experiment| experiment.id).collect();
        assert_eq!(known, ids, "crates/cli/src/experiments.rs lists them");
        assert_eq!(find(&ids).len(), ids.len());
    }

    #[test]
    fn rows_have_names_of_their_own() {
        for experiment in all() {
            let labels: Vec<String> = (experiment.rows)().into_iter().map(|r| r.label).collect();
            let distinct: HashSet<&String> = labels.iter().collect();
            assert_eq!(distinct.len(), labels.len(), "{}", experiment.id);
        }
    }
}
