//! `cluster collect`: records, tables and the page of what is trained.

use std::process::{Command, ExitCode};

use anyhow::Result;

use super::folder::Folder;
use super::plan::paper;
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
    let experiments = &sweep.options.experiments;
    let first = experiments.first().map_or("all", |id| paper(id));
    let target = match experiments.iter().all(|id| paper(id) == first) {
        true => first,
        false => "all",
    };
    let mut command = Command::new(folder.file("reproduce"));
    command.arg(target).args(experiments);
    command.args(&sweep.options.arguments);
    command
        .arg("--out")
        .arg(&folder.out)
        .args(["--run", "none"]);
    environment::set(&mut command);
    handover::run(&mut command)
}
