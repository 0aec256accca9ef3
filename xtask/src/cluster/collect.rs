//! `cluster collect`: records, tables and the page of what is trained.

use std::process::ExitCode;

use anyhow::Result;

use super::folder::Folder;
use super::plan;
use crate::{environment, handover};

/// Starts the sweep's own program, told to train nothing.
pub(super) fn run(args: &cli::Sweep) -> Result<ExitCode> {
    let folder = Folder::find(args)?;
    let sweep = folder.known()?;
    let left = sweep
        .trainings
        .iter()
        .filter(|training| !folder.is_done(training));
    match left.count() {
        0 => {}
        left => eprintln!(
            "{left} of {} trainings are not done; the tables show the others",
            sweep.trainings.len()
        ),
    }
    let binary = folder.file("reproduce");
    let mut command = plan::reproduce(&binary, &sweep.options, &folder.out);
    command.args(["--run", "none"]);
    environment::set(&mut command);
    handover::run(&mut command)
}
