//! The data sets that are known by name: image size, class names, spellings.

/// What is known of a data set before any file is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The name used in this project.
    pub(crate) name: &'static str,
    /// Other spellings, and folder names that belong to the set.
    pub(crate) aliases: &'static [&'static str],
    /// Height, width, channels.
    pub(crate) size: (usize, usize, usize),
    /// Class names in the order of the labels.
    pub(crate) classes: &'static [&'static str],
}

/// The data set called `name` in any of its spellings.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    let folded = fold(name);
    KNOWN.iter().find(|set| {
        fold(set.name) == folded || set.aliases.iter().any(|alias| fold(alias) == folded)
    })
}

/// The names of all known data sets, for messages.
pub(crate) fn known_names() -> String {
    KNOWN
        .iter()
        .map(|set| set.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Lower case without separators, so that `Fashion_MNIST` and `fashion-mnist` are the same.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Names for classes that have none: their numbers.
pub(crate) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const KNOWN: &[Known] = &[
    Known {
        name: "mnist",
        aliases: &["ylecun/mnist", "mnist-pngs"],
        size: (28, 28, 1),
        classes: DIGITS,
    },
    Known {
        name: "stl10",
        aliases: &["jxie/stl10", "tanganke/stl10", "stl10_binary"],
        size: (96, 96, 3),
        classes: &[
            "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
        ],
    },
    Known {
        name: "fashion-mnist",
        aliases: &["fashion", "zalando-datasets/fashion_mnist"],
        size: (28, 28, 1),
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
    },
    Known {
        name: "cifar10",
        aliases: &["uoft-cs/cifar10", "cifar-10-batches-bin", "cifar-10-binary"],
        size: (32, 32, 3),
        classes: &[
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ],
    },
    Known {
        name: "svhn",
        aliases: &["ufldl-stanford/svhn", "cropped_digits"],
        size: (32, 32, 3),
        classes: DIGITS,
    },
    Known {
        name: super::birds::NAME,
        aliases: &["cub200-224", "cub200-448", "CUB_200_2011"],
        size: (224, 224, 3),
        // They are in the set's own list.
        classes: &[],
    },
    Known {
        name: super::house_numbers::NAME,
        aliases: &["svhn-numbers-64", "svhn-numbers-128", "full_numbers"],
        size: (64, 64, 3),
        // Too many for a table: see `number_names`.
        classes: &[],
    },
    Known {
        name: "cifar100",
        aliases: &["uoft-cs/cifar100", "cifar-100-binary"],
        size: (32, 32, 3),
        classes: &[
            "apple",
            "aquarium_fish",
            "baby",
            "bear",
            "beaver",
            "bed",
            "bee",
            "beetle",
            "bicycle",
            "bottle",
            "bowl",
            "boy",
            "bridge",
            "bus",
            "butterfly",
            "camel",
            "can",
            "castle",
            "caterpillar",
            "cattle",
            "chair",
            "chimpanzee",
            "clock",
            "cloud",
            "cockroach",
            "couch",
            "crab",
            "crocodile",
            "cup",
            "dinosaur",
            "dolphin",
            "elephant",
            "flatfish",
            "forest",
            "fox",
            "girl",
            "hamster",
            "house",
            "kangaroo",
            "keyboard",
            "lamp",
            "lawn_mower",
            "leopard",
            "lion",
            "lizard",
            "lobster",
            "man",
            "maple_tree",
            "motorcycle",
            "mountain",
            "mouse",
            "mushroom",
            "oak_tree",
            "orange",
            "orchid",
            "otter",
            "palm_tree",
            "pear",
            "pickup_truck",
            "pine_tree",
            "plain",
            "plate",
            "poppy",
            "porcupine",
            "possum",
            "rabbit",
            "raccoon",
            "ray",
            "road",
            "rocket",
            "rose",
            "sea",
            "seal",
            "shark",
            "shrew",
            "skunk",
            "skyscraper",
            "snail",
            "snake",
            "spider",
            "squirrel",
            "streetcar",
            "sunflower",
            "sweet_pepper",
            "table",
            "tank",
            "telephone",
            "television",
            "tiger",
            "tractor",
            "train",
            "trout",
            "tulip",
            "turtle",
            "wardrobe",
            "whale",
            "willow_tree",
            "wolf",
            "woman",
            "worm",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_lead_to_one_set() {
        for (spelling, name) in [
            ("CIFAR-10", "cifar10"),
            ("cifar_100", "cifar100"),
            ("Fashion_MNIST", "fashion-mnist"),
            ("fashion", "fashion-mnist"),
            ("MNIST", "mnist"),
            ("ufldl-stanford/svhn", "svhn"),
            ("STL-10", "stl10"),
            ("stl10_binary", "stl10"),
        ] {
            assert_eq!(known(spelling).map(|set| set.name), Some(name));
        }
        assert_eq!(known("cifar"), None);
    }

    #[test]
    fn class_counts() {
        let counts: Vec<_> = KNOWN.iter().map(|set| set.classes.len()).collect();
        assert_eq!(counts, [10, 10, 10, 10, 10, 0, 0, 100]);
        let classes = known("cifar100").unwrap().classes;
        let mut sorted = classes.to_vec();
        sorted.sort_unstable();
        assert_eq!(
            sorted, classes,
            "the fine classes stand in alphabetical order"
        );
    }
}
