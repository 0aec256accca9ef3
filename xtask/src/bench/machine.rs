//! Where and when something was measured.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::workspace;

/// Says so if other processes are busy: then ratios still mean something, milliseconds do not.
pub(super) fn warn_if_busy() {
    if let Some(load) = load().filter(|&load| load > 0.5) {
        eprintln!("warning: the load is {load:.1}; other processes disturb the measurement");
    }
}

/// A line about machine, versions and date.
pub(super) fn stamp(torch: Option<&str>, rounds: Option<usize>) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let torch = torch.map_or_else(String::new, |version| format!(", PyTorch {version}"));
    let rounds = rounds.map_or_else(String::new, |n| format!(" medians of {n} turns or more;"));
    format!(
        "Measured on {} on {} ({} cores, {}) with {}{torch}, striate {};{rounds} load at the end {}.",
        date(),
        cpu(),
        cores,
        std::env::consts::OS,
        first_words(&mut Command::new("rustc"), "--version", 2),
        commit(),
        load().map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}")),
    )
}

fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let Some(model) = field("model name") else {
        return std::env::consts::ARCH.to_owned();
    };
    match (field("cpu family"), field("model\t")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model,
    }
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(workspace::root());
    git.args(["rev-parse", "--short"]);
    first_words(&mut git, "HEAD", 1)
}

fn first_words(command: &mut Command, arg: &str, count: usize) -> String {
    let output = command.arg(arg).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let words: Vec<String> = text
        .unwrap_or_default()
        .split_whitespace()
        .take(count)
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        "unknown".to_owned()
    } else {
        words.join(" ")
    }
}

/// Today, as year-month-day in UTC.
fn date() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil((seconds / 86_400) as i64);
    format!("{year}-{month:02}-{day:02}")
}

/// The Gregorian date of a day counted from 1970-01-01 (H. Hinnant's algorithm: years begin in March).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}
