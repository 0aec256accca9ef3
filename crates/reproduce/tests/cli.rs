//! The command line as a user meets it: a smoke run, the list, and errors of one line with a cure.

use std::path::Path;

use assert_cmd::Command;

fn reproduce(args: &[&str], out: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(args).args(["--out".as_ref(), out.as_os_str()]);
    command.output().expect("the program starts")
}

#[test]
fn smoke() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = [
        "allconv", "table3", "table4", "large", "--scale", "smoke", "--quiet",
    ];
    let output = reproduce(&args, dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for wanted in ["All-CNN-C", "9.08", "fashion-mnist", "smoke"] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    assert!(dir.path().join("report.md").is_file() && dir.path().join("index.html").is_file());
    let record = dir
        .path()
        .join("allconv/table3/smoke/All-CNN-C/seed-0/record.json");
    let before = std::fs::read_to_string(&record).expect("a record");
    let again = reproduce(
        &[
            "allconv", "table3", "--scale", "smoke", "--quiet", "--resume",
        ],
        dir.path(),
    );
    assert!(again.status.success());
    assert_eq!(
        before,
        std::fs::read_to_string(&record).expect("a record"),
        "resume trains nothing again"
    );
}

#[test]
fn same_seed_same_numbers() {
    let error = |threads: &str| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let args = [
            "allconv",
            "table4",
            "--scale",
            "smoke",
            "--json",
            "--quiet",
            "--seed",
            "7",
            "--threads",
            threads,
        ];
        let output = reproduce(&args, dir.path());
        let lines = String::from_utf8(output.stdout).expect("text");
        lines
            .lines()
            .map(|line| {
                let record: serde_json::Value =
                    serde_json::from_str(line).expect("a record a line");
                (
                    record["train_loss"].to_string(),
                    record["error"].to_string(),
                )
            })
            .collect::<Vec<_>>()
    };
    let one = error("1");
    assert_eq!(one.len(), 2);
    assert_eq!(one, error("2"));
}

#[test]
fn list_names_every_experiment() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = reproduce(&["all", "--list"], dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    for id in [
        "allconv/table3",
        "allconv/table4",
        "allconv/table5",
        "allconv/large",
        "allconv/imagenet",
    ] {
        assert!(text.contains(id), "no {id} in {text}");
    }
}

#[test]
fn errors_name_the_cure() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let empty = empty.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 7] = [
        (&["allconv", "table9"], "allconv/table3"),
        (&["allconv", "table3", "--scale", "cpu"], "--data DIR"),
        (&["allconv", "table5"], "--data DIR"),
        (
            &["allconv", "table3", "--data", "/no/such/folder"],
            "no such folder",
        ),
        (&["allconv", "table3", "--data", &empty], "cifar10"),
        (
            &["allconv", "table3", "--device", "tpu"],
            "cpu, cuda:N or metal:N",
        ),
        (&["allconv", "table3", "--shard", "5/4"], "I/N"),
    ];
    for (args, wanted) in cases {
        let output = reproduce(args, dir.path());
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?} succeeded");
        assert!(text.contains(wanted), "{args:?}: no {wanted:?} in {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
}
