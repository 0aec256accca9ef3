//! Verdicts and tables at the width and in the colors of a terminal.

use console::{Style, Term, measure_text_width, truncate_str};

use super::{Finding, Judgement, Record, Verdict};

/// What the standard output can show.
///
/// A pipe or a file has no width, so that nothing is cut, and no colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns; `None`: no limit.
    pub width: Option<usize>,
    /// Whether colors are shown.
    pub colors: bool,
}

impl Terminal {
    /// No limit and no colors.
    pub const PLAIN: Self = Self {
        width: None,
        colors: false,
    };

    /// The standard output of this process; `NO_COLOR` and `TERM=dumb` are respected.
    pub fn stdout() -> Self {
        let term = Term::stdout();
        if !term.is_term() {
            return Self::PLAIN;
        }
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: term.size_checked().map(|(_, columns)| columns.into()),
            colors: !no_color && term.features().colors_supported(),
        }
    }

    /// A line of text cut to the width.
    pub(super) fn cut(&self, line: &str) -> String {
        match self.width {
            Some(width) => truncate_str(line, width.max(8), "…").into_owned(),
            None => line.to_owned(),
        }
    }
}

/// A finding and what the records say of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Judged {
    /// What the paper claims.
    pub finding: Finding,
    /// One judgement for each scale and data set.
    pub judgements: Vec<Judgement>,
}

impl Judged {
    /// Judges every finding by the records of its experiment.
    pub fn all(findings: &[Finding], records: &[Record]) -> Vec<Self> {
        let judged = |finding: &Finding| Self {
            finding: *finding,
            judgements: finding.judge(records),
        };
        findings.iter().map(judged).collect()
    }
}

/// The verdicts of an experiment, a line each: verdict, experiment, what the paper says, what was seen.
///
/// ```
/// use lab::report::{Finding, Judged, Relation, Terminal, verdict_lines};
/// const FINDING: Finding =
///     Finding::of_error("B errs less than A.", "Table 1", Relation::Falls(&["A", "B"]));
/// let judged = Judged::all(&[FINDING], &[]);
/// let lines = verdict_lines("nin/table1", &judged, &Terminal::PLAIN);
/// assert_eq!(lines, "not run           nin/table1  B errs less than A.\n");
/// ```
pub fn verdict_lines(id: &str, judged: &[Judged], terminal: &Terminal) -> String {
    let lines = judged.iter().flat_map(
        |Judged {
             finding,
             judgements,
         }| {
            judgements.iter().map(move |judgement| {
                let verdict = judgement.verdict;
                let word = format!("{:<16}", verdict.words());
                let word = style(verdict).force_styling(terminal.colors).apply_to(word);
                let seen = evidence(judgement);
                let text = shown(&format!("{id}  {}{seen}", finding.sentence));
                terminal.cut(&format!("{word}  {text}")) + "\n"
            })
        },
    );
    lines.collect()
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Holds => Style::new().green(),
        Verdict::DoesNotHold => Style::new().red(),
        Verdict::WithinTheNoise => Style::new().yellow(),
        Verdict::NotRun => Style::new().dim(),
    }
}

/// The comparison that decided, if any.
fn evidence(judgement: &Judgement) -> String {
    let mut parts = judgement.comparisons.iter();
    match parts.find(|part| part.verdict == judgement.verdict) {
        Some(part) => format!(" {}.", part.evidence),
        None => String::new(),
    }
}

/// Text from outside without what a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(plain).collect()
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    measure_text_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Claim, Relation, Scale};

    const FINDING: Finding = Finding::of_error(
        "B errs less than A.",
        "Table 1",
        Relation::Falls(&["A", "B"]),
    );

    fn judged() -> Vec<Judged> {
        let record = |model: &str, error| Record {
            test_images: Some(10_000),
            ..Record::new(
                &Claim::new("p/t", model, "test error", "%"),
                "d",
                Scale::Quick,
            )
            .value(0, Some(error))
        };
        Judged::all(&[FINDING], &[record("A", 9.0), record("B", 7.0)])
    }

    #[test]
    fn a_pipe_gets_the_whole_line_without_colors() {
        assert_eq!(
            verdict_lines("p/t", &judged(), &Terminal::PLAIN),
            "holds             p/t  B errs less than A. B 7.00, A 9.00; lower by 2.00 ± 0.77.\n"
        );
    }

    #[test]
    fn a_terminal_gets_colors_and_no_more_than_its_width() {
        let terminal = Terminal {
            width: Some(40),
            colors: true,
        };
        let line = verdict_lines("p/t", &judged(), &terminal);
        assert!(line.starts_with("\u{1b}[32mholds"), "{line:?}");
        assert_eq!(columns(line.trim_end()), 40);
        assert!(line.contains('…'));
    }

    #[test]
    fn text_cannot_drive_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
