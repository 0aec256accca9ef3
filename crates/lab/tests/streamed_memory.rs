//! An epoch over pictures on disk takes little memory, however many there are.
//!
//! The epoch runs in a process of its own, whose largest memory the system knows.
#![cfg(target_os = "linux")]
#![allow(
    clippy::print_stdout,
    reason = "one process tells another what it took"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use candle_core::Device;
use image::{ImageFormat, Rgb, RgbImage};
use lab::data::{Augment, Batches, Crop, DataError, Framing, Preprocess, Source, load_streamed};

/// The folder and the batch size, for the process that runs the epoch.
const CHILD: &str = "STRIATE_STREAMED_EPOCH";
/// The time of one step.
const SLOW: Duration = Duration::from_secs(3);
const FRAMING: Framing = Framing {
    shorter: 256,
    train: Crop::RandomPlace,
    ..Framing::of_side(224)
};

/// Writes `count` pictures in ten classes; a few of them are drawn and the others are copies.
fn write(dir: &Path, count: usize, (width, height): (u32, u32)) {
    const DRAWN: usize = 50;
    let place = |at: usize| dir.join(format!("train/{}/{at}.jpg", at % 10));
    for class in 0..10 {
        for split in ["train", "val"] {
            fs::create_dir_all(dir.join(format!("{split}/{class}"))).expect("a folder");
        }
    }
    for at in 0..count {
        if at >= DRAWN {
            fs::copy(place(at % DRAWN), place(at)).expect("a copy");
            continue;
        }
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let mixed = (x * 31 + y * 17 + at as u32 * 7).wrapping_mul(2_654_435_761) >> 28;
            Rgb([(x / 2) as u8, (y / 2) as u8, mixed as u8 * 8])
        });
        picture
            .save_with_format(place(at), ImageFormat::Jpeg)
            .expect("saved");
    }
    for class in 0..10 {
        let to = dir.join(format!("val/{class}/0.jpg"));
        fs::copy(place(class), to).expect("a copy");
    }
}

/// Runs an epoch in a process of its own; the most memory that it held, in MB.
fn peak(dir: &Path, batch_size: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().expect("a program"));
    child.args(["--exact", "the_epoch", "--nocapture", "--test-threads=1"]);
    child.env(CHILD, format!("{batch_size} {}", dir.display()));
    let output = child.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{text}");
    let peak = text
        .split("peak ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    peak.and_then(|number| number.parse().ok())
        .expect("a number")
}

#[test]
fn the_epoch() -> Result<(), DataError> {
    let Ok(told) = std::env::var(CHILD) else {
        return Ok(());
    };
    let (batch_size, dir) = told.split_once(' ').expect("a size and a folder");
    let batch_size: usize = batch_size.parse().expect("a size");
    let begun = Instant::now();
    let data = load_streamed("made", &Source::Dir(dir.into()), FRAMING)?;
    let train = Preprocess::Standardize
        .fit(&data.train)?
        .apply(&data.train)?;
    let fitted = begun.elapsed().as_secs_f64();
    let augment = Augment {
        flip: true,
        translate: 0,
    };
    let (begun, mut images) = (Instant::now(), 0);
    let mut waited = 0.0;
    for (nth, batch) in
        Batches::train(&train, batch_size, &augment, 1, 0, &Device::Cpu)?.enumerate()
    {
        let batch = batch?;
        images += batch.labels.elem_count();
        if nth == 2 {
            // As long as a slow step: all queues fill while this batch is held.
            let begun = Instant::now();
            std::thread::sleep(SLOW);
            waited += begun.elapsed().as_secs_f64();
        }
    }
    let seconds = begun.elapsed().as_secs_f64() - waited;
    assert_eq!(images, data.train.len());
    let status = fs::read_to_string("/proc/self/status").expect("the system's word");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: usize = line
        .and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
        .expect("a number");
    println!(
        "peak {} MB, {images} images, {:.0} images/s, listed and fitted in {fitted:.1} s",
        peak / 1_000,
        images as f64 / seconds
    );
    Ok(())
}

/// In memory these images would take 120 MB as bytes and 480 MB as numbers.
#[test]
fn an_epoch_takes_little_memory() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), 800, (80, 60));
    let peak = peak(dir.path(), 16);
    assert!(peak < 150, "{peak} MB");
}

/// In memory these images would take 1.5 GB as bytes and 6 GB as numbers. Takes minutes.
#[test]
#[ignore = "takes minutes; docs/data.md has its number"]
fn ten_thousand_pictures_take_less_than_500_mb() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), 10_000, (500, 375));
    let peak = peak(dir.path(), 64);
    assert!(peak < 500, "{peak} MB");
}
