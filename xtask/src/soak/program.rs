//! The program under test, started as a process, with what is done to it while it runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// No call of the program takes longer, unless it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(300);
/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The binary `reproduce`.
pub(super) struct Program {
    binary: PathBuf,
}

/// One call of the program.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    args: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
    address_space: Option<u64>,
    interruption: Option<(Duration, &'static str)>,
}

impl Call {
    /// A call with arguments, divided by spaces.
    pub(super) fn new(args: &str) -> Self {
        Self {
            args: args.split_whitespace().map(OsString::from).collect(),
            ..Self::default()
        }
    }

    pub(super) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(super) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Limits the address space, in bytes.
    pub(super) fn address_space(mut self, bytes: u64) -> Self {
        self.address_space = Some(bytes);
        self
    }

    /// Gets a signal, such as KILL, after some time.
    pub(super) fn interrupted(mut self, after: Duration, signal: &'static str) -> Self {
        self.interruption = Some((after, signal));
        self
    }
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stderr: String,
    pub(super) time: Duration,
    /// The most memory it had at once, in bytes; `None` on systems that do not say.
    pub(super) peak: Option<u64>,
    hung: bool,
}

/// A call that goes on.
pub(super) struct Running {
    child: Child,
    begun: Instant,
    stderr: PathBuf,
    interruption: Option<(Duration, &'static str)>,
}

impl Program {
    pub(super) fn new(binary: PathBuf) -> Self {
        Self { binary }
    }

    /// Starts a call, whose output goes to files named `name` in `folder`.
    pub(super) fn start(&self, call: &Call, folder: &Path, name: &str) -> Result<Running> {
        let mut command = match call.address_space {
            None => Command::new(&self.binary),
            Some(bytes) => {
                let mut command = Command::new("sh");
                command.args(["-c", "ulimit -v \"$0\" && exec \"$@\""]);
                command.arg((bytes / 1024).to_string()).arg(&self.binary);
                command
            }
        };
        let stderr = folder.join(format!("{name}.stderr"));
        command.args(&call.args).stdin(Stdio::null());
        command.envs(call.variables.iter().map(|(name, value)| (name, value)));
        command.stdout(File::create(folder.join(format!("{name}.stdout")))?);
        command.stderr(File::create(&stderr)?);
        let child = command
            .spawn()
            .with_context(|| format!("start {}", self.binary.display()))?;
        Ok(Running {
            child,
            begun: Instant::now(),
            stderr,
            interruption: call.interruption,
        })
    }

    /// Runs a call to its end.
    pub(super) fn run(&self, call: &Call, folder: &Path, name: &str) -> Result<Ended> {
        self.start(call, folder, name)?.end()
    }
}

impl Running {
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; does what is to be done on the way.
    pub(super) fn end(mut self) -> Result<Ended> {
        let (mut peak, mut hung) = (None, false);
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            let time = self.begun.elapsed();
            match self.interruption {
                Some((after, signal)) if time >= after => {
                    self.interruption = None;
                    match signal {
                        "KILL" => self.child.kill()?,
                        signal => workspace::send(signal, self.child.id()),
                    }
                }
                _ if time >= HANGS_AFTER && !hung => {
                    hung = true;
                    self.child.kill()?;
                }
                _ => {}
            }
            peak = peak_memory(self.child.id()).or(peak);
            sleep(LOOK_EVERY);
        };
        let stderr =
            fs::read(&self.stderr).with_context(|| format!("read {}", self.stderr.display()))?;
        Ok(Ended {
            status,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            time: self.begun.elapsed(),
            peak,
            hung,
        })
    }
}

impl Ended {
    /// The exit code, for a program that ended by itself: it neither crashed nor hung.
    pub(super) fn code(&self) -> Result<i32> {
        ensure!(
            !self.hung,
            "it hung: nothing for {} s",
            HANGS_AFTER.as_secs()
        );
        let panicked = self.stderr.contains("panicked at") || self.status.code() == Some(101);
        ensure!(!panicked, "it panicked: {}", self.last_words());
        let code = self.status.code();
        code.with_context(|| format!("it crashed with {}: {}", self.status, self.last_words()))
    }

    /// Fails unless the program did what it was told.
    pub(super) fn success(&self) -> Result<()> {
        let code = self.code()?;
        ensure!(code == 0, "exit code {code}: {}", self.last_words());
        Ok(())
    }

    /// Fails unless the program did what it was told, or refused with a message; returns whether it did it.
    pub(super) fn success_or_refusal(&self) -> Result<bool> {
        match self.code()? {
            0 => Ok(true),
            1 if self.stderr.contains("error: ") => Ok(false),
            code => anyhow::bail!(
                "exit code {code} without an error message: {}",
                self.last_words()
            ),
        }
    }

    fn last_words(&self) -> &str {
        let end = self.stderr.trim_end();
        let from = end.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
        &end[from..]
    }
}

/// The most memory that a process had at once so far.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kib)
}
