//! Checkpoints that are damaged, foreign or cannot be written.

use super::*;

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
        text.contains("checkpoint/weights.safetensors was truncated or changed"),
        "{text}"
    );
    fs::write(path("weights.safetensors"), &weights).unwrap();

    let state = fs::read_to_string(path("state.toml")).unwrap();
    for (content, part) in [
        (state[..state.len() / 2].to_owned(), "truncated or changed"),
        (
            state.replace("striate checkpoint 2", "striate checkpoint 1"),
            "another version; this one reads format = \"striate checkpoint 2\"; start afresh",
        ),
        (
            "hello = 1".to_owned(),
            "state.toml is not a checkpoint's state",
        ),
    ] {
        fs::write(path("state.toml"), content).unwrap();
        let text = refused(&recipe(), &settings);
        assert!(text.contains(part), "{text}");
    }
    fs::remove_file(path("state.toml")).unwrap();
    let text = refused(&recipe(), &settings);
    assert!(
        text.contains("checkpoint/state.toml is missing; start afresh"),
        "{text}"
    );
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
    drop(run);
    assert!(text.contains("checkpoint: cannot replace"), "{text}");
    fs::remove_file(&blocker).unwrap();
    let last = Linear::new();
    let log = train(&last, &recipe(), &mut run_in(folder.path(), Start::Resume)).unwrap();
    assert_eq!((log.steps, last.calls.get()), (28, 23));
}

/// A run that stopped after step 10, with the checkpoints of steps 10 and 9.
fn stopped_in(folder: &Path) {
    let flag = StopFlag::default();
    let mut part = Linear::new();
    part.stop = Some((10, flag.clone()));
    let run = run_in(folder, Start::Afresh).checkpoint_every(Duration::ZERO);
    let log = train(&part, &recipe(), &mut run.stop_flag(&flag)).unwrap();
    assert_eq!((log.outcome, log.steps), (Outcome::Interrupted, 10));
}

/// Changes a digit, which no parser would notice.
fn change_a_digit(state: &Path) {
    let text = fs::read_to_string(state).unwrap();
    let at = text.find("\nloss = ").unwrap() + "\nloss = ".len();
    let digit = if text.as_bytes()[at] == b'1' {
        "2"
    } else {
        "1"
    };
    fs::write(state, format!("{}{digit}{}", &text[..at], &text[at + 1..])).unwrap();
}

fn flip_a_bit(path: &Path, from_end: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_reported_and_the_one_before_it_used() {
    let straight = Linear::new();
    let mut in_memory = Run::in_memory(&Console::silent());
    let log = train(&straight, &recipe(), &mut in_memory).unwrap();
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path));
    let damages: [Damage; 5] = [
        ("state.toml", &change_a_digit),
        ("state.toml", &|path| fs::write(path, "").unwrap()),
        ("weights.safetensors", &|path| flip_a_bit(path, 5)),
        ("optimizer.safetensors", &|path| flip_a_bit(path, 2)),
        ("optimizer.safetensors", &|path| {
            fs::remove_file(path).unwrap()
        }),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        stopped_in(folder.path());
        damage(&folder.path().join("checkpoint").join(name));
        let captured = Captured::default();
        let mut run = Run::in_folder(folder.path(), Start::Resume, &captured.console()).unwrap();
        let last = Linear::new();
        let resumed = train(&last, &recipe(), &mut run).unwrap();
        assert_eq!(last.calls.get(), 28 - 9, "{name}");
        assert_eq!(last.weights(), straight.weights(), "{name}");
        assert_eq!(timeless(resumed), timeless(log.clone()), "{name}");
        let text = captured.text();
        let said = format!("warning: linear: checkpoint/{name} ");
        assert!(
            text.contains(&said) && text.contains("the checkpoint before it, step 9"),
            "{text}"
        );
        assert!(folder.path().join("checkpoint.damaged").exists());
        let lines = fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
        assert!(
            lines.contains("going on from the checkpoint before it"),
            "{lines}"
        );
    }
}

#[test]
fn two_damaged_checkpoints_are_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    stopped_in(folder.path());
    change_a_digit(&folder.path().join("checkpoint/state.toml"));
    flip_a_bit(&folder.path().join("checkpoint.old/weights.safetensors"), 1);
    let linear = Linear::new();
    let before = linear.weights();
    let mut run = run_in(folder.path(), Start::Resume);
    let error = train(&linear, &recipe(), &mut run).unwrap_err();
    let text = error.to_string();
    for part in [
        "checkpoint/state.toml was truncated or changed",
        "checkpoint.old/weights.safetensors was truncated or changed",
        "start afresh without --resume",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!((linear.weights(), linear.calls.get()), (before, 0));
    assert!(folder.path().join("checkpoint/state.toml").exists());
}

#[test]
fn the_last_two_checkpoints_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    stopped_in(folder.path());
    let step = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name).join("state.toml")).unwrap();
        let state: toml::Table = toml::from_str(&text).unwrap();
        state["position"]["step"].as_integer().unwrap()
    };
    assert_eq!((step("checkpoint"), step("checkpoint.old")), (10, 9));
}

#[cfg(unix)]
#[test]
fn weights_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    stopped_in(folder.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let ordinary = folder.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    for name in ["weights.safetensors", "optimizer.safetensors", "state.toml"] {
        let path = folder.path().join("checkpoint").join(name);
        assert_eq!(mode(&path), mode(&ordinary), "{name}");
    }
}
