//! News of the runs: those in progress, the newest pictures, and whether there are new results.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::report::page::{RunView, to_json};
use crate::report::{Figure, History, ReportError, RunState, address, regular_files};

/// A run without an end is shown for this long after its last line.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// A run that has ended is shown for this long, so that short ones are seen at all.
const JUST_ENDED: Duration = Duration::from_secs(30);
/// A picture counts as new for this long.
const NEW: Duration = Duration::from_secs(24 * 3600);
/// Pictures that are shown.
const PICTURES: usize = 6;

#[derive(Serialize)]
struct News<'a> {
    /// Changes when a record or a picture does.
    version: String,
    runs: Vec<RunView<'a>>,
    pictures: Vec<PictureView>,
}

#[derive(Serialize)]
struct PictureView {
    file: String,
    caption: String,
    source: String,
    width: u32,
    height: u32,
}

/// Looks at a folder of runs again and again.
pub(super) struct Watch {
    root: PathBuf,
    /// Logs that have an end, with the time of their last line: they need not be read again.
    ended: HashMap<PathBuf, SystemTime>,
}

/// What a look needs of a file.
struct Seen {
    path: PathBuf,
    written: SystemTime,
    length: u64,
}

impl Watch {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ended: HashMap::new(),
        }
    }

    /// The news as JSON. A file that goes away or cannot be read is left out.
    pub(super) fn news(&mut self) -> Result<String, ReportError> {
        let files: Vec<Seen> = regular_files(&self.root)?
            .into_iter()
            .filter_map(|path| {
                let metadata = fs::symlink_metadata(&path).ok()?;
                let (written, length) = (metadata.modified().ok()?, metadata.len());
                Some(Seen {
                    path,
                    written,
                    length,
                })
            })
            .collect();
        let logs = files.iter().filter(|file| file.path.ends_with("log.jsonl"));
        let mut runs: Vec<History> = logs.filter_map(|log| self.in_progress(log)).collect();
        // Those at work first, then the last that stopped.
        let updated = |run: &History| run.times.map_or(0.0, |(_, updated)| updated);
        runs.sort_by(|a, b| {
            let stopped = |run: &History| run.state != RunState::Running;
            let order = stopped(a).cmp(&stopped(b));
            order.then(updated(b).total_cmp(&updated(a)))
        });
        to_json(&News {
            version: version(&files),
            runs: runs.iter().map(RunView::new).collect(),
            pictures: self.pictures(&files),
        })
    }

    /// The run of a log, unless it ended a while ago or stopped long ago.
    fn in_progress(&mut self, log: &Seen) -> Option<History> {
        if self.ended.get(&log.path) == Some(&log.written) || age(log.written) > REMEMBERED {
            return None;
        }
        let folder = log.path.parent()?;
        let shown = folder.strip_prefix(&self.root).ok()?.to_string_lossy();
        let run = History::read(folder, shown).ok()??;
        if run.state == RunState::Ended && age(log.written) > JUST_ENDED {
            self.ended.insert(log.path.clone(), log.written);
            return None;
        }
        Some(run)
    }

    fn pictures(&self, files: &[Seen]) -> Vec<PictureView> {
        let mut pictures: Vec<&Seen> = files.iter().filter(|f| is_picture(&f.path)).collect();
        pictures.retain(|file| age(file.written) <= NEW);
        pictures.sort_by_key(|file| std::cmp::Reverse(file.written));
        let view = |file: &&Seen| {
            let shown = file.path.strip_prefix(&self.root).ok()?.to_string_lossy();
            let figure = Figure::read(&file.path, shown).ok()?;
            let (width, height) = figure.size();
            Some(PictureView {
                // The query makes a browser ask again when the picture has changed.
                source: format!("files/{}?{}", address(&figure.file), stamp(file)),
                caption: figure.caption,
                file: figure.file,
                width,
                height,
            })
        };
        pictures.iter().take(PICTURES).filter_map(view).collect()
    }
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "png")
}

/// How long ago; a time in the future is now.
fn age(time: SystemTime) -> Duration {
    time.elapsed().unwrap_or_default()
}

fn stamp(file: &Seen) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&file.path, file.written, file.length).hash(&mut hasher);
    hasher.finish()
}

fn version(files: &[Seen]) -> String {
    let mut hasher = DefaultHasher::new();
    let results = files
        .iter()
        .filter(|file| is_picture(&file.path) || file.path.ends_with("record.json"));
    results.map(stamp).for_each(|stamp| stamp.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(watch: &mut Watch) -> serde_json::Value {
        serde_json::from_str(&watch.news().unwrap()).unwrap()
    }

    #[test]
    fn a_run_is_followed_to_its_end() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(root.path());
        let before = news(&mut watch);
        assert_eq!(before["runs"].as_array().map(Vec::len), Some(0));

        let folder = root.path().join("p/run");
        fs::create_dir_all(&folder).unwrap();
        let step = "{\"kind\":\"step\",\"step\":50,\"epoch\":1,\"lr\":0.1,\"loss\":2.5,\"images_per_second\":99.0}\n";
        fs::write(folder.join("log.jsonl"), step).unwrap();
        let during = news(&mut watch);
        assert_eq!(during["runs"][0]["folder"], "p/run");
        assert_eq!(during["runs"][0]["state"], "running");
        assert_eq!(during["runs"][0]["last_step"]["loss"], 2.5);
        assert_eq!(during["version"], before["version"]);

        let end = format!("{step}{{\"kind\":\"end\",\"step\":60,\"outcome\":\"trained\"}}\n");
        fs::write(folder.join("log.jsonl"), end).unwrap();
        fs::write(folder.join("record.json"), "[]").unwrap();
        let after = news(&mut watch);
        assert_eq!(after["runs"][0]["state"], "ended");
        assert_ne!(after["version"], before["version"]);
    }

    #[test]
    fn a_run_that_ended_a_while_ago_is_no_news() {
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("log.jsonl");
        fs::write(
            &log,
            "{\"kind\":\"end\",\"step\":1,\"outcome\":\"trained\"}\n",
        )
        .unwrap();
        let minute_ago = SystemTime::now() - Duration::from_secs(60);
        let file = fs::File::options().append(true).open(&log).unwrap();
        file.set_modified(minute_ago).unwrap();
        let mut watch = Watch::new(root.path());
        for _ in 0..2 {
            assert_eq!(news(&mut watch)["runs"].as_array().map(Vec::len), Some(0));
        }
    }

    #[test]
    fn a_dead_run_shows_its_last_line() {
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("log.jsonl");
        fs::write(
            &log,
            "{\"kind\":\"note\",\"step\":1,\"text\":\"last words\"}\n",
        )
        .unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options()
            .append(true)
            .open(&log)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
        let news = news(&mut Watch::new(root.path()));
        assert_eq!(news["runs"][0]["state"], "stopped");
        let last = news["runs"][0]["last_line"].as_str().unwrap();
        assert!(last.contains("last words"));
    }
}
