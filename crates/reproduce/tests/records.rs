//! What records say: of runs that are used again, of runs that diverged, and of what is measured after a training.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use lab::report::{Record, file_name, read_records, write_records};
use lab::train::sha256;
use striate::model_file::ModelFile;

const ROW: &str = "NIN + dropout";

/// Runs at scale smoke, and gives what was said on standard error.
fn reproduce(args: &[&str], out: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(args).args(["--scale", "smoke", "--quiet"]);
    let output: Output = command
        .arg("--out")
        .arg(out)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    said
}

/// The file of a row's record: that of its test error, or of another quantity.
fn file_of(id: &str, row: &str, quantity: Option<&str>, out: &Path) -> PathBuf {
    let folder = out.join(id).join("smoke").join(file_name(row));
    let folder = folder.join("seed-0");
    let folder = match quantity {
        Some(quantity) => folder.join(file_name(quantity)),
        None => folder,
    };
    folder.join("record.json")
}

fn read(file: &Path) -> Record {
    read_records(file).expect("records").swap_remove(0)
}

#[test]
fn a_run_that_is_used_again_says_where_it_was_trained() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["nin/table4", "--row", ROW];
    let file = file_of("nin/table4", ROW, None, dir.path());
    reproduce(&args, dir.path());
    let origin = dir.path().join(&read(&file).runs[0]).join("origin.json");
    let mut elsewhere = read(&file);
    elsewhere.date = "2001-02-03".to_owned();
    elsewhere.environment.machine = "another machine".to_owned();
    // By its record, by the file in its folder, and by both.
    fs::remove_file(&origin).expect("the run says where it was trained");
    write_records(&file, std::slice::from_ref(&elsewhere)).expect("written");
    reproduce(&args, dir.path());
    assert_eq!(read(&file), elsewhere);
    fs::remove_file(&file).expect("a record");
    reproduce(&args, dir.path());
    assert_eq!(read(&file), elsewhere);
    reproduce(&args, dir.path());
    assert_eq!(read(&file), elsewhere);
    reproduce(&[&args[..], &["--again"]].concat(), dir.path());
    let again = read(&file);
    assert_ne!(again.date, elsewhere.date);
    assert_ne!(again.environment, elsewhere.environment);
}

#[test]
fn a_run_that_is_done_again_has_a_new_model_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["nin/table4", "--row", ROW];
    reproduce(&args, dir.path());
    let run = &read(&file_of("nin/table4", ROW, None, dir.path())).runs[0];
    let model = dir.path().join(run).join("model.safetensors");
    ModelFile::open(&model).expect("a model file");
    fs::write(&model, "of other weights").expect("written");
    reproduce(&[&args[..], &["--again"]].concat(), dir.path());
    ModelFile::open(&model).expect("a model file");
}

#[test]
fn a_training_that_diverges_in_its_last_step_has_no_number() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for epochs in [None, Some("2")] {
        let out = dir.path().join(epochs.unwrap_or("own"));
        let mut args = vec!["nin/table4", "--rates", "1e300"];
        args.extend(epochs.iter().flat_map(|&epochs| ["--epochs", epochs]));
        // And once more with what is there.
        for _ in 0..2 {
            reproduce(&args, &out);
            for row in [ROW, "NIN + dropout, rate falls at plateaus"] {
                let record = read(&file_of("nin/table4", row, None, &out));
                assert_eq!(record.values, [None], "{row}");
                assert!(record.outcomes.is_empty(), "{row}");
                assert_eq!(record.has_other_epochs(), epochs.is_some(), "{row}");
            }
        }
    }
}

#[test]
fn weights_that_make_no_model_file_end_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["nin/table4", "--row", ROW];
    reproduce(&args, dir.path());
    let record = read(&file_of("nin/table4", ROW, None, dir.path()));
    let run = dir.path().join(&record.runs[0]);
    // As an earlier version kept a training that diverged in its last step.
    let weights = run.join("checkpoint/weights.safetensors");
    let mut bytes = fs::read(&weights).expect("weights");
    let last = bytes.len() - size_of::<f32>();
    bytes.truncate(last);
    bytes.extend(f32::NAN.to_le_bytes());
    fs::write(&weights, &bytes).expect("written");
    let result = run.join("result.json");
    let text = fs::read(&result).expect("a result");
    let mut value: serde_json::Value = serde_json::from_slice(&text).expect("a result");
    value["weights_sha256"] = sha256(&bytes).into();
    fs::write(&result, value.to_string()).expect("written");
    fs::remove_file(run.join("model.safetensors")).expect("a model file");
    let said = reproduce(&args, dir.path());
    assert!(said.contains("no model file is written"), "{said}");
    assert!(said.contains("must be finite"), "{said}");
}

#[test]
fn what_is_measured_after_a_training_names_its_epochs_and_its_images() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    reproduce(&["nin/fig4", "--epochs", "2"], dir.path());
    let strongest = "strongest map is that of the true class";
    for quantity in [None, Some(strongest)] {
        let record = read(&file_of("nin/fig4", ROW, quantity, dir.path()));
        let images = record.test_images.expect("a share of test images");
        let told = format!("and {images} test images)");
        assert!(record.dataset.ends_with(&told), "{}", record.dataset);
        assert!(record.has_other_epochs(), "{quantity:?}");
    }
    reproduce(&["stn/grids", "--row", "RTS: ST-CNN Aff"], dir.path());
    let difference = "difference within a class, input";
    let record = read(&file_of(
        "stn/grids",
        "RTS: ST-CNN Aff",
        Some(difference),
        dir.path(),
    ));
    assert_eq!(record.test_images, None);
    assert_eq!(record.standard_error(), None);
    assert!(!record.has_other_epochs());
}
