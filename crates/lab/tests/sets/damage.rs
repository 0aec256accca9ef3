//! Damaged, foreign and contradictory files: an error of one line, never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use lab::data::{Source, load};

use crate::fixtures::{files, fixtures};

/// A copy of a fixture folder that `change` may alter; then the message of loading it.
fn message(name: &str, layout: &str, change: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files(&fixtures().join(layout)) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    change(dir.path());
    let error = load(name, &Source::Subset(dir.path().to_owned()))
        .unwrap_err()
        .to_string();
    assert!(!error.contains('\n'), "{error}");
    error.replace(&dir.path().display().to_string(), "D")
}

#[track_caller]
fn expect(message: String, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

fn cut(path: PathBuf, bytes: usize) {
    let content = fs::read(&path).unwrap();
    fs::write(path, &content[..content.len() - bytes]).unwrap();
}

#[test]
fn idx_errors() {
    let case = |change: &dyn Fn(&Path)| message("strokes", "strokes/idx", change);
    let images = |dir: &Path| dir.join("train-images-idx3-ubyte");
    let labels = |dir: &Path| dir.join("train-labels-idx1-ubyte");
    expect(
        case(&|dir| cut(images(dir), 1)),
        &["D/train-images-idx3-ubyte: expected 7x6x9 values, found 377; fetch the file again"],
    );
    expect(
        case(&|dir| {
            fs::rename(images(dir), dir.join("x")).unwrap();
            fs::copy(labels(dir), images(dir)).unwrap();
        }),
        &[
            "D/train-images-idx3-ubyte: expected IDX magic number 0x00000803",
            "exchanged",
        ],
    );
    expect(
        case(&|dir| {
            fs::copy(dir.join("t10k-labels-idx1-ubyte"), labels(dir)).unwrap();
        }),
        &[
            "D/train-labels-idx1-ubyte: expected 7 labels",
            "found 3; take both files from the same",
        ],
    );
    expect(
        case(&|dir| fs::remove_file(labels(dir)).unwrap()),
        &["D: found no strokes data, looked for", "see docs/data.md"],
    );
    expect(
        message("mnist", "strokes/idx", |_| {}),
        &["D: expected mnist (28x28x1 images of 10 classes), found 6x9x1"],
    );
    expect(
        message("strokes", "strokes/idx-gz", |dir| {
            cut(dir.join("t10k-labels-idx1-ubyte.gz"), 9)
        }),
        &[
            "D/t10k-labels-idx1-ubyte.gz: expected 3 values, found",
            "gzip error",
            "fetch the file again",
        ],
    );
}

#[test]
fn cifar_errors() {
    expect(
        message("cifar10", "cifar10/bin", |dir| {
            cut(dir.join("data_batch_2.bin"), 5)
        }),
        &["D/data_batch_2.bin: expected records of 3073 bytes, found 6141 bytes"],
    );
    expect(
        message("cifar10", "cifar10/bin", |dir| {
            let path = dir.join("test_batch.bin");
            let mut content = fs::read(&path).unwrap();
            content[3073] = 10;
            fs::write(path, content).unwrap();
        }),
        &["D/test_batch.bin, record 1: expected a label below 10, found label 10"],
    );
    expect(
        message("cifar10", "cifar10/bin", |dir| {
            fs::write(dir.join("batches.meta.txt"), "cat\ndog\n").unwrap();
        }),
        &["D/batches.meta.txt: expected 10 lines with a class name each, found 2"],
    );
    expect(
        message("cifar10", "cifar10/bin", |dir| {
            fs::remove_file(dir.join("data_batch_4.bin")).unwrap();
        }),
        &[
            "D: expected data_batch_1.bin to data_batch_5.bin",
            "found no data_batch_4.bin",
        ],
    );
}

#[test]
fn parquet_errors() {
    let shard = "train-00001-of-00002.parquet";
    let case = |change: &dyn Fn(&Path)| message("strokes", "strokes/parquet", change);
    expect(
        case(&|dir| fs::write(dir.join(shard), b"no parquet at all").unwrap()),
        &["train-00001-of-00002.parquet: expected a parquet file, found a damaged one ("],
    );
    expect(
        case(&|dir| cut(dir.join(shard), 1)),
        &["expected a parquet file, found a damaged one ("],
    );
    expect(
        case(&|dir| fs::write(dir.join(shard), b"").unwrap()),
        &["expected a parquet file"],
    );
    expect(
        case(&|dir| fs::remove_file(dir.join(shard)).unwrap()),
        &[
            "expected shard 0 of 2",
            "among 1 shards; fetch the missing shards",
        ],
    );
    expect(
        case(&|dir| {
            let foreign = fixtures().join("cifar10/parquet/plain_text/test-00000-of-00001.parquet");
            fs::copy(foreign, dir.join(shard)).unwrap();
        }),
        &[
            "train-00001-of-00002.parquet: expected the classes of the shards before it, 3 classes (0, 1, 2)",
            "found 10 classes (airplane, automobile, bird, cat, deer, ...); fetch all shards of one version",
        ],
    );
    expect(
        case(&|dir| {
            let foreign = fixtures().join("cifar10/parquet/plain_text/test-00000-of-00001.parquet");
            fs::copy(foreign, dir.join("test-00000-of-00001.parquet")).unwrap();
        }),
        &["strokes/test: expected 6x9x1 images as in strokes/train, found 32x32x3 images"],
    );
}

#[test]
fn folder_errors() {
    expect(
        message("cifar10", "cifar10/png", |dir| {
            fs::remove_dir_all(dir.join("train/frog")).unwrap();
        }),
        &["D: expected cifar10 (32x32x3 images of 10 classes), found 32x32x3 images of 9 classes"],
    );
    expect(
        message("strokes", "strokes/png", |dir| {
            fs::create_dir(dir.join("test/other")).unwrap();
        }),
        &["D/test/other: expected one of the 3 class folders of the training split"],
    );
    expect(
        message("strokes", "strokes/png", |dir| {
            cut(dir.join("train/1/00003.png"), 30)
        }),
        &["D/train/1/00003.png: expected a readable picture, found a damaged one ("],
    );
}

#[cfg(unix)]
#[test]
fn unreadable_files() {
    use std::os::unix::fs::PermissionsExt;
    let locked = |dir: &Path| {
        let path = dir.join("data_batch_3.bin");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        fs::read(path).is_ok()
    };
    let probe = tempfile::tempdir().unwrap();
    fs::write(probe.path().join("data_batch_3.bin"), "").unwrap();
    if locked(probe.path()) {
        return; // The superuser reads everything.
    }
    expect(
        message("cifar10", "cifar10/bin", |dir| {
            locked(dir);
        }),
        &[
            "D/data_batch_3.bin: cannot read: ",
            "; check the permissions",
        ],
    );
}
