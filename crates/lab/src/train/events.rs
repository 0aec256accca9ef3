//! TensorBoard event files: scalars only.
//!
//! A file is a sequence of records `length u64 | masked CRC of length | data | masked CRC of data`, little-endian.
//! The data of a record is a protocol buffer message:
//!
//! ```text
//! Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//! Summary { repeated Value value = 1; }      Value { string tag = 1; float simple_value = 2; }
//! ```

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes scalars to an event file.
#[derive(Debug)]
pub struct EventWriter<W: Write = BufWriter<File>> {
    out: W,
}

impl EventWriter {
    /// A new event file in `folder`, under the name that TensorBoard looks for.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn create(folder: &Path) -> Result<Self> {
        let now = unix_time();
        let name = |nth: u32| match nth {
            0 => format!("events.out.tfevents.{:010}.striate", now as u64),
            _ => format!("events.out.tfevents.{:010}.striate.{nth}", now as u64),
        };
        // Two sessions within one second must not share a file.
        let mut nth = 0;
        let file = loop {
            match File::create_new(folder.join(name(nth))) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => nth += 1,
                other => break other?,
            }
        };
        Self::new(BufWriter::new(file), now)
    }
}

impl<W: Write> EventWriter<W> {
    /// Begins a file: the first record names the format.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: W, wall_time: f64) -> Result<Self> {
        let mut writer = Self { out };
        let mut event = wall_time_field(wall_time);
        put_bytes(&mut event, 3, b"brain.Event:2");
        writer.record(&event)?;
        Ok(writer)
    }

    /// Adds the values of a step.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn scalars(&mut self, wall_time: f64, step: u64, values: &[(&str, f64)]) -> Result<()> {
        let mut summary = Vec::new();
        for &(tag, value) in values {
            let mut message = Vec::new();
            put_bytes(&mut message, 1, tag.as_bytes());
            // Field 2, four bytes.
            message.push(2 << 3 | 5);
            message.extend_from_slice(&(value as f32).to_le_bytes());
            put_bytes(&mut summary, 1, &message);
        }
        let mut event = wall_time_field(wall_time);
        // Field 2, varint.
        event.push(2 << 3);
        put_varint(&mut event, step);
        put_bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }

    fn record(&mut self, data: &[u8]) -> Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        self.out.write_all(&length)?;
        self.out.write_all(&masked_crc(&length).to_le_bytes())?;
        self.out.write_all(data)?;
        self.out.write_all(&masked_crc(data).to_le_bytes())
    }
}

/// Seconds since 1970.
pub(super) fn unix_time() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Field 1, eight bytes.
fn wall_time_field(wall_time: f64) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend_from_slice(&wall_time.to_le_bytes());
    event
}

/// A length-delimited field.
fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The checksum that record files use: CRC-32C, rotated and shifted so that a checksum of checksums is harmless.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: records are a few dozen bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn varints() {
        let varint = |value| {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            out
        };
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(127), [127]);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(varint(u64::MAX).len(), 10);
    }

    #[test]
    fn golden_bytes() {
        // Made by TensorBoard itself: tests/golden/events.py.
        let mut file = Vec::new();
        let mut writer = EventWriter::new(&mut file, 1.5).unwrap();
        writer
            .scalars(2.5, 300, &[("loss", 0.5), ("error", 12.25)])
            .unwrap();
        let golden = include_str!("../../tests/golden/events.hex");
        let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden.split_whitespace().collect::<String>());
    }

    #[test]
    fn files_of_one_second_do_not_collide() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            EventWriter::create(folder.path()).unwrap().flush().unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
