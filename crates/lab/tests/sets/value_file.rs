//! Sets whose numbers are in a file give what those in memory give.

use std::path::Path;

use candle_core::Device;
use lab::data::{
    Augment, Batches, DataError, Dataset, DigitSum, FloatSet, Preprocess, Redraw, Source, load,
};

fn mnist() -> Dataset {
    load("mnist", &Source::Embedded).unwrap().first(1_300, 10)
}

/// The bits of all batches of an epoch.
fn epoch(set: &FloatSet) -> Vec<(Vec<u32>, Vec<u32>)> {
    let augment = Augment {
        flip: true,
        translate: 2,
    };
    Batches::train(set, 96, &augment, 3, 1, &Device::Cpu)
        .unwrap()
        .map(|batch| {
            let batch = batch.unwrap();
            let values: Vec<f32> = batch.xs.flatten_all().unwrap().to_vec1().unwrap();
            let bits = values.into_iter().map(f32::to_bits).collect();
            (bits, batch.labels.to_vec1().unwrap())
        })
        .collect()
}

/// The whitening multiplies blocks of images: more than one, and a part of one.
#[test]
fn batches_have_the_bits_of_those_from_memory() {
    let train = mnist().train;
    let folder = tempfile::tempdir().unwrap();
    for preprocess in [Preprocess::Standardize, Preprocess::gcn_zca()] {
        let fitted = preprocess.fit(&train).unwrap();
        let kept = fitted.apply(&train).unwrap();
        let filed = fitted.apply_to_file(&train, folder.path()).unwrap();
        assert_eq!((filed.len(), filed.images.len()), (1_300, 0));
        assert!(filed.image(0).is_none());
        assert!(epoch(&kept) == epoch(&filed));

        let parts = |set: &FloatSet| {
            let (first, rest) = set.split_at(800);
            let known: Vec<u32> = (100..200).collect();
            let (some, held_out) = set.with_labels_of(&known).unwrap().hold_out(40);
            [first, rest, some, held_out]
        };
        for (kept, filed) in parts(&kept).iter().zip(&parts(&filed)) {
            assert_eq!(kept.len(), filed.len());
            assert!(epoch(kept) == epoch(filed));
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the file has no name");
}

#[test]
fn what_is_not_supported_is_an_error() {
    let train = mnist().train;
    let fitted = Preprocess::Standardize.fit(&train).unwrap();
    let nowhere = fitted.apply_to_file(&train, Path::new("/no/such/folder"));
    assert!(matches!(nowhere, Err(DataError::Io { .. })));
    let message = nowhere.unwrap_err().to_string();
    assert!(message.contains("/no/such/folder"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    let digits = fitted.apply(&train).unwrap();
    let filed = fitted.apply_to_file(&train, folder.path()).unwrap();
    let scene = std::sync::Arc::new(DigitSum::new(42, &digits).unwrap());
    let message = DigitSum::new(42, &filed).unwrap_err().to_string();
    assert!(message.contains("images on disk"), "{message}");
    let composed = FloatSet::composed(filed, scene, Redraw::EveryEpoch);
    let message = composed.unwrap_err().to_string();
    assert!(message.contains("images on disk"), "{message}");
}
