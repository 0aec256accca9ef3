//! How much of a paper's experiment is run.

/// How much of a paper's experiment is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scale {
    /// Seconds: everything runs once, on a sliver of data
    Smoke,
    /// Minutes on two cores, on embedded images
    #[default]
    Quick,
    /// Hours on two cores: the paper's data and networks, a shortened schedule
    Cpu,
    /// The paper's data, schedule and seeds
    Paper,
}

impl Scale {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Cpu => "cpu",
            Self::Paper => "paper",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn a_scale_is_read_by_its_name() {
        for scale in Scale::value_variants() {
            assert_eq!(Scale::from_str(scale.name(), false), Ok(*scale));
        }
    }
}
