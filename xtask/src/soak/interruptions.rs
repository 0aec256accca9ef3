//! Runs that are ended at random moments, and resumed.

use std::os::unix::process::ExitStatusExt;

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};

use super::draw::Draw;
use super::stage::{Stage, WORK, smoke};

/// Exit codes of a run that had ended already, or that was asked to stop and saved what it had.
const STOPPED: [i32; 4] = [0, 128 + SIGHUP, 128 + SIGINT, 128 + SIGTERM];

/// The most interruptions of one run.
const MOST_INTERRUPTIONS: usize = 4;

/// SIGKILL leaves no time to save anything.
pub(super) fn kill(stage: &Stage, draw: &mut Draw) -> Result<()> {
    interrupted(stage, draw, &[("KILL", SIGKILL)])
}

/// A polite request leaves time to save, and the program says so.
pub(super) fn stop(stage: &Stage, draw: &mut Draw) -> Result<()> {
    interrupted(
        stage,
        draw,
        &[("HUP", SIGHUP), ("INT", SIGINT), ("TERM", SIGTERM)],
    )
}

fn interrupted(stage: &Stage, draw: &mut Draw, signals: &[(&'static str, i32)]) -> Result<()> {
    let work = draw.one(&WORK);
    let undisturbed = stage.undisturbed(work, "")?;
    let out = stage.path("runs");
    let mut said = (*work).to_owned();
    for count in 0..=draw.below(MOST_INTERRUPTIONS) {
        let (after, (name, number)) = (draw.moment(undisturbed.time), *draw.one(signals));
        said += &format!(", SIG{name} after {} ms", after.as_millis());
        let call = smoke(work, &out).interrupted(after, name);
        let ended = stage.run(&call, &format!("interrupted-{count}"))?;
        // Before the program listens, in its first milliseconds, the signal itself ends it: there is nothing to save.
        if ended.status.signal() != Some(number) {
            let code = ended.code().with_context(|| said.clone())?;
            ensure!(STOPPED.contains(&code), "{said}: exit code {code}");
        }
    }
    let resumed = stage.run(&smoke(work, &out), "resumed")?;
    resumed
        .success()
        .with_context(|| format!("{said}, resumed"))?;
    undisturbed
        .results
        .same_below(&out)
        .with_context(|| said.clone())
}
