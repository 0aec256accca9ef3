//! `cargo xtask bench`: whole training steps on striate and, where PyTorch is found, on PyTorch, taking turns.
//!
//! Every peer is a process that waits for its turn (`crates/bench`, `crates/bench/torch_baseline.py`).
//! One sample of each follows the other, so a slow minute of the machine hits all of them,
//! and ratios mean more than milliseconds.

mod layers;
mod machine;
mod memory;
mod parts;
mod peer;
mod printed;
mod sample;
mod setting;
mod table;
mod torch;
mod training;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace;
use peer::{Kind, Peer};
use sample::Series;
use setting::Setting;

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(after_help = "\
Workloads:
  W1  All-CNN-C, training step and forward pass    W4  2x2 max-pooling with switches and unpooling
  W2  Network In Network, the same                 W5  SWWAE on padded digits, training step
  W3  bilinear grid sampling, three shapes

Examples:
  cargo xtask bench                                  all workloads, in minutes
  cargo xtask bench --python ~/venv/bin/python       beside PyTorch
  cargo xtask bench --work W1 --threads 1 --avx2     without AVX-512, on one thread
  cargo xtask bench --scaling                        W1 over batches and image sizes (longer)
  cargo xtask bench --layers                         every convolution layer alone
  cargo xtask bench --training                       steps alone, and in the training loop of lab
  cargo xtask bench --memory                         the peak memory of each network
  cargo xtask bench --parts                          how the layers are cut for many threads
  cargo xtask bench --write                          and put the tables into docs/performance.md")]
pub(crate) struct Args {
    /// Workloads
    #[arg(long, value_delimiter = ',', default_value = "W1,W2,W3,W4,W5")]
    work: Vec<String>,
    /// Numbers of threads
    #[arg(long, value_delimiter = ',', default_value = "2")]
    threads: Vec<usize>,
    /// Images in a batch
    #[arg(long, value_delimiter = ',', default_value = "128")]
    batch: Vec<usize>,
    /// Sides of the images of W1 and W2
    #[arg(long, value_delimiter = ',', default_value = "32")]
    size: Vec<usize>,
    /// Switch AVX-512 off on both sides
    #[arg(long)]
    avx2: bool,
    /// W1 with batches 1, 32, 128, 512 and with images of 32, 64, 128 pixels, instead of the lists
    #[arg(long, conflicts_with_all = ["work", "batch", "size"])]
    scaling: bool,
    /// Each convolution layer of the papers alone, as a share of the machine's own matrix product
    #[arg(long, conflicts_with_all = ["work", "batch", "size", "scaling", "small"])]
    layers: bool,
    /// Steps of All-CNN-C alone, with dropout, and in the training loop of lab
    #[arg(long, conflicts_with_all = ["work", "batch", "size", "scaling", "small", "layers", "memory", "parts"])]
    training: bool,
    /// W1 and W2 with batches 1, 8 and 32, instead of the lists
    #[arg(long, conflicts_with_all = ["work", "batch", "size", "scaling"])]
    small: bool,
    /// The peak memory of each network of the papers, a process each
    #[arg(long, conflicts_with_all = ["work", "batch", "size", "scaling", "small", "layers", "avx2"])]
    memory: bool,
    /// How many independent parts each convolution layer's passes are cut into, on 2, 8 and 64 threads
    #[arg(long, conflicts_with_all = ["work", "threads", "batch", "size", "scaling", "small", "layers", "avx2", "memory"])]
    parts: bool,
    /// Samples of each peer and case
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// A Python with torch; without it `python3` is tried
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Which of PyTorch's ways: eager, channels_last, compile, compile+channels_last
    #[arg(long, value_delimiter = ',')]
    torch: Option<Vec<String>>,
    /// Do not look for PyTorch
    #[arg(long)]
    no_torch: bool,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Measures every setting, prints JSON lines and tables, and writes the tables if asked.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let settings = settings(args)?;
    if args.rounds == 0 {
        bail!("--rounds must be at least 1");
    }
    if args.memory && args.threads.len() > 1 {
        bail!("--memory is measured with one number of --threads");
    }
    let binary = peer::build()?;
    if args.memory {
        let threads = args.threads.first().copied().unwrap_or(2);
        let table = memory::table(&binary, threads)?;
        let name = format!("memory, {}", table::threads(threads));
        return finish(args, &[(name, table)], &machine::stamp(None, None));
    }
    if args.parts {
        let tables = [("parts".to_string(), parts::table(&binary)?)];
        return finish(args, &tables, &machine::stamp(None, None));
    }
    // PyTorch has no part in the tables of layers and of training.
    let alone = args.no_torch || args.layers || args.training;
    let python = if alone {
        None
    } else {
        torch::python(args.python.as_deref())?
    };
    let kinds = torch::kinds(args.torch.as_deref(), python.as_ref())?;
    machine::warn_if_busy();
    let mut all = Vec::new();
    let mut tables = Vec::new();
    let mut torch = None;
    for setting in &settings {
        let measured = measure(setting, args.rounds, &binary, &kinds)?;
        for line in measured.series.iter().map(|series| series.json(setting)) {
            println!("{line}");
        }
        torch = torch.or(measured.torch);
        if args.layers {
            let table = layers::table(&measured.series, &measured.gflop)?;
            tables.push((table::name("layers", setting), table));
        } else if args.training {
            let table = training::table(&measured.series, setting.batch)?;
            tables.push((table::name("training", setting), table));
        } else {
            all.push((*setting, measured.series));
        }
    }
    let stamp = machine::stamp(torch.as_deref(), Some(args.rounds));
    tables.extend(table::tables(&all));
    finish(args, &tables, &stamp)
}

/// Prints the tables, and writes them if asked.
fn finish(args: &Args, tables: &[(String, String)], stamp: &str) -> Result<ExitCode> {
    for (_, table) in tables {
        println!("\n{table}");
    }
    println!("\n{stamp}");
    if args.write {
        let path = workspace::root().join("docs/performance.md");
        table::write(&path, tables, stamp)?;
        println!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &Args) -> Result<Vec<Setting>> {
    for work in &args.work {
        if !setting::WORKS.contains(&work.as_str()) {
            let known = setting::WORKS.join(", ");
            bail!("--work {work}: there is no such workload; use {known}");
        }
    }
    for (name, list) in [
        ("threads", &args.threads),
        ("batch", &args.batch),
        ("size", &args.size),
    ] {
        if list.contains(&0) {
            bail!("--{name} must be at least 1");
        }
    }
    let settings = if args.layers {
        setting::alone("layers", &args.threads, args.avx2)
    } else if args.training {
        setting::alone("training", &args.threads, args.avx2)
    } else if args.small {
        setting::small(&args.threads, args.avx2)
    } else if args.scaling {
        setting::scaling(&args.threads, args.avx2)
    } else {
        setting::product(
            &args.work,
            &args.threads,
            &args.batch,
            &args.size,
            args.avx2,
        )
    };
    Ok(settings)
}

/// What a setting gave.
struct Measured {
    series: Vec<Series>,
    /// Operations of striate's cases, in the order of their series, which come first.
    gflop: Vec<f64>,
    /// PyTorch's version.
    torch: Option<String>,
}

/// Samples of all peers and cases of a setting.
fn measure(
    setting: &Setting,
    rounds: usize,
    binary: &std::path::Path,
    kinds: &[Kind],
) -> Result<Measured> {
    eprintln!("{setting}");
    let mut peers: Vec<Peer> = Vec::new();
    for kind in kinds {
        match Peer::start(kind, setting, binary) {
            Ok(peer) => peers.push(peer),
            // Without striate there is nothing to compare.
            Err(error) if *kind == Kind::Striate => return Err(error),
            Err(error) => eprintln!("  {}: left out: {error:#}", kind.name()),
        }
    }
    keep_agreeing(&mut peers)?;
    let cases: Vec<String> = peers[0]
        .values
        .iter()
        .map(|(case, _)| case.clone())
        .collect();
    let mut series: Vec<Series> = peers
        .iter()
        .flat_map(|peer| cases.iter().map(|case| Series::new(peer, case)))
        .collect();
    for round in 0..rounds * setting.samples_a_round() {
        for (c, case) in cases.iter().enumerate() {
            for turn in 0..peers.len() {
                // Each round begins with another peer.
                let p = (turn + round) % peers.len();
                // Threads of the previous peer spin for a moment before they sleep.
                std::thread::sleep(Duration::from_millis(30));
                let sample = peers[p].sample(case)?;
                series[p * cases.len() + c].push(sample);
            }
        }
        if round % setting.samples_a_round() == 0 {
            eprint!(".");
        }
    }
    eprintln!();
    let torch = peers.iter().find(|peer| peer.name != "striate");
    Ok(Measured {
        torch: torch.map(|peer| peer.version.clone()),
        gflop: peers[0].gflop.clone(),
        series,
    })
}

/// Leaves out the modes of PyTorch that compute something else than striate and PyTorch's other modes.
///
/// Fails if none of them agrees with striate: then nothing is timed.
fn keep_agreeing(peers: &mut Vec<Peer>) -> Result<()> {
    let first = peers.first().context("no peer has started")?;
    let (name, wanted) = (first.name.clone(), first.values.clone());
    let others = peers.len() - 1;
    let mut reasons = Vec::new();
    peers.retain(|peer| {
        let wrong = wanted
            .iter()
            .zip(&peer.values)
            .find(|((_, wanted), (_, got))| {
                // A value that is not a number is no agreement.
                let close = (got - wanted).abs() <= 1e-3 * wanted.abs().max(1e-2);
                !close
            });
        if let Some(((case, wanted), (_, got))) = wrong {
            reasons.push(format!(
                "{case}: {} computes {got}, {name} {wanted}",
                peer.name
            ));
        }
        wrong.is_none()
    });
    for reason in &reasons {
        eprintln!("  left out: {reason}");
    }
    // Striate itself, and one to compare it with if there was any.
    if peers.len() < 1 + usize::from(others > 0) {
        bail!("{}; nothing was timed", reasons.join("; "));
    }
    Ok(())
}
