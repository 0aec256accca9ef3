//! Pictures that stay on disk: the same images as in memory, the same bits for any number of threads, and errors that name the file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use lab::data::{
    Augment, Batches, Crop, DataError, Dataset, FloatSet, Framing, Preprocess, Redraw, Scene,
    Source, load, load_streamed,
};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use striate::rng::{Stream, stream};

const FLIP: Augment = Augment {
    flip: true,
    translate: 0,
};
const SIDE: usize = 24;

/// Noise with a gradient, of a size that depends on `seed`.
fn picture(seed: u64) -> DynamicImage {
    let mut draws = stream(seed, "picture", 0);
    let (width, height) = (30 + draws.below(40) as u32, 30 + draws.below(40) as u32);
    let noise = RgbImage::from_fn(width, height, |x, y| {
        let mut value = |more: u32| (draws.below(60) as u32 + 2 * more) as u8;
        Rgb([value(x), value(y), value(x + y)])
    });
    match seed % 7 {
        3 => GrayImage::from_fn(width, height, |x, y| Luma([noise.get_pixel(x, y).0[0]])).into(),
        _ => noise.into(),
    }
}

fn put(path: &Path, seed: u64) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    let format = match path.extension().is_some_and(|end| end == "png") {
        true => ImageFormat::Png,
        false => ImageFormat::Jpeg,
    };
    picture(seed).save_with_format(path, format).expect("saved");
}

/// A folder of three classes: 20 training and 5 test pictures of each.
fn pets(dir: &Path) {
    for (class, name) in ["cat", "dog", "owl"].into_iter().enumerate() {
        for at in 0..25 {
            let (split, at) = if at < 20 {
                ("train", at)
            } else {
                ("val", at - 20)
            };
            let end = if at % 3 == 0 { "png" } else { "JPEG" };
            let path = dir.join(format!("{split}/{name}/{at}.{end}"));
            put(
                &path,
                100 * class as u64 + at + if split == "val" { 50 } else { 0 },
            );
        }
    }
}

fn framing(train: Crop) -> Framing {
    Framing {
        shorter: 28,
        train,
        ..Framing::of_side(SIDE)
    }
}

fn streamed(dir: &Path, framing: Framing) -> Result<Dataset, DataError> {
    load_streamed("pets", &Source::Dir(dir.to_owned()), framing)
}

/// Both splits as numbers.
fn numbers(data: &Dataset) -> Result<(FloatSet, FloatSet), DataError> {
    let fitted = Preprocess::Standardize.fit(&data.train)?;
    Ok((fitted.apply(&data.train)?, fitted.apply(&data.test)?))
}

type Images = Vec<(Vec<f32>, Vec<u32>)>;

fn collected(batches: Batches) -> Result<Images, DataError> {
    let one = |batch: Result<lab::data::Batch, DataError>| {
        let batch = batch?;
        let values = batch.xs.flatten_all()?.to_vec1::<f32>()?;
        Ok((values, batch.labels.to_vec1::<u32>()?))
    };
    batches.map(one).collect()
}

fn trained(set: &FloatSet, seed: u64, epoch: u64) -> Result<Images, DataError> {
    collected(Batches::train(set, 7, &FLIP, seed, epoch, &Device::Cpu)?)
}

#[test]
fn images_are_those_of_the_set_in_memory() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: String| fs::write(dir.path().join(path), text).expect("a file");
    let lines =
        |value: &dyn Fn(u64) -> String| (1..=9).map(|i| format!("{i} {}\n", value(i))).collect();
    write(
        "images.txt",
        lines(&|i| format!("{i}.{}", if i % 2 == 0 { "png" } else { "jpg" })),
    );
    write(
        "image_class_labels.txt",
        lines(&|i| (1 + i % 2).to_string()),
    );
    write(
        "train_test_split.txt",
        lines(&|i| u64::from(i < 7).to_string()),
    );
    write("classes.txt", "1 001.Auk\n2 002.Jay\n".to_owned());
    for i in 1..=9 {
        put(
            &dir.path().join(format!(
                "images/{i}.{}",
                if i % 2 == 0 { "png" } else { "jpg" }
            )),
            i,
        );
    }
    let source = Source::Subset(dir.path().to_owned());
    let whole = load("cub200-224", &source)?;
    let listed = load_streamed("cub200-224", &source, Framing::of_side(224))?;
    assert_eq!(listed.train.labels, whole.train.labels);
    assert_eq!(listed.train.class_names, whole.train.class_names);
    assert!(listed.train.pixels.is_empty() && listed.train.image(0).is_none());
    let (whole, listed) = (numbers(&whole)?, numbers(&listed)?);
    assert!(listed.0.images.is_empty() && listed.0.image(0).is_none());
    for (whole, listed) in [(&whole.0, &listed.0), (&whole.1, &listed.1)] {
        let images = |set| collected(Batches::eval(set, 4, &Device::Cpu)?);
        assert_eq!(images(whole)?, images(listed)?);
        // Without random crops, training sees the same too.
        assert_eq!(trained(whole, 3, 1)?, trained(listed, 3, 1)?);
    }
    Ok(())
}

#[test]
fn the_number_of_threads_changes_no_bit() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    for crop in [Crop::Middle, Crop::RandomPlace, Crop::RandomSize] {
        let results = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool").install(|| {
                let (train, test) = numbers(&streamed(dir.path(), framing(crop))?)?;
                let looked = collected(Batches::eval(&test, 4, &Device::Cpu)?)?;
                Ok::<_, DataError>((trained(&train, 1, 2)?, looked))
            })
        });
        let [one, two, five] = results;
        let one = one?;
        assert_eq!(one, two?, "{crop:?}");
        assert_eq!(one, five?, "{crop:?}");
        assert_eq!(one.0.len(), 60usize.div_ceil(7));
    }
    Ok(())
}

#[test]
fn crops_are_drawn_anew_in_every_epoch_and_for_training_alone() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let (train, _) = numbers(&streamed(dir.path(), framing(Crop::RandomPlace))?)?;
    assert_eq!(trained(&train, 1, 2)?, trained(&train, 1, 2)?);
    assert_ne!(trained(&train, 1, 2)?, trained(&train, 1, 3)?);
    assert_ne!(trained(&train, 1, 2)?, trained(&train, 2, 2)?);
    let (middle, _) = numbers(&streamed(dir.path(), framing(Crop::Middle))?)?;
    let looked = |set| collected(Batches::eval(set, 60, &Device::Cpu)?);
    assert_eq!(looked(&train)?, looked(&middle)?);
    assert_ne!(trained(&train, 1, 2)?, trained(&middle, 1, 2)?);
    Ok(())
}

#[test]
fn an_epoch_can_begin_in_its_middle() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let (train, _) = numbers(&streamed(dir.path(), framing(Crop::RandomSize))?)?;
    let whole = trained(&train, 4, 0)?;
    for after in [0, 1, 5, 8, 9, 99] {
        let rest = Batches::train(&train, 7, &FLIP, 4, 0, &Device::Cpu)?.after(after);
        assert_eq!(rest.remaining(), 9usize.saturating_sub(after));
        assert_eq!(collected(rest)?, whole[after.min(9)..]);
    }
    Ok(())
}

#[test]
fn parts_of_a_set_are_its_pictures() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let data = streamed(dir.path(), framing(Crop::Middle))?;
    // The first picture of each class, then the second.
    assert_eq!(data.train.labels[..6], [0, 1, 2, 0, 1, 2]);
    let (train, _) = numbers(&data)?;
    let looked = |set: &FloatSet| collected(Batches::eval(set, 1, &Device::Cpu)?);
    let all = looked(&train)?;
    let (first, rest) = train.split_at(22);
    assert_eq!((first.len(), rest.len()), (22, 38));
    assert_eq!(looked(&first)?, all[..22]);
    assert_eq!(looked(&rest)?, all[22..]);
    let (kept, held_out) = train.with_labels_of(&[3, 10, 11])?.hold_out(2);
    assert_eq!((kept.len(), held_out.len()), (58, 2));
    let image = |images: Images, at: usize| images[at].0.clone();
    assert_eq!(image(looked(&held_out)?, 1), all[11].0);
    let sixth = data.hold_out_sixth();
    sixth.check()?;
    assert_eq!((sixth.train.len(), sixth.test.len()), (50, 10));
    let fitted = Preprocess::Standardize.fit(&data.train)?;
    assert_eq!(looked(&fitted.apply(&sixth.test)?)?, all[50..]);
    assert_eq!(looked(&fitted.apply(&data.first(9, 3).train)?)?, all[..9]);
    Ok(())
}

#[test]
fn every_file_and_the_framing_count_for_the_digest() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let digest = |framing| Ok::<_, DataError>(streamed(dir.path(), framing)?.digest());
    let first = digest(framing(Crop::Middle))?;
    assert_eq!(first, digest(framing(Crop::Middle))?);
    assert_ne!(first, digest(framing(Crop::RandomPlace))?);
    // The folder may be moved.
    let (old, new) = (
        dir.path().join("train"),
        tempfile::tempdir().expect("a folder"),
    );
    pets(new.path());
    assert_eq!(streamed(new.path(), framing(Crop::Middle))?.digest(), first);
    let path = old.join("owl/7.JPEG");
    let mut file = fs::read(&path).expect("a file");
    // One byte in the coded data: the same size, another content.
    let at = file.len() - 40;
    file[at] ^= 1;
    fs::write(&path, file).expect("written");
    let changed = digest(framing(Crop::Middle))?;
    assert_ne!(changed, first);
    fs::rename(&path, old.join("owl/70.JPEG")).expect("renamed");
    assert_ne!(digest(framing(Crop::Middle))?, changed);
    Ok(())
}

/// The batches before the first error, and its message.
fn until_it_fails(set: &FloatSet) -> (usize, String) {
    let mut batches = Batches::eval(set, 10, &Device::Cpu).expect("a set");
    let mut good = 0;
    loop {
        match batches.next().expect("an error") {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(batches.next().is_none());
                return (good, error.to_string());
            }
        }
    }
}

#[test]
fn a_bad_picture_is_named_when_its_turn_comes() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let fitted = Preprocess::UnitRange.fit(&streamed(dir.path(), framing(Crop::Middle))?.train)?;
    let path = dir.path().join("train/dog/13.JPEG");
    let good = fs::read(&path).expect("a file");
    let mut huge = good.clone();
    // The frame's height and width, which follow its marker, length and depth.
    let frame = huge
        .windows(2)
        .position(|two| two == [0xff, 0xc0])
        .expect("a frame");
    huge[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let cases: [(&[u8], &str); 4] = [
        (&good[..good.len() / 2], "found a damaged one"),
        (
            b"GIF89a and more",
            "expected a PNG or JPEG picture, found Gif",
        ),
        (&huge, "found a picture of 65535x65535x3"),
        (b"no picture", "expected a PNG or JPEG picture"),
    ];
    for (content, wanted) in cases {
        fs::write(&path, content).expect("written");
        let set = fitted.apply(&streamed(dir.path(), framing(Crop::Middle))?.train)?;
        // Picture 13 of the second class is number 40.
        let (good, message) = until_it_fails(&set);
        assert_eq!(good, 4, "{message}");
        assert!(
            message.contains("train/dog/13.JPEG: ") && message.contains(wanted),
            "no {wanted} in {message}"
        );
        assert!(!message.contains('\n'), "{message}");
    }
    fs::write(&path, &good).expect("written");
    let set = fitted.apply(&streamed(dir.path(), framing(Crop::Middle))?.train)?;
    fs::write(&path, [&good[..], &[0]].concat()).expect("written");
    let (_, message) = until_it_fails(&set);
    assert!(
        message.contains("as when the pictures were listed"),
        "{message}"
    );
    fs::remove_file(&path).expect("removed");
    let (_, message) = until_it_fails(&set);
    assert!(message.contains("13.JPEG: cannot read"), "{message}");
    Ok(())
}

/// A scene that shows nothing of any set.
#[derive(Debug)]
struct Nothing;

impl Scene for Nothing {
    fn size(&self) -> (usize, usize, usize) {
        (1, 1, 1)
    }

    fn check(&self, _: &FloatSet) -> Result<(), DataError> {
        Ok(())
    }

    fn draw(&self, _: &FloatSet, _: usize, _: &mut Stream, _: &mut [f32]) -> u32 {
        0
    }
}

#[test]
fn errors() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(dir.path());
    let text = |error: Result<Dataset, DataError>| error.expect_err("accepted").to_string();
    let whole = Source::Dir(dir.path().to_owned());
    let message = text(load_streamed("imagenet", &whole, Framing::of_side(64)));
    assert_eq!(
        message,
        "load_streamed: framing is 64x64x3 images, expected 224x224x3 images of imagenet"
    );
    let message = text(load_streamed("imagenet", &whole, Framing::of_side(224)));
    assert!(
        message.contains("expected imagenet (224x224x3 images of 1000 classes)"),
        "{message}"
    );
    let message = text(load_streamed("pets", &whole, Framing::of_side(0)));
    assert!(message.contains("side is 0"), "{message}");
    let message = text(load_streamed(
        "mnist",
        &Source::Embedded,
        Framing::of_side(28),
    ));
    assert!(message.contains("source is embedded"), "{message}");
    let idx = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/strokes/idx");
    let message = text(load_streamed(
        "pets",
        &Source::Dir(idx),
        Framing::of_side(28),
    ));
    assert!(
        message.contains("found IDX files; read such files with `load`"),
        "{message}"
    );

    let data = streamed(dir.path(), framing(Crop::Middle))?;
    let message = Preprocess::gcn_zca()
        .fit(&data.train)
        .expect_err("accepted")
        .to_string();
    assert!(
        message.contains("train is pictures on disk (pets/train)"),
        "{message}"
    );
    let message = data
        .with_unlabelled(&data.train)
        .expect_err("accepted")
        .to_string();
    assert!(
        message.contains("pets/train: expected images in memory"),
        "{message}"
    );
    let (train, _) = numbers(&data)?;
    let drawn = FloatSet::composed(train, Arc::new(Nothing), Redraw::Once);
    let message = drawn.expect_err("accepted").to_string();
    assert!(message.contains("source is images on disk"), "{message}");
    Ok(())
}

/// Writes a shard of the hub's kind: pictures and labels, five rows in a group.
fn shard(path: &Path, rows: &[(Vec<u8>, i64)]) {
    let schema =
        "message schema { optional group image { optional binary bytes; } optional int64 label; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).expect("a schema"));
    let file = fs::File::create(path).expect("a file");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).expect("a writer");
    for rows in rows.chunks(5) {
        let mut group = writer.next_row_group().expect("a group");
        let bytes: Vec<ByteArray> = rows.iter().map(|row| row.0.clone().into()).collect();
        let labels: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let (two, one) = (vec![2i16; rows.len()], vec![1i16; rows.len()]);
        let mut column = group.next_column().expect("a column").expect("pictures");
        let written = column
            .typed::<ByteArrayType>()
            .write_batch(&bytes, Some(&two), None);
        written.expect("written");
        column.close().expect("closed");
        let mut column = group.next_column().expect("a column").expect("labels");
        let written = column
            .typed::<Int64Type>()
            .write_batch(&labels, Some(&one), None);
        written.expect("written");
        column.close().expect("closed");
        group.close().expect("closed");
    }
    writer.close().expect("closed");
}

/// The pictures of [`pets`] in two training shards and a test shard, in the order of the streamed set.
fn pets_in_shards(pets: &Path, to: &Path) {
    let rows = |split: &str, at: std::ops::Range<usize>| {
        let mut rows = Vec::new();
        for at in at {
            for (label, class) in ["cat", "dog", "owl"].into_iter().enumerate() {
                let end = if at % 3 == 0 { "png" } else { "JPEG" };
                let path = pets.join(format!("{split}/{class}/{at}.{end}"));
                rows.push((fs::read(path).expect("a picture"), label as i64));
            }
        }
        rows
    };
    fs::create_dir_all(to).expect("a folder");
    shard(
        &to.join("train-00000-of-00002.parquet"),
        &rows("train", 0..12),
    );
    shard(
        &to.join("train-00001-of-00002.parquet"),
        &rows("train", 12..20),
    );
    shard(&to.join("test-00000-of-00001.parquet"), &rows("val", 0..5));
}

#[test]
fn shards_are_read_a_row_group_at_a_time() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    pets(&dir.path().join("pets"));
    let shards = dir.path().join("shards");
    pets_in_shards(&dir.path().join("pets"), &shards);
    let files = streamed(&dir.path().join("pets"), framing(Crop::RandomPlace))?;
    let data = streamed(&shards, framing(Crop::RandomPlace))?;
    assert_eq!(data.train.labels, files.train.labels);
    assert_eq!((data.train.classes(), data.test.len()), (3, 15));
    let (train, test) = numbers(&data)?;
    let (train_files, test_files) = numbers(&files)?;
    let looked = |set: &FloatSet| collected(Batches::eval(set, 4, &Device::Cpu)?);
    assert_eq!(looked(&train)?, looked(&train_files)?);
    assert_eq!(looked(&test)?, looked(&test_files)?);
    // Row groups are shuffled, and all of these are small enough to be mixed.
    let order = trained(&train, 1, 2)?;
    let labels = |images: &Images| {
        images
            .iter()
            .flat_map(|batch| batch.1.clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(labels(&order), data.train.labels);
    assert_ne!(order, trained(&train, 1, 3)?);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let again = pool.expect("a pool").install(|| trained(&train, 1, 2));
        assert_eq!(again?, order);
    }
    let rest = Batches::train(&train, 7, &FLIP, 1, 2, &Device::Cpu)?.after(4);
    assert_eq!(collected(rest)?, order[4..]);
    let (first, rest) = train.split_at(13);
    assert_eq!([looked(&first)?.len(), looked(&rest)?.len()], [4, 12]);
    let few = train.with_labels_of(&[0, 1])?;
    let mix = lab::data::Mix {
        labelled: 1,
        unlabelled: 2,
    };
    let mixed = Batches::mixed(&few, mix, &FLIP, 1, 0, &Device::Cpu);
    let message = mixed.expect_err("accepted").to_string();
    assert!(message.contains("set is pictures in shards"), "{message}");
    Ok(())
}

#[test]
fn a_bad_row_of_a_shard_is_named() -> Result<(), DataError> {
    let dir = tempfile::tempdir().expect("a folder");
    let good = {
        let mut file = std::io::Cursor::new(Vec::new());
        picture(1)
            .write_to(&mut file, ImageFormat::Jpeg)
            .expect("a picture");
        file.into_inner()
    };
    let (train, test) = (
        dir.path().join("train.parquet"),
        dir.path().join("test.parquet"),
    );
    shard(&test, &[(good.clone(), 0)]);
    let mut rows = vec![(good.clone(), 0); 12];
    rows[8].0.truncate(good.len() / 2);
    shard(&train, &rows);
    let load = || streamed(dir.path(), framing(Crop::Middle));
    let digest = load()?.digest();
    let set = Preprocess::UnitRange
        .fit(&load()?.train)?
        .apply(&load()?.train)?;
    let mut batches = Batches::eval(&set, 4, &Device::Cpu)?;
    assert!(batches.next().is_some_and(|batch| batch.is_ok()));
    assert!(batches.next().is_some_and(|batch| batch.is_ok()));
    let message = match batches.next() {
        Some(Err(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(
        message.contains("train.parquet, row 8: expected a readable picture"),
        "{message}"
    );
    rows[8] = (good.clone(), 7);
    shard(&train, &rows);
    assert_ne!(load()?.digest(), digest);
    rows[3].1 = -1;
    shard(&train, &rows);
    let message = load().expect_err("accepted").to_string();
    assert!(
        message.contains("train.parquet, row 3: expected a label from 0"),
        "{message}"
    );
    let whole = fs::read(&train).expect("a shard");
    for cut in [0, 7, whole.len() / 2, whole.len() - 1] {
        fs::write(&train, &whole[..cut]).expect("written");
        let message = load().expect_err("accepted").to_string();
        assert!(
            message.contains("train.parquet: expected a parquet file"),
            "{message}"
        );
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn only_regular_files_below_the_folder_are_pictures() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().expect("a folder");
    let inside = dir.path().join("pets");
    pets(&inside);
    let link = inside.join("train/cat/99.png");
    put(&dir.path().join("secret.png"), 1);
    for (target, wanted) in [
        (dir.path().join("secret.png"), "found a path that leaves it"),
        ("/dev/zero".into(), "found a path that leaves it"),
        (inside.join("none.png"), "cannot read"),
    ] {
        symlink(target, &link).expect("a link");
        let message = streamed(&inside, framing(Crop::Middle))
            .expect_err("accepted")
            .to_string();
        assert!(
            message.contains("99.png: ") && message.contains(wanted),
            "{message}"
        );
        fs::remove_file(&link).expect("removed");
    }
    symlink("1.JPEG", &link).expect("a link");
    let data = streamed(&inside, framing(Crop::Middle)).expect("a good link");
    assert_eq!(data.train.len(), 61);
}
