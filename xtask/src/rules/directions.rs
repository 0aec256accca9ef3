//! Which crate of the workspace may depend on which.

use super::finding::Finding;
use super::manifest::{Dependency, Manifest};

/// A crate, and the crates of the workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("striate", &[]),
    ("striate-attribution", &["striate"]),
    ("allconv", &["striate", "striate-attribution"]),
    ("nin", &["striate"]),
    ("striate-stn", &["striate"]),
    ("swwae", &["striate"]),
    (
        "striate-onnx",
        &["striate", "allconv", "nin", "striate-stn", "swwae"],
    ),
    ("lab", &["striate"]),
    ("cli", &[]),
    (
        "reproduce",
        &[
            "striate",
            "allconv",
            "nin",
            "striate-stn",
            "swwae",
            "lab",
            "cli",
        ],
    ),
    (
        "conformance",
        &[
            "striate",
            "allconv",
            "nin",
            "striate-stn",
            "swwae",
            "lab",
            "reproduce",
        ],
    ),
    (
        "bench",
        &["striate", "allconv", "nin", "striate-stn", "swwae", "lab"],
    ),
    ("striate-fuzz", &["striate", "lab"]),
    ("xtask", &["cli"]),
];

/// What tests and examples of a crate may use beyond that.
const ALLOWED_FOR_TESTS: &[(&str, &[&str])] = &[
    // A network to look at.
    ("striate-attribution", &["allconv"]),
    // What its examples draw.
    ("nin", &["striate-attribution"]),
    // Networks that its examples train.
    ("lab", &["allconv", "cli", "nin", "striate-stn", "swwae"]),
];

/// Crates that must build in seconds, so Candle is out of the question.
const WITHOUT_CANDLE: [&str; 2] = ["xtask", "cli"];

pub(super) fn check(manifests: &[Manifest]) -> Vec<Finding> {
    let members: Vec<&str> = manifests.iter().map(Manifest::package).collect();
    manifests
        .iter()
        .flat_map(|manifest| check_one(manifest, &members))
        .collect()
}

fn check_one(manifest: &Manifest, members: &[&str]) -> Vec<Finding> {
    let package = manifest.package();
    let finding = |line, rule| Finding {
        path: manifest.path().to_owned(),
        line,
        rule,
    };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package) else {
        let rule = format!("crate {package} has no line in xtask/src/rules/directions.rs");
        return vec![finding(1, rule)];
    };
    let for_tests = ALLOWED_FOR_TESTS.iter().find(|(name, _)| *name == package);
    let for_tests = for_tests.map_or(&[][..], |(_, allowed)| allowed);
    let wrong = |dependency: &&Dependency| {
        let name = dependency.name.as_str();
        let candle = WITHOUT_CANDLE.contains(&package) && name.starts_with("candle");
        // A crate may name itself to turn on its own features for tests.
        let is_allowed = allowed.contains(&name) || dependency.is_dev && for_tests.contains(&name);
        candle || (members.contains(&name) && name != package && !is_allowed)
    };
    let found = manifest.dependencies().iter().filter(wrong);
    found
        .map(|d| finding(d.line, rule(package, &d.name, allowed)))
        .collect()
}

fn rule(package: &str, dependency: &str, allowed: &[&str]) -> String {
    let allowed = if allowed.is_empty() {
        "none".to_owned()
    } else {
        allowed.join(", ")
    };
    format!("{package} must not depend on {dependency} (of this workspace it may use: {allowed})")
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Renamed;
    use super::*;

    /// One line a dependency, the first on line 4.
    fn manifest(package: &str, dependencies: &[&str]) -> Manifest {
        let lines: String = dependencies
            .iter()
            .map(|d| format!("{d}.workspace = true\n"))
            .collect();
        let text = format!("[package]\nname = \"{package}\"\n[dependencies]\n{lines}");
        Manifest::parse(&format!("{package}/Cargo.toml"), &text, &Renamed::default()).unwrap()
    }

    #[test]
    fn allowed_directions_pass() {
        let manifests = [
            manifest("striate", &["candle-core", "striate"]),
            manifest("allconv", &["striate", "candle-nn"]),
            manifest("lab", &["striate", "image"]),
            manifest("reproduce", &["striate", "allconv", "lab"]),
            manifest("xtask", &["clap", "cli"]),
            manifest("cli", &["clap"]),
        ];
        assert_eq!(check(&manifests), []);
    }

    #[test]
    fn tests_may_use_more() {
        let lab = |kind: &str| {
            let text = format!("[package]\nname = \"lab\"\n[{kind}]\nnin.workspace = true\n");
            Manifest::parse("lab/Cargo.toml", &text, &Renamed::default()).unwrap()
        };
        let nin = || manifest("nin", &[]);
        assert_eq!(check(&[lab("dev-dependencies"), nin()]), []);
        assert_eq!(check(&[lab("dependencies"), nin()]).len(), 1);
    }

    #[test]
    fn wrong_directions_are_found() {
        let manifests = [
            manifest("striate", &["candle-core", "lab"]),
            manifest("allconv", &["striate", "lab"]),
            manifest("lab", &["allconv"]),
            manifest("xtask", &["candle-core", "striate"]),
            manifest("cli", &["lab"]),
        ];
        let places: Vec<_> = check(&manifests)
            .iter()
            .map(|f| (f.path.clone(), f.line))
            .collect();
        let expected = [
            ("striate", 5),
            ("allconv", 5),
            ("lab", 4),
            ("xtask", 4),
            ("xtask", 5),
            ("cli", 4),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(p, line)| (format!("{p}/Cargo.toml"), *line))
            .collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn a_crate_of_another_name_is_found() {
        let renamed = "[workspace.dependencies]\nstn = { package = \"striate-stn\" }\n";
        let renamed = Renamed::parse("Cargo.toml", renamed).unwrap();
        let text = "[package]\nname = \"swwae\"\n[dependencies]\nstn.workspace = true\n";
        let swwae = Manifest::parse("swwae/Cargo.toml", text, &renamed).unwrap();
        let findings = check(&[swwae, manifest("striate-stn", &[])]);
        assert!(findings[0].rule.contains("on striate-stn"), "{findings:?}");
    }

    #[test]
    fn a_crate_without_a_rule_is_found() {
        let findings = check(&[manifest("pooling", &[])]);
        assert!(findings[0].rule.contains("directions.rs"), "{findings:?}");
    }
}
