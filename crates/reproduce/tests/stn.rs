//! Tables 2 and 3 of the STN paper on files as a user has them, at scale smoke.

use std::path::{Path, PathBuf};
use std::process::Output;

use allconv::{AllConv, ImageNetConfig};
use assert_cmd::Command;
use candle_core::{DType, Device};
use lab::report::Picture;
use striate::Parameters;

fn reproduce(id: &str, data: &Path, out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(["stn", id, "--scale", "smoke", "--quiet", "--data"]);
    // A few files stand for the set.
    let mut part = std::ffi::OsString::from("subset:");
    part.push(data);
    command.arg(part).arg("--out").arg(out);
    command.output().expect("the program starts")
}

#[track_caller]
fn shows(output: &Output, wanted: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    assert!(!text.contains("not run"), "{text}");
}

/// The configuration of the run whose record lies in a folder below `out`.
fn config_of(folder: &str, out: &Path) -> String {
    let records = lab::report::read_records(&out.join(folder).join("record.json"));
    let records = records.expect("a record");
    let config = out.join(&records[0].runs[0]).join("config.toml");
    std::fs::read_to_string(config).expect("a configuration")
}

/// The error of a run that must fail.
fn fails(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && !errors.contains("panicked"),
        "{errors}"
    );
    errors
}

#[test]
fn house_numbers_of_both_crops_are_read() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../lab/tests/fixtures");
    let output = reproduce("table2", &data.join("svhn-numbers"), dir.path());
    shows(
        &output,
        &[
            "ST-CNN Multi, 64 px",
            "ST-CNN Single, 128 px",
            "svhn-numbers-64 (3 training and 1 test images)",
            "svhn-numbers-128 (3 training and 1 test images)",
        ],
    );
    let config = config_of("stn/table2/smoke/CNN-128-px/seed-0", dir.path());
    assert!(config.contains("side = 128"), "{config}");
    let text = fails(&reproduce("table2", &data.join("strokes/idx"), dir.path()));
    assert!(text.contains("found no svhn-numbers data"), "{text}");
}

#[test]
fn images_that_are_left_out_are_told_once() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = concat!(
        "subset:",
        env!("CARGO_MANIFEST_DIR"),
        "/../lab/tests/fixtures/svhn-numbers"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(["stn/table2", "--row", "CNN, 64 px", "--scale", "smoke"]);
    command.args(["--data", data, "--out"]).arg(dir.path());
    let output = command.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = errors.matches("1 images left out").count();
    assert_eq!(told, 1, "{errors}");
}

/// A folder of four pictures of two kinds of birds, in the official layout.
fn birds(dir: &Path) {
    let write = |path: &str, text: &str| std::fs::write(dir.join(path), text).expect("written");
    write("images.txt", "1 a.png\n2 b.png\n3 c.png\n4 d.png\n");
    write("image_class_labels.txt", "1 1\n2 2\n3 1\n4 2\n");
    write("train_test_split.txt", "1 1\n2 1\n3 0\n4 0\n");
    write("classes.txt", "1 001.Auk\n2 002.Jay\n");
    std::fs::create_dir(dir.join("images")).expect("a folder");
    for (at, file) in ["a.png", "b.png", "c.png", "d.png"].into_iter().enumerate() {
        let values: Vec<f32> = (0..3 * 130 * 150)
            .map(|i| ((i + 60 * at) % 256) as f32)
            .collect();
        let picture = Picture::new(&values, (3, 130, 150), (0.0, 255.0)).expect("a picture");
        picture.save(&dir.join("images").join(file)).expect("saved");
    }
}

#[test]
fn birds_need_a_backbone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (data, out) = (dir.path().join("birds"), dir.path().join("runs"));
    std::fs::create_dir(&data).expect("a folder");
    let text = fails(&reproduce("table3", &data, &out));
    assert!(
        text.contains("looked for images.txt") && text.contains("CUB_200_2011.tgz"),
        "{text}"
    );
    birds(&data);
    let text = fails(&reproduce("table3", &data, &out));
    for wanted in [
        "backbone.safetensors, which is not there",
        "allconv/imagenet",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    let backbone = Parameters::new(1, DType::F32, &Device::Cpu);
    let config = ImageNetConfig {
        width: 1.0 / 24.0,
        ..ImageNetConfig::ilsvrc2012()
    };
    AllConv::imagenet(&config, backbone.builder()).expect("a network");
    let file = data.join("backbone.safetensors");
    backbone.save(&file).expect("saved");
    let output = reproduce("table3", &data, &out);
    shows(
        &output,
        &[
            "4xST-CNN, 448 px",
            "cub200-224 (2 training and 2 test images)",
            "cub200-448 (2 training and 2 test images)",
        ],
    );
    let text = config_of("stn/table3/smoke/CNN-224-px/seed-0", &out);
    assert!(text.contains("backbone.safetensors"), "{text}");
    std::fs::write(&file, "no tensors").expect("written");
    let text = fails(&reproduce("table3", &data, &out));
    assert!(text.contains("cannot read the backbone"), "{text}");
}
