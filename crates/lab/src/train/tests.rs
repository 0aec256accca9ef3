//! The loop, checkpoints and resuming, on a network of one layer with seeded dropout.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use striate::{Clock, Parameters};

use super::*;
use crate::data::{Augment, Batch, FloatSet};

/// One linear layer behind dropout of a half.
struct Linear {
    params: Parameters,
    clock: Clock,
    calls: Cell<u64>,
    /// Asks to stop after so many training steps.
    stop: Option<(u64, StopFlag)>,
    /// What the scores are multiplied by: 0 is a dead network.
    gain: f64,
}

impl Linear {
    fn new() -> Self {
        let params = Parameters::new(5, DType::F32, &Device::Cpu);
        let linear = Self {
            params,
            clock: Clock::new(0),
            calls: Cell::new(0),
            stop: None,
            gain: 1.0,
        };
        linear
            .scores(&Tensor::zeros((1, 1, 4, 4), DType::F32, &Device::Cpu).unwrap())
            .unwrap();
        linear
    }

    fn scores(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        let vb = self.params.builder();
        let weight = vb.get_with_hints(
            (16, 3),
            "fc.weight",
            Init::Randn {
                mean: 0.0,
                stdev: 0.1,
            },
        )?;
        let bias = vb.get_with_hints(3, "fc.bias", Init::Const(0.0))?;
        xs.flatten_from(1)?.matmul(&weight)?.broadcast_add(&bias)? * self.gain
    }

    fn weights(&self) -> Vec<(String, Vec<f32>)> {
        let named = self.params.named().into_iter();
        let values = |var: candle_core::Var| var.flatten_all().unwrap().to_vec1().unwrap();
        named.map(|(name, var)| (name, values(var))).collect()
    }
}

impl Objective for Linear {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        let mut mask = vec![0f32; batch.xs.elem_count()];
        self.clock.stream("dropout/test").fill_uniform(&mut mask);
        self.clock.tick();
        let mask: Vec<f32> = mask
            .iter()
            .map(|&u| if u < 0.5 { 0.0 } else { 2.0 })
            .collect();
        let xs = (&batch.xs * Tensor::from_vec(mask, batch.xs.shape(), &Device::Cpu)?)?;
        let scores = self.scores(&xs)?;
        self.calls.set(self.calls.get() + 1);
        if let Some((after, flag)) = &self.stop
            && self.calls.get() == *after
        {
            flag.set();
        }
        let total = candle_nn::loss::cross_entropy(&scores, &batch.labels)?;
        Ok(Loss::new(total.clone()).logits(scores).term("nll", total))
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.scores(xs)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// Noise with a bright quarter that tells the class.
fn set(n: usize) -> FloatSet {
    let mut draws = striate::rng::stream(9, "images", n as u64);
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
    let mut images = vec![0f32; n * 16];
    draws.fill_normal(&mut images);
    for (image, &label) in images.chunks_mut(16).zip(&labels) {
        image[4 * label as usize..][..4]
            .iter_mut()
            .for_each(|v| *v += 2.0);
    }
    FloatSet::new((1, 4, 4), images, labels, 3).unwrap()
}

fn recipe() -> Recipe {
    let sgd = SgdConfig {
        lr: 0.05,
        momentum: 0.9,
        weight_decay: 1e-3,
        ..Default::default()
    };
    Recipe {
        label: "linear".to_owned(),
        seed: 3,
        schedule: LrSchedule::steps_at_fractions(&[0.5], 0.1).warmup(0.2),
        augment: Augment {
            flip: true,
            translate: 0,
        },
        ..Recipe::new(4, 16, sgd)
    }
}

fn train(linear: &Linear, recipe: &Recipe, run: &mut Run) -> Result<TrainLog, TrainError> {
    fit_objective(linear, &linear.params, &set(100), &set(60), recipe, run)
}

fn run_in(folder: &Path, start: Start) -> Run {
    Run::in_folder(folder, start, &Console::silent()).unwrap()
}

/// A log without its timings.
fn timeless(mut log: TrainLog) -> TrainLog {
    (log.train_seconds, log.eval_seconds) = (0.0, 0.0);
    for epoch in &mut log.epochs {
        (epoch.seconds, epoch.images_per_second) = (0.0, 0.0);
    }
    log
}

#[test]
fn learns_and_writes_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let linear = Linear::new();
    let settings = toml::toml! { model = "linear" };
    let mut run = run_in(folder.path(), Start::Afresh)
        .settings(&settings)
        .unwrap();
    let log = train(&linear, &recipe(), &mut run).unwrap();
    assert_eq!(log.outcome, Outcome::Trained);
    assert_eq!((log.steps, log.images, log.epochs.len()), (28, 400, 4));
    let errors: Vec<f64> = log
        .test_curve()
        .into_iter()
        .map(|(_, error)| error)
        .collect();
    assert!(
        errors[3] < 20.0 && log.final_error() == Some(errors[3]),
        "{errors:?}"
    );
    assert!(log.epochs[3].train_loss < log.epochs[0].train_loss);
    let (nll, loss) = (log.epochs[0].terms["nll"], log.epochs[0].train_loss);
    assert!((nll - loss).abs() < 1e-6);
    assert!((log.epochs[3].lr - 0.005).abs() < 1e-12);

    let path = |name: &str| folder.path().join(name);
    let config: toml::Table =
        toml::from_str(&fs::read_to_string(path("config.toml")).unwrap()).unwrap();
    let again: Recipe = config["recipe"].clone().try_into().unwrap();
    assert_eq!(again, recipe());
    assert_eq!(config["settings"]["model"].as_str(), Some("linear"));
    let lines = fs::read_to_string(path("log.jsonl")).unwrap();
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].to_string())
        .collect();
    assert_eq!(
        kinds,
        [
            "\"start\"",
            "\"epoch\"",
            "\"epoch\"",
            "\"epoch\"",
            "\"epoch\"",
            "\"end\""
        ]
    );
    assert!(path("checkpoint/weights.safetensors").exists());
}

#[test]
fn same_seed_same_bits_for_any_number_of_threads() {
    let on = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let linear = Linear::new();
            let recipe = Recipe { seed, ..recipe() };
            let log = train(&linear, &recipe, &mut Run::in_memory(&Console::silent())).unwrap();
            (linear.weights(), timeless(log))
        })
    };
    assert_eq!(on(1, 3), on(2, 3));
    assert_ne!(on(1, 3).0, on(1, 4).0);
}

#[test]
fn resumed_equals_straight() {
    let adam: OptimizerConfig = AdamConfig {
        lr: 0.01,
        ..Default::default()
    }
    .into();
    // Falls after the second and the third epoch, since nothing gains a hundred points.
    let plateau = LrSchedule::constant().plateau(Plateau {
        patience: 1,
        min_gain: 100.0,
        factor: 0.1,
        falls: 2,
    });
    let schedules = [recipe().schedule, plateau];
    for (optimizer, schedule) in [recipe().optimizer, adam].into_iter().zip(schedules) {
        let recipe = Recipe {
            optimizer,
            schedule,
            ..recipe()
        };
        let straight = Linear::new();
        let log = train(&straight, &recipe, &mut Run::in_memory(&Console::silent())).unwrap();
        let fallen = log.epochs[3].lr / log.epochs[1].lr;
        assert_eq!(recipe.schedule.plateau.is_some(), fallen < 0.02, "{fallen}");
        // In the middle of an epoch, at its end, twice, and before the first batch of the last.
        for stops in [vec![3], vec![7], vec![5, 6], vec![1, 1, 13, 6]] {
            let folder = tempfile::tempdir().unwrap();
            for (nth, &after) in stops.iter().enumerate() {
                let flag = StopFlag::default();
                let mut part = Linear::new();
                part.stop = Some((after, flag.clone()));
                let start = if nth == 0 {
                    Start::Afresh
                } else {
                    Start::Resume
                };
                let mut run = run_in(folder.path(), start).stop_flag(&flag);
                let log = train(&part, &recipe, &mut run).unwrap();
                assert_eq!(log.outcome, Outcome::Interrupted);
                assert_eq!(log.steps, stops[..=nth].iter().sum::<u64>());
            }
            let last = Linear::new();
            let resumed = train(&last, &recipe, &mut run_in(folder.path(), Start::Resume)).unwrap();
            assert_eq!(last.weights(), straight.weights(), "{stops:?}");
            assert_eq!(timeless(resumed), timeless(log.clone()), "{stops:?}");

            let lines = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
            assert_eq!(lines.matches("\"kind\":\"epoch\"").count(), 4);
        }
    }
}

#[test]
fn a_crash_costs_only_the_steps_since_the_checkpoint() {
    let straight = Linear::new();
    train(
        &straight,
        &recipe(),
        &mut Run::in_memory(&Console::silent()),
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);

    // Saved after every step; then the run dies in step 10 without a word.
    let mut dying = Linear::new();
    let mut run = run_in(folder.path(), Start::Afresh).checkpoint_every(Duration::ZERO);
    dying.gain = 1.0;
    dying.stop = None;
    let crash = Crash {
        inner: dying,
        at: 10,
    };
    let fitted = fit_objective(
        &crash,
        &crash.inner.params,
        &set(100),
        &set(60),
        &recipe(),
        &mut run,
    );
    assert!(fitted.unwrap_err().to_string().contains("crash"));
    // Lines that were logged after the checkpoint go; so does one that was cut off.
    let mut lines = fs::read_to_string(path("log.jsonl")).unwrap();
    lines.push_str("{\"kind\":\"step\",\"step\":11}\n{\"kind\":\"st");
    fs::write(path("log.jsonl"), lines).unwrap();
    // It died while it moved a newer checkpoint into place.
    fs::rename(path("checkpoint"), path("checkpoint.old")).unwrap();
    fs::create_dir(path("checkpoint.new")).unwrap();

    let last = Linear::new();
    let mut run = run_in(folder.path(), Start::Resume).checkpoint_every(Duration::ZERO);
    let log = train(&last, &recipe(), &mut run).unwrap();
    assert_eq!((log.steps, last.calls.get()), (28, 28 - 9));
    assert_eq!(last.weights(), straight.weights());
    let lines = fs::read_to_string(path("log.jsonl")).unwrap();
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
    assert!(!path("checkpoint.old").exists() && !path("checkpoint.new").exists());
}

/// Fails in a given training step.
struct Crash {
    inner: Linear,
    at: u64,
}

impl Objective for Crash {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        match self.inner.calls.get() + 1 == self.at {
            true => candle_core::bail!("crash"),
            false => self.inner.loss(batch),
        }
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.inner.predict(xs)
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }
}

#[test]
fn a_finished_run_is_not_trained_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Linear::new();
    let log = train(&first, &recipe(), &mut run_in(folder.path(), Start::Afresh)).unwrap();
    let second = Linear::new();
    let again = train(
        &second,
        &recipe(),
        &mut run_in(folder.path(), Start::Resume),
    )
    .unwrap();
    assert_eq!((again, second.calls.get()), (log, 0));
    assert_eq!(second.weights(), first.weights());

    // A fresh start keeps the old checkpoint.
    train(
        &Linear::new(),
        &recipe(),
        &mut run_in(folder.path(), Start::Afresh),
    )
    .unwrap();
    assert!(
        folder
            .path()
            .join("checkpoint.previous/state.toml")
            .exists()
    );
    let lines = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(lines.matches("\"kind\":\"end\"").count(), 1);
}

#[test]
fn a_checkpoint_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let settings = toml::toml! { model = "linear" };
    train(
        &Linear::new(),
        &recipe(),
        &mut run_in(folder.path(), Start::Afresh)
            .settings(&settings)
            .unwrap(),
    )
    .unwrap();
    let path = |name: &str| folder.path().join("checkpoint").join(name);
    let refused = |recipe: &Recipe, settings: &toml::Table| {
        let linear = Linear::new();
        let before = linear.weights();
        let mut run = run_in(folder.path(), Start::Resume)
            .settings(settings)
            .unwrap();
        let text = train(&linear, recipe, &mut run).unwrap_err().to_string();
        assert_eq!(linear.weights(), before);
        assert!(!text.contains('\n'), "{text}");
        text
    };

    let text = refused(
        &Recipe {
            epochs: 5,
            ..recipe()
        },
        &toml::toml! { model = "wide" },
    );
    assert!(
        text.contains(
            "made by another run: recipe.epochs is 5 here and 4 in the checkpoint, \
             settings.model is \"wide\" here and \"linear\" in the checkpoint; use the settings"
        ),
        "{text}"
    );
    let weights = fs::read(path("weights.safetensors")).unwrap();
    fs::write(path("weights.safetensors"), &weights[..weights.len() - 7]).unwrap();
    let text = refused(&recipe(), &settings);
    assert!(
        text.contains("weights.safetensors: its") && text.contains("truncated"),
        "{text}"
    );
    fs::write(path("weights.safetensors"), &weights).unwrap();

    let state = fs::read_to_string(path("state.toml")).unwrap();
    for (content, part) in [
        (state[..state.len() / 2].to_owned(), "truncated or changed"),
        (
            state.replace("striate checkpoint 1", "striate checkpoint 7"),
            "another version",
        ),
        ("hello = 1".to_owned(), "not a checkpoint's state"),
    ] {
        fs::write(path("state.toml"), content).unwrap();
        let text = refused(&recipe(), &settings);
        assert!(text.contains(part), "{text}");
    }
    fs::remove_file(path("state.toml")).unwrap();
    let text = refused(&recipe(), &settings);
    assert!(text.contains("holds no state.toml"), "{text}");
}

#[test]
fn a_failed_save_keeps_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let flag = StopFlag::default();
    let mut part = Linear::new();
    part.stop = Some((5, flag.clone()));
    train(
        &part,
        &recipe(),
        &mut run_in(folder.path(), Start::Afresh).stop_flag(&flag),
    )
    .unwrap();
    // A file is in the way of the new checkpoint.
    let blocker = folder.path().join("checkpoint.new");
    fs::write(&blocker, "").unwrap();
    let mut run = run_in(folder.path(), Start::Resume).checkpoint_every(Duration::ZERO);
    let text = train(&Linear::new(), &recipe(), &mut run)
        .unwrap_err()
        .to_string();
    assert!(text.contains("checkpoint: cannot replace"), "{text}");
    fs::remove_file(&blocker).unwrap();
    let last = Linear::new();
    let log = train(&last, &recipe(), &mut run_in(folder.path(), Start::Resume)).unwrap();
    assert_eq!((log.steps, last.calls.get()), (28, 23));
}

#[test]
fn a_loss_that_is_not_a_number_is_an_error() {
    let linear = Linear::new();
    let before = linear.weights();
    let mut data = set(100);
    data.images = vec![f32::NAN; 1600].into();
    let mut run = Run::in_memory(&Console::silent());
    let fitted = fit_objective(
        &linear,
        &linear.params,
        &data,
        &set(60),
        &recipe(),
        &mut run,
    );
    let text = fitted.unwrap_err().to_string();
    assert!(
        text.starts_with("the loss is NaN in step 1 (epoch 1, learning rate 0.05"),
        "{text}"
    );
    assert!(text.contains("lower optimizer.lr"), "{text}");
    assert_eq!(linear.weights(), before);
}

#[test]
fn a_dead_start_is_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let mut linear = Linear::new();
    linear.gain = 0.0;
    let mut long = Recipe {
        epochs: 20,
        ..recipe()
    };
    let log = train(&linear, &long, &mut run_in(folder.path(), Start::Afresh)).unwrap();
    assert_eq!((log.outcome, log.epochs.len()), (Outcome::DeadStart, 20));
    let lines = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(
        lines
            .matches("dead start: the loss has stayed at ln(3) = 1.099")
            .count(),
        1
    );
    long.dead_start = DeadStart::Stop;
    let log = train(&linear, &long, &mut Run::in_memory(&Console::silent())).unwrap();
    // 20 steps at chance after a warm-up of one: 3 epochs of 7 steps.
    assert_eq!((log.outcome, log.epochs.len()), (Outcome::DeadStart, 3));
}

#[test]
fn evaluates_when_told_and_at_the_end() {
    let linear = Linear::new();
    let recipe = Recipe {
        epochs: 5,
        evaluate_every: 2,
        ..recipe()
    };
    let log = train(&linear, &recipe, &mut Run::in_memory(&Console::silent())).unwrap();
    let epochs: Vec<f64> = log
        .test_curve()
        .into_iter()
        .map(|(epoch, _)| epoch)
        .collect();
    assert_eq!(epochs, [2.0, 4.0, 5.0]);
}

#[test]
fn errors() {
    let linear = Linear::new();
    let fitted = |train: &FloatSet, test: &FloatSet, recipe: &Recipe| {
        let mut run = Run::in_memory(&Console::silent());
        let fitted = fit_objective(&linear, &linear.params, train, test, recipe, &mut run);
        fitted.unwrap_err().to_string()
    };
    let other = FloatSet::new((3, 4, 4), vec![0.0; 48], vec![0], 3).unwrap();
    assert_eq!(
        fitted(&set(9), &other, &recipe()),
        "recipe: the test set is 3x4x4 in 3 classes, wanted 1x4x4 in 3 classes like the training set"
    );
    let empty = FloatSet::new((1, 4, 4), vec![], vec![], 3).unwrap();
    assert!(fitted(&empty, &set(9), &recipe()).contains("the train set is empty"));
    let nothing = Recipe {
        epochs: 0,
        ..recipe()
    };
    assert!(fitted(&set(9), &set(9), &nothing).contains("epochs is 0"));
    let groups = vec![ParamGroup::new("conv.*")];
    let text = fitted(&set(9), &set(9), &Recipe { groups, ..recipe() });
    assert!(
        text.ends_with("the tensors are fc.bias, fc.weight"),
        "{text}"
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = file.path().join("run");
    let text = Run::in_folder(inside, Start::Afresh, &Console::silent())
        .unwrap_err()
        .to_string();
    assert!(text.contains("cannot make the folder"), "{text}");
}
