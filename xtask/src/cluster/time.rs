//! Lengths of time, as Slurm reads them and as people do.

use anyhow::{Result, bail};

/// The seconds of a time limit: minutes, minutes:seconds, hours:minutes:seconds,
/// days-hours, days-hours:minutes or days-hours:minutes:seconds.
pub(super) fn limit(text: &str) -> Result<u64> {
    let wrong = || {
        format!(
            "--time {text}: wanted a time as Slurm writes it, such as 90 (minutes), 12:00:00 or 2-00:00"
        )
    };
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let number = |part: &str| part.parse().ok().filter(|_| !part.starts_with('+'));
        text.split(':').map(number).collect()
    };
    let seconds = match text.split_once('-') {
        Some((days, rest)) => match (numbers(days).as_deref(), numbers(rest).as_deref()) {
            (Some([d]), Some([h])) => sum(&[(*d, 86_400), (*h, 3600)]),
            (Some([d]), Some([h, m])) => sum(&[(*d, 86_400), (*h, 3600), (*m, 60)]),
            (Some([d]), Some([h, m, s])) => sum(&[(*d, 86_400), (*h, 3600), (*m, 60), (*s, 1)]),
            _ => None,
        },
        None => match numbers(text).as_deref() {
            Some([m]) => sum(&[(*m, 60)]),
            Some([m, s]) => sum(&[(*m, 60), (*s, 1)]),
            Some([h, m, s]) => sum(&[(*h, 3600), (*m, 60), (*s, 1)]),
            _ => None,
        },
    };
    match seconds {
        Some(seconds) if seconds >= SHORTEST => Ok(seconds),
        Some(_) => bail!("--time {text}: too short to train and save; give 2 minutes or more"),
        None => bail!(wrong()),
    }
}

/// A shorter limit leaves no time between the start and the signal that ends it.
const SHORTEST: u64 = 120;

fn sum(parts: &[(u64, u64)]) -> Option<u64> {
    parts.iter().try_fold(0u64, |sum, (count, unit)| {
        sum.checked_add(count.checked_mul(*unit)?)
    })
}

/// Seconds for people: `40 s`, `12 min`, `3.4 h`.
pub(super) fn shown(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_limit() {
        for (text, seconds) in [
            ("90", 5400),
            ("2:30", 150),
            ("12:00:00", 43_200),
            ("1-12", 129_600),
            ("2-00:30", 174_600),
            ("0-0:2:1", 121),
        ] {
            assert_eq!(limit(text).unwrap(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "1h",
            "1:2:3:4",
            "-5",
            "+9",
            "1-",
            "18446744073709551615",
            "x-1",
        ] {
            let error = limit(text).unwrap_err().to_string();
            assert!(error.contains("2-00:00"), "{error}");
        }
        assert!(limit("1").unwrap_err().to_string().contains("too short"));
    }

    #[test]
    fn times_for_people() {
        let shown = [40.0, 720.0, 12_240.0, 181_440.0].map(shown);
        assert_eq!(shown, ["40 s", "12 min", "3.4 h", "50.4 h"]);
    }
}
