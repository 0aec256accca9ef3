//! Where the tries take place: their folders, and the undisturbed runs to which they are compared.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::program::{Call, Ended, Program, Running};
use super::results::Results;

/// An experiment of each paper that trains several networks in about a second at scale smoke.
pub(super) const WORK: [&str; 4] = ["allconv/table4", "nin/table1", "stn/table3", "swwae/mnist"];

/// An undisturbed run.
pub(super) struct Undisturbed {
    pub(super) results: Results,
    pub(super) time: Duration,
}

/// The program, and folders for it.
pub(super) struct Stage {
    program: Program,
    folder: PathBuf,
    /// The folder of the current try.
    current: RefCell<PathBuf>,
    /// By experiment and level of vector instructions.
    undisturbed: RefCell<HashMap<(String, String), Rc<Undisturbed>>>,
}

impl Stage {
    pub(super) fn new(program: Program, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(Self {
            program,
            current: RefCell::new(folder.clone()),
            folder,
            undisturbed: RefCell::default(),
        })
    }

    /// The folder of all tries.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Does a try in a folder of its own, which stays if the try fails.
    pub(super) fn attempt(
        &self,
        name: &str,
        attempt: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        self.current.replace(folder.clone());
        attempt(self)?;
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))
    }

    pub(super) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("remove {}", self.folder.display()))
    }

    /// A path in the folder of the current try.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.current.borrow().join(name)
    }

    /// Runs a call to its end; `name` names the files of its output.
    pub(super) fn run(&self, call: &Call, name: &str) -> Result<Ended> {
        self.program.run(call, &self.path(""), name)
    }

    /// Starts a call.
    pub(super) fn start(&self, call: &Call, name: &str) -> Result<Running> {
        self.program.start(call, &self.path(""), name)
    }

    /// What an experiment gives if nothing disturbs it, on two threads at a level of vector instructions (the best if it is empty).
    pub(super) fn undisturbed(&self, work: &str, level: &str) -> Result<Rc<Undisturbed>> {
        let key = (work.to_owned(), level.to_owned());
        if let Some(known) = self.undisturbed.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let name = format!("undisturbed-{}-{level}", work.replace('/', "-"));
        let out = self.folder.join(&name);
        let call = at_level(smoke(work, &out), level);
        let ended = self.program.run(&call, &self.folder, &name)?;
        ended.success().context("an undisturbed run")?;
        let undisturbed = Rc::new(Undisturbed {
            results: Results::below(&out)?,
            time: ended.time,
        });
        self.undisturbed
            .borrow_mut()
            .insert(key, Rc::clone(&undisturbed));
        Ok(undisturbed)
    }
}

/// A smoke run of an experiment into `out`, which goes on from what is there, on two threads.
pub(super) fn smoke(work: &str, out: &Path) -> Call {
    on_threads(work, out, 2)
}

/// A smoke run of an experiment on a number of threads.
pub(super) fn on_threads(work: &str, out: &Path, threads: usize) -> Call {
    let args = format!("{work} --scale smoke --quiet --resume --threads {threads} --out");
    Call::new(&args).arg(out)
}

/// The call at a level of vector instructions; an empty one leaves the choice to the program.
pub(super) fn at_level(call: Call, level: &str) -> Call {
    match level {
        "" => call,
        level => call.variable("STRIATE_SIMD", level),
    }
}
