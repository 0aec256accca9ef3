//! The loop and its outcomes.

use candle_core::Module;
use striate::layers::{Conv2d, conv2d};
use striate::{Activation, Conv2dOptions};

use super::*;

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

/// Two convolutions, whose work is divided among the threads.
struct Convolutions {
    params: Parameters,
    clock: Clock,
    layers: [Conv2d; 2],
}

impl Convolutions {
    fn new() -> Self {
        let params = Parameters::new(5, DType::F32, &Device::Cpu);
        let options = Conv2dOptions {
            padding: (1, 1),
            ..Default::default()
        };
        let relu = Conv2dOptions {
            activation: Activation::Relu,
            ..options
        };
        let vb = params.builder();
        let layers = [
            conv2d(3, 16, 3, relu, vb.pp("conv1")).unwrap(),
            conv2d(16, 3, 3, options, vb.pp("conv2")).unwrap(),
        ];
        Self {
            params,
            clock: Clock::new(0),
            layers,
        }
    }
}

impl Objective for Convolutions {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        self.clock.tick();
        let scores = self.predict(&batch.xs)?;
        let total = striate::cross_entropy(&scores, &batch.labels)?;
        Ok(Loss::new(total).logits(scores))
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        let [first, second] = &self.layers;
        striate::global_avg_pool(&second.forward(&first.forward(xs)?)?)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

#[test]
fn same_seed_same_bits_for_any_number_of_threads() {
    let noise = |n: usize| {
        let mut images = vec![0f32; n * 3 * 32 * 32];
        striate::rng::stream(9, "noise", n as u64).fill_normal(&mut images);
        let labels = (0..n as u32).map(|i| i % 3).collect();
        FloatSet::new((3, 32, 32), images, labels, 3).unwrap()
    };
    let on = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let network = Convolutions::new();
            let recipe = Recipe { seed, ..recipe() };
            let mut run = Run::in_memory(&Console::silent());
            let (params, train, test) = (&network.params, noise(48), noise(16));
            let log = fit_objective(&network, params, &train, &test, &recipe, &mut run).unwrap();
            (weights(params), timeless(log))
        })
    };
    let one = on(1, 3);
    for threads in [2, 3, 8] {
        assert!(on(threads, 3) == one, "{threads} threads");
    }
    assert!(on(1, 4).0 != one.0);
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
fn weights_that_are_not_finite_are_no_trained_network() {
    // One step: its loss is a number, and no other shows what it did.
    let sgd = SgdConfig {
        lr: 1e300,
        ..Default::default()
    };
    let recipe = Recipe::new(1, 100, sgd);
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_in(folder.path(), Start::Afresh);
    let error = train(&Linear::new(), &recipe, &mut run).unwrap_err();
    let TrainError::NotFinite { step, epoch, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((step, epoch), (1, 1));
    let log = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert!(log.contains("holds weights that are not finite"), "{log}");
    assert!(!log.contains("\"kind\":\"epoch\""), "{log}");
    assert!(!folder.path().join("checkpoint").exists());
}

/// Its weights are infinite after every step, and its loss is not.
struct Spoilt(Linear);

impl Objective for Spoilt {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        let loss = self.0.loss(batch)?;
        for (_, var) in self.0.params.named() {
            var.set(&(var.zeros_like()? + f64::INFINITY)?)?;
        }
        Ok(loss)
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.0.predict(xs)
    }

    fn clock(&self) -> &Clock {
        self.0.clock()
    }
}

#[test]
fn weights_that_are_not_finite_are_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let spoilt = Spoilt(Linear::new());
    let params = &spoilt.0.params;
    let mut run = run_in(folder.path(), Start::Afresh).checkpoint_every(Duration::ZERO);
    let fitted = fit_objective(&spoilt, params, &set(100), &set(60), &recipe(), &mut run);
    let error = fitted.unwrap_err();
    assert!(
        matches!(error, TrainError::NotFinite { step: 1, .. }),
        "{error}"
    );
    assert!(!folder.path().join("checkpoint").exists());
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
    // Epochs of 100 steps, of which the first 20 warm up; a tenth of the run is 20 epochs.
    // It ends after ten epochs at chance, and after two for a rate that is one of several.
    (long.epochs, long.batch_size) = (200, 1);
    for (dead_start, epochs) in [(DeadStart::Stop, 11), (DeadStart::GiveUp, 3)] {
        long.dead_start = dead_start;
        let log = train(&linear, &long, &mut Run::in_memory(&Console::silent())).unwrap();
        assert_eq!(
            (log.outcome, log.epochs.len()),
            (Outcome::DeadStart, epochs)
        );
    }
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
