//! One process at a time in a run folder.

#![allow(
    clippy::print_stdout,
    reason = "the child tells its parent how far it is"
)]

use std::io::{BufReader, Read};

use super::*;

const FOLDER: &str = "LAB_TEST_LOCKED_FOLDER";

/// In a process of its own: takes the folder and keeps it until its standard input ends.
#[test]
fn child_that_holds() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let _lock = RunLock::try_acquire(folder).unwrap();
        println!("held");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a_dead_process_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut holding = child(
        "train::tests::lock::child_that_holds",
        FOLDER,
        folder.path(),
    )
    .spawn()
    .unwrap();
    assert!(wait_for(
        &mut BufReader::new(holding.stdout.take().unwrap()),
        "held"
    ));
    let error = RunLock::try_acquire(folder.path()).unwrap_err();
    let TrainError::Held { by: Some(by), .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(by.pid, holding.id());
    let named = format!("process {} on {}", holding.id(), by.host);
    assert!(error.to_string().contains(&named), "{error}");

    // SIGKILL: it cannot clean up.
    holding.kill().unwrap();
    holding.wait().unwrap();
    let lock = RunLock::try_acquire(folder.path()).unwrap();
    lock.check().unwrap();
}

#[test]
fn never_two_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut turns = 0;
                while turns < 50 {
                    match RunLock::try_acquire(folder.path()) {
                        Ok(lock) => {
                            fs::File::create_new(&marker).expect("nobody else is here");
                            lock.check().unwrap();
                            fs::remove_file(&marker).unwrap();
                            turns += 1;
                        }
                        Err(TrainError::Held { .. }) => std::thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
}

/// A link would have another file signed in place of the lock.
#[cfg(unix)]
#[test]
fn a_link_is_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "kept").unwrap();
    let run = folder.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::os::unix::fs::symlink(&precious, run.join("run.lock")).unwrap();
    let error = RunLock::try_acquire(&run).unwrap_err().to_string();
    assert!(
        error.contains("run.lock") && error.contains("not a regular file"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "kept");
}
