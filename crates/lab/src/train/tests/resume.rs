//! A resumed run gives the bits of a straight one.

use super::*;

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

/// Asks to stop while it predicts.
struct StopsInEvaluation {
    inner: Linear,
    predicted: Cell<u64>,
    /// At this batch.
    at: u64,
    flag: StopFlag,
}

impl Objective for StopsInEvaluation {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        self.inner.loss(batch)
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.predicted.set(self.predicted.get() + 1);
        if self.predicted.get() == self.at {
            self.flag.set();
        }
        self.inner.predict(xs)
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }
}

/// A test set may take hours, and nobody waits that long after Ctrl-C.
#[test]
fn an_evaluation_that_is_stopped_is_done_by_the_resumed_run() {
    let straight = Linear::new();
    let log = train(
        &straight,
        &recipe(),
        &mut Run::in_memory(&Console::silent()),
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let flag = StopFlag::default();
    let part = StopsInEvaluation {
        inner: Linear::new(),
        predicted: Cell::new(0),
        // The second of four batches after the second epoch.
        at: 6,
        flag: flag.clone(),
    };
    let stopped = fit_objective(
        &part,
        &part.inner.params,
        &set(100),
        &set(60),
        &recipe(),
        &mut run_in(folder.path(), Start::Afresh).stop_flag(&flag),
    )
    .unwrap();
    assert_eq!(stopped.outcome, Outcome::Interrupted);
    assert_eq!((stopped.steps, stopped.epochs.len()), (14, 1));
    assert_eq!(part.predicted.get(), 6);
    let last = Linear::new();
    let resumed = train(&last, &recipe(), &mut run_in(folder.path(), Start::Resume)).unwrap();
    assert_eq!(last.weights(), straight.weights());
    assert_eq!(timeless(resumed), timeless(log));
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
    drop(run);
    // Lines that were logged after the checkpoint go; so does one that was cut off.
    let mut lines = fs::read_to_string(path("log.jsonl")).unwrap();
    lines.push_str("{\"kind\":\"step\",\"step\":11}\n{\"kind\":\"st");
    fs::write(path("log.jsonl"), lines).unwrap();
    // It died while it moved a newer checkpoint into place.
    fs::remove_dir_all(path("checkpoint.old")).unwrap();
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
    assert!(path("checkpoint").exists() && !path("checkpoint.new").exists());
    assert!(!path("checkpoint.damaged").exists());
}

#[test]
fn a_finished_run_is_not_trained_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Linear::new();
    let log = train(&first, &recipe(), &mut run_in(folder.path(), Start::Afresh)).unwrap();
    let second = Linear::new();
    // Under another label it is the same run.
    let renamed = Recipe {
        label: "another table".to_owned(),
        ..recipe()
    };
    let again = train(&second, &renamed, &mut run_in(folder.path(), Start::Resume)).unwrap();
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
