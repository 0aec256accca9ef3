//! Which checkpoint a start afresh keeps.

use candle_core::DType;

use super::super::{OptimizerConfig, Recipe, SgdConfig};
use super::*;

/// Writes the checkpoints of step 1 and, after it, of step 2.
fn two_in(folder: &Path) {
    let params = Parameters::new(1, DType::F32, &Device::Cpu);
    params.builder().get(4, "layer.weight").unwrap();
    let config = OptimizerConfig::from(SgdConfig::default());
    let optimizer = config.build(params.named(), &[]).unwrap();
    let recipe = Recipe::new(3, 64, SgdConfig::default());
    let identity = Identity::new(&toml::Table::new(), &recipe).unwrap();
    let store = Store::new(folder.join(FOLDER), identity);
    for step in [1, 2] {
        let position = Position {
            step,
            ..Position::default()
        };
        store.save(&params, &*optimizer, &position).unwrap();
    }
}

#[test]
fn the_newest_whole_checkpoint_is_set_aside() {
    // What is damaged, the step that is kept, and the step of the one that is kept as damaged.
    let cases: [(&[&str], u64, Option<u64>); 4] = [
        (&[], 2, None),
        (&["checkpoint"], 1, Some(2)),
        (&["checkpoint.old"], 2, None),
        (&["checkpoint", "checkpoint.old"], 2, Some(1)),
    ];
    for (damaged, kept, beside) in cases {
        let folder = tempfile::tempdir().unwrap();
        two_in(folder.path());
        let path = |name: &str| folder.path().join(name);
        for &name in damaged {
            fs::write(path(name).join(WEIGHTS), "").unwrap();
        }
        set_aside(&path(FOLDER)).unwrap();
        let step = |name: &str| -> Option<u64> {
            let text = fs::read_to_string(path(name).join(STATE)).ok()?;
            Some(State::from_text(&text).unwrap().position.step)
        };
        let found = [".old", ".previous", ".damaged"].map(|end| step(&format!("{FOLDER}{end}")));
        assert_eq!(found, [None, Some(kept), beside], "{damaged:?}");
        assert!(!path(FOLDER).exists(), "{damaged:?}");
        // There is none left to set aside.
        set_aside(&path(FOLDER)).unwrap();
        assert_eq!(step("checkpoint.previous"), Some(kept), "{damaged:?}");
    }
}

#[test]
fn one_that_is_further_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    two_in(folder.path());
    set_aside(&path(FOLDER)).unwrap();
    two_in(folder.path());
    // The second run has come to the first step only.
    fs::remove_dir_all(path(FOLDER)).unwrap();
    fs::rename(path("checkpoint.old"), path(FOLDER)).unwrap();
    set_aside(&path(FOLDER)).unwrap();
    let text = fs::read_to_string(path("checkpoint.previous").join(STATE)).unwrap();
    assert_eq!(State::from_text(&text).unwrap().position.step, 2);
    assert!(!path(FOLDER).exists());
}

#[test]
fn the_only_checkpoint_is_set_aside() {
    for damage in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        two_in(folder.path());
        let path = |name: &str| folder.path().join(name);
        // As a run that ended while it saved leaves it.
        fs::remove_dir_all(path(FOLDER)).unwrap();
        if damage {
            fs::write(path("checkpoint.old").join(WEIGHTS), "").unwrap();
        }
        set_aside(&path(FOLDER)).unwrap();
        let left = ["", ".old", ".previous", ".damaged"];
        let left = left.map(|end| path(&format!("{FOLDER}{end}")).exists());
        assert_eq!(left, [false, false, true, false]);
    }
}
