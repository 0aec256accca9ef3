//! The auto-encoder's experiments end to end at scale smoke.

use std::path::Path;

use assert_cmd::Command;

fn run(args: &[&str], out: &Path) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(args).args(["--scale", "smoke", "--quiet"]);
    let output = command
        .arg("--out")
        .arg(out)
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    (stdout, stderr)
}

#[test]
fn every_experiment_runs() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (text, _) = run(&["swwae"], dir.path());
    for wanted in [
        "pool 16, upsampling",
        "where x, horizontal shift",
        "SWWAE + dropout, 100 labels",
        "9.17~",
        "from memory, not checked",
        "300 images of mnist/train",
        "distance at level 2",
        "L2rec 1, L2M 10",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    for figure in [
        "swwae/where/smoke/figures/reconstructions.png",
        "swwae/equivariance/smoke/figures/what-and-where.png",
    ] {
        assert!(dir.path().join(figure).is_file(), "no {figure}");
    }
}

#[test]
fn label_draws_are_seeds_and_resume_begins_nothing_afresh() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (text, _) = run(&["swwae/mnist", "--seeds", "2"], dir.path());
    let row = text
        .lines()
        .find(|line| line.starts_with("SWWAE, 100 labels"));
    assert!(row.is_some_and(|row| row.contains("±")), "{text}");
    let weights = |seed: &str| {
        let row = dir.path().join("swwae/mnist/smoke/SWWAE-100-labels");
        let records = lab::report::read_records(&row.join(seed).join("record.json"));
        let run = dir.path().join(&records.expect("a record")[0].runs[0]);
        std::fs::read(run.join("checkpoint/weights.safetensors")).expect("weights")
    };
    let before = (weights("seed-0"), weights("seed-1"));
    assert!(before.0 != before.1);
    run(&["swwae/mnist", "--seeds", "2", "--resume"], dir.path());
    assert!(before == (weights("seed-0"), weights("seed-1")));
}
