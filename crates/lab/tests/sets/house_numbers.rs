//! SVHN's whole house numbers: crops, labels, what is left out, and damaged files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lab::data::{Dataset, Source, load, number_digits, number_label};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::fixtures::fixtures;

type Failure = Box<dyn std::error::Error>;

fn numbers(name: &str) -> Result<Dataset, lab::data::DataError> {
    load(name, &Source::Subset(fixtures().join("svhn-numbers")))
}

/// The color of a crop at (y, x), given as shares of its side.
fn color(data: &Dataset, row: usize, (y, x): (f64, f64)) -> [u8; 3] {
    let side = data.train.height;
    let at = |share: f64| (share * side as f64) as usize;
    let image = data.train.image(row).expect("an image");
    let first = (at(y) * side + at(x)) * 3;
    [image[first], image[first + 1], image[first + 2]]
}

const WALL: [u8; 3] = [90; 3];
const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

#[test]
fn files_of_the_hub() -> Result<(), Failure> {
    for (name, side) in [("svhn-numbers-64", 64), ("svhn-numbers-128", 128)] {
        let data = numbers(name)?;
        assert_eq!(data.name, name);
        assert_eq!(
            (data.train.height, data.train.width, data.train.channels),
            (side, side, 3)
        );
        let digits: Vec<_> = data
            .train
            .labels
            .iter()
            .map(|&label| number_digits(label))
            .collect();
        let wanted = [[6, 9, 10, 10, 10], [0, 10, 10, 10, 10], [0, 0, 1, 2, 3]];
        assert_eq!(digits, wanted.map(Some));
        assert_eq!(
            data.train.class_names[data.train.labels[2] as usize],
            "00123"
        );
        // The number of six digits.
        assert_eq!((data.train.left_out, data.test.left_out), (1, 0));
        assert_eq!(
            data.test.labels,
            [number_label(&[2, 0, 7]).expect("a label")]
        );
    }
    Ok(())
}

#[test]
fn crops_show_the_number_and_a_margin() -> Result<(), Failure> {
    let tight = numbers("svhn-numbers")?;
    // 26 x 32 pixels with margins of 3.9 and 4.8: the number takes 10 / 13 of the crop.
    assert_eq!(color(&tight, 0, (0.5, 0.3)), RED);
    assert_eq!(color(&tight, 0, (0.5, 0.7)), GREEN);
    for corner in [(0.04, 0.5), (0.96, 0.5), (0.5, 0.04), (0.5, 0.96)] {
        assert_eq!(color(&tight, 0, corner), WALL, "{corner:?}");
    }
    // Cut off at the left edge of the picture: the plate begins there.
    assert_eq!(color(&tight, 1, (0.5, 0.0)), RED);
    let loose = numbers("svhn-numbers-128")?;
    // The crop ends at the upper and lower edge: 48 rows, of which the number has 32.
    assert_eq!(color(&loose, 0, (0.5, 0.4)), RED);
    assert_eq!(color(&loose, 0, (0.5, 0.2)), WALL);
    assert_eq!(color(&loose, 0, (0.2, 0.4)), RED);
    Ok(())
}

/// The bytes of a picture of `height` x `width`, in color unless `gray`.
fn png(height: u32, width: u32, gray: bool) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = match gray {
        true => image::DynamicImage::new_luma8(width, height),
        false => image::DynamicImage::new_rgb8(width, height),
    };
    let written = picture.write_to(&mut file, image::ImageFormat::Png);
    written.expect("a picture");
    file.into_inner()
}

/// A row: the picture, and the boxes and labels of its digits.
type Row = (Vec<u8>, Vec<[i32; 4]>, Vec<i64>);

fn digit(label: i64) -> Row {
    (png(20, 30, false), vec![[5, 5, 6, 10]], vec![label])
}

/// Writes a shard whose lists are never null.
fn write(path: &Path, schema: &str, rows: &[Row]) -> Result<(), Failure> {
    let schema = Arc::new(parse_message_type(schema)?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(fs::File::create(path)?, schema, properties)?;
    let mut group = writer.next_row_group()?;
    let mut at = 0;
    while let Some(mut column) = group.next_column()? {
        match at {
            0 => {
                let values: Vec<ByteArray> = rows.iter().map(|row| row.0.clone().into()).collect();
                let levels = vec![1; values.len()];
                let column = column.typed::<ByteArrayType>();
                column.write_batch(&values, Some(&levels), None)?;
            }
            1 => {
                let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
                for (_, boxes, _) in rows {
                    for (index, value) in boxes.iter().flatten().enumerate() {
                        values.push(*value);
                        defined.push(2);
                        repeated.push(match index {
                            0 => 0,
                            _ if index % 4 == 0 => 1,
                            _ => 2,
                        });
                    }
                    if boxes.is_empty() {
                        defined.push(0);
                        repeated.push(0);
                    }
                }
                let column = column.typed::<Int32Type>();
                column.write_batch(&values, Some(&defined), Some(&repeated))?;
            }
            _ => {
                let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
                for (_, _, labels) in rows {
                    values.extend(labels);
                    defined.extend(vec![1; labels.len()]);
                    repeated.extend((0..labels.len()).map(|index| i16::from(index > 0)));
                    if labels.is_empty() {
                        defined.push(0);
                        repeated.push(0);
                    }
                }
                let column = column.typed::<Int64Type>();
                column.write_batch(&values, Some(&defined), Some(&repeated))?;
            }
        }
        column.close()?;
        at += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

const SCHEMA: &str = "message rows {
    required group image { optional binary bytes; }
    required group digits {
        required group bbox (LIST) { repeated group list {
            required group element (LIST) { repeated group list { required int32 element; } } } }
        required group label (LIST) { repeated group list { required int64 element; } }
    }
}";

/// Loads training rows; an error comes back with the folder called D.
fn of_rows(rows: &[Row]) -> Result<Dataset, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let made = write(&dir.path().join("train.parquet"), SCHEMA, rows)
        .and_then(|()| write(&dir.path().join("test.parquet"), SCHEMA, &[digit(1)]));
    made.expect("files");
    loaded(dir.path())
}

fn loaded(dir: &Path) -> Result<Dataset, String> {
    load("svhn-numbers", &Source::Subset(dir.to_owned())).map_err(|error| {
        let error = error.to_string();
        assert!(!error.contains('\n'), "{error}");
        error.replace(&dir.display().to_string(), "D")
    })
}

#[track_caller]
fn refused(rows: &[Row], parts: &[&str]) {
    let message = of_rows(rows).expect_err("accepted");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn numbers_without_a_crop_are_left_out_and_counted() -> Result<(), Failure> {
    let moved = |frame: [i32; 4]| (png(20, 30, false), vec![frame], vec![3]);
    let rows = [
        digit(10),
        moved([5, 5, 0, 10]),
        moved([40, 5, 6, 10]),
        moved([5, -20, 6, 10]),
        digit(4),
    ];
    let data = of_rows(&rows)?;
    // The official files call the digit 0 ten.
    assert_eq!(data.train.labels, [0, 4]);
    assert_eq!(data.train.left_out, 3);
    Ok(())
}

#[test]
fn errors() {
    let bad =
        |image: Vec<u8>, boxes: Vec<[i32; 4]>, labels: Vec<i64>| [digit(1), (image, boxes, labels)];
    let picture = || png(20, 30, false);
    refused(
        &bad(picture(), vec![[5, 5, 6, 10]], vec![11]),
        &["D/train.parquet, row 1: expected digits from 0 to 9, found [11]; fetch the file again"],
    );
    refused(
        &bad(picture(), vec![], vec![]),
        &[
            "row 1: expected digits, and left, top, width and height for each, found 0 digits and 0 numbers",
        ],
    );
    refused(
        &bad(picture(), vec![[5, 5, 6, 10]], vec![1, 2]),
        &[
            "row 1: expected digits, and left, top, width and height for each, found 2 digits and 4 numbers",
        ],
    );
    refused(
        &bad(b"no picture".to_vec(), vec![[5, 5, 6, 10]], vec![1]),
        &["row 1: expected a PNG or JPEG picture"],
    );
    refused(
        &bad(png(20, 30, true), vec![[5, 5, 6, 10]], vec![1]),
        &["row 1: expected a picture in color, found a gray one of 20x30x1"],
    );
    refused(
        &[(picture(), vec![[40, 5, 6, 10]], vec![1])],
        &[
            "svhn-numbers-64/train: expected at least one number of one to five digits",
            "found 1 rows without",
        ],
    );
}

#[test]
fn other_files_are_refused_with_what_to_fetch() {
    let message = loaded(&fixtures().join("cifar10/parquet")).expect_err("accepted");
    assert!(
        message.contains("found no svhn-numbers data, looked for lists digits.bbox and digits.label; there are columns img.bytes, img.path, label; take the files of full_numbers"),
        "{message}"
    );
    let dir = tempfile::tempdir().expect("a folder");
    for split in ["train", "test"] {
        fs::create_dir(dir.path().join(split)).expect("a folder");
        fs::write(dir.path().join(split).join("digitStruct.mat"), "x").expect("a file");
    }
    let message = loaded(dir.path()).expect_err("accepted");
    assert!(
        message.ends_with("digitStruct.mat is an HDF5 file, which is not read: fetch the hub's parquet files of full_numbers instead"),
        "{message}"
    );
    let message = loaded(&fixtures().join("strokes/png")).expect_err("accepted");
    assert!(
        message.contains("looked for parquet shards with pictures, digits and their boxes; there are image folders files"),
        "{message}"
    );
    let error = load("svhn-numbers", &Source::Embedded).expect_err("accepted");
    assert!(error.to_string().contains("it is not embedded"), "{error}");
}

#[test]
fn the_folder_is_found_beside_single_digits() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let of_set = |folder: &str| dir.path().join("svhn").join(folder);
    fs::create_dir_all(of_set("cropped_digits"))?;
    fs::create_dir_all(of_set("full_numbers"))?;
    for split in ["train", "test"] {
        let file = format!("{split}-00000-of-00001.parquet");
        fs::copy(
            fixtures().join("svhn-numbers/full_numbers").join(&file),
            of_set("full_numbers").join(&file),
        )?;
        fs::write(of_set("cropped_digits").join(&file), "not to be read")?;
    }
    for above in [
        dir.path().to_owned(),
        dir.path().join("svhn"),
        of_set("full_numbers"),
    ] {
        let data = load("svhn-numbers-64", &Source::Subset(above))?;
        assert_eq!(data.train.len(), 3);
    }
    Ok(())
}

#[test]
fn extra_images_follow_the_training_images() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    write(&dir.path().join("train.parquet"), SCHEMA, &[digit(1)])?;
    write(&dir.path().join("test.parquet"), SCHEMA, &[digit(2)])?;
    write(
        &dir.path().join("extra.parquet"),
        SCHEMA,
        &[digit(3), digit(4)],
    )?;
    let data = loaded(dir.path())?;
    assert_eq!(data.train.labels, [1, 3, 4]);
    assert_eq!(data.train.pixels.len(), 3 * 64 * 64 * 3);
    Ok(())
}

/// Every fifth byte of a shard changed in turn: an error of one line or other numbers, never a panic.
#[test]
fn damaged_files_never_panic() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let rows = [digit(1), digit(2), digit(3)];
    let (train, test) = (
        dir.path().join("train.parquet"),
        dir.path().join("test.parquet"),
    );
    write(&train, SCHEMA, &rows)?;
    write(&test, SCHEMA, &[digit(2)])?;
    let whole = fs::read(&train)?;
    for at in (0..whole.len()).step_by(5) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 7);
        fs::write(&train, &damaged)?;
        if let Err(error) = loaded(dir.path()) {
            assert!(error.contains("; "), "{error}");
        }
    }
    Ok(())
}
