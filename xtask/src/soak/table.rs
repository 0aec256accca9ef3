//! Tries and failures of every check.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How often a check was tried, and how it went.
pub(super) struct Row {
    name: String,
    tries: usize,
    failures: usize,
    time: Duration,
}

impl Row {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            tries: 0,
            failures: 0,
            time: Duration::ZERO,
        }
    }

    pub(super) fn failures(&self) -> usize {
        self.failures
    }

    /// Counts one try, and prints what is wrong if it fails.
    pub(super) fn attempt(&mut self, attempt: impl FnOnce() -> Result<()>) {
        let begun = Instant::now();
        self.tries += 1;
        if let Err(error) = attempt() {
            self.failures += 1;
            println!("{}, try {}: {error:#}", self.name, self.tries);
        }
        self.time += begun.elapsed();
    }
}

/// The table, one row a check.
pub(super) fn table(rows: &[Row]) -> String {
    let mut lines = vec![format!(
        "{:<12}{:>8}{:>10}{:>10}",
        "check", "tries", "failures", "seconds"
    )];
    lines.extend(rows.iter().map(|row| {
        let seconds = row.time.as_secs_f64();
        format!(
            "{:<12}{:>8}{:>10}{seconds:>10.1}",
            row.name, row.tries, row.failures
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted() {
        let mut row = Row::new("kill".to_owned());
        row.attempt(|| Ok(()));
        row.attempt(|| anyhow::bail!("other weights"));
        let table = table(&[row]);
        let words: Vec<&str> = table.split_whitespace().collect();
        assert_eq!(words[4..7], ["kill", "2", "1"], "{table}");
    }
}
