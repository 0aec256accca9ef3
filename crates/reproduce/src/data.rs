//! `reproduce data`: fetches data sets, says what a folder holds, and lists what there is.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use lab::data::{
    DataSet, Dataset, Framing, ImageSet, Preprocess, Source, hub_folder, load, load_streamed,
};
use lab::report::inventory;

use crate::arguments;

pub(crate) fn run(command: &::cli::Data) -> Result<()> {
    command.check()?;
    match command {
        ::cli::Data::List { data } => write!(stdout(), "{}", inventory(data.as_deref())?)?,
        ::cli::Data::Fetch { name } => {
            let data = load(name, &Source::Hub)?;
            describe(&data)?;
            writeln!(stdout(), "in {}", hub_folder(name)?.display())?;
        }
        ::cli::Data::Verify { name, data } => {
            let source = at_hand(name, &arguments::source(data))?;
            describe(
                &match DataSet::find(name).filter(|set| set.is_photographs()) {
                    Some(set) => load_streamed(name, &source, Framing::of_side(set.shape.1))?,
                    None => load(name, &source)?,
                },
            )?
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
    let state = match data.train.streamed {
        Some(_) => "listed; of its pictures a sample is good",
        None => "good",
    };
    writeln!(stdout(), "{}: {state}", data.name)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_knows_every_data_set() {
        let known = ::cli::DATA_SETS.iter();
        let known: Vec<_> = known.map(|s| (s.name, s.aliases, s.by_hand)).collect();
        let sets = DataSet::all().iter();
        let sets: Vec<_> = sets.map(|s| (s.name, s.aliases, s.by_hand)).collect();
        assert_eq!(known, sets, "crates/cli/src/data_sets.rs lists them");
    }
}
