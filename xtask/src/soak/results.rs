//! The files that hold the results of runs, without what differs from run to run: time, date and machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The files that hold results, by their paths, as text that is equal if the results are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Results(BTreeMap<String, String>);

/// Keys of records that have nothing to do with the result.
const PASSING: [&str; 5] = [
    "command",
    "date",
    "environment",
    "images_per_second",
    "threads",
];

impl Results {
    /// The results below a folder of runs: records, and the weights of finished networks.
    pub(super) fn below(folder: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        collect(folder, folder, &mut files)?;
        ensure!(!files.is_empty(), "{} holds no results", folder.display());
        Ok(Self(files))
    }

    /// Fails unless the results below `folder` are these.
    pub(super) fn same_below(&self, folder: &Path) -> Result<()> {
        let others = Self::below(folder)?;
        for (path, text) in &self.0 {
            let other = others
                .0
                .get(path)
                .with_context(|| format!("{path} is missing"))?;
            ensure!(text == other, "{path} differs from an undisturbed run");
        }
        let more = others.0.keys().find(|path| !self.0.contains_key(*path));
        ensure!(more.is_none(), "{more:?} is not left by an undisturbed run");
        Ok(())
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // An earlier checkpoint, `checkpoint.old`, is kept for the case that the last is damaged: it is no result.
            if !name.starts_with("checkpoint.") {
                collect(root, &path, files)?;
            }
            continue;
        }
        let text = match name.as_str() {
            "record.json" | "result.json" => Some(record(&path)?),
            "weights.safetensors" => Some(bytes(&path)?),
            _ => None,
        };
        if let Some(text) = text {
            let place = path.strip_prefix(root).unwrap_or(&path);
            files.insert(place.display().to_string(), text);
        }
    }
    Ok(())
}

fn record(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mut value =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
    strip(&mut value);
    Ok(value.to_string())
}

/// Removes what differs from run to run.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !key.contains("seconds") && !PASSING.contains(&key.as_str()));
            map.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

fn bytes(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, record: &str, weights: &[u8]| {
            let run = folder.path().join(name).join("run");
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join("record.json"), record).unwrap();
            fs::write(run.join("weights.safetensors"), weights).unwrap();
            folder.path().join(name)
        };
        let record = "[{\"values\": [1.5], \"wall_seconds\": 1.0, \"date\": \"today\"}]";
        let later = "[{\"date\": \"tomorrow\", \"wall_seconds\": 2.0, \"values\": [1.5]}]";
        let results = Results::below(&write("a", record, b"ab")).unwrap();
        results.same_below(&write("b", later, b"ab")).unwrap();
        let error = results.same_below(&write("c", record, b"ac")).unwrap_err();
        assert!(
            error.to_string().contains("weights.safetensors differs"),
            "{error}"
        );
        let other = record.replace("1.5", "2.5");
        let error = results.same_below(&write("d", &other, b"ab")).unwrap_err();
        assert!(error.to_string().contains("record.json differs"), "{error}");
        let old = write("e", record, b"ab").join("run/checkpoint.old");
        fs::create_dir(&old).unwrap();
        fs::write(old.join("weights.safetensors"), b"a").unwrap();
        results.same_below(&folder.path().join("e")).unwrap();
        fs::create_dir(folder.path().join("f")).unwrap();
        assert!(results.same_below(&folder.path().join("f")).is_err());
    }
}
