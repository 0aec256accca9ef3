//! One run alone, for a scheduler that starts each run as a process of its own.

use std::str::FromStr;

/// What alone is trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// The run of this name, which is that of its folder below `trained`.
    Run(String),
    /// Nothing: what is trained is reported.
    Nothing,
}

/// Digits of a run's name.
const DIGITS: usize = 16;

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        match text {
            "none" => Ok(Self::Nothing),
            name if name.len() == DIGITS && name.chars().all(hexadecimal) => {
                Ok(Self::Run(name.to_owned()))
            }
            _ => Err(format!(
                "wanted none, or the {DIGITS} hexadecimal digits of a run, as --list --json prints them"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_sixteen_digits() {
        assert_eq!("none".parse(), Ok(Only::Nothing));
        let name = "00ff00ff00ff00ff";
        assert_eq!(name.parse(), Ok(Only::Run(name.to_owned())));
        for wrong in ["", "all", "00FF00FF00FF00FF", "00ff", "../../../../etc/x"] {
            assert!(wrong.parse::<Only>().is_err(), "{wrong:?}");
        }
    }
}
