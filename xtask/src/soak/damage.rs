//! Damaged files, and checkpoints with one of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::draw::Draw;
use super::stage::{Stage, WORK, smoke};

/// Address space of a process that reads a damaged file: far more than it needs, far less than a damaged length may ask for.
pub(super) const ADDRESS_SPACE: u64 = 6 << 30;

/// After so many runs that were stopped, one has left a checkpoint.
const MOST_STOPS: usize = 20;

/// Numbers that lengths and offsets are broken with.
const NUMBERS: [u64; 8] = [
    0,
    1,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// A run that was stopped, a damaged file in its checkpoint, and the run resumed: refused, or the same results.
pub(super) fn checkpoint(stage: &Stage, draw: &mut Draw) -> Result<()> {
    let work = draw.one(&WORK);
    let undisturbed = stage.undisturbed(work, "")?;
    let out = stage.path("runs");
    let mut files = Vec::new();
    for number in 0..MOST_STOPS {
        let after = draw.moment(undisturbed.time);
        let call = smoke(work, &out).interrupted(after, "TERM");
        stage.run(&call, &format!("stopped-{number}"))?;
        files = checkpoints_below(&out)?;
        if !files.is_empty() {
            break;
        }
    }
    ensure!(
        !files.is_empty(),
        "{work}: {MOST_STOPS} stopped runs left no checkpoint"
    );
    let file = draw.one(&files);
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let (broken, what) = damaged(&bytes, draw);
    fs::write(file, &broken).with_context(|| format!("write {}", file.display()))?;
    let place = file.strip_prefix(&out).unwrap_or(file).display();
    let said = || format!("{work}, {place}: {what}");
    let call = smoke(work, &out).address_space(ADDRESS_SPACE);
    let resumed = stage.run(&call, "resumed")?;
    if !resumed.success_or_refusal().with_context(said)? {
        return Ok(());
    }
    // The checkpoint of a finished run is not read again; whatever else came of the damage is found.
    if fs::read(file).is_ok_and(|now| now == broken) {
        fs::write(file, bytes).with_context(|| format!("write {}", file.display()))?;
    }
    undisturbed.results.same_below(&out).with_context(said)
}

/// The files of all checkpoints, in order.
fn checkpoints_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue; // It was stopped before it made the folder.
        };
        for entry in entries {
            let path = entry?.path();
            let below_checkpoint = path
                .parent()
                .and_then(Path::file_name)
                .is_some_and(|name| name.to_string_lossy().starts_with("checkpoint"));
            match path.is_dir() {
                true => open.push(path),
                false if below_checkpoint => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of a file after an accident, and what it was.
pub(super) fn damaged(bytes: &[u8], draw: &mut Draw) -> (Vec<u8>, String) {
    let mut new = bytes.to_vec();
    let at = draw.below(new.len());
    let what = match draw.below(8) {
        _ if new.is_empty() => {
            new.push(draw.byte());
            "one byte in an empty file".to_owned()
        }
        0 | 1 => {
            let bit = draw.below(8);
            new[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        2 => {
            new.truncate(at);
            format!("cut to {at} bytes")
        }
        3 => {
            let more = 1 + draw.below(64);
            new.extend((0..more).map(|_| draw.byte()));
            format!("{more} bytes appended")
        }
        4 => {
            let end = new.len().min(at + 1 + draw.below(512));
            let fill = *draw.one(&[0x00, 0xff]);
            new[at..end].fill(fill);
            format!("bytes {at} to {end} filled with {fill:#04x}")
        }
        5 => {
            let end = new.len().min(at + 1 + draw.below(16));
            new[at..end].iter_mut().for_each(|byte| *byte = draw.byte());
            format!("bytes {at} to {end} replaced")
        }
        6 => {
            let number = *draw.one(&NUMBERS);
            let width = *draw.one(&[4, 8]);
            let number = match draw.below(2) {
                0 => number.to_le_bytes(),
                _ => number
                    .rotate_left(if width == 4 { 32 } else { 0 })
                    .to_be_bytes(),
            };
            let end = new.len().min(at + width);
            new[at..end].copy_from_slice(&number[..end - at]);
            format!("a number {number:02x?} at byte {at}")
        }
        _ => {
            let end = new.len().min(at + 1 + draw.below(64));
            new.drain(at..end);
            format!("bytes {at} to {end} removed")
        }
    };
    (new, what)
}

/// Damages one of several files in place, and says which and how.
pub(super) fn damage_one(files: &[PathBuf], draw: &mut Draw) -> Result<String> {
    ensure!(!files.is_empty(), "there is no file to damage");
    let file = draw.one(files);
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let (bytes, what) = damaged(&bytes, draw);
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))?;
    Ok(format!("{}: {what}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_can_be_damaged() {
        for number in 0..2000 {
            let mut draw = Draw::new(0, 0, number);
            let bytes: Vec<u8> = (0..number % 40).map(|byte| byte as u8).collect();
            let (new, what) = damaged(&bytes, &mut draw);
            assert!(!what.is_empty());
            let most = bytes.len() + 64;
            assert!(new.len() <= most.max(1), "{what}");
        }
    }
}
