//! Training on pictures that stay on disk: stopped and resumed it gives the same bits, and it says how long it waited.

use super::*;
use crate::data::{Crop, Framing, Preprocess, Source, load_streamed};

/// Sets of 4x4 pixels, of pictures in a folder.
fn sets(dir: &Path) -> (FloatSet, FloatSet) {
    for (split, count) in [("train", 12), ("test", 4)] {
        for at in 0..3 * count {
            let path = dir.join(format!("{split}/{}/{at}.png", at % 3));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let picture = image::RgbImage::from_fn(9 + at, 8, |x, y| {
                image::Rgb([(x * 20) as u8, (y * 20 + at) as u8, (80 * (at % 3)) as u8])
            });
            picture.save(path).unwrap();
        }
    }
    let framing = Framing {
        shorter: 6,
        train: Crop::RandomSize,
        ..Framing::of_side(4)
    };
    let data = load_streamed("made", &Source::Dir(dir.to_owned()), framing).unwrap();
    let fitted = Preprocess::Standardize.fit(&data.train).unwrap();
    (
        fitted.apply(&data.train).unwrap(),
        fitted.apply(&data.test).unwrap(),
    )
}

#[test]
fn resumed_in_the_middle_of_an_epoch_equals_straight() {
    let pictures = tempfile::tempdir().unwrap();
    let (train, test) = sets(pictures.path());
    let recipe = Recipe {
        batch_size: 5,
        ..recipe()
    };
    let fit = |linear: &Linear, run: &mut Run| {
        fit_objective(linear, &linear.params, &train, &test, &recipe, run).unwrap()
    };
    let captured = Captured::default();
    let straight = Linear::of_channels(3);
    let log = fit(&straight, &mut Run::in_memory(&captured.console()));
    assert_eq!(log.steps, 4 * 8);
    assert!(log.epochs.iter().all(|epoch| epoch.waiting_seconds > 0.0));
    assert!(
        log.epochs
            .iter()
            .all(|epoch| (0.0..=100.0).contains(&epoch.waiting()))
    );
    let text = captured.text();
    assert_eq!(text.matches("% waiting for images").count(), 4, "{text}");

    let folder = tempfile::tempdir().unwrap();
    for (after, start) in [(3, Start::Afresh), (18, Start::Resume)] {
        let flag = StopFlag::default();
        let mut part = Linear::of_channels(3);
        part.stop = Some((after, flag.clone()));
        let log = fit(&part, &mut run_in(folder.path(), start).stop_flag(&flag));
        assert_eq!(log.outcome, Outcome::Interrupted);
    }
    let last = Linear::of_channels(3);
    let resumed = fit(&last, &mut run_in(folder.path(), Start::Resume));
    assert_eq!(last.weights(), straight.weights());
    assert_eq!(timeless(resumed), timeless(log));
}

#[test]
fn a_broken_picture_ends_the_run_with_its_name() {
    let pictures = tempfile::tempdir().unwrap();
    let (train, test) = sets(pictures.path());
    let path = pictures.path().join("train/1/7.png");
    let mut content = fs::read(&path).unwrap();
    let half = content.len() / 2;
    content[half..].fill(0);
    fs::write(&path, content).unwrap();
    let linear = Linear::of_channels(3);
    let mut run = Run::in_memory(&Console::silent());
    let failed = fit_objective(&linear, &linear.params, &train, &test, &recipe(), &mut run);
    let text = failed.unwrap_err().to_string();
    assert!(
        text.contains("train/1/7.png: expected a readable picture"),
        "{text}"
    );
}
