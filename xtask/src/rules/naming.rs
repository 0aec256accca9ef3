//! Layers of the crate `striate`, and models, that must not know each other.
//!
//! Kernels and reference see slices, never tensors, and judge each other in tests only.
//! Layers and models reach kernels through ops.

use super::finding::Finding;
use super::paths::NamedPath;
use super::source::SourceFile;

/// Files below a folder never name something.
struct Ban {
    folder: &'static str,
    name: Name,
    rule: &'static str,
}

/// What must not be named.
#[derive(Clone, Copy)]
enum Name {
    /// A word wherever it stands.
    Word(&'static str),
    /// A module: in a path or in a `use`, so that a variable may have the same name.
    Module(&'static str),
}

const KERNELS: &str = "crates/striate/src/kernels";
const REFERENCE: &str = "crates/striate/src/reference";

const BANS: [Ban; 13] = [
    Ban {
        folder: KERNELS,
        name: Name::Word("Tensor"),
        rule: "kernels see slices: never name `Tensor`",
    },
    Ban {
        folder: REFERENCE,
        name: Name::Word("Tensor"),
        rule: "reference sees slices: never name `Tensor`",
    },
    Ban {
        folder: KERNELS,
        name: Name::Module("reference"),
        rule: "kernels never import reference outside tests",
    },
    Ban {
        folder: REFERENCE,
        name: Name::Module("kernels"),
        rule: "reference never imports kernels",
    },
    Ban {
        folder: "crates/striate/src/layers",
        name: Name::Module("kernels"),
        rule: "layers never name a kernel: call an op",
    },
    model("crates/allconv/src"),
    model("crates/nin/src"),
    // Ops with kernels of their own stand beside these.
    model("crates/stn/src/networks"),
    model("crates/swwae/src/model"),
    model("crates/swwae/src/encoder"),
    model("crates/swwae/src/decoder"),
    model("crates/swwae/src/convnet"),
    model("crates/swwae/src/classifier"),
];

const fn model(folder: &'static str) -> Ban {
    Ban {
        folder,
        name: Name::Module("kernels"),
        rule: "models never name a kernel: use a layer or an op",
    }
}

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let bans = BANS.iter().filter(|ban| file.below(ban.folder));
    bans.flat_map(|ban| match ban.name {
        Name::Word(word) => file.findings(word, ban.rule),
        Name::Module(module) => {
            let names = |path: &&NamedPath| path.segments.iter().any(|name| name == module);
            let found = file.paths().iter().filter(names);
            found
                .map(|path| file.finding(path.line, ban.rule))
                .collect()
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&SourceFile::new(path, text).unwrap())
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn kernels_and_reference_stay_apart() {
        let text = "//! Not a Tensor; see reference and kernels.\nuse crate::reference::conv2d;\n\
                    use crate::kernels::conv2d;\nfn f(x: &Tensor) {}\nstruct TensorView;\n";
        assert_eq!(
            lines("crates/striate/src/kernels/conv2d/direct.rs", text),
            [4, 2]
        );
        assert_eq!(
            lines("crates/striate/src/reference/conv2d.rs", text),
            [4, 3]
        );
        assert!(lines("crates/striate/src/ops/conv2d.rs", text).is_empty());
    }

    #[test]
    fn tests_of_kernels_may_use_the_reference() {
        let text = "//! a\n#[cfg(test)]\nmod tests {\n    use crate::reference;\n}\n";
        assert!(lines("crates/striate/src/kernels/relu.rs", text).is_empty());
        let text = "//! a\nuse crate::reference;\n";
        assert!(lines("crates/striate/src/kernels/conv2d/tests.rs", text).is_empty());
    }

    #[test]
    fn layers_and_models_reach_kernels_through_ops() {
        let text = "//! a\nuse crate::kernels::relu;\n";
        assert_eq!(lines("crates/striate/src/layers/relu.rs", text), [2]);
        assert_eq!(lines("crates/striate/src/layers.rs", text), [2]);
        for model in [
            "crates/allconv/src/model.rs",
            "crates/nin/src/model.rs",
            "crates/stn/src/networks/digits.rs",
            "crates/swwae/src/model.rs",
        ] {
            assert_eq!(lines(model, text), [2], "{model}");
        }
        assert!(lines("crates/stn/src/sample/op.rs", text).is_empty());
    }

    #[test]
    fn a_variable_is_no_module() {
        let text = "//! a\nfn f(kernels: usize) {\n    let strides = Sizes { kernels };\n}\n\
                    use crate::{\n    kernels,\n};\nfn g() { striate::kernels::relu() }\n";
        assert_eq!(lines("crates/allconv/src/config.rs", text), [6, 8]);
    }
}
