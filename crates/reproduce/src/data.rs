//! `reproduce data`: fetches data sets and says what a folder holds.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use lab::data::{Dataset, ImageSet, Preprocess, Source, hub_folder, load};

use crate::arguments;

pub(crate) fn run(command: &::cli::Data) -> Result<()> {
    match command {
        ::cli::Data::Fetch { name } => {
            let data = load(name, &Source::Hub)?;
            describe(&data)?;
            writeln!(stdout(), "in {}", hub_folder(name)?.display())?;
        }
        ::cli::Data::Verify { name, data } => {
            describe(&load(name, &at_hand(name, &arguments::source(data))?)?)?
        }
    }
    Ok(())
}

/// Where the files are, without a download.
fn at_hand(name: &str, source: &Source) -> Result<Source> {
    if *source != Source::Hub {
        return Ok(source.clone());
    }
    let folder = hub_folder(name)?;
    ensure!(
        folder.is_dir(),
        "{} is not there; fetch it with `cargo xtask data fetch {name}`, or name a folder with --data DIR",
        folder.display()
    );
    Ok(Source::Dir(folder))
}

fn describe(data: &Dataset) -> Result<()> {
    writeln!(stdout(), "{}: good", data.name)?;
    for (split, set) in [("train", &data.train), ("test", &data.test)] {
        let ImageSet {
            height,
            width,
            channels,
            ..
        } = set;
        let counts = set.class_counts();
        let (least, most) = (counts.iter().min(), counts.iter().max());
        writeln!(
            stdout(),
            "  {split}: {} images of {height}x{width}x{channels} in {} classes of {} to {}",
            set.len(),
            set.classes(),
            least.unwrap_or(&0),
            most.unwrap_or(&0)
        )?;
        if set.left_out > 0 {
            writeln!(
                stdout(),
                "  {split}: {} images left out, which no label fits",
                set.left_out
            )?;
        }
    }
    let stats = Preprocess::Standardize
        .fit(&data.train)?
        .channel_stats()
        .unwrap_or_default();
    let stats: Vec<String> = stats
        .iter()
        .map(|(mean, std)| format!("{mean:.4} ± {std:.4}"))
        .collect();
    writeln!(
        stdout(),
        "  train, each channel from 0 to 1: {}",
        stats.join(", ")
    )?;
    Ok(())
}
