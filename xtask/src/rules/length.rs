//! A file is short, so that it can be about one thing.

use super::finding::Finding;
use super::source::SourceFile;

/// Lines of code a file may have; blank lines, comments and tests do not count.
const LIMIT: usize = 250;

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    match file.lines() {
        0..=LIMIT => Vec::new(),
        lines => {
            let rule = format!("{lines} lines of code, and at most {LIMIT} are allowed: split it");
            vec![file.finding(1, &rule)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_comments_and_blank_lines_are_free() {
        let code = "fn f() {}\n".repeat(LIMIT);
        let free = "// comment\n\n/// Doc.\n".repeat(10);
        let tests = "#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n".repeat(10);
        let found = |path: &str, text: &str| check(&SourceFile::new(path, text).unwrap());
        let text = format!("//! a\n{free}{code}{tests}");
        assert_eq!(found("crates/a/src/b.rs", &text), []);
        let text = text + "fn h() {}\n";
        let findings = found("crates/a/src/b.rs", &text);
        assert!(findings[0].rule.starts_with("251 lines"), "{findings:?}");
        assert_eq!(found("crates/a/tests/b.rs", &text), []);
    }
}
