//! All experiments, paper by paper.

use anyhow::{Result, bail};

use crate::experiment::Experiment;
use crate::{allconv, nin, stn, swwae};

/// A paper by the name of its crate, and its experiments in the order of the paper.
type Paper = (&'static str, &'static [Experiment]);

static PAPERS: &[Paper] = &[
    ("allconv", allconv::EXPERIMENTS),
    ("nin", nin::EXPERIMENTS),
    ("stn", stn::EXPERIMENTS),
    ("swwae", swwae::EXPERIMENTS),
];

/// Every experiment.
pub(crate) fn all() -> impl Iterator<Item = &'static Experiment> {
    PAPERS
        .iter()
        .flat_map(|(_, experiments)| experiments.iter())
}

/// The papers' names, for messages.
pub(crate) fn papers() -> String {
    PAPERS
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The experiments of `target` (a paper, `all`, or one experiment such as `allconv/table3`), cut down to `ids`.
pub(crate) fn choose(target: &str, ids: &[String]) -> Result<Vec<&'static Experiment>> {
    let (paper, first) = match target.split_once('/') {
        Some((paper, _)) => (paper, Some(target)),
        None => (target, None),
    };
    let known: Vec<&'static Experiment> = match PAPERS.iter().find(|(name, _)| *name == paper) {
        Some((_, experiments)) => experiments.iter().collect(),
        None if target == "all" => all().collect(),
        None => bail!(
            "{target:?} names no paper; wanted all, {}, or an experiment such as allconv/table3",
            papers()
        ),
    };
    let mut ids = first
        .into_iter()
        .chain(ids.iter().map(String::as_str))
        .peekable();
    if ids.peek().is_none() {
        return Ok(known);
    }
    let mut chosen: Vec<&'static Experiment> = Vec::new();
    for id in ids {
        let fits = |e: &&&Experiment| e.id == id || e.id.rsplit('/').next() == Some(id);
        match known.iter().find(fits) {
            Some(e) if chosen.iter().any(|c| c.id == e.id) => {}
            Some(e) => chosen.push(*e),
            None => {
                let ids: Vec<&str> = known.iter().map(|e| e.id).collect();
                bail!(
                    "there is no experiment {id:?}; the experiments are {}",
                    ids.join(", ")
                );
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_paper_or_an_experiment() {
        let chosen = |target: &str, ids: &[&str]| -> Result<Vec<&str>> {
            let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
            Ok(choose(target, &ids)?.iter().map(|e| e.id).collect())
        };
        let (one, two) = ("allconv/table3", "allconv/table4");
        assert_eq!(chosen(one, &[]).expect("known"), [one]);
        assert_eq!(chosen("allconv", &["table3"]).expect("known"), [one]);
        assert_eq!(
            chosen(one, &["table4", "table3"]).expect("known"),
            [one, two]
        );
        assert_eq!(chosen("all", &[]).expect("known").len(), all().count());
        for wrong in ["paper", "allconv/table99", "table3", ""] {
            assert!(chosen(wrong, &[]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ids_are_unique_and_below_their_paper() {
        let mut seen: Vec<&str> = Vec::new();
        for (paper, experiments) in PAPERS {
            for experiment in *experiments {
                let id = experiment.id();
                assert!(id.starts_with(&format!("{paper}/")), "{id}");
                assert!(!seen.contains(&id), "{id} twice");
                assert!(
                    experiment.claims().iter().all(|claim| claim.id == id),
                    "{id}"
                );
                seen.push(id);
            }
        }
    }
}
