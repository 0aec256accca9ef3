//! Numbers of threads and levels of vector instructions.

use anyhow::{Context, Result};

use super::draw::Draw;
use super::stage::{Stage, WORK, at_level, on_threads};

/// The levels of `STRIATE_SIMD`; the program lowers what the machine has not.
const LEVELS: [&str; 3] = ["avx512", "avx2", "plain"];

/// The results of two threads on 1, 2 and 4.
pub(super) fn threads(stage: &Stage, draw: &mut Draw) -> Result<()> {
    let (work, level) = (draw.one(&WORK), draw.one(&LEVELS));
    let undisturbed = stage.undisturbed(work, level)?;
    for threads in [1, 2, 4] {
        let said = || format!("{work}, {threads} threads, STRIATE_SIMD={level}");
        let out = stage.path(&format!("runs-{threads}"));
        let call = at_level(on_threads(work, &out, threads), level);
        stage
            .run(&call, &format!("threads-{threads}"))?
            .success()
            .with_context(said)?;
        undisturbed.results.same_below(&out).with_context(said)?;
    }
    Ok(())
}
