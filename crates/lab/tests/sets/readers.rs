//! Every reader against files whose pixels are known, byte for byte.
//!
//! The files are those in `fixtures/` (made by `fixtures/make_fixtures.py`), and also those in the
//! folder named by `STRIATE_DATA_FIXTURES`, which has the same form: `expected.json`, and for each
//! set in it a folder with one folder for each layout.

use std::fs;
use std::path::Path;

use lab::data::{ImageSet, Source, describe, load};
use sha2::{Digest, Sha256};

use crate::fixtures::fixtures;

type Failure = Box<dyn std::error::Error>;

#[derive(serde::Deserialize)]
struct Expected {
    classes: Vec<String>,
    shape_hwc: [usize; 3],
    train: Split,
    test: Split,
}

#[derive(serde::Deserialize)]
struct Split {
    labels: Vec<u32>,
    pixels_sha256: Vec<String>,
}

fn check(place: &Path, set: &ImageSet, expected: &Expected, split: &Split) {
    let place = place.display();
    assert_eq!(
        [set.height, set.width, set.channels],
        expected.shape_hwc,
        "{place}: shape"
    );
    assert_eq!(set.class_names, expected.classes, "{place}: class names");
    assert_eq!(set.labels, split.labels, "{place}: labels");
    for (row, expected) in split.pixels_sha256.iter().enumerate() {
        let image = set
            .image(row)
            .unwrap_or_else(|| panic!("{place}: no image {row}"));
        let found: String = Sha256::digest(image)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(found, *expected, "{place}: pixels of image {row}");
    }
}

/// Checks all sets in all their layouts; returns the number of layouts.
fn check_folder(dir: &Path) -> Result<usize, Failure> {
    let expected = fs::read(dir.join("expected.json"))?;
    let expected: std::collections::BTreeMap<String, Expected> = serde_json::from_slice(&expected)?;
    let mut layouts = 0;
    for (name, expected) in &expected {
        for layout in fs::read_dir(dir.join(name))? {
            let layout = layout?.path();
            let data = load(name, &Source::Subset(layout.clone()))?;
            check(&layout, &data.train, expected, &expected.train);
            check(&layout, &data.test, expected, &expected.test);
            layouts += 1;
        }
        // The layout is also found from the folder of the set.
        let data = load(name, &Source::Subset(dir.join(name)))?;
        check(&dir.join(name), &data.train, expected, &expected.train);
    }
    Ok(layouts)
}

#[test]
fn pixels_labels_and_names() -> Result<(), Failure> {
    assert_eq!(check_folder(&fixtures())?, 10);
    Ok(())
}

#[test]
fn pixels_labels_and_names_of_another_folder() -> Result<(), Failure> {
    let Some(dir) = std::env::var_os("STRIATE_DATA_FIXTURES") else {
        return Ok(());
    };
    assert!(
        check_folder(Path::new(&dir))? > 0,
        "no layout in STRIATE_DATA_FIXTURES"
    );
    Ok(())
}

#[test]
fn jpeg_rows_are_rows() -> Result<(), Failure> {
    let data = load("ramp", &Source::Subset(fixtures().join("jpeg")))?;
    let set = &data.train;
    assert_eq!([set.height, set.width, set.channels], [16, 24, 3]);
    for y in 0..16 {
        for x in 0..24 {
            let at = (y * 24 + x) * 3;
            let expected = [200 - 8 * x as i32, 0, 10 + 12 * y as i32];
            for (found, expected) in set.pixels[at..at + 3].iter().zip(expected) {
                assert!(
                    (i32::from(*found) - expected).abs() <= 8,
                    "({y}, {x}): {found} {expected}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_set_of_another_kind_is_refused() {
    let error = load("mnist", &Source::Subset(fixtures().join("cifar10/bin")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cifar10/bin: expected mnist (28x28x1 images of 10 classes), found 32x32x3")
            && error.contains("; give the folder of mnist, or the name of the set that is there"),
        "{error}"
    );
    let error = load(
        "cifar100",
        &Source::Subset(fixtures().join("cifar10/parquet/plain_text")),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("images of 100 classes), found 32x32x3 images of 10")
    );
}

#[test]
fn describe_names_layout_and_folder() -> Result<(), Failure> {
    // Of all the fixtures the nearest folder named after the set.
    let text = describe("cifar10", &fixtures())?;
    let expected = fixtures().join("cifar10/bin");
    assert_eq!(text, format!("CIFAR binary in {}", expected.display()));
    Ok(())
}
