//! `cargo xtask bench training`: how many images a second the training loop of `lab` leaves of the bare step's.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::sample::Series;

/// Steps of a sample, as `crates/bench/src/training.rs` has it.
const STEPS: usize = 8;

/// The cases of the workload, and what they are called.
const ROWS: [(&str, &str); 3] = [
    ("step", "step without dropout (W1)"),
    ("dropout", "step with dropout"),
    ("loop", "training loop of `lab`"),
];

/// A table of images a second, and what they are of the bare step's.
pub(super) fn table(series: &[Series], batch: usize) -> Result<String> {
    let rate = |case: &str| {
        let found = series.iter().find(|series| series.case == case);
        let found = found.with_context(|| format!("`bench` has no case {case:?}"))?;
        anyhow::Ok((STEPS * batch) as f64 / found.median() * 1e3)
    };
    let bare = rate(ROWS[0].0)?;
    let mut text =
        String::from("| All-CNN-C | images a second | of the bare step's |\n|:--|--:|--:|\n");
    for (case, title) in ROWS {
        let rate = rate(case)?;
        let _ = writeln!(text, "| {title} | {rate:.0} | {:.2} |", rate / bare);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_beside_the_bare_step() {
        let series = [
            Series::of("striate", "step", &[2000.0], 1.0),
            Series::of("striate", "dropout", &[2000.0], 1.0),
            Series::of("striate", "loop", &[2500.0], 1.0),
        ];
        let text = table(&series, 128).unwrap();
        assert!(
            text.contains("| step without dropout (W1) | 512 | 1.00 |"),
            "{text}"
        );
        assert!(
            text.ends_with("| training loop of `lab` | 410 | 0.80 |\n"),
            "{text}"
        );
        assert!(table(&series[1..], 128).is_err());
    }
}
