//! `cargo xtask bench parts`: how many independent parts each layer's passes are cut into.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use super::printed::output;

/// Threads that the table is for.
const THREADS: [usize; 3] = [2, 8, 64];
/// Images in a batch.
const BATCHES: [usize; 2] = [128, 1];

/// A table of layers; each cell has the parts of forward pass, input gradient and weight gradient.
pub(super) fn table(binary: &Path) -> Result<String> {
    let mut columns = Vec::new();
    for batch in BATCHES {
        for threads in THREADS {
            let (batch_text, threads_text) = (batch.to_string(), threads.to_string());
            let arguments = ["--parts", &threads_text, "--batch", &batch_text];
            let name = format!("batch {batch}, {threads} threads");
            columns.push((name, output(binary, threads, &arguments)?));
        }
    }
    text(&columns)
}

/// The table of named columns, as `bench --parts` prints them.
fn text(columns: &[(String, String)]) -> Result<String> {
    let mut text = String::from("| layer |");
    for (name, _) in columns {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(text, "\n|:--|{}", "--:|".repeat(columns.len()));
    let mut lines: Vec<_> = columns.iter().map(|(_, column)| column.lines()).collect();
    while let Some(cells) = lines
        .iter_mut()
        .map(Iterator::next)
        .collect::<Option<Vec<_>>>()
    {
        for (at, line) in cells.into_iter().enumerate() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [layer, forward, input, weight] = fields[..] else {
                bail!("`bench --parts` prints {line:?}; a name and three numbers are expected");
            };
            if at == 0 {
                let _ = write!(text, "| {layer} |");
            }
            let _ = write!(text, " {forward} / {input} / {weight} |");
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_side_by_side() {
        let column = |name: &str, lines: &str| (name.to_string(), lines.to_string());
        let columns = [
            column("batch 1, 8 threads", "L1\t1\t2\t3\nL2\t4\t5\t6\n"),
            column("batch 1, 64 threads", "L1\t7\t8\t9\nL2\t10\t11\t12\n"),
        ];
        assert_eq!(
            text(&columns).unwrap(),
            "| layer | batch 1, 8 threads | batch 1, 64 threads |\n|:--|--:|--:|\n\
             | L1 | 1 / 2 / 3 | 7 / 8 / 9 |\n| L2 | 4 / 5 / 6 | 10 / 11 / 12 |\n"
        );
        assert!(text(&[column("broken", "L1\t1\n")]).is_err());
    }
}
