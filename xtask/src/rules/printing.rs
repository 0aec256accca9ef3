//! Libraries print nothing: `println!` and `print!` belong to binaries, tests, examples and benches.

use super::Finding;
use super::source::SourceFile;

const RULE: &str = "`println!` and `print!` only in binaries, tests, examples and benches";

/// Crates that are binaries from end to end.
const BINARIES: [&str; 2] = ["crates/reproduce/src", "xtask/src"];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let printer = BINARIES.iter().any(|folder| file.below(folder))
        || ["examples", "benches", "bin"]
            .iter()
            .any(|folder| file.in_folder(folder))
        || ["/main.rs", "/build.rs"]
            .iter()
            .any(|name| file.path().ends_with(name));
    if printer {
        return Vec::new();
    }
    let words = ["println!", "print!"].iter();
    words
        .flat_map(|word| file.findings(file.product(), word, RULE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_a_person_looks() {
        let text = "//! a\nfn f() { println!(\"a\"); }\nfn g() { print!(\"b\"); eprintln!(\"c\"); }\n\
                    #[cfg(test)]\nmod tests { fn h() { println!(\"d\"); } }\n";
        let lines = |path| -> Vec<usize> {
            check(&SourceFile::new(path, text))
                .iter()
                .map(|finding| finding.line)
                .collect()
        };
        assert_eq!(lines("crates/lab/src/train/fit.rs"), [2, 3]);
        for path in [
            "crates/lab/benches/batches.rs",
            "crates/lab/tests/readers.rs",
            "crates/allconv/examples/saliency.rs",
            "crates/reproduce/src/allconv/table3.rs",
            "xtask/src/ci.rs",
        ] {
            assert_eq!(lines(path), [], "{path}");
        }
    }
}
