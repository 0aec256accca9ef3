//! The words of the command line as the laboratory's values.

use lab::data::Source;
use lab::report::Scale;

/// How much of a paper is run.
pub(crate) fn scale(scale: ::cli::Scale) -> Scale {
    match scale {
        ::cli::Scale::Smoke => Scale::Smoke,
        ::cli::Scale::Quick => Scale::Quick,
        ::cli::Scale::Cpu => Scale::Cpu,
        ::cli::Scale::Paper => Scale::Paper,
    }
}

/// Where images come from.
pub(crate) fn source(source: &::cli::Source) -> Source {
    match source {
        ::cli::Source::Embedded => Source::Embedded,
        ::cli::Source::Hub => Source::Hub,
        ::cli::Source::Dir(dir) => Source::Dir(dir.clone()),
        ::cli::Source::Subset(dir) => Source::Subset(dir.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_name_the_scales_alike() {
        use clap::ValueEnum;
        let names = ::cli::Scale::value_variants().iter();
        let ours: Vec<&str> = names.clone().map(|s| scale(*s).name()).collect();
        assert_eq!(ours, names.map(|s| s.name()).collect::<Vec<_>>());
        assert_eq!(ours, Scale::ALL.map(Scale::name));
    }
}
