//! A process that runs a workload when asked: start, wait until it is ready, take a sample.
//!
//! It prints `value CASE V GFLOP` for each case and `ready VERSION`; then for each line `CASE` that it reads `ms T mib M`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::setting::Setting;
use crate::{environment, workspace};

/// Who computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Striate,
    Torch {
        python: PathBuf,
        compile: bool,
        channels_last: bool,
    },
}

impl Kind {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Striate => "striate".to_owned(),
            Self::Torch {
                compile,
                channels_last,
                ..
            } => {
                let mode = if *compile { "compile" } else { "eager" };
                let layout = if *channels_last { "+channels_last" } else { "" };
                format!("torch {mode}{layout}")
            }
        }
    }

    fn command(&self, setting: &Setting, binary: &Path) -> Command {
        let threads = setting.threads.to_string();
        let mut command = match self {
            Self::Striate => {
                let mut command = Command::new(binary);
                command.env("RAYON_NUM_THREADS", &threads);
                environment::set(&mut command);
                if setting.avx2 {
                    command.env("STRIATE_SIMD", "avx2");
                }
                command
            }
            Self::Torch {
                python,
                compile,
                channels_last,
            } => {
                let mut command = Command::new(python);
                command.arg(workspace::root().join("crates/bench/torch_baseline.py"));
                command.args(["--threads", &threads]);
                if *compile {
                    command.arg("--compile");
                }
                if *channels_last {
                    command.arg("--channels-last");
                }
                if setting.avx2 {
                    command.env("ONEDNN_MAX_CPU_ISA", "AVX2");
                    command.env("ATEN_CPU_CAPABILITY", "avx2");
                    command.env("MKL_ENABLE_INSTRUCTIONS", "AVX2");
                }
                command
            }
        };
        command.args(["--work", setting.work]);
        command.args(["--batch", &setting.batch.to_string()]);
        command.args(["--size", &setting.size.to_string()]);
        command
    }
}

/// Builds the binary `bench` in release mode; its path.
pub(super) fn build() -> Result<PathBuf> {
    workspace::build("bench", &[])
}

/// Whether this Python starts and can import torch.
pub(super) fn has_torch(python: &Path) -> bool {
    let quiet = Command::new(python)
        .args(["-c", "import torch"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}

/// One run of one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) ms: f64,
    /// Peak memory of the process so far.
    pub(super) mib: f64,
}

/// A process that waits for its turn.
pub(super) struct Peer {
    pub(super) name: String,
    /// What the first run of each case computed.
    pub(super) values: Vec<(String, f64)>,
    /// Billions of operations of each case, by definition.
    pub(super) gflop: Vec<f64>,
    /// Of PyTorch, or the level of striate's vectors.
    pub(super) version: String,
    process: Child,
    input: ChildStdin,
    lines: Receiver<std::io::Result<String>>,
}

/// How long a process may take for an answer; PyTorch compiles for minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

impl Peer {
    /// Starts a process and waits until it has warmed up.
    pub(super) fn start(kind: &Kind, setting: &Setting, binary: &Path) -> Result<Self> {
        let mut command = kind.command(setting, binary);
        let line = workspace::shown(&command);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start `{line}`"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("`{line}` has no input or output");
        };
        let mut peer = Self {
            name: kind.name(),
            values: Vec::new(),
            gflop: Vec::new(),
            version: String::new(),
            process,
            input,
            lines: lines(output),
        };
        loop {
            let text = peer.read().with_context(|| format!("`{line}`"))?;
            match text.split_whitespace().collect::<Vec<_>>()[..] {
                ["value", case, value, gflop] => {
                    peer.values.push((case.to_owned(), value.parse()?));
                    peer.gflop.push(gflop.parse()?);
                }
                ["ready", version] => {
                    peer.version = version.to_owned();
                    return Ok(peer);
                }
                // Warnings of libraries.
                _ => eprintln!("  {}: {text}", peer.name),
            }
        }
    }

    /// Runs a case once.
    pub(super) fn sample(&mut self, case: &str) -> Result<Sample> {
        writeln!(self.input, "{case}").with_context(|| format!("{} has ended", self.name))?;
        let text = self.read()?;
        parse(&text).with_context(|| format!("{} answered {text:?}", self.name))
    }

    fn read(&mut self) -> Result<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line?.trim().to_owned()),
            Err(RecvTimeoutError::Timeout) => bail!(
                "{} has not answered for {} minutes and was ended",
                self.name,
                PATIENCE.as_secs() / 60
            ),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.process.wait()?;
                bail!("{} ended early: {status}", self.name);
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Whatever it is doing, nobody waits for it any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of a process, read beside this thread so that nobody waits for ever.
fn lines(output: ChildStdout) -> Receiver<std::io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines();
        for line in lines {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn parse(text: &str) -> Option<Sample> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        ["ms", ms, "mib", mib] => Some(Sample {
            ms: ms.parse().ok()?,
            mib: mib.parse().ok()?,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let sample = Sample {
            ms: 12.5,
            mib: 300.0,
        };
        assert_eq!(parse("ms 12.5 mib 300"), Some(sample));
        assert_eq!(parse("ms fast"), None);
    }

    #[test]
    fn avx2_is_forced_on_both_sides() {
        let setting = Setting {
            work: "W1",
            threads: 1,
            batch: 8,
            size: 64,
            avx2: true,
        };
        let torch = Kind::Torch {
            python: "python3".into(),
            compile: true,
            channels_last: false,
        };
        let line = |kind: &Kind| workspace::shown(&kind.command(&setting, Path::new("bench")));
        assert!(line(&Kind::Striate).contains("STRIATE_SIMD=avx2"));
        assert!(line(&torch).contains("ONEDNN_MAX_CPU_ISA=AVX2"));
        assert!(line(&torch).contains("--threads 1 --compile --work W1 --batch 8 --size 64"));
    }
}
