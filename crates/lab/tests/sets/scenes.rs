//! Scenes: what they show, what they depend on, and how batches draw them.

use std::sync::Arc;

use candle_core::Device;
use lab::data::{
    Augment, Batches, DigitSum, Distort, Distortion, Extrude, FloatSet, Preprocess, Redraw, Scene,
    Source, load,
};

const DEVICE: Device = Device::Cpu;

fn digits(n: usize) -> FloatSet {
    let data = load("mnist", &Source::Embedded).unwrap().first(n, 1);
    let fitted = Preprocess::UnitRange.fit(&data.train).unwrap();
    fitted.apply(&data.train).unwrap()
}

fn distorted(distortion: Distortion, n: usize, redraw: Redraw) -> FloatSet {
    let set = digits(n);
    let scene = Distort::new(distortion, distortion.canvas(), &set).unwrap();
    FloatSet::composed(set, Arc::new(scene), redraw).unwrap()
}

/// Images and labels of an epoch, sorted so that the order of the epoch does not matter.
fn epoch(set: &FloatSet, batch: usize, seed: u64, epoch: u64) -> Vec<(u32, Vec<u32>)> {
    let mut images = Vec::new();
    for batch in Batches::train(set, batch, &Augment::NONE, seed, epoch, &DEVICE).unwrap() {
        let batch = batch.unwrap();
        let values = batch.xs.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
        let labels = batch.labels.to_vec1::<u32>().unwrap();
        let bits = values
            .into_iter()
            .map(|v| v.into_iter().map(f32::to_bits).collect());
        images.extend(labels.into_iter().zip(bits));
    }
    images.sort();
    images
}

#[test]
fn every_distortion_shows_its_digit() {
    for distortion in Distortion::ALL {
        let plain = digits(20);
        let set = distorted(distortion, 20, Redraw::EveryEpoch).rendered(1);
        let side = distortion.canvas();
        assert_eq!((set.channels, set.height, set.width), (1, side, side));
        assert_eq!(set.labels, plain.labels);
        for index in 0..20 {
            let (before, after) = (plain.image(index).unwrap(), set.image(index).unwrap());
            assert!(
                after.iter().all(|v| (0.0..=1.0).contains(v)),
                "{distortion}"
            );
            let ink = |image: &[f32]| image.iter().sum::<f32>();
            let share = ink(after) / ink(before);
            assert!((0.1..2.5).contains(&share), "{distortion} {index}: {share}");
        }
    }
}

#[test]
fn a_draw_depends_on_seed_epoch_and_image_only() {
    let set = distorted(Distortion::RotatedScaledPlaced, 30, Redraw::EveryEpoch);
    let first = epoch(&set, 7, 1, 0);
    assert_eq!(
        first,
        epoch(&set, 30, 1, 0),
        "the batch size changes nothing"
    );
    assert_ne!(first, epoch(&set, 7, 1, 1), "another epoch");
    assert_ne!(first, epoch(&set, 7, 2, 0), "another seed");
    let once = distorted(Distortion::RotatedScaledPlaced, 30, Redraw::Once);
    assert_eq!(epoch(&once, 7, 1, 0), epoch(&once, 7, 1, 5));
    assert_eq!(first, epoch(&once, 7, 1, 5));
}

#[test]
fn a_part_of_a_set_draws_what_the_whole_draws() {
    let set = distorted(Distortion::Elastic, 12, Redraw::EveryEpoch);
    let whole = set.rendered(3);
    let (first, rest) = set.split_at(5);
    let (first, rest) = (first.rendered(3), rest.rendered(3));
    assert_eq!((first.len(), rest.len()), (5, 7));
    assert_eq!(first.image(2), whole.image(2));
    assert_eq!(rest.image(0), whole.image(5));
    assert_eq!(rest.labels[6], whole.labels[11]);
    let eval: Vec<_> = Batches::eval(&rest, 7, &DEVICE).unwrap().collect();
    assert_eq!(eval.len(), 1);
}

#[test]
fn sums_have_the_labels_of_both_digits() {
    let set = digits(40);
    let scene = Arc::new(DigitSum::new(42, &set).unwrap());
    let sums = FloatSet::composed(set.clone(), scene, Redraw::EveryEpoch).unwrap();
    assert_eq!((sums.channels, sums.classes, sums.len()), (2, 19, 40));
    let drawn = sums.rendered(5);
    let second: Vec<i64> = drawn
        .labels
        .iter()
        .zip(set.labels.iter())
        .map(|(&sum, &one)| i64::from(sum) - i64::from(one))
        .collect();
    assert!(second.iter().all(|digit| (0..10).contains(digit)));
    assert!(second.iter().any(|digit| *digit != second[0]));
    let plane = 42 * 42;
    let image = drawn.image(0).unwrap();
    assert!(image[..plane].iter().sum::<f32>() > 10.0);
    assert!(image[plane..].iter().sum::<f32>() > 10.0);
}

#[test]
fn a_volume_holds_a_body() {
    let set = digits(3);
    let scene = Arc::new(Extrude::new(24, &set).unwrap());
    let volumes = FloatSet::composed(set, scene, Redraw::Once)
        .unwrap()
        .rendered(1);
    for index in 0..3 {
        let volume = volumes.image(index).unwrap();
        let slices = volume
            .chunks(24 * 24)
            .filter(|s| s.iter().any(|&v| v > 0.5));
        assert!((4..=24).contains(&slices.count()));
    }
}

#[test]
fn errors() {
    let set = digits(4);
    let text = |result: Result<Distort, lab::data::DataError>| match result {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        text(Distort::new(Distortion::Rotated, 20, &set)),
        "Distort: canvas is 20, expected at least the 28x28 pixels of an image"
    );
    let color = FloatSet::new((3, 28, 28), vec![0.0; 3 * 784], vec![0], 10).unwrap();
    let message = text(Distort::new(Distortion::Rotated, 42, &color));
    assert!(
        message.starts_with("Distort: set is 3 channels"),
        "{message}"
    );
    let scene = Distort::new(Distortion::Rotated, 42, &set).unwrap();
    let small = FloatSet::new((1, 8, 8), vec![0.0; 64], vec![0], 10).unwrap();
    let message = scene.check(&small).unwrap_err().to_string();
    assert!(
        message.contains("images of 8x8, expected 28x28"),
        "{message}"
    );
}
