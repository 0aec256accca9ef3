//! `bench`: whole training steps on striate, timed; `torch_baseline.py` beside it does the same work in PyTorch.
//!
//! Answers are checked before anything is timed.
//! `cargo xtask bench` starts it: with `--work` it runs one case for each line that it reads,
//! so that several processes can take turns.
#![allow(clippy::print_stdout, reason = "a binary that prints its measurements")]

mod autoencoder;
mod classifier;
mod draw;
mod layers;
mod memory;
mod networks;
mod parameters;
mod pools;
mod sampler;
mod seed;
#[path = "../../striate/benches/setup/layers.rs"]
mod setup;
mod training;
mod work;

use std::io::BufRead;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use striate::kernels::level::Level;

use work::{Case, Work};

/// Keeps large blocks between steps and aligns them; see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time a workload, for `cargo xtask bench`.
///
/// Threads: RAYON_NUM_THREADS. Vector instructions: STRIATE_SIMD.
#[derive(Parser)]
struct Args {
    /// W1 All-CNN-C step, W2 NIN step, W3 grid sampling, W4 max-pooling and unpooling, W5 SWWAE step,
    /// layers: convolution layers alone, training: All-CNN-C in the training loop of lab
    #[arg(long)]
    work: Option<String>,
    /// Images in a batch
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Side of the images of W1 and W2
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Runs of each case before the first timed one
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Print the papers' networks, the images in a training batch, and the sizes of these
    #[arg(long, conflicts_with = "work")]
    networks: bool,
    /// Print the peak memory in MiB of this process when one of them predicts one image of side --size
    #[arg(long, value_name = "NAME", conflicts_with = "work")]
    peak: Option<String>,
    /// Print how many independent parts each layer's passes are cut into for a batch of --batch on so many threads
    #[arg(long, value_name = "THREADS", conflicts_with = "work")]
    parts: Option<usize>,
    /// With --peak: train on batches instead
    #[arg(long, requires = "peak")]
    train: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.batch == 0 {
        bail!("--batch must be at least 1");
    }
    // This thread works with the others instead of waiting for them.
    rayon::ThreadPoolBuilder::new()
        .use_current_thread()
        .build_global()?;
    if args.networks {
        print!("{}", networks::list());
        return Ok(());
    }
    if let Some(name) = &args.peak {
        println!("{:.0}", networks::peak(name, args.size, args.train)?);
        return Ok(());
    }
    if let Some(threads) = args.parts {
        if threads == 0 {
            bail!("--parts must be at least 1");
        }
        print!("{}", layers::parts(args.batch, threads)?);
        return Ok(());
    }
    let Some(name) = &args.work else {
        bail!("this program times nothing by itself; use `cargo xtask bench`, which starts it");
    };
    let mut work = build(name, &args)?;
    (work.check)().context("the answers are wrong, so nothing was timed")?;
    interactive(&mut work, args.warmup)
}

fn build(name: &str, args: &Args) -> Result<Work> {
    let options = work::Options {
        batch: args.batch,
        size: args.size,
    };
    match name {
        "W1" => classifier::all_cnn_c(&options),
        "W2" => classifier::nin(&options),
        "W3" => sampler::grid_samples(),
        "W4" => pools::pool_and_unpool(&options),
        "W5" => autoencoder::swwae(&options),
        "layers" => layers::layers(&options),
        "training" => training::training(&options),
        other => bail!(
            "--work {other}: there is no such workload; use W1, W2, W3, W4, W5, layers or training"
        ),
    }
}

/// Prints for every case its name, value and billions of operations, then `ready`; then for every line, the name of a case, its time and the value that it computed.
fn interactive(work: &mut Work, warmup: usize) -> Result<()> {
    for case in &mut work.cases {
        let first = (case.run)()?;
        println!("value {} {first:.6} {:.6}", case.name, case.gflop);
        for _ in 1..warmup {
            (case.run)()?;
        }
    }
    println!("ready {}", Level::current()?);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let case = work.cases.iter_mut().find(|case| case.name == line);
        let case = case.with_context(|| format!("there is no case {line:?}"))?;
        let seconds = timed(case)?;
        println!("ms {:.4} mib {:.0}", seconds * 1e3, memory::peak_mib());
    }
    Ok(())
}

/// Seconds of one run.
///
/// Before short runs, runs that are not timed give the system time to move the threads to cores of their own.
fn timed(case: &mut Case) -> Result<f64> {
    if case.inner > 1 {
        for _ in 0..5 * case.inner {
            (case.run)()?;
        }
    }
    let start = Instant::now();
    for _ in 0..case.inner {
        (case.run)()?;
    }
    Ok(start.elapsed().as_secs_f64() / case.inner as f64)
}
