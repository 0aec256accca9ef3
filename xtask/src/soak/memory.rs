//! Memory of a process that trains more and more networks.

use anyhow::{Context, Result, ensure};

use super::draw::Draw;
use super::stage::{Stage, WORK, smoke};

/// Runs of each network with other seeds.
const FEW: usize = 2;
const MANY: usize = 8;
/// Memory that many runs may take beyond few: fragments of the allocator and what is kept of a run's history.
const SLACK: u64 = 32 << 20;

/// Many runs in one process take no more memory than few.
pub(super) fn growth(stage: &Stage, draw: &mut Draw) -> Result<()> {
    let work = draw.one(&WORK);
    let mut peaks = Vec::new();
    for seeds in [FEW, MANY] {
        let out = stage.path(&format!("runs-{seeds}"));
        let call = smoke(work, &out).arg("--seeds").arg(seeds.to_string());
        let ended = stage.run(&call, &format!("seeds-{seeds}"))?;
        ended
            .success()
            .with_context(|| format!("{work}, {seeds} seeds"))?;
        peaks.push(ended.peak);
    }
    let [Some(few), Some(many)] = peaks[..] else {
        return Ok(()); // The system does not say how much memory a process has.
    };
    let mib = |bytes: u64| bytes >> 20;
    ensure!(
        many <= few + few / 4 + SLACK,
        "{work}: {FEW} runs of each network took {} MiB, {MANY} took {}",
        mib(few),
        mib(many)
    );
    Ok(())
}
