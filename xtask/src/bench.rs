//! `cargo xtask bench`: whole training steps on striate and, where PyTorch is found, on PyTorch, taking turns.
//!
//! Every peer is a process that waits for its turn (`crates/bench`, `crates/bench/torch_baseline.py`).
//! One sample of each follows the other, so a slow minute of the machine hits all of them,
//! and ratios mean more than milliseconds.

mod arguments;
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

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace;
pub(crate) use arguments::Args;
use arguments::What;
use peer::{Kind, Peer};
use sample::Series;
use setting::Setting;

/// Measures every setting, prints JSON lines and tables, and writes the tables if asked.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    args.check()?;
    let binary = peer::build()?;
    match args.what {
        What::Memory => {
            let threads = args.threads.first().copied().unwrap_or(2);
            let table = memory::table(&binary, threads)?;
            let name = format!("memory, {}", table::threads(threads));
            return finish(args, &[(name, table)], &machine::stamp(None, None));
        }
        What::Parts => {
            let tables = [("parts".to_string(), parts::table(&binary)?)];
            return finish(args, &tables, &machine::stamp(None, None));
        }
        _ => {}
    }
    let rounds = args.rounds.unwrap_or(7);
    // PyTorch has no part in the tables of layers and of training.
    let is_alone = args.no_torch || matches!(args.what, What::Layers | What::Training);
    let python = if is_alone {
        None
    } else {
        torch::python(args.python.as_deref())?
    };
    let kinds = torch::kinds(args.torch.as_deref(), python.as_ref())?;
    machine::warn_if_busy();
    let mut all = Vec::new();
    let mut tables = Vec::new();
    let mut torch = None;
    for setting in &args.settings() {
        let measured = measure(setting, rounds, &binary, &kinds)?;
        for line in measured.series.iter().map(|series| series.json(setting)) {
            println!("{line}");
        }
        torch = torch.or(measured.torch);
        match args.what {
            What::Layers => {
                let table = layers::table(&measured.series, &measured.gflop)?;
                tables.push((table::name("layers", setting), table));
            }
            What::Training => {
                let table = training::table(&measured.series, setting.batch)?;
                tables.push((table::name("training", setting), table));
            }
            _ => all.push((*setting, measured.series)),
        }
    }
    let stamp = machine::stamp(torch.as_deref(), Some(rounds));
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
