//! The names of the data sets, so that a wrong one is refused before anything is built.
//!
//! A test of `reproduce` holds the list to the registry of `lab`.

use std::fmt;

/// A data set that the project knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSet {
    /// Its name in this project.
    pub name: &'static str,
    /// Other spellings; case and separators do not matter in any.
    pub aliases: &'static [&'static str],
    /// Where to get it if it is not fetched by name, as the end of a sentence.
    pub by_hand: Option<&'static str>,
}

const fn fetched(name: &'static str, aliases: &'static [&'static str]) -> KnownSet {
    KnownSet {
        name,
        aliases,
        by_hand: None,
    }
}

const CUB: &str = "take CUB_200_2011.tgz from https://www.vision.caltech.edu/datasets/cub_200_2011/, unpack it, and give the folder CUB_200_2011";

/// All data sets, in the order of the documentation.
pub const DATA_SETS: &[KnownSet] = &[
    fetched("mnist", &["ylecun/mnist", "mnist-pngs"]),
    fetched(
        "fashion-mnist",
        &["fashion", "zalando-datasets/fashion_mnist"],
    ),
    fetched(
        "cifar10",
        &["uoft-cs/cifar10", "cifar-10-batches-bin", "cifar-10-binary"],
    ),
    fetched("cifar100", &["uoft-cs/cifar100", "cifar-100-binary"]),
    fetched("svhn", &["ufldl-stanford/svhn", "cropped_digits"]),
    fetched("svhn-numbers-64", &["svhn-numbers", "full_numbers"]),
    fetched("svhn-numbers-128", &[]),
    KnownSet {
        name: "stl10",
        aliases: &["jxie/stl10", "tanganke/stl10", "stl10_binary"],
        by_hand: Some(
            "take stl10_binary.tar.gz from https://cs.stanford.edu/~acoates/stl10/, unpack it, and give the folder stl10_binary",
        ),
    },
    KnownSet {
        name: "cub200-224",
        aliases: &["cub200", "CUB_200_2011"],
        by_hand: Some(CUB),
    },
    KnownSet {
        name: "cub200-448",
        aliases: &[],
        by_hand: Some(CUB),
    },
    KnownSet {
        name: "imagenet",
        aliases: &["imagenet-1k", "ilsvrc2012"],
        by_hand: Some(
            "register at https://image-net.org/, take the training and validation images of ILSVRC-2012, unpack them to train/CLASS and val/CLASS, and give the folder that holds both",
        ),
    },
];

impl KnownSet {
    /// The data set called `name` in any of its spellings.
    pub fn find(name: &str) -> Option<&'static Self> {
        let wanted = fold(name);
        let is_called = |set: &&Self| {
            let mut names = set.aliases.iter().chain([&set.name]);
            names.any(|known| fold(known) == wanted)
        };
        DATA_SETS.iter().find(is_called)
    }
}

/// Lower case without separators.
fn fold(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// A data set that cannot be had by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSuchSet {
    /// There is none of this name.
    Unknown(String),
    /// It is not fetched by name: this is where to get it.
    ByHand(&'static str, &'static str),
}

impl fmt::Display for NoSuchSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                let known: Vec<&str> = DATA_SETS.iter().map(|set| set.name).collect();
                write!(
                    f,
                    "there is no data set {name:?}; wanted {}",
                    known.join(", ")
                )
            }
            Self::ByHand(name, how) => write!(f, "{name} is not fetched by name: {how}"),
        }
    }
}

impl std::error::Error for NoSuchSet {}
