//! The names of the experiments, so that a wrong one is refused before anything is built.
//!
//! A test of `reproduce` holds the list to its catalog.

use std::fmt;

use clap::builder::{PossibleValuesParser, StringValueParser, TypedValueParser};

/// Each paper by the name of its crate, with its experiments in the order of the paper.
pub const EXPERIMENTS: &[(&str, &[&str])] = &[
    (
        "allconv",
        &[
            "allconv/table3",
            "allconv/table4",
            "allconv/table5",
            "allconv/large",
            "allconv/imagenet",
            "allconv/fig2",
            "allconv/fig3",
        ],
    ),
    (
        "nin",
        &[
            "nin/table1",
            "nin/table2",
            "nin/table3",
            "nin/table4",
            "nin/table5",
            "nin/fig3",
            "nin/fig4",
        ],
    ),
    (
        "stn",
        &[
            "stn/table1",
            "stn/grids",
            "stn/tc",
            "stn/table2",
            "stn/table3",
            "stn/table4",
            "stn/colocalisation",
            "stn/volume",
            "stn/overhead",
            "stn/animation",
        ],
    ),
    (
        "swwae",
        &[
            "swwae/where",
            "swwae/equivariance",
            "swwae/mnist",
            "swwae/svhn",
            "swwae/stl10",
            "swwae/cifar",
            "swwae/ablation",
            "swwae/weights",
        ],
    ),
    // No paper's: what each idea buys in one network.
    ("components", &["components/plain", "components/distorted"]),
];

/// The experiment that was asked for is not among those that could be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownExperiment {
    /// What was asked for.
    pub name: String,
    /// What could have been asked for.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownExperiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.join(", ");
        write!(f, "there is no experiment {:?}; wanted {known}", self.name)
    }
}

impl std::error::Error for UnknownExperiment {}

/// The experiments of `target` (a paper, `all`, or one experiment), of which `ids` keep some.
///
/// An id is an experiment's full name, or the part after the paper's name.
/// After one experiment, the full name may be of another paper.
pub(crate) fn chosen(target: &str, ids: &[String]) -> Result<Vec<&'static str>, UnknownExperiment> {
    let paper = target.split('/').next().unwrap_or(target);
    let known: Vec<&'static str> = EXPERIMENTS
        .iter()
        .filter(|(name, _)| *name == paper || target == "all")
        .flat_map(|(_, ids)| ids.iter().copied())
        .collect();
    if known.is_empty() {
        return Err(UnknownExperiment {
            name: target.to_owned(),
            known: targets().collect(),
        });
    }
    let first = target.contains('/').then_some(target);
    let ids: Vec<&str> = first
        .into_iter()
        .chain(ids.iter().map(String::as_str))
        .collect();
    if ids.is_empty() {
        return Ok(known);
    }
    let mut chosen = Vec::new();
    for id in ids {
        let fits = |known: &&&str| **known == id || known.rsplit('/').next() == Some(id);
        let anywhere = || all().find(|other| first.is_some() && *other == id);
        match known.iter().find(fits).copied().or_else(anywhere) {
            Some(found) if chosen.contains(&found) => {}
            Some(found) => chosen.push(found),
            None => {
                return Err(UnknownExperiment {
                    name: id.to_owned(),
                    known,
                });
            }
        }
    }
    Ok(chosen)
}

/// Everything that can be asked for in the first place.
fn targets() -> impl Iterator<Item = &'static str> {
    let papers = EXPERIMENTS.iter().map(|(name, _)| *name);
    ["all"].into_iter().chain(papers).chain(all())
}

/// The experiments of all papers, by their full names.
fn all() -> impl Iterator<Item = &'static str> {
    EXPERIMENTS.iter().flat_map(|(_, ids)| ids.iter().copied())
}

pub(crate) fn target_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(targets())
}

/// Accepts any text, because which ids fit depends on the paper; a shell completes the known ones.
#[derive(Clone, Debug)]
pub(crate) struct IdParser;

impl TypedValueParser for IdParser {
    type Value = String;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let mut names: Vec<&str> = EXPERIMENTS
            .iter()
            .flat_map(|(_, ids)| ids.iter().filter_map(|id| id.rsplit('/').next()))
            .collect();
        names.sort_unstable();
        names.dedup();
        Some(Box::new(names.into_iter().map(Into::into)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: &str, ids: &[&str]) -> Result<Vec<&'static str>, UnknownExperiment> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        super::chosen(target, &ids)
    }

    #[test]
    fn a_target_is_a_paper_or_an_experiment() {
        let (one, two) = ("allconv/table3", "allconv/table4");
        assert_eq!(chosen(one, &[]).expect("known"), [one]);
        assert_eq!(chosen("allconv", &["table3", one]).expect("known"), [one]);
        assert_eq!(chosen(one, &["table4"]).expect("known"), [one, two]);
        assert_eq!(
            chosen(one, &["nin/table1", "table4"]).expect("known"),
            [one, "nin/table1", two]
        );
        assert_eq!(chosen("all", &[]).expect("known").len(), all().count());
        assert_eq!(chosen("all", &["nin/fig4"]).expect("known"), ["nin/fig4"]);
    }

    #[test]
    fn a_wrong_name_is_told_with_what_fits() {
        let error = chosen("nin", &["tabel1"]).expect_err("a typo").to_string();
        assert!(
            error.contains("\"tabel1\"") && error.contains("nin/table1"),
            "{error}"
        );
        assert!(!error.contains("allconv"), "{error}");
        for (target, ids) in [
            ("paper", &[][..]),
            ("allconv/table99", &[]),
            ("table3", &[]),
            ("", &[]),
        ] {
            assert!(chosen(target, ids).is_err(), "{target:?}");
        }
        assert!(chosen("nin", &["allconv/table3"]).is_err());
        assert!(chosen("nin/table1", &["allconv/table99"]).is_err());
    }

    #[test]
    fn ids_are_unique_and_below_their_paper() {
        let mut seen = Vec::new();
        for (paper, ids) in EXPERIMENTS {
            for id in *ids {
                assert!(
                    id.starts_with(&format!("{paper}/")) && !seen.contains(id),
                    "{id}"
                );
                seen.push(*id);
            }
        }
    }
}
