//! Files that lie about their size, name what is none of their business, or are cut: an error of one line, and no more
//! memory than docs/data.md promises.

#[path = "../sets/fixtures.rs"]
mod fixtures;
mod shard;

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fixtures::{files, fixtures};
use lab::data::{Batches, DataError, Dataset, Framing, Preprocess, Source, load, load_streamed};
use peak_alloc::PeakAlloc;
use shard::{Claims, data_page, dictionary_page, plain};
use striate::rng::stream;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The promise of docs/data.md: this many bytes for each byte of the files, and `BESIDE` more.
const FACTOR: usize = 512;
const BESIDE: usize = 48 << 20;

/// One load at a time, so that the peak is its own.
static ALONE: Mutex<()> = Mutex::new(());

fn put(dir: &Path, path: impl AsRef<Path>, content: &[u8]) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// One test at a time: what another allocates would count.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Loads a set whose files have `bytes` bytes, and checks the promise.
fn loaded(name: &str, source: &Source, bytes: usize) -> Result<Dataset, String> {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = load(name, source);
    let took = HEAP.peak_usage().saturating_sub(before);
    let promised = FACTOR * bytes + BESIDE;
    assert!(
        took <= promised,
        "{name}: {took} bytes for {bytes}, promised are {promised}"
    );
    result.map_err(|error| {
        let error = error.to_string();
        assert!(!error.contains('\n') && error.contains("; "), "{error}");
        error
    })
}

fn loaded_from(name: &str, dir: &Path) -> Result<Dataset, String> {
    let bytes = files(dir).iter().map(|(_, content)| content.len()).sum();
    loaded(name, &Source::Subset(dir.to_owned()), bytes)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([x as u8, y as u8, (x * y) as u8])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut file, image::ImageFormat::Jpeg)
        .unwrap();
    file.into_inner()
}

/// A PNG whose header claims another size, with the right checksum.
fn claiming(mut file: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..29]);
    file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    file
}

/// The message of loading a training shard beside a good test shard.
fn of_shard(train: Claims) -> Result<Dataset, String> {
    of_file(&train.file())
}

fn of_file(train: &[u8]) -> Result<Dataset, String> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "train.parquet", train);
    put(dir.path(), "test.parquet", &good().file());
    loaded_from("made", dir.path())
}

/// Lists a training shard beside a good test shard and looks at all of its pictures, within the promise.
fn streamed_shard(train: &[u8]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "train.parquet", train);
    put(dir.path(), "test.parquet", &good().file());
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let look = || {
        let framing = Framing::of_side(8);
        let data = load_streamed("made", &Source::Subset(dir.path().to_owned()), framing)?;
        let set = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
        let mut batches = Batches::eval(&set, 4, &candle_core::Device::Cpu)?;
        batches.try_for_each(|batch| batch.map(|_| ()))
    };
    let result: Result<(), DataError> = look();
    let took = HEAP.peak_usage().saturating_sub(before);
    assert!(took <= FACTOR * train.len() + BESIDE, "{took} bytes");
    result.map_err(|error| error.to_string())
}

/// A shard of one picture.
fn good() -> Claims {
    let content = plain(&[&png(4, 3)]);
    let size = content.len() as i64;
    Claims {
        pages: vec![(data_page(1, 0, (size, size)), content)],
        ..Claims::default()
    }
}

#[test]
fn shards_that_tell_the_truth_are_read() {
    let _alone = alone();
    let data = of_shard(good()).expect("a good shard");
    streamed_shard(&good().file()).expect("a good shard");
    assert_eq!((data.train.len(), data.train.labels[0]), (1, 0));
    assert_eq!((data.train.height, data.train.width), (3, 4));
    // Three rows of one dictionary entry.
    let dictionary = plain(&[&png(4, 3)]);
    let size = dictionary.len() as i64;
    let data = of_shard(Claims {
        rows: 3,
        pages: vec![
            (dictionary_page(1, (size, size)), dictionary),
            (data_page(3, 8, (2, 2)), vec![0, 6]),
        ],
        has_dictionary: true,
        ..Claims::default()
    });
    assert_eq!(data.expect("a good shard").train.len(), 3);
}

#[test]
fn shards_that_lie_are_refused() {
    let _alone = alone();
    const MUCH: i64 = i32::MAX as i64;
    let picture = plain(&[&png(4, 3)]);
    let size = picture.len() as i64;
    let with = |pages, codec| Claims {
        pages,
        codec,
        ..Claims::default()
    };
    let run = [vec![0], shard::varint((MUCH as u64) << 1)].concat();
    let cases: Vec<(&str, Claims)> = vec![
        (
            "a dictionary of 2^31 values",
            Claims {
                has_dictionary: true,
                ..with(
                    vec![
                        (dictionary_page(MUCH, (size, size)), picture.clone()),
                        (data_page(1, 8, (2, 2)), vec![0, 2]),
                    ],
                    0,
                )
            },
        ),
        (
            "a dictionary that unpacks to 2 GB",
            Claims {
                has_dictionary: true,
                ..with(
                    vec![
                        (
                            dictionary_page(1, (MUCH, 6)),
                            vec![0xff, 0xff, 0xff, 0xff, 7, 0],
                        ),
                        (data_page(1, 8, (2, 2)), vec![0, 2]),
                    ],
                    1,
                )
            },
        ),
        (
            "a page that unpacks to 2 GB",
            with(
                vec![(
                    data_page(1, 0, (MUCH, 6)),
                    vec![0xff, 0xff, 0xff, 0xff, 7, 0],
                )],
                1,
            ),
        ),
        (
            "a page of 2^31 values",
            with(vec![(data_page(MUCH, 0, (size, size)), picture.clone())], 0),
        ),
        (
            "2^31 rows of one picture",
            Claims {
                rows: MUCH,
                pages: vec![
                    (dictionary_page(1, (size, size)), picture.clone()),
                    (
                        data_page(MUCH, 8, (run.len() as i64, run.len() as i64)),
                        run.clone(),
                    ),
                ],
                has_dictionary: true,
                ..Claims::default()
            },
        ),
        (
            "fewer rows than values",
            with(
                vec![(
                    data_page(2, 0, (2 * size, 2 * size)),
                    [picture.clone(), picture.clone()].concat(),
                )],
                0,
            ),
        ),
        (
            "a root of 2^31 children",
            Claims {
                children: MUCH,
                ..good()
            },
        ),
        (
            "groups on one another",
            Claims {
                groups: 60,
                ..good()
            },
        ),
        ("negative rows", Claims { rows: -5, ..good() }),
        (
            "a picture of another encoding",
            with(vec![(data_page(1, 6, (size, size)), picture.clone())], 0),
        ),
    ];
    for (case, claims) in cases {
        let shard = claims.file();
        let message = of_file(&shard).expect_err(case);
        assert!(
            message.contains("train.parquet: expected"),
            "{case}: {message}"
        );
        let message = streamed_shard(&shard).expect_err(case);
        assert!(
            message.contains("train.parquet"),
            "{case}, streamed: {message}"
        );
    }
}

/// A dictionary of one picture and many rows: all rows together may not take more than the file can hold.
#[test]
fn a_picture_may_not_be_repeated_without_end() {
    let _alone = alone();
    let blank = {
        let picture = image::RgbImage::new(800, 800);
        let mut file = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut file, image::ImageFormat::Png)
            .unwrap();
        file.into_inner()
    };
    let dictionary = plain(&[&blank]);
    let size = dictionary.len() as i64;
    let rows = size / 2;
    let run = [vec![0], shard::varint((rows as u64) << 1)].concat();
    let len = run.len() as i64;
    let message = of_shard(Claims {
        rows,
        pages: vec![
            (dictionary_page(1, (size, size)), dictionary),
            (data_page(rows, 8, (len, len)), run),
        ],
        has_dictionary: true,
        ..Claims::default()
    })
    .expect_err("accepted");
    assert!(
        message.contains("at most 256 bytes of pixels for each of the"),
        "{message}"
    );
}

#[test]
fn pictures_with_lying_headers_are_refused() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let lie = claiming(png(2, 2), 16_384, 5_000);
        put(dir.path(), format!("train/a/{number}.png"), &lie);
        put(dir.path(), format!("test/a/{number}.png"), &lie);
    }
    let message = loaded_from("made", dir.path()).expect_err("accepted");
    assert!(
        message.contains("at most 1032 bytes of pixels for each of the"),
        "{message}"
    );
    // Sixteen bits, and sides beyond all pictures.
    let deep = {
        let picture: image::ImageBuffer<image::Luma<u16>, Vec<u16>> = image::ImageBuffer::new(3, 2);
        let mut file = std::io::Cursor::new(Vec::new());
        image::DynamicImage::from(picture)
            .write_to(&mut file, image::ImageFormat::Png)
            .unwrap();
        file.into_inner()
    };
    for (file, expected) in [
        (deep, "expected 8 bits a channel, found L16"),
        (claiming(png(2, 2), 20_000, 1), "sides from 1 to 16384"),
        (claiming(png(2, 2), 0, 1), "a readable picture"),
    ] {
        put(dir.path(), "train/a/0.png", &file);
        let message = loaded_from("made", dir.path()).expect_err("accepted");
        assert!(
            message.contains(expected) || message.contains("sides from 1"),
            "{message}"
        );
    }
}

#[test]
fn jpegs_must_be_whole() {
    let _alone = alone();
    let whole = jpeg(64, 48);
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "train/a/0.jpg", &whole);
    put(dir.path(), "test/a/0.jpg", &whole);
    loaded_from("made", dir.path()).expect("a good JPEG");
    for percent in 1..100 {
        put(
            dir.path(),
            "train/a/0.jpg",
            &whole[..whole.len() * percent / 100],
        );
        let message = loaded_from("made", dir.path()).expect_err("accepted");
        assert!(message.contains("picture"), "{percent} %: {message}");
    }
    // The size in the header raised to 16384 x 5400.
    let frame = whole
        .windows(2)
        .position(|bytes| bytes == [0xff, 0xc0])
        .expect("a frame");
    let mut lie = whole.clone();
    lie[frame + 5..frame + 9].copy_from_slice(&[0x15, 0x18, 0x40, 0]);
    put(dir.path(), "train/a/0.jpg", &lie);
    let message = loaded_from("made", dir.path()).expect_err("accepted");
    assert!(message.contains("5400x16384x3 in its header"), "{message}");
    // In parquet as well.
    for percent in [10, 50, 99] {
        let content = plain(&[&whole[..whole.len() * percent / 100]]);
        let size = content.len() as i64;
        let claims = Claims {
            pages: vec![(data_page(1, 0, (size, size)), content)],
            ..Claims::default()
        };
        of_shard(claims).expect_err("accepted");
    }
}

/// Coded data that end early, with an end marker put after them.
#[test]
fn jpegs_with_missing_rows_are_refused() {
    let _alone = alone();
    let whole = jpeg(64, 48);
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "test/a/0.jpg", &whole);
    let scan = whole
        .windows(2)
        .position(|bytes| bytes == [0xff, 0xda])
        .expect("a scan")
        + 14;
    for percent in (5..95).step_by(5) {
        let mut cut = whole[..scan + (whole.len() - scan) * percent / 100].to_vec();
        if cut.last() == Some(&0xff) {
            cut.pop();
        }
        cut.extend([0xff, 0xd9]);
        put(dir.path(), "train/a/0.jpg", &cut);
        let result = loaded_from("made", dir.path());
        assert!(result.is_err(), "{percent} %");
    }
}

#[test]
fn gzip_may_not_expand_without_end() {
    let _alone = alone();
    let images = [
        &[0, 0, 8, 3][..],
        &200_000u32.to_be_bytes(),
        &[0, 0, 0, 32],
        &[0, 0, 0, 32],
        &vec![0; 200_000 << 10],
    ]
    .concat();
    let packed = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&images).unwrap();
        encoder.finish().unwrap()
    };
    drop(images);
    let dir = tempfile::tempdir().unwrap();
    for split in ["train", "t10k"] {
        put(dir.path(), format!("{split}-images-idx3-ubyte.gz"), &packed);
        put(
            dir.path(),
            format!("{split}-labels-idx1-ubyte"),
            &[0, 0, 8, 1, 0, 0, 0, 1, 0],
        );
    }
    let message = loaded_from("made", dir.path()).expect_err("accepted");
    assert!(message.contains("values as its header says"), "{message}");
    // A known set's size is compared before anything is unpacked.
    let message = loaded_from("mnist", dir.path()).expect_err("accepted");
    assert!(
        message.contains("expected mnist (28x28x1 images of 10 classes), found 32x32x1"),
        "{message}"
    );
}

#[test]
fn cut_sets_are_refused_by_name() {
    let _alone = alone();
    for (name, layout) in [
        ("cifar10", "cifar10/bin"),
        ("cifar10", "cifar10/parquet"),
        ("cifar10", "cifar10/png"),
        ("cifar100", "cifar100/bin"),
        ("svhn-numbers-64", "svhn-numbers"),
    ] {
        let dir = fixtures().join(layout);
        let message = loaded(name, &Source::Dir(dir.clone()), 1 << 20).expect_err(layout);
        assert!(
            message.contains("training and")
                && message.contains(&format!("test images of {name}, found")),
            "{message}"
        );
        assert!(message.contains("subset:DIR"), "{message}");
        loaded(name, &Source::Subset(dir), 1 << 20).expect("a part");
    }
    // More than the official number is no part.
    let dir = tempfile::tempdir().unwrap();
    let image = vec![0u8; 96 * 96 * 3];
    for split in ["train", "test"] {
        put(dir.path(), format!("{split}_X.bin"), &image.repeat(4));
        put(dir.path(), format!("{split}_y.bin"), &[1; 4]);
    }
    let source = Source::Dir(dir.path().to_owned());
    let message = loaded("stl10", &source, 1 << 20).expect_err("accepted");
    assert!(
        message.contains("expected the 5000 training and 8000 test images of stl10, found 4 and 4"),
        "{message}"
    );
}

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    fn birds(dir: &Path, picture: &str, lines: usize) {
        let list = |value: &dyn Fn(usize) -> String| -> String {
            (1..=lines)
                .map(|id| format!("{id} {}\n", value(id)))
                .collect()
        };
        put(dir, "images.txt", list(&|_| picture.to_owned()).as_bytes());
        put(
            dir,
            "image_class_labels.txt",
            list(&|_| "1".to_owned()).as_bytes(),
        );
        put(
            dir,
            "train_test_split.txt",
            list(&|id| (id % 2).to_string()).as_bytes(),
        );
        put(dir, "classes.txt", b"1 Auk\n");
        put(dir, "images/auk.png", &png(8, 8));
    }

    #[test]
    fn lists_name_pictures_below_the_folder_only() {
        let _alone = alone();
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("CUB_200_2011");
        put(place.path(), "secret.png", b"hidden words");
        for (picture, expected) in [
            ("../../secret.png", "a path that leaves it"),
            ("/etc/passwd", "a path that leaves it"),
            ("/dev/zero", "a path that leaves it"),
            ("pipe.png", "found a device, a pipe"),
        ] {
            let _ = fs::remove_dir_all(&dir);
            birds(&dir, picture, 2);
            let list = format!("1 {picture}\n2 auk.png\n");
            put(&dir, "images.txt", list.as_bytes());
            let made = std::process::Command::new("mkfifo")
                .arg(dir.join("images/pipe.png"))
                .status();
            assert!(made.unwrap().success());
            symlink(".", dir.join("images/circle")).unwrap();
            let message =
                loaded("cub200-224", &Source::Subset(dir.clone()), 1 << 10).expect_err(picture);
            assert!(message.contains(expected), "{picture}: {message}");
            assert!(
                !message.contains("hidden") && !message.contains("68, 69"),
                "{message}"
            );
        }
    }

    #[test]
    fn one_picture_is_not_many() {
        let _alone = alone();
        let dir = tempfile::tempdir().unwrap();
        birds(dir.path(), "auk.png", 100_000);
        let message = loaded_from("cub200-448", dir.path()).expect_err("accepted");
        assert!(
            message.contains("one that an earlier picture has"),
            "{message}"
        );
    }

    #[test]
    fn devices_pipes_and_links_in_place_of_pictures() {
        let _alone = alone();
        let place = tempfile::tempdir().unwrap();
        put(place.path(), "outside.png", &png(4, 3));
        let dir = place.path().join("set");
        for (target, expected) in [
            ("/dev/zero", "a path that leaves it"),
            ("../../../outside.png", "a path that leaves it"),
            ("pipe", "a device, a pipe"),
        ] {
            let _ = fs::remove_dir_all(&dir);
            put(&dir, "train/a/0.png", &png(4, 3));
            put(&dir, "test/a/0.png", &png(4, 3));
            let made = std::process::Command::new("mkfifo")
                .arg(dir.join("train/a/pipe"))
                .status();
            assert!(made.unwrap().success());
            symlink(target, dir.join("train/a/1.png")).unwrap();
            let message = loaded("made", &Source::Subset(dir.clone()), 1 << 10).expect_err(target);
            assert!(message.contains(expected), "{target}: {message}");
        }
        // Links in a circle are not followed; the set itself is read.
        fs::remove_file(dir.join("train/a/1.png")).unwrap();
        symlink("..", dir.join("train/up")).unwrap();
        symlink(".", dir.join("train/a/again")).unwrap();
        symlink(".", dir.join("again")).unwrap();
        let data = loaded("made", &Source::Subset(dir), 1 << 10).expect("the set");
        assert_eq!((data.train.len(), data.train.class_names.len()), (1, 1));
    }
}

/// One change to a file, drawn.
fn mutate(content: &mut Vec<u8>, draws: &mut striate::rng::Stream) {
    let Some(len) = std::num::NonZeroUsize::new(content.len()) else {
        return;
    };
    let at = draws.below(len.get() as u64) as usize;
    match draws.below(6) {
        0 => content.truncate(at),
        1 => content[at] ^= 1 << draws.below(8),
        2 => content[at] = draws.below(256) as u8,
        // Numbers that are as large as can be, in the forms that the formats have.
        3 => content[at..]
            .iter_mut()
            .take(4)
            .for_each(|byte| *byte = 0xff),
        4 => {
            let large = shard::varint(u64::from(u32::MAX) - 1);
            content.splice(at..(at + 1 + draws.below(4) as usize).min(len.get()), large);
        }
        _ => {
            let part: Vec<u8> = content[at..]
                .iter()
                .take(1 + draws.below(64) as usize)
                .copied()
                .collect();
            let to = draws.below(len.get() as u64) as usize;
            content.splice(to..to, part);
        }
    }
}

/// Damaged files in every layout, from one seed; `STRIATE_FUZZ_CASES` raises their number.
#[test]
fn mutated_files_keep_the_promise() {
    let _alone = alone();
    let cases = std::env::var("STRIATE_FUZZ_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(150);
    let birds = tempfile::tempdir().unwrap();
    put(birds.path(), "images.txt", b"1 a.png\n2 b.jpg\n");
    put(birds.path(), "image_class_labels.txt", b"1 1\n2 1\n");
    put(birds.path(), "train_test_split.txt", b"1 1\n2 0\n");
    put(birds.path(), "classes.txt", b"1 Auk\n");
    put(birds.path(), "images/a.png", &png(9, 8));
    put(birds.path(), "images/b.jpg", &jpeg(32, 24));
    let stl10 = tempfile::tempdir().unwrap();
    let image: Vec<u8> = (0..96 * 96 * 3).map(|at| (at % 251) as u8).collect();
    for split in ["train", "test"] {
        put(stl10.path(), format!("{split}_X.bin"), &image);
        put(stl10.path(), format!("{split}_y.bin"), &[1]);
    }
    let fixture = |layout: &str| fixtures().join(layout);
    for (index, (name, folder)) in [
        ("strokes", fixture("strokes/idx")),
        ("strokes", fixture("strokes/idx-gz")),
        ("strokes", fixture("strokes/png")),
        ("strokes", fixture("strokes/parquet")),
        ("strokes", fixture("strokes/parquet-folders")),
        ("ramp", fixture("jpeg")),
        ("cifar10", fixture("cifar10/bin")),
        ("cifar100", fixture("cifar100/bin")),
        ("cifar100", fixture("cifar100/parquet")),
        ("svhn-numbers-64", fixture("svhn-numbers")),
        ("cub200-224", birds.path().to_owned()),
        ("stl10", stl10.path().to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let originals = files(&folder);
        let bytes: usize = originals.iter().map(|(_, content)| content.len()).sum();
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in &originals {
            put(dir.path(), path, content);
        }
        let source = Source::Subset(dir.path().to_owned());
        loaded(name, &source, bytes).expect(name);
        let mut draws = stream(17, "mutants", index as u64);
        for _ in 0..cases {
            let (path, content) = &originals[draws.below(originals.len() as u64) as usize];
            let mut mutant = content.clone();
            for _ in 0..1 + draws.below(3) {
                mutate(&mut mutant, &mut draws);
            }
            put(dir.path(), path, &mutant);
            // An error or other images; the promise holds in both cases.
            let _ = loaded(name, &source, bytes + mutant.len());
            put(dir.path(), path, content);
        }
    }
}
