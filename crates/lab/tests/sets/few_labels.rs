//! Few labels and many images: mixed batches, training by them, and sets beside the two splits.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use candle_core::{DType, Device, Result, Tensor};
use lab::data::{
    Augment, Batch, Batches, FloatSet, Mix, Source, UNLABELLED, balanced_draw, load, load_folds,
    load_unlabelled,
};
use lab::train::{
    Console, Loss, Objective, Recipe, Run, SgdConfig, Start, StopFlag, fit_objective,
};
use striate::{Clock, Parameters};

use crate::fixtures::fixtures;

const DEVICE: Device = Device::Cpu;

/// 40 images whose every value is their index, of which 9 keep their label.
fn set() -> FloatSet {
    let images = (0..40).flat_map(|index| [index as f32; 4]).collect();
    let labels = (0..40).map(|index| index % 3).collect();
    let set = FloatSet::new((1, 2, 2), images, labels, 3).expect("a set");
    let kept = balanced_draw(&set.labels, 3, 9, 1).expect("a draw");
    set.with_labels_of(&kept).expect("a draw of the set")
}

const MIX: Mix = Mix {
    labelled: 2,
    unlabelled: 4,
};

#[test]
fn batches_carry_the_marks_of_their_images() {
    let set = set();
    let batches = Batches::mixed(&set, MIX, &Augment::NONE, 3, 0, &DEVICE).expect("batches");
    let mut sizes = Vec::new();
    for batch in batches {
        let batch = batch.expect("a batch");
        let labels: Vec<u32> = batch.labels.to_vec1().expect("labels");
        let images: Vec<Vec<f32>> = batch
            .xs
            .flatten_from(1)
            .and_then(|xs| xs.to_vec2())
            .expect("images");
        for (image, &label) in images.iter().zip(&labels) {
            assert_eq!(set.labels[image[0] as usize], label);
        }
        assert!(labels[..2].iter().all(|&label| label != UNLABELLED));
        assert!(labels[2..].iter().all(|&label| label == UNLABELLED));
        sizes.push(labels.len());
    }
    assert_eq!(sizes, [6, 6, 6, 6, 6, 6, 6, 5]);
}

/// Learns nothing, but remembers what it was shown.
struct Witness {
    params: Parameters,
    clock: Clock,
    seen: RefCell<Vec<u32>>,
    stop: Option<(usize, StopFlag)>,
}

impl Witness {
    fn new(stop: Option<(usize, StopFlag)>) -> Self {
        let params = Parameters::new(1, DType::F32, &DEVICE);
        let init = candle_nn::Init::Const(1.0);
        params
            .builder()
            .get_with_hints(1, "w", init)
            .expect("a parameter");
        Self {
            params,
            clock: Clock::new(0),
            seen: RefCell::default(),
            stop,
        }
    }

    fn train(&self, recipe: &Recipe, run: &mut Run) -> lab::train::TrainLog {
        let test = FloatSet::new((1, 2, 2), vec![0.0; 4], vec![0], 3).expect("a set");
        fit_objective(self, &self.params, &set(), &test, recipe, run).expect("a run")
    }
}

impl Objective for Witness {
    fn loss(&self, batch: &Batch) -> Result<Loss> {
        let first: Vec<f32> = batch
            .xs
            .flatten_from(1)?
            .narrow(1, 0, 1)?
            .flatten_all()?
            .to_vec1()?;
        self.seen
            .borrow_mut()
            .extend(first.iter().map(|&v| v as u32));
        if let Some((after, flag)) = &self.stop
            && self.seen.borrow().len() >= *after
        {
            flag.set();
        }
        let w = self.params.builder().get(1, "w")?;
        let known = batch.labels.narrow(0, 0, 2)?;
        Ok(Loss::new(w.sqr()?.sum_all()?)
            .scored(Tensor::zeros((2, 3), DType::F32, &DEVICE)?, known))
    }

    fn predict(&self, _: &Tensor) -> Result<Tensor> {
        candle_core::bail!("there are no classes")
    }

    fn classifies(&self) -> bool {
        false
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

#[test]
fn a_resumed_run_sees_the_batches_of_a_straight_one() {
    let recipe = Recipe {
        labelled: Some(MIX.labelled),
        ..Recipe::new(2, MIX.batch_size(), SgdConfig::default())
    };
    let straight = Witness::new(None);
    let log = straight.train(&recipe, &mut Run::in_memory(&Console::silent()));
    assert_eq!((log.steps, log.images), (16, 2 * 47));
    // It has no class scores for the test set, and errors of the labelled images alone.
    assert_eq!(log.final_error(), None);
    assert!(log.epochs.iter().all(|epoch| epoch.train_error.is_some()));

    let folder = tempfile::tempdir().expect("a folder");
    let flag = StopFlag::default();
    let run = |start| Run::in_folder(folder.path(), start, &Console::silent()).expect("a run");
    let part = Witness::new(Some((5 * MIX.batch_size(), flag.clone())));
    part.train(&recipe, &mut run(Start::Afresh).stop_flag(&flag));
    let rest = Witness::new(None);
    rest.train(&recipe, &mut run(Start::Resume));
    let seen = [part.seen.take(), rest.seen.take()].concat();
    assert_eq!(seen, straight.seen.take());
}

#[test]
fn a_recipe_for_both_kinds_refuses_a_set_of_one() {
    let recipe = Recipe {
        labelled: Some(2),
        ..Recipe::new(1, 6, SgdConfig::default())
    };
    let witness = Witness::new(None);
    let all = FloatSet::new((1, 2, 2), vec![0.0; 8], vec![0, 1], 3).expect("a set");
    let mut run = Run::in_memory(&Console::silent());
    let error = fit_objective(&witness, &witness.params, &all, &all, &recipe, &mut run);
    let text = error.expect_err("accepted").to_string();
    assert!(
        text.contains("unlabelled is 4 of a batch, 0 of the set"),
        "{text}"
    );
}

/// A hub folder of the fixtures' CIFAR-10 images with more splits, all of them the training shard again.
fn hub_folder(splits: &[&str]) -> tempfile::TempDir {
    let from = fixtures().join("cifar10/parquet");
    let mut shards: Vec<PathBuf> = Vec::new();
    let mut folders = vec![from];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => shards.push(path),
            }
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let shard = |split: &str| {
        let of_split = |path: &&PathBuf| path.to_string_lossy().contains(&format!("/{split}"));
        shards.iter().find(of_split).expect("a shard").clone()
    };
    let copy = |from: PathBuf, split: &str| {
        fs::copy(
            from,
            dir.path().join(format!("{split}-00000-of-00001.parquet")),
        )
        .expect("copied");
    };
    copy(shard("train-"), "train");
    copy(shard("test-"), "test");
    splits.iter().for_each(|split| copy(shard("train-"), split));
    dir
}

#[test]
fn unlabelled_shards_and_folds_of_the_hub() {
    let dir = hub_folder(&["extra", "train_0", "train_1"]);
    let source = Source::Subset(dir.path().to_owned());
    let data = load("cifar10", &source).expect("a set");
    let extra = load_unlabelled("cifar10", &source, 3)
        .expect("read")
        .expect("there");
    assert_eq!(extra.labels, [UNLABELLED; 3]);
    assert_eq!(extra.pixels[..], data.train.pixels[..extra.pixels.len()]);
    let all = load_unlabelled("cifar10", &source, usize::MAX)
        .expect("read")
        .expect("there");
    assert_eq!(all.len(), data.train.len());

    let folds = load_folds("cifar10", &source, &data.train)
        .expect("read")
        .expect("there");
    let every: Vec<u32> = (0..data.train.len() as u32).collect();
    assert_eq!(folds, [every.clone(), every]);
    let error = load_folds("cifar10", &source, &data.test)
        .expect_err("accepted")
        .to_string();
    assert!(
        error.contains("row 0: expected an image of cifar10/test, found another one"),
        "{error}"
    );
}

#[test]
fn a_set_without_more_has_no_more() {
    let dir = hub_folder(&[]);
    let source = Source::Subset(dir.path().to_owned());
    let data = load("cifar10", &source).expect("a set");
    assert!(
        load_unlabelled("cifar10", &source, 9)
            .expect("read")
            .is_none()
    );
    assert!(
        load_folds("cifar10", &source, &data.train)
            .expect("read")
            .is_none()
    );
}
