//! How much of the paper a run does.

use std::fmt;

/// The four scales, from seconds to days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Scale {
    /// Seconds: every experiment end to end on a sliver of data.
    Smoke,
    /// Minutes on two cores: narrow networks on real images that are part of the program.
    Quick,
    /// Hours to days on two cores: the paper's data and networks, a shortened schedule.
    Cpu,
    /// The paper's data, networks and schedule.
    Paper,
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Cpu => "cpu",
            Self::Paper => "paper",
        })
    }
}
