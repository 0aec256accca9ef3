//! Batches: order, contents, and life of the thread that makes them.

use candle_core::{DType, Device};
use lab::data::{Augment, Batch, Batches, FloatSet, ImageSet, Preprocess};

const DEVICE: Device = Device::Cpu;

/// Images whose every value is their index.
fn set(n: usize) -> FloatSet {
    let images = (0..n).flat_map(|index| [index as f32; 12]).collect();
    let labels = (0..n as u32).map(|index| index % 10).collect();
    FloatSet::new((3, 2, 2), images, labels, 10).unwrap()
}

fn all(batches: Batches) -> Vec<Batch> {
    batches.collect::<Result<_, _>>().unwrap()
}

/// First value and label of every image, in the order of the batches.
fn order(batches: &[Batch]) -> Vec<(u32, u32)> {
    let mut order = Vec::new();
    for batch in batches {
        let images = batch.xs.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
        let labels = batch.labels.to_vec1::<u32>().unwrap();
        order.extend(
            images
                .iter()
                .zip(labels)
                .map(|(image, label)| (image[0] as u32, label)),
        );
    }
    order
}

fn train(set: &FloatSet, size: usize, seed: u64, epoch: u64) -> Vec<Batch> {
    all(Batches::train(set, size, &Augment::NONE, seed, epoch, &DEVICE).unwrap())
}

#[test]
fn shapes() {
    let batches = all(Batches::eval(&set(10), 4, &DEVICE).unwrap());
    let shapes: Vec<&[usize]> = batches.iter().map(|batch| batch.xs.dims()).collect();
    assert_eq!(shapes, [[4, 3, 2, 2], [4, 3, 2, 2], [2, 3, 2, 2]]);
    assert!(batches.iter().all(|batch| batch.xs.dtype() == DType::F32));
    assert!(
        batches
            .iter()
            .all(|batch| batch.labels.dtype() == DType::U32)
    );
    assert_eq!(batches[2].labels.dims(), [2]);
    let one = all(Batches::eval(&set(10), 99, &DEVICE).unwrap());
    assert_eq!(one.len(), 1);
}

#[test]
fn evaluation_keeps_the_order() {
    let expected: Vec<(u32, u32)> = (0..23).map(|index| (index, index % 10)).collect();
    assert_eq!(
        order(&all(Batches::eval(&set(23), 5, &DEVICE).unwrap())),
        expected
    );
}

#[test]
fn a_shuffle_is_a_function_of_seed_and_epoch() {
    let set = set(100);
    let first = order(&train(&set, 7, 1, 0));
    assert_eq!(first, order(&train(&set, 7, 1, 0)));
    // Neither does the batch size matter.
    assert_eq!(first, order(&train(&set, 100, 1, 0)));
    let others = [order(&train(&set, 7, 2, 0)), order(&train(&set, 7, 1, 1))];
    assert_ne!(first, others[0]);
    assert_ne!(first, others[1]);
    for mut order in [first, others[0].clone(), others[1].clone()] {
        order.sort_unstable();
        assert_eq!(
            order,
            (0..100)
                .map(|index| (index, index % 10))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn augmentation_follows_the_image_not_the_batch() {
    let values: Vec<f32> = (0..40 * 3 * 36).map(|x| (x * 7 % 251) as f32).collect();
    let set = FloatSet::new((3, 6, 6), values, (0..40).map(|i| i % 4).collect(), 4).unwrap();
    let augment = Augment {
        flip: true,
        translate: 2,
    };
    let images = |size: usize| -> Vec<Vec<f32>> {
        all(Batches::train(&set, size, &augment, 3, 5, &DEVICE).unwrap())
            .iter()
            .flat_map(|batch| batch.xs.flatten_from(1).unwrap().to_vec2::<f32>().unwrap())
            .collect()
    };
    let expected = images(40);
    assert_eq!(images(9), expected);
    let plain: Vec<Vec<f32>> = train(&set, 40, 3, 5)
        .iter()
        .flat_map(|batch| batch.xs.flatten_from(1).unwrap().to_vec2::<f32>().unwrap())
        .collect();
    let changed = expected.iter().zip(&plain).filter(|(a, b)| a != b).count();
    assert!(changed > 30, "{changed} of 40 images changed");
}

fn bytes(n: usize) -> ImageSet {
    ImageSet {
        name: "made/train".into(),
        class_names: vec!["a".into(), "b".into()],
        height: 4,
        width: 5,
        channels: 3,
        pixels: (0..n * 60).map(|x| (x * x % 239) as u8).collect(),
        labels: (0..n as u32).map(|index| index % 2).collect(),
        left_out: 0,
        streamed: None,
    }
}

#[test]
fn deferred_preprocessing_happens_in_the_batch() {
    let raw = bytes(30);
    for preprocess in [
        Preprocess::UnitRange,
        Preprocess::Standardize,
        Preprocess::gcn_zca(),
    ] {
        let fitted = preprocess.fit(&raw).unwrap();
        let now = fitted.apply(&raw).unwrap();
        let later = fitted.defer(&raw).unwrap();
        let (now, later) = (train(&now, 8, 1, 0), train(&later, 8, 1, 0));
        for (now, later) in now.iter().zip(&later) {
            let difference = (&now.xs - &later.xs).unwrap().abs().unwrap();
            let largest = difference.flatten_all().unwrap().max(0).unwrap();
            assert!(largest.to_scalar::<f32>().unwrap() < 1e-5, "{preprocess:?}");
        }
    }
}

#[test]
fn raw_images_are_shifted_before_they_are_centered() {
    let raw = bytes(30);
    let fitted = Preprocess::Standardize.fit(&raw).unwrap();
    let black = (0.0 - fitted.channel_stats().unwrap()[0].0) / fitted.channel_stats().unwrap()[0].1;
    let augment = Augment {
        flip: false,
        translate: 3,
    };
    let corner_values = |set: &FloatSet| {
        let batches = all(Batches::train(set, 30, &augment, 1, 0, &DEVICE).unwrap());
        batches[0]
            .xs
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    let count = |values: &[f32], value: f32| values.iter().filter(|&&x| x == value).count();
    let after = corner_values(&fitted.apply(&raw).unwrap());
    let before = corner_values(&fitted.defer(&raw).unwrap());
    assert!(count(&after, 0.0) > 300 && count(&before, 0.0) < 30);
    assert!(count(&before, black as f32) > 100);
}

#[test]
fn dropping_early_does_not_hang() {
    let set = set(1000);
    for taken in 0..5 {
        let mut batches = Batches::train(&set, 3, &Augment::NONE, 0, 0, &DEVICE).unwrap();
        for _ in 0..taken {
            batches.next().unwrap().unwrap();
        }
        assert_eq!(batches.remaining(), 334 - taken);
    }
}

#[test]
fn one_thread_is_enough() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let raw = bytes(50);
    let fitted = Preprocess::gcn_zca().fit(&raw).unwrap();
    let set = fitted.defer(&raw).unwrap();
    let inside = pool.install(|| order(&train(&set, 4, 1, 0)));
    assert_eq!(inside, order(&train(&set, 4, 1, 0)));
}

/// The set-up of a program whose main thread is rayon's only one: the thread that prepares batches needs it.
#[test]
fn the_only_thread_of_rayons_works_while_it_waits() {
    const CHILD: &str = "STRIATE_TEST_ONE_THREAD";
    let name = "the_only_thread_of_rayons_works_while_it_waits";
    if std::env::var_os(CHILD).is_none() {
        // Rayon's global threads are those of the process, so the test needs a process of its own.
        let program = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(program)
            .args(["--exact", name, "--test-threads", "1"])
            .env(CHILD, "1")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        for _ in 0..600 {
            if child.try_wait().unwrap().is_some() {
                let output = child.wait_with_output().unwrap();
                let text = String::from_utf8_lossy(&output.stdout);
                // A name that no test has would pass none.
                let has_passed = output.status.success() && text.contains("1 passed");
                assert!(has_passed, "{text}");
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        child.kill().unwrap();
        panic!("no batch after a minute");
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .unwrap();
    let raw = bytes(50);
    let set = Preprocess::gcn_zca()
        .fit(&raw)
        .unwrap()
        .defer(&raw)
        .unwrap();
    let augment = Augment {
        flip: true,
        translate: 1,
    };
    let batches = || Batches::train(&set, 4, &augment, 1, 0, &DEVICE).unwrap();
    assert_eq!(all(batches()).len(), 13);
    // Dropped while the thread still needs this one.
    for taken in 0..4 {
        assert_eq!(batches().take(taken).count(), taken);
    }
}

#[test]
fn errors() {
    let text = |batches: Result<Batches, lab::data::DataError>| batches.unwrap_err().to_string();
    let empty = FloatSet::new((1, 2, 2), vec![], vec![], 1).unwrap();
    assert_eq!(
        text(Batches::eval(&empty, 1, &DEVICE)),
        "Batches: set is empty, expected at least one image"
    );
    assert_eq!(
        text(Batches::eval(&set(3), 0, &DEVICE)),
        "Batches: batch_size is 0, expected at least 1"
    );
    let far = Augment {
        flip: false,
        translate: 2,
    };
    assert_eq!(
        text(Batches::train(&set(3), 1, &far, 0, 0, &DEVICE)),
        "Augment: translate is 2, expected less than the 2x2 pixels of an image"
    );
}

#[test]
fn an_error_on_the_thread_reaches_the_consumer() {
    let mut broken = set(5);
    broken.images = broken.images[..30].to_vec().into();
    let mut batches = Batches::eval(&broken, 1, &DEVICE).unwrap();
    assert!(batches.next().unwrap().is_ok());
    assert!(batches.next().unwrap().is_ok());
    let error = batches.next().unwrap().unwrap_err().to_string();
    assert_eq!(error, "Batches: set is 30 values, expected 5 whole images");
    assert!(batches.next().is_none());
}
