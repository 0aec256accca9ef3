//! One process at a time in a run folder.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::console::duration;
use super::events::unix_time;
use crate::regular;

/// The file in the run folder that is locked.
const NAME: &str = "run.lock";
/// A longer one is none of ours: 64 KiB.
const LONGEST: u64 = 64 << 10;
/// Where the holder cannot be read, it is just taking or releasing the lock: tries, and the pause between two.
const CHANGING_HANDS: (u32, Duration) = (20, Duration::from_millis(10));

/// Who uses a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The name of its machine.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// When it took the folder, in seconds since 1970.
    pub since: f64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, pid, since } = self;
        // The clocks of two machines may differ.
        let age = duration((unix_time() - since).max(0.0));
        write!(f, "process {pid} on {host}, for {age}")
    }
}

/// The right to write to a run folder, held until it is dropped.
///
/// It is an advisory lock of the operating system (`flock` on Unix) on the file `run.lock` in the folder,
/// so it ends with the process, however that ends, and works on a shared file system as far as `flock` does there.
/// The file says who holds the lock.
///
/// ```
/// use lab::train::{RunLock, TrainError};
/// let folder = tempfile::tempdir()?;
/// let lock = RunLock::try_acquire(folder.path())?;
/// let second = RunLock::try_acquire(folder.path());
/// assert!(matches!(second, Err(TrainError::Held { .. })));
/// drop(lock);
/// assert!(RunLock::try_acquire(folder.path()).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunLock {
    folder: PathBuf,
    /// Keeps the lock.
    _file: File,
    /// What this process wrote to the file; no other process writes the same.
    content: String,
}

impl RunLock {
    /// Takes `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`TrainError::Held`] if another process, or another [`RunLock`] of this one, has it;
    /// a folder that cannot be written to, or whose file system has no locks.
    pub fn try_acquire(folder: impl Into<PathBuf>) -> std::result::Result<Self, TrainError> {
        let folder = folder.into();
        let (mut tries, pause) = CHANGING_HANDS;
        loop {
            fs::create_dir_all(&folder)
                .map_err(|e| TrainError::io(&folder, "make the folder", e))?;
            if let Some(lock) = Self::attempt(&folder)? {
                return Ok(lock);
            }
            let by = holder(&folder);
            if by.is_some() || tries == 0 {
                return Err(TrainError::Held { folder, by });
            }
            tries -= 1;
            std::thread::sleep(pause);
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fails if the folder was removed or replaced since it was taken: what is written now would be lost.
    ///
    /// # Errors
    /// [`TrainError::FolderGone`].
    pub fn check(&self) -> std::result::Result<(), TrainError> {
        let path = self.folder.join(NAME);
        match regular::read(&path, LONGEST) {
            Ok(content) if content == self.content.as_bytes() => Ok(()),
            // Windows refuses to read a locked file; that it is there must do.
            Err(e) if cfg!(windows) && e.kind() != ErrorKind::NotFound => Ok(()),
            Err(e) if e.kind() != ErrorKind::NotFound => Err(TrainError::io(&path, "read", e)),
            _ => Err(TrainError::FolderGone {
                folder: self.folder.clone(),
            }),
        }
    }

    /// Takes the lock; `None` if somebody has it, or if its file went away meanwhile.
    fn attempt(folder: &Path) -> std::result::Result<Option<Self>, TrainError> {
        let path = folder.join(NAME);
        // For writing: over NFS an exclusive lock needs it.
        let mut open = File::options();
        open.read(true).write(true).create(true).truncate(false);
        // Through a link, another file would be overwritten.
        let opened = regular::check(&path).and_then(|()| open.open(&path));
        let file = match opened {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| TrainError::io(&path, "open", e))?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(TrainError::io(&path, "lock", e)),
        }
        let content = sign(&file).map_err(|e| TrainError::io(&path, "write", e))?;
        let lock = Self {
            folder: folder.to_owned(),
            _file: file,
            content,
        };
        // An earlier holder removes the file when it lets go: this may be the removed one.
        match lock.check() {
            Ok(()) => Ok(Some(lock)),
            Err(TrainError::FolderGone { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if self.check().is_ok() {
            // A file that stays does no harm: its lock ends with the process.
            let _ = fs::remove_file(self.folder.join(NAME));
        }
    }
}

/// Writes who holds the lock to its file.
fn sign(mut file: &File) -> Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let holder = Holder {
        host: hostname::get()?.to_string_lossy().into_owned(),
        pid: std::process::id(),
        since: unix_time(),
    };
    let text = toml::to_string(&holder).map_err(std::io::Error::other)?;
    // Without the number, two locks that one process takes at one instant would look alike.
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    let text =
        format!("# Lock {nth} of its process; it holds as long as the process lives.\n{text}");
    file.set_len(0)?;
    file.write_all(text.as_bytes())?;
    Ok(text)
}

/// Who holds the lock, if the file can be read and says so.
fn holder(folder: &Path) -> Option<Holder> {
    toml::from_slice(&regular::read(&folder.join(NAME), LONGEST).ok()?).ok()
}

/// The holder in words.
pub(super) fn who(holder: Option<&Holder>) -> String {
    holder.map_or("another process".to_owned(), Holder::to_string)
}
