//! `bench`: whole training steps on striate, timed; `torch_baseline.py` beside it does the same work in PyTorch.
//!
//! Answers are checked before anything is timed.
//! Alone it prints one JSON line a case; with `--interactive` it runs one case for each line that it reads,
//! so that `cargo xtask bench` can let several processes take turns.
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

/// Time a workload.
///
/// Threads: RAYON_NUM_THREADS. Vector instructions: STRIATE_SIMD.
#[derive(Parser)]
struct Args {
    /// W1 All-CNN-C step, W2 NIN step, W3 grid sampling, W4 max-pooling and unpooling, W5 SWWAE step,
    /// layers: convolution layers alone, training: All-CNN-C in the training loop of lab
    #[arg(long, required_unless_present_any = ["networks", "peak", "parts"])]
    work: Option<String>,
    /// Images in a batch
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Side of the images of W1 and W2
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Timed runs of each case
    #[arg(long, default_value_t = 7)]
    reps: usize,
    /// Runs of each case before the first timed one
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Compute every product of every convolution; with layers only, since networks choose for themselves
    #[arg(long)]
    direct: bool,
    /// Read names of cases from the standard input and run one of each
    #[arg(long)]
    interactive: bool,
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

impl Args {
    /// The workload; empty where networks are listed or measured instead.
    fn work(&self) -> &str {
        self.work.as_deref().unwrap_or_default()
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.batch == 0 || args.reps == 0 {
        bail!("--batch and --reps must be at least 1");
    }
    if args.direct && args.work() != "layers" {
        bail!("--direct goes with --work layers; the networks are timed as they are shipped");
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
    let mut work = build(&args)?;
    (work.check)().context("the answers are wrong, so nothing was timed")?;
    if args.interactive {
        interactive(&mut work, args.warmup)
    } else {
        alone(&args, &mut work)
    }
}

fn build(args: &Args) -> Result<Work> {
    let options = work::Options {
        batch: args.batch,
        size: args.size,
        direct: args.direct,
    };
    match args.work() {
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

fn alone(args: &Args, work: &mut Work) -> Result<()> {
    for case in &mut work.cases {
        for _ in 0..args.warmup {
            (case.run)()?;
        }
        let mut times = Vec::with_capacity(args.reps);
        for _ in 0..args.reps {
            times.push(timed(case)?);
        }
        println!("{}", line(args, case, &times)?);
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

/// One JSON line, in the form of `torch_baseline.py`.
fn line(args: &Args, case: &Case, times: &[f64]) -> Result<String> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = (sorted[middle] + sorted[(sorted.len() - 1) / 2]) / 2.0;
    let list: Vec<String> = times.iter().map(|t| format!("{:.4}", t * 1e3)).collect();
    Ok(format!(
        "{{\"peer\": \"striate\", \"variant\": \"{}\", \"threads\": {}, \"work\": \"{}\", \"case\": \"{}\", \
         \"batch\": {}, \"size\": {}, \"median_ms\": {:.4}, \"min_ms\": {:.4}, \"reps\": {}, \
         \"images_per_s\": {:.2}, \"gflops\": {:.2}, \"peak_rss_mib\": {:.0}, \"times_ms\": [{}]}}",
        Level::current()?,
        rayon::current_num_threads(),
        args.work(),
        case.name,
        args.batch,
        args.size,
        median * 1e3,
        sorted[0] * 1e3,
        times.len(),
        args.batch as f64 / median,
        case.gflop / median,
        memory::peak_mib(),
        list.join(", "),
    ))
}
