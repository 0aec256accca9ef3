//! Two processes on one folder of runs.

use std::thread::sleep;

use anyhow::{Context, Result, ensure};

use super::draw::Draw;
use super::program::Ended;
use super::stage::{Stage, WORK, smoke};

/// Both do the whole work, or the one that may not says who does.
pub(super) fn race(stage: &Stage, draw: &mut Draw) -> Result<()> {
    let work = draw.one(&WORK);
    let undisturbed = stage.undisturbed(work, "")?;
    let out = stage.path("runs");
    let call = smoke(work, &out);
    let first = stage.start(&call, "first")?;
    // Often at once, which is the hardest.
    let delay = draw.moment(undisturbed.time);
    sleep(if draw.below(2) == 0 {
        delay.mul_f64(0.02)
    } else {
        delay
    });
    let second = stage.start(&call, "second")?;
    let (one, two) = (first.process(), second.process());
    let second = std::thread::spawn(move || second.end());
    let first = first.end()?;
    let second = second
        .join()
        .ok()
        .context("the second process was lost")??;
    let said = || format!("{work}, second process after {} ms", delay.as_millis());
    fine(&first, two).with_context(said)?;
    fine(&second, one).with_context(said)?;
    stage.run(&call, "resumed")?.success().with_context(said)?;
    undisturbed.results.same_below(&out).with_context(said)
}

/// It ended well, or it names the process that holds what it wanted.
fn fine(ended: &Ended, other: u32) -> Result<()> {
    let named = ended.stderr.contains(&other.to_string());
    let done = ended.success_or_refusal()?;
    ensure!(
        done || named,
        "refused without naming process {other}: {}",
        ended.stderr.trim()
    );
    Ok(())
}
