//! `unsafe` lives in the kernels of a crate alone, tests and benches of other places included.

use super::Finding;
use super::source::SourceFile;

const FOLDERS: [&str; 2] = ["crates/striate/src/kernels", "crates/stn/src/kernels"];
const RULE: &str = "`unsafe` only below crates/striate/src/kernels/ and crates/stn/src/kernels/";

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    if FOLDERS.iter().any(|folder| file.below(folder)) {
        return Vec::new();
    }
    file.findings(file.code(), "unsafe", RULE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_kernels() {
        let text = "//! unsafe\nfn f() {\n    unsafe { g() } // unsafe\n}\n#![deny(unsafe_code)]\n";
        let lines = |path| -> Vec<usize> {
            check(&SourceFile::new(path, text))
                .iter()
                .map(|finding| finding.line)
                .collect()
        };
        assert_eq!(lines("crates/striate/src/ops/relu.rs"), [3]);
        assert_eq!(lines("crates/striate/src/kernels/simd/x86.rs"), []);
        assert_eq!(lines("crates/stn/src/kernels/lanes.rs"), []);
        assert_eq!(lines("crates/stn/src/sample/op.rs"), [3]);
    }
}
