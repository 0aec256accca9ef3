//! Arguments of `cargo xtask cluster`.

use std::path::PathBuf;

use clap::{ValueHint, value_parser};

use super::Choice;

/// Run experiments as job arrays of Slurm, one training a task, on a folder that all nodes see
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
A sweep has two job arrays: every candidate learning rate (judged on held-out training images),
and then, with --dependency=afterany, every network at its chosen rate, for each seed.
A third, small job starts when both have ended, and submits again what ran out of time.
Every task trains one run: it saves when Slurm sends SIGTERM (--signal, 5 minutes before the limit),
and goes on from its checkpoint when it is started again (--requeue).
A task that fails three times without a new checkpoint stays failed; the others go on.
The scripts are in OUT/cluster/SWEEP: change what you like, and submit again with the same arguments;
they are written anew only if the arguments changed, and what is done is not done again.

Examples:
  cargo xtask cluster submit allconv/table3 --scale paper --data ~/data/cifar10 \\
      --out /shared/runs --partition long --time 1-00:00 --cpus 16 --max-running 16
  cargo xtask cluster status --out /shared/runs
  cargo xtask cluster collect --out /shared/runs
docs/cluster.md says more.")]
pub enum Cluster {
    /// Write the scripts of a sweep below the folder of the runs, and submit what is not done
    Submit(Box<Submit>),
    /// Say what waits, runs (epoch and time left), is done, or failed (and why)
    Status(Sweep),
    /// Make records, tables and the page of what is trained so far
    Collect(Sweep),
    /// Take all jobs of a sweep out of the queue; running ones save first
    Cancel(Sweep),
}

/// A sweep that was submitted.
#[derive(Debug, clap::Args)]
pub struct Sweep {
    /// The sweep, by its folder below `cluster`; may be left out if there is one alone
    #[arg(value_name = "SWEEP")]
    pub name: Option<String>,
    /// Folder of the runs
    #[arg(long, default_value = "runs", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// What to run, and as which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask cluster submit allconv/table3 --scale paper --data ~/data/cifar10 \\
      --out /shared/runs --partition long --time 1-00:00 --cpus 16 --max-running 16
  cargo xtask cluster submit allconv/table3 --scale paper --data ~/data/cifar10 \\
      --max-running 16 --dry-run           how many jobs, and how many hours
  cargo xtask cluster submit nin --local 2   the same sweep here, without Slurm")]
pub struct Submit {
    /// What decides the runs.
    #[command(flatten)]
    pub choice: Choice,
    /// Folder of the runs, on a file system that all nodes see
    #[arg(long, default_value = "runs", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Name of the sweep; made of the experiments and the scale unless given
    #[arg(long, value_name = "SWEEP")]
    pub name: Option<String>,
    /// Partition of the jobs; the cluster's default unless given
    #[arg(long, value_name = "P")]
    pub partition: Option<String>,
    /// Time limit of a task as Slurm writes it (90, 12:00:00, 2-00:00); the partition's unless given
    #[arg(long, value_name = "T")]
    pub time: Option<String>,
    /// CPUs and threads of a task
    #[arg(long, value_name = "C", default_value_t = 4, value_parser = value_parser!(u16).range(1..=1024))]
    pub cpus: u16,
    /// GPUs of a task; a training uses one at most
    #[arg(long, value_name = "G", default_value_t = 0, value_parser = value_parser!(u16).range(0..=1))]
    pub gpus: u16,
    /// Tasks that run at the same time, at most
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    pub max_running: Option<u32>,
    /// Run the tasks here instead, so many processes at a time, without Slurm
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub local: Option<u16>,
    /// Print the number of jobs and the hours, by records of the same networks, and stop
    #[arg(long, conflicts_with_all = ["local", "no_submit"])]
    pub dry_run: bool,
    /// Write the scripts, and submit nothing
    #[arg(long, conflicts_with = "local")]
    pub no_submit: bool,
    /// Try again what has failed three times
    #[arg(long)]
    pub retry: bool,
    /// A `reproduce` to run; built in release mode unless given
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub binary: Option<PathBuf>,
}
