//! How far a run is, from the end of its log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::plan::Training;
use super::time::shown;

/// How much of a log's end is read.
const TAIL: u64 = 64 << 10;

/// The epoch that a run is in, and how long it takes from here, in words; nothing before its first line.
pub(super) fn of(folder: &Path, training: &Training) -> Option<String> {
    words(&tail(&folder.join("log.jsonl"))?, training)
}

/// The last lines of a regular file.
fn tail(path: &Path) -> Option<String> {
    // A pipe would wait for its other end: it is looked at before it is opened.
    let about = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let mut file = File::open(path).ok()?;
    let from = about.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn words(text: &str, training: &Training) -> Option<String> {
    // A line that is cut off at either end is left out.
    let lines: Vec<Value> = text
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    lines.last()?;
    let is = |line: &&Value, kind: &str| line["kind"] == kind;
    let epochs: Vec<&Value> = lines.iter().filter(|line| is(line, "epoch")).collect();
    let ended = epochs
        .last()
        .and_then(|line| line["epoch"].as_u64())
        .unwrap_or(0);
    let step = lines.iter().rev().find(|line| is(line, "step"));
    let current = step.and_then(|line| line["epoch"].as_u64()).unwrap_or(0);
    let current = current.max(ended + 1).min(training.epochs.max(1));
    let left = training.epochs.saturating_sub(current - 1) as f64;
    let times: Vec<f64> = epochs
        .iter()
        .filter_map(|line| line["seconds"].as_f64())
        .collect();
    let speed = step.and_then(|line| line["images_per_second"].as_f64());
    let each = match (times.as_slice(), speed) {
        ([], Some(speed)) if speed > 0.0 => Some(training.train_images as f64 / speed),
        ([], _) => None,
        (times, _) => Some(times.iter().sum::<f64>() / times.len() as f64),
    };
    let left = each.map_or_else(String::new, |each| {
        format!(", about {} left", shown(each * left))
    });
    Some(format!("epoch {current} of {}{left}", training.epochs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::plan::tests::training;

    #[test]
    fn epoch_and_time_left_are_those_of_the_log() {
        let training = Training {
            epochs: 11,
            ..training('a', "")
        };
        let start = "{\"kind\":\"start\",\"step\":0,\"label\":\"a\",\"unix_time\":1.0}\n";
        assert_eq!(words(start, &training).unwrap(), "epoch 1 of 11");
        let step = "{\"kind\":\"step\",\"step\":5,\"epoch\":1,\"images_per_second\":10.0}\n";
        let text = format!("{start}{step}");
        // 11 epochs of 100 images at 10 images a second.
        assert_eq!(
            words(&text, &training).unwrap(),
            "epoch 1 of 11, about 2 min left"
        );
        let text = format!(
            "cut off\"}}\n{step}{{\"kind\":\"epoch\",\"epoch\":1,\"seconds\":7.0}}\n\
             {{\"kind\":\"epoch\",\"epoch\":2,\"seconds\":9.0}}\n{{\"kind\":\"st"
        );
        assert_eq!(
            words(&text, &training).unwrap(),
            "epoch 3 of 11, about 72 s left"
        );
        assert_eq!(words("", &training), None);
    }

    #[test]
    fn only_the_end_of_a_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        std::fs::write(&path, "x".repeat(200_000)).unwrap();
        assert_eq!(tail(&path).unwrap().len(), TAIL as usize);
        assert_eq!(tail(dir.path()), None);
    }
}
