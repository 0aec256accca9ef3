//! What is measured: workload, threads, batch, image size, vector instructions.

use std::fmt;

/// The workloads of `crates/bench`.
pub(super) const WORKS: [&str; 5] = ["W1", "W2", "W3", "W4", "W5"];

/// One setting of one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) work: &'static str,
    pub(super) threads: usize,
    pub(super) batch: usize,
    pub(super) size: usize,
    pub(super) avx2: bool,
}

impl Setting {
    /// Short workloads are sampled more often.
    pub(super) fn samples_a_round(&self) -> usize {
        match self.work {
            "W3" | "W4" => 3,
            _ => 1,
        }
    }

    /// What a case is called in tables.
    pub(super) fn title(&self, case: &str) -> String {
        let title = match (self.work, case) {
            ("W1", "step") => "W1 All-CNN-C, training step",
            ("W1", _) => "W1 All-CNN-C, forward pass",
            ("W2", "step") => "W2 NIN, training step",
            ("W2", _) => "W2 NIN, forward pass",
            ("W3", "small_fwd") => "W3 grid_sample 256x1x28x28, forward",
            ("W3", "small_fwd_bwd") => "W3 grid_sample 256x1x28x28, forward + backward",
            ("W3", "channels_fwd") => "W3 grid_sample 64x32x64x64, forward",
            ("W3", "channels_fwd_bwd") => "W3 grid_sample 64x32x64x64, forward + backward",
            ("W3", "picture_fwd") => "W3 grid_sample 1x3x1080x1920, forward",
            ("W3", _) => "W3 grid_sample 1x3x1080x1920, forward + backward",
            ("W4", "pool_unpool_fwd") => "W4 max-pool with switches + unpool, forward",
            ("W4", "pool_unpool_fwd_bwd") => {
                "W4 max-pool with switches + unpool, forward + backward"
            }
            ("W4", _) => "W4 max-pool, forward + backward",
            _ => "W5 SWWAE, training step",
        };
        title.to_owned()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            work,
            threads,
            batch,
            size,
            avx2,
        } = self;
        write!(f, "{work}, {threads} threads, batch {batch}, {size} pixels")?;
        if *avx2 {
            f.write_str(", AVX-512 off")?;
        }
        Ok(())
    }
}

/// Every combination; image sizes vary only where the workload has them.
pub(super) fn product(
    works: &[String],
    threads: &[usize],
    batches: &[usize],
    sizes: &[usize],
    avx2: bool,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    for &threads in threads {
        for work in WORKS
            .into_iter()
            .filter(|w| works.iter().any(|name| name == w))
        {
            let sizes: &[usize] = if matches!(work, "W1" | "W2") {
                sizes
            } else {
                &[32]
            };
            for &batch in batches {
                settings.extend(sizes.iter().map(|&size| Setting {
                    work,
                    threads,
                    batch,
                    size,
                    avx2,
                }));
            }
        }
    }
    settings
}

/// A workload without a counterpart in PyTorch, once for each number of threads.
pub(super) fn alone(work: &'static str, threads: &[usize], avx2: bool) -> Vec<Setting> {
    let at = |&threads: &usize| Setting {
        work,
        threads,
        batch: 128,
        size: 32,
        avx2,
    };
    threads.iter().map(at).collect()
}

/// W1 over batches, and with images of twice the side and as many pixels in each batch.
pub(super) fn scaling(threads: &[usize], avx2: bool) -> Vec<Setting> {
    let points = [(1, 32), (32, 32), (128, 32), (512, 32), (32, 64)];
    let at = |&threads: &usize| {
        points.map(|(batch, size)| Setting {
            work: "W1",
            threads,
            batch,
            size,
            avx2,
        })
    };
    threads.iter().flat_map(at).collect()
}

/// W1 and W2 over small batches, where latency counts.
pub(super) fn small(threads: &[usize], avx2: bool) -> Vec<Setting> {
    let works = ["W1", "W2"].map(str::to_owned);
    product(&works, threads, &[1, 8, 32], &[32], avx2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_skip_sizes_that_a_workload_does_not_have() {
        let works = ["W4".to_owned(), "W1".to_owned()];
        let settings = product(&works, &[1, 2], &[128], &[32, 64], false);
        let of = |work| settings.iter().filter(|s| s.work == work).count();
        assert_eq!((of("W1"), of("W4")), (4, 2));
    }

    #[test]
    fn scaling_keeps_the_pixels_while_the_side_grows() {
        let pixels = |s: &Setting| s.batch * s.size * s.size;
        let all = scaling(&[2], false);
        let large: Vec<_> = all.iter().filter(|s| s.size > 32).collect();
        assert!(large.iter().all(|s| pixels(s) == 128 * 32 * 32));
    }
}
