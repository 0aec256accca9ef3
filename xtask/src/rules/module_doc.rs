//! Every Rust file starts with a `//!` line that says what it is.

use super::finding::Finding;
use super::source::SourceFile;

const RULE: &str = "a file starts with a `//!` line that says what it is";

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let first = file.text().lines().next().unwrap_or("");
    let says = first
        .strip_prefix("//!")
        .is_some_and(|doc| !doc.trim().is_empty());
    if says {
        Vec::new()
    } else {
        vec![file.finding(1, RULE)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_must_say_something() {
        let broken =
            |text| !check(&SourceFile::new("crates/a/src/lib.rs", text).unwrap()).is_empty();
        assert!(!broken("//! Pooling.\nuse a;\n"));
        for text in [
            "",
            "//!\n//! Pooling.\n",
            "use a;\n//! Pooling.\n",
            "// Pooling.\n",
        ] {
            assert!(broken(text), "{text:?}");
        }
    }
}
