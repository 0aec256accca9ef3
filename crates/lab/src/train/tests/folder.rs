//! What happens to the run folder while a run uses it.

use super::*;

/// Does something to the world in a given training step.
struct Meddled<'a> {
    inner: Linear,
    at: u64,
    meddle: &'a dyn Fn(),
}

impl Objective for Meddled<'_> {
    fn loss(&self, batch: &Batch) -> candle_core::Result<Loss> {
        if self.inner.calls.get() + 1 == self.at {
            (self.meddle)();
        }
        self.inner.loss(batch)
    }

    fn predict(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.inner.predict(xs)
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }
}

fn train_meddled(run: &mut Run, meddle: &dyn Fn()) -> Result<TrainLog, TrainError> {
    let (inner, at) = (Linear::new(), 10);
    let meddled = Meddled { inner, at, meddle };
    let params = &meddled.inner.params;
    fit_objective(&meddled, params, &set(100), &set(60), &recipe(), run)
}

#[test]
fn a_folder_that_is_removed_ends_the_run() {
    // The run notices when it saves, and if no checkpoint is due, when it writes the line of the epoch.
    for every in [Duration::ZERO, Duration::from_secs(3600)] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let mut run = run_in(&folder, Start::Afresh).checkpoint_every(every);
        let error = train_meddled(&mut run, &|| fs::remove_dir_all(&folder).unwrap()).unwrap_err();
        assert!(matches!(error, TrainError::FolderGone { .. }), "{error}");
        assert!(
            error.to_string().contains("was removed or replaced"),
            "{error}"
        );
        assert!(matches!(
            run.check_folder(),
            Err(TrainError::FolderGone { .. })
        ));
        assert!(!folder.exists());
    }
}

#[test]
fn a_folder_that_is_replaced_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    let mut run = run_in(&folder, Start::Afresh).checkpoint_every(Duration::ZERO);
    let second = Cell::new(None);
    let replace = || {
        fs::remove_dir_all(&folder).unwrap();
        second.set(Some(RunLock::try_acquire(&folder).unwrap()));
    };
    let error = train_meddled(&mut run, &replace).unwrap_err();
    assert!(matches!(error, TrainError::FolderGone { .. }), "{error}");
    drop(run);
    // The other run still has the folder, and nothing was written to it.
    second.take().unwrap().check().unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_second_run_in_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_in(folder.path(), Start::Afresh);
    let meddle = || {
        let second = Run::in_folder(folder.path(), Start::Afresh, &Console::silent());
        let text = second.unwrap_err().to_string();
        let pid = format!(": process {} on ", std::process::id());
        assert!(
            text.contains(&pid) && text.contains("wait until it ends"),
            "{text}"
        );
    };
    let log = train_meddled(&mut run, &meddle).unwrap();
    assert_eq!(log.outcome, Outcome::Trained);
    drop(run);
    assert!(!folder.path().join("run.lock").exists());
    run_in(folder.path(), Start::Resume);
}

#[test]
fn what_was_made_of_an_earlier_run_is_removed_and_its_result_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let made = [
        "model.safetensors",
        "origin.json",
        "record.json",
        "result.json",
    ];
    let there = || made.map(|file| folder.path().join(file).exists());
    let run = |start| {
        for file in made {
            fs::write(folder.path().join(file), "of the earlier run").unwrap();
        }
        train(&Linear::new(), &recipe(), &mut run_in(folder.path(), start)).unwrap();
        there()
    };
    assert_eq!(run(Start::Afresh), [false; 4]);
    let kept = fs::read_to_string(folder.path().join("result.previous.json")).unwrap();
    assert_eq!(kept, "of the earlier run");
    // Nothing is trained again.
    assert_eq!(run(Start::Resume), [true; 4]);
    assert_eq!(run(Start::Afresh), [false; 4]);
}

#[test]
fn partial_files_of_a_dead_process_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("figures")).unwrap();
    let partials = ["config.toml.7-3.partial", "figures/a.png.7-12.partial"];
    for partial in partials {
        fs::write(folder.path().join(partial), "half").unwrap();
    }
    train(
        &Linear::new(),
        &recipe(),
        &mut run_in(folder.path(), Start::Resume),
    )
    .unwrap();
    for partial in partials {
        assert!(!folder.path().join(partial).exists(), "{partial}");
    }
}
