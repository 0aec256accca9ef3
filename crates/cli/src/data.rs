//! Arguments of `reproduce data` and `cargo xtask data`.

use super::Source;

/// Download a data set, or check the files of one.
#[derive(Debug, clap::Subcommand)]
pub enum Data {
    /// Download what is missing of a data set into the cache folder, and check it
    Fetch {
        /// mnist, fashion-mnist, svhn, svhn-numbers, cifar10 or cifar100
        name: String,
    },
    /// Read a data set, check it, and say what is in it
    Verify {
        /// mnist, fashion-mnist, svhn, svhn-numbers-64, svhn-numbers-128, cifar10, cifar100, or any name for a folder of another set
        name: String,
        /// embedded, hub, or the folder
        #[arg(
            long,
            default_value = "hub",
            value_name = "embedded|DIR|hub",
            value_parser = Source::parser(),
            value_hint = clap::ValueHint::DirPath
        )]
        data: Source,
    },
}
