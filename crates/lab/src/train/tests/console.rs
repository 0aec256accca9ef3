//! Progress that cannot be shown does not stop the training.

use super::*;

/// A pipe whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_closed_pipe_does_not_stop_the_training() {
    for progress in [Progress::Json, Progress::Lines, Progress::Quiet] {
        let folder = tempfile::tempdir().unwrap();
        let console = Console::new(progress, Box::new(Closed));
        console.warn("nobody reads this");
        let mut run = Run::in_folder(folder.path(), Start::Afresh, &console).unwrap();
        let log = train(&Linear::new(), &recipe(), &mut run).unwrap();
        assert_eq!((log.outcome, log.epochs.len()), (Outcome::Trained, 4));
        assert!(folder.path().join("checkpoint/state.toml").exists());
    }
}
