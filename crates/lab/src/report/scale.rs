//! How much of a paper's experiment is run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ReportError;

/// How much of a paper's experiment is run.
///
/// ```
/// use lab::report::Scale;
/// assert_eq!("quick".parse::<Scale>()?, Scale::Quick);
/// let error = "fast".parse::<Scale>().unwrap_err().to_string();
/// assert_eq!(error, "unknown scale \"fast\"; known are smoke, quick, cpu, paper");
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Seconds: everything runs once, on a sliver of data.
    Smoke,
    /// Minutes on two cores, on embedded images.
    Quick,
    /// Hours on two cores: the paper's data and networks, a shortened schedule.
    Cpu,
    /// The paper's data, schedule and seeds.
    Paper,
}

impl Scale {
    /// All, from small to large.
    pub const ALL: [Self; 4] = [Self::Smoke, Self::Quick, Self::Cpu, Self::Paper];

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

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scale {
    type Err = ReportError;

    fn from_str(word: &str) -> Result<Self, ReportError> {
        let found = Self::ALL.into_iter().find(|scale| scale.name() == word);
        found.ok_or_else(|| ReportError::UnknownWord {
            what: "scale",
            word: word.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}
