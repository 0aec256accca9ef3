//! `cargo xtask cluster`: experiments as job arrays of Slurm, one training a task.
//!
//! Runs go by what decides them and lie in one folder that all nodes see; `reproduce` knows of no cluster.
//! Of Slurm it needs sbatch, squeue and scancel, and takes what sacct says where there is accounting.

mod cancel;
mod collect;
mod folder;
mod local;
mod options;
mod plan;
mod progress;
mod scripts;
mod slurm;
mod status;
mod submit;
mod time;

use std::process::ExitCode;

use anyhow::Result;
use cli::Cluster;

/// Does what the command says.
pub(crate) fn run(command: &Cluster) -> Result<ExitCode> {
    match command {
        Cluster::Submit(args) => submit::run(args),
        Cluster::Status(args) => status::run(args),
        Cluster::Collect(args) => collect::run(args),
        Cluster::Cancel(args) => cancel::run(args),
    }
}
