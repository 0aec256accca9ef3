//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::setting::{self, Setting};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(after_help = "\
Workloads:
  W1  All-CNN-C, training step and forward pass    W4  2x2 max-pooling with switches and unpooling
  W2  Network In Network, the same                 W5  SWWAE on padded digits, training step
  W3  bilinear grid sampling, three shapes

Examples:
  cargo xtask bench                                  all workloads, in minutes
  cargo xtask bench --python ~/venv/bin/python       beside PyTorch
  cargo xtask bench --work W1 --threads 1 --avx2     without AVX-512, on one thread
  cargo xtask bench layers --write                   another table, and put it into docs/performance.md")]
pub(crate) struct Args {
    /// What is measured
    #[arg(value_enum, default_value_t = What::Steps)]
    pub(super) what: What,
    /// Workloads; all unless given
    #[arg(long, value_delimiter = ',')]
    pub(super) work: Vec<String>,
    /// Numbers of threads; 2 unless given
    #[arg(long, value_delimiter = ',')]
    pub(super) threads: Vec<usize>,
    /// Images in a batch; 128 unless given
    #[arg(long, value_delimiter = ',')]
    pub(super) batch: Vec<usize>,
    /// Sides of the images of W1 and W2; 32 unless given
    #[arg(long, value_delimiter = ',')]
    pub(super) size: Vec<usize>,
    /// Switch AVX-512 off on both sides
    #[arg(long)]
    pub(super) avx2: bool,
    /// Samples of each peer and case; 7 unless given
    #[arg(long)]
    pub(super) rounds: Option<usize>,
    /// A Python with torch; without it `python3` is tried
    #[arg(long, value_name = "PATH")]
    pub(super) python: Option<PathBuf>,
    /// Which of PyTorch's ways: eager, channels_last, compile, compile+channels_last
    #[arg(long, value_delimiter = ',')]
    pub(super) torch: Option<Vec<String>>,
    /// Do not look for PyTorch
    #[arg(long)]
    pub(super) no_torch: bool,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    pub(super) write: bool,
}

/// The tables of docs/performance.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// The workloads
    Steps,
    /// W1 with batches of 1, 32, 128 and 512, and with images of 64 pixels
    Scaling,
    /// W1 and W2 with batches of 1, 8 and 32
    Small,
    /// Each convolution layer of the papers alone, as a share of the machine's own matrix product
    Layers,
    /// Steps of All-CNN-C alone, with dropout, and in the training loop of lab
    Training,
    /// The peak memory of each network of the papers, a process each
    Memory,
    /// How many independent parts each convolution layer's passes are cut into, on 2, 8 and 64 threads
    Parts,
}

impl What {
    /// The options that say nothing here.
    fn without(self) -> Vec<&'static str> {
        const LISTS: &[&str] = &["work", "batch", "size"];
        const PYTORCH: &[&str] = &["python", "torch", "no-torch"];
        let more: &[&[&str]] = match self {
            Self::Steps => &[],
            Self::Scaling | Self::Small => &[LISTS],
            Self::Layers | Self::Training => &[LISTS, PYTORCH],
            Self::Memory => &[LISTS, PYTORCH, &["avx2", "rounds"]],
            Self::Parts => &[LISTS, PYTORCH, &["avx2", "rounds", "threads"]],
        };
        more.concat()
    }
}

impl Args {
    /// Refuses options that say nothing of what is measured.
    pub(super) fn check(&self) -> Result<()> {
        let given = [
            ("work", !self.work.is_empty()),
            ("threads", !self.threads.is_empty()),
            ("batch", !self.batch.is_empty()),
            ("size", !self.size.is_empty()),
            ("avx2", self.avx2),
            ("rounds", self.rounds.is_some()),
            ("python", self.python.is_some()),
            ("torch", self.torch.is_some()),
            ("no-torch", self.no_torch),
        ];
        let what = self.what.to_possible_value();
        let what = what.as_ref().map_or("", |value| value.get_name());
        for (name, is_given) in given {
            if is_given && self.what.without().contains(&name) {
                bail!("--{name} says nothing of what `bench {what}` measures; leave it out");
            }
        }
        for work in &self.work {
            if !setting::WORKS.contains(&work.as_str()) {
                let known = setting::WORKS.join(", ");
                bail!("--work {work}: there is no such workload; use {known}");
            }
        }
        for (name, list) in [
            ("threads", &self.threads),
            ("batch", &self.batch),
            ("size", &self.size),
        ] {
            if list.contains(&0) {
                bail!("--{name} must be at least 1");
            }
        }
        if self.rounds == Some(0) {
            bail!("--rounds must be at least 1");
        }
        if self.what == What::Memory && self.threads.len() > 1 {
            bail!("the memory is measured with one number of --threads");
        }
        Ok(())
    }

    /// The settings that are measured one after the other.
    pub(super) fn settings(&self) -> Vec<Setting> {
        fn or<T: Clone>(list: &[T], default: &[T]) -> Vec<T> {
            if list.is_empty() { default } else { list }.to_vec()
        }
        let (threads, avx2) = (or(&self.threads, &[2]), self.avx2);
        match self.what {
            What::Layers => setting::alone("layers", &threads, avx2),
            What::Training => setting::alone("training", &threads, avx2),
            What::Small => setting::small(&threads, avx2),
            What::Scaling => setting::scaling(&threads, avx2),
            What::Steps | What::Memory | What::Parts => {
                let work = or(&self.work, &setting::WORKS.map(str::to_owned));
                let (batch, size) = (or(&self.batch, &[128]), or(&self.size, &[32]));
                setting::product(&work, &threads, &batch, &size, avx2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches};

    use super::*;

    fn parsed(args: &[&str]) -> Args {
        let command = Args::augment_args(clap::Command::new("bench"));
        let matches = command.try_get_matches_from(args).expect("known options");
        Args::from_arg_matches(&matches).expect("arguments")
    }

    #[test]
    fn options_that_say_nothing_are_refused() {
        for (args, wrong) in [
            (&["bench", "layers", "--batch", "8"][..], "--batch"),
            (&["bench", "scaling", "--work", "W2"], "--work"),
            (&["bench", "memory", "--avx2"], "--avx2"),
            (&["bench", "memory", "--threads", "1,2"], "--threads"),
            (&["bench", "parts", "--threads", "1"], "--threads"),
            (&["bench", "training", "--python", "python3"], "--python"),
            (&["bench", "--work", "W9"], "--work W9"),
            (&["bench", "--size", "0"], "--size"),
            (&["bench", "--rounds", "0"], "--rounds"),
        ] {
            let error = parsed(args).check().expect_err("wrong").to_string();
            assert!(error.contains(wrong), "{args:?}: {error}");
        }
        for args in [
            &["bench", "--work", "W1", "--batch", "1,8", "--avx2"][..],
            &["bench", "scaling", "--threads", "1", "--python", "python3"],
            &["bench", "memory", "--threads", "1", "--write"],
            &["bench", "layers", "--rounds", "3"],
            &["bench", "parts"],
        ] {
            parsed(args).check().expect("these go together");
        }
    }

    #[test]
    fn what_is_not_given_has_a_default() {
        let settings = parsed(&["bench", "--work", "W1"]).settings();
        let [setting] = &settings[..] else {
            panic!("{settings:?}")
        };
        assert_eq!((setting.threads, setting.batch, setting.size), (2, 128, 32));
        assert_eq!(parsed(&["bench"]).settings().len(), setting::WORKS.len());
    }
}
