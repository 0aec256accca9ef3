//! Preprocessing of sets: fitted on the training split, applied to any.

use lab::data::{CacheUse, Dataset, Gcn, ImageSet, Preprocess, Source, Zca, load};

fn mnist() -> Dataset {
    load("mnist", &Source::Embedded).unwrap().first(600, 100)
}

fn color(n: usize) -> ImageSet {
    ImageSet {
        name: "made/train".into(),
        class_names: vec!["a".into()],
        height: 3,
        width: 4,
        channels: 3,
        pixels: (0..n * 36)
            .map(|x| if x % 3 == 2 { 7 } else { (x * x % 251) as u8 })
            .collect(),
        labels: vec![0; n],
        left_out: 0,
        streamed: None,
    }
}

#[test]
fn unit_range_moves_channels_to_the_front() {
    let set = color(2);
    let floats = Preprocess::UnitRange
        .fit(&set)
        .unwrap()
        .apply(&set)
        .unwrap();
    assert_eq!(
        (floats.channels, floats.height, floats.width, floats.len()),
        (3, 3, 4, 2)
    );
    for (image, y, x, channel) in [(0, 0, 1, 0), (1, 2, 3, 1), (1, 1, 0, 2)] {
        let byte = set.pixels[((image * 3 + y) * 4 + x) * 3 + channel];
        let value = floats.images[((image * 3 + channel) * 3 + y) * 4 + x];
        assert!((value - f32::from(byte) / 255.0).abs() < 1e-7);
    }
}

#[test]
fn standardize_uses_the_training_split() {
    let data = mnist();
    let fitted = Preprocess::Standardize.fit(&data.train).unwrap();
    let moments = |values: &[f32]| {
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let squares = values
            .iter()
            .map(|&x| (f64::from(x) - mean).powi(2))
            .sum::<f64>();
        (mean, (squares / n).sqrt())
    };
    let (mean, std) = moments(&fitted.apply(&data.train).unwrap().images);
    assert!(
        mean.abs() < 1e-5 && (std - 1.0).abs() < 1e-5,
        "{mean} {std}"
    );
    let (mean, _) = moments(&fitted.apply(&data.test).unwrap().images);
    assert!(mean.abs() > 1e-4, "the test split has its own mean, {mean}");
    let stats = fitted.channel_stats().unwrap();
    assert!(
        (stats[0].0 - 0.13).abs() < 0.01 && (stats[0].1 - 0.31).abs() < 0.01,
        "{stats:?}"
    );
}

#[test]
fn an_even_channel_is_only_centered() {
    let set = color(3);
    let floats = Preprocess::Standardize
        .fit(&set)
        .unwrap()
        .apply(&set)
        .unwrap();
    let blue = &floats.images[24..36];
    assert!(blue.iter().all(|&x| x == 0.0), "{blue:?}");
}

#[test]
fn sets_equal_the_steps_in_double_precision() {
    let data = mnist();
    let fitted = Preprocess::gcn_zca().fit(&data.train).unwrap();
    let steps = |set: &ImageSet| {
        let mut images: Vec<f64> = set.pixels.iter().map(|&x| f64::from(x)).collect();
        Gcn::default().apply_f64(&mut images, 784).unwrap();
        images
    };
    let zca = Zca::default().fit_f64(&steps(&data.train), 784).unwrap();
    assert_eq!(fitted.zca(), Some(&zca));
    for set in [&data.train, &data.test] {
        let expected = zca.apply_f64(&steps(set)).unwrap();
        let found = fitted.apply(set).unwrap();
        for (a, b) in found.images.iter().zip(&expected) {
            assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    let data = mnist();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let fitted = Preprocess::gcn_zca().fit(&data.train).unwrap();
            let set = fitted.apply(&data.test).unwrap();
            set.images.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        })
    };
    assert!(with(1) == with(2));
}

#[test]
fn a_fit_is_kept_and_found_again() {
    let train = mnist().train.first(200);
    let folder = tempfile::tempdir().unwrap();
    let preprocess = Preprocess::gcn_zca();
    let fit =
        |preprocess: Preprocess, set: &ImageSet| preprocess.fit_cached(set, folder.path()).unwrap();
    let first = fit(preprocess, &train);
    assert_eq!(first.cache, CacheUse::Written);
    let second = fit(preprocess, &train);
    assert_eq!(second.cache, CacheUse::Read);
    assert_eq!(first.zca(), second.zca());

    // Other constants or other images are another fit.
    let other = Preprocess::GcnZca {
        gcn: Gcn::default(),
        zca: Zca {
            regularization: 0.2,
        },
    };
    assert_eq!(fit(other, &train).cache, CacheUse::Written);
    let mut pixels = train.clone();
    pixels.pixels[5] ^= 1;
    assert_eq!(fit(preprocess, &pixels).cache, CacheUse::Written);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);

    // A damaged file is replaced.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read(&path).unwrap();
        content.truncate(content.len() / 2);
        std::fs::write(path, content).unwrap();
    }
    assert!(matches!(
        fit(preprocess, &train).cache,
        CacheUse::Replaced(_)
    ));
    assert_eq!(fit(preprocess, &train).cache, CacheUse::Read);

    // A cache that cannot be written does not fail the fit.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fitted = preprocess.fit_cached(&train, &file).unwrap();
    assert!(
        matches!(fitted.cache, CacheUse::Failed(ref reason) if reason.contains("cannot write"))
    );
    assert_eq!(
        Preprocess::UnitRange
            .fit_cached(&train, &file)
            .unwrap()
            .cache,
        CacheUse::None
    );
}

/// Whatever bit of the file is flipped, the whitening is the right one and the file is written anew.
#[test]
fn a_flipped_bit_in_the_cache_is_noticed() {
    let train = color(60);
    let folder = tempfile::tempdir().unwrap();
    let fit = || {
        Preprocess::gcn_zca()
            .fit_cached(&train, folder.path())
            .unwrap()
    };
    let first = fit();
    let path = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 500 + 1) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        let again = fit();
        assert_eq!(again.zca(), first.zca(), "byte {at}");
        assert!(
            matches!(again.cache, CacheUse::Replaced(_)),
            "byte {at}: {:?}",
            again.cache
        );
        assert!(std::fs::read(&path).unwrap() == whole, "byte {at}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn settings_are_read_strictly() {
    let parse = |text: &str| toml::from_str::<Preprocess>(text);
    assert_eq!(
        parse("kind = \"unit-range\"").unwrap(),
        Preprocess::UnitRange
    );
    assert_eq!(parse("kind = \"gcn-zca\"").unwrap(), Preprocess::gcn_zca());
    let zca = parse("kind = \"gcn-zca\"\nzca = { regularization = 0.01 }").unwrap();
    assert!(matches!(
        zca,
        Preprocess::GcnZca {
            zca: Zca {
                regularization: 0.01
            },
            ..
        }
    ));
    assert!(parse("kind = \"gcn-zca\"\nzca = { bias = 0.01 }").is_err());
    assert!(parse("kind = \"gcn-zca\"\nscale = 1").is_err());
    let text = toml::to_string(&Preprocess::gcn_zca()).unwrap();
    assert_eq!(parse(&text).unwrap(), Preprocess::gcn_zca());
}

#[test]
fn errors() {
    let data = mnist();
    let fitted = Preprocess::UnitRange.fit(&data.train).unwrap();
    assert_eq!(
        fitted.apply(&color(2)).unwrap_err().to_string(),
        "Fitted: set is 3x4x3 images (made/train), expected 28x28x1 images as in the fit"
    );
    let mut none = data.train.first(0);
    none.pixels.clear();
    let text = Preprocess::gcn_zca().fit(&none).unwrap_err().to_string();
    assert!(
        text.starts_with("mnist/train: expected images, found none;"),
        "{text}"
    );
    let bad = Preprocess::GcnZca {
        gcn: Gcn {
            scale: -1.0,
            ..Gcn::default()
        },
        zca: Zca::default(),
    };
    let text = bad.fit(&data.train).unwrap_err().to_string();
    assert_eq!(text, "Gcn: scale is -1, expected a positive number");
}
