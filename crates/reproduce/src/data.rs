//! `reproduce data`: fetches data sets and says what a folder holds.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use lab::data::{Dataset, ImageSet, Preprocess, Source, hub_folder, load};

use crate::cli::DataArg;

/// Fetch a data set from the hub, or check the files of one.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Download what is missing of a data set into the cache folder, and check it
    Fetch {
        /// mnist, fashion-mnist, svhn, svhn-numbers, cifar10 or cifar100
        name: String,
    },
    /// Read a data set, check it, and say what is in it
    Verify {
        /// mnist, fashion-mnist, svhn, svhn-numbers-64, svhn-numbers-128, cifar10, cifar100, or any name for a folder of another set
        name: String,
        /// embedded, hub, the folder, or subset:DIR for a folder with a part of the set
        #[arg(long, default_value = "hub", value_name = "embedded|DIR|subset:DIR|hub")]
        data: DataArg,
    },
}

pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::Fetch { name } => {
            let data = load(name, &Source::Hub)?;
            describe(&data)?;
            writeln!(stdout(), "in {}", hub_folder(name)?.display())?;
        }
        Command::Verify { name, data } => describe(&load(name, &at_hand(name, &data.0)?)?)?,
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
