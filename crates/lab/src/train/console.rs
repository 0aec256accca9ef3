//! Progress and notes for a person at a terminal, a log file or a program.
//!
//! The binary makes one [`Console`] and hands it down; nothing in the library prints on its own.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::stopwatch::Stopwatch;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bars with rate and remaining time, for a terminal.
    Bars,
    /// Plain lines, for a file or a pipe.
    Lines,
    /// One JSON object a line, for a program.
    Json,
    /// Warnings only.
    Quiet,
}

impl Progress {
    /// Bars if the standard error is a terminal, else lines.
    pub fn detect() -> Self {
        match std::io::stderr().is_terminal() {
            true => Self::Bars,
            false => Self::Lines,
        }
    }
}

/// Where progress and notes go; clones share it.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    progress: Progress,
    bars: MultiProgress,
    writer: Mutex<Box<dyn Write + Send>>,
    overall: Mutex<Option<Overall>>,
}

/// How far a program is with all of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overall {
    /// The number of this task, from 1 on.
    pub task: usize,
    /// The number of all tasks.
    pub of: usize,
    /// The time of the tasks after this one, where it can be told.
    pub rest: Option<Duration>,
}

impl Overall {
    /// In words, where this task still takes so many seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// let rest = Some(Duration::from_secs(60));
    /// let overall = lab::train::Overall { task: 3, of: 12, rest };
    /// assert_eq!(overall.text(40.0), "training 3 of 12, 1 min 40 s left for all");
    /// ```
    pub fn text(&self, seconds: f64) -> String {
        let text = format!("training {} of {}", self.task, self.of);
        match self.rest {
            // The last task tells its own time.
            Some(rest) if self.task < self.of => {
                let left = duration(seconds + rest.as_secs_f64());
                format!("{text}, {left} left for all")
            }
            _ => text,
        }
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Console({:?})", self.0.progress)
    }
}

impl Console {
    /// A console on the standard error.
    pub fn stderr(progress: Progress) -> Self {
        Self::new(progress, Box::new(std::io::stderr()))
    }

    /// A console whose lines go to `writer`; bars, if any, still go to the standard error.
    pub fn new(progress: Progress, writer: Box<dyn Write + Send>) -> Self {
        let target = match progress {
            Progress::Bars => ProgressDrawTarget::stderr_with_hz(8),
            _ => ProgressDrawTarget::hidden(),
        };
        Self(Arc::new(Inner {
            progress,
            bars: MultiProgress::with_draw_target(target),
            writer: Mutex::new(writer),
            overall: Mutex::new(None),
        }))
    }

    /// From now on tasks say how far all of them are.
    ///
    /// ```
    /// use lab::train::{Console, Overall};
    /// Console::silent().set_overall(Some(Overall { task: 3, of: 12, rest: None }));
    /// ```
    pub fn set_overall(&self, overall: Option<Overall>) {
        *self.overall() = overall;
    }

    fn overall(&self) -> std::sync::MutexGuard<'_, Option<Overall>> {
        self.0
            .overall
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The message of a task that still takes so many seconds, with how far all of them are.
    fn with_overall(&self, message: String, seconds: f64) -> String {
        match *self.overall() {
            Some(overall) if overall.of > 1 => format!("{message}  ({})", overall.text(seconds)),
            _ => message,
        }
    }

    /// A console that shows nothing at all.
    pub fn silent() -> Self {
        Self::new(Progress::Quiet, Box::new(std::io::sink()))
    }

    /// How progress is shown.
    pub fn progress(&self) -> Progress {
        self.0.progress
    }

    /// Something worth a line.
    pub fn note(&self, text: impl AsRef<str>) {
        match self.0.progress {
            Progress::Quiet => {}
            Progress::Json => self.event(&Text::new("note", text.as_ref())),
            _ => self.line(text.as_ref()),
        }
    }

    /// Something that a person should know even if they asked for quiet.
    pub fn warn(&self, text: impl AsRef<str>) {
        match self.0.progress {
            Progress::Json => self.event(&Text::new("warning", text.as_ref())),
            _ => self.line(&format!("warning: {}", text.as_ref())),
        }
    }

    /// One JSON object, shown only to programs ([`Progress::Json`]).
    pub fn event(&self, event: &impl Serialize) {
        if self.0.progress == Progress::Json
            && let Ok(text) = serde_json::to_string(event)
        {
            self.line(&text);
        }
    }

    /// Starts a task of `total` images, of which `done` are done.
    pub fn task(&self, label: &str, total: u64, done: u64) -> Task {
        let bar = (self.0.progress == Progress::Bars).then(|| {
            let bar = self.0.bars.add(ProgressBar::new(total));
            let template = "{prefix} [{bar:24}] {percent:>3}%  {per_sec:>14}  {eta:>4} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> ").with_key("per_sec", rate));
            }
            bar.set_prefix(label.to_owned());
            bar.set_position(done);
            // Earlier images were not trained now: they must not count in the rate.
            bar.reset_eta();
            bar
        });
        Task {
            console: self.clone(),
            bar,
            label: label.to_owned(),
            total,
            done,
            begun: (Stopwatch::start(), done),
            shown: Instant::now(),
        }
    }

    fn line(&self, text: &str) {
        let write = || {
            let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
            // Progress that cannot be shown is no reason to stop the work.
            let _ = writeln!(writer, "{text}").and_then(|()| writer.flush());
        };
        self.0.bars.suspend(write);
    }
}

fn rate(state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write) {
    let _ = write!(out, "{:.0} images/s", state.per_sec());
}

#[derive(Serialize)]
struct Text<'a> {
    kind: &'static str,
    text: &'a str,
}

impl<'a> Text<'a> {
    fn new(kind: &'static str, text: &'a str) -> Self {
        Self { kind, text }
    }
}

/// Lines without bars come at most this often.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// A piece of work whose progress is shown until it is dropped.
#[derive(Debug)]
pub struct Task {
    console: Console,
    bar: Option<ProgressBar>,
    label: String,
    total: u64,
    done: u64,
    begun: (Stopwatch, u64),
    shown: Instant,
}

impl Task {
    /// `images` more are done; `message` says how it goes.
    pub fn advance(&mut self, images: u64, message: impl FnOnce() -> String) {
        self.done += images;
        let (since, from) = self.begun;
        let rate = (self.done - from) as f64 / since.seconds().max(1e-9);
        let left = (self.total.saturating_sub(self.done)) as f64 / rate.max(1e-9);
        if let Some(bar) = &self.bar {
            bar.set_message(self.console.with_overall(message(), left));
            bar.set_position(self.done);
        } else if self.console.0.progress == Progress::Lines && self.shown.elapsed() >= LINE_EVERY {
            self.shown = Instant::now();
            let percent = 100.0 * self.done as f64 / self.total.max(1) as f64;
            self.console.line(&format!(
                "{} {percent:.0}%  {rate:.0} images/s  {} left  {}",
                self.label,
                duration(left),
                self.console.with_overall(message(), left)
            ));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A length of time for people: `8.3 s`, `5 min 40 s`, `3 h 12 min`, `2 d 4 h`.
///
/// ```
/// assert_eq!(lab::train::duration(340.2), "5 min 40 s");
/// ```
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that can be read by the test.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn shown(progress: Progress) -> String {
        let shared = Shared::default();
        let console = Console::new(progress, Box::new(shared.clone()));
        console.note("a note");
        console.warn("careful");
        console.event(&Text::new("step", "1"));
        console.task("run", 10, 0).advance(5, || "half".to_owned());
        let bytes = shared.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_mode_shows_its_share() {
        assert_eq!(shown(Progress::Lines), "a note\nwarning: careful\n");
        assert_eq!(shown(Progress::Quiet), "warning: careful\n");
        assert_eq!(
            shown(Progress::Json),
            "{\"kind\":\"note\",\"text\":\"a note\"}\n\
             {\"kind\":\"warning\",\"text\":\"careful\"}\n\
             {\"kind\":\"step\",\"text\":\"1\"}\n"
        );
    }

    #[test]
    fn lines_are_rare() {
        let shared = Shared::default();
        let console = Console::new(Progress::Lines, Box::new(shared.clone()));
        let mut task = console.task("run", 100, 40);
        (0..20).for_each(|_| task.advance(1, || "loss 1".to_owned()));
        assert!(shared.0.lock().unwrap().is_empty());
        task.shown -= LINE_EVERY;
        task.advance(1, || "loss 1".to_owned());
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.starts_with("run 61%  ") && text.ends_with("left  loss 1\n"),
            "{text}"
        );
    }

    #[test]
    fn lines_say_how_far_all_tasks_are() {
        let shared = Shared::default();
        let console = Console::new(Progress::Lines, Box::new(shared.clone()));
        console.set_overall(Some(Overall {
            task: 2,
            of: 5,
            rest: Some(Duration::from_secs(100)),
        }));
        let mut task = console.task("run", 100, 0);
        task.shown -= LINE_EVERY;
        // Half of it took 60 seconds.
        task.begun.0 = Stopwatch::started(Duration::from_secs(60));
        task.advance(50, || "loss 1".to_owned());
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.ends_with("loss 1  (training 2 of 5, 2 min 40 s left for all)\n"),
            "{text}"
        );
    }

    #[test]
    fn time_that_is_not_known_or_that_of_the_last_task_is_not_told() {
        let text = |task, rest| Overall { task, of: 5, rest }.text(9.0);
        assert_eq!(text(2, None), "training 2 of 5");
        assert_eq!(text(5, Some(Duration::ZERO)), "training 5 of 5");
    }

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (8.26, "8.3 s"),
            (59.6, "1 min 0 s"),
            (3599.0, "59 min 59 s"),
            (11_520.0, "3 h 12 min"),
            (187_200.0, "2 d 4 h"),
            (f64::INFINITY, "?"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
