//! The entries of the registry.

use super::classes;
use super::{ClassNames, DataSet, Embedded, Form, Hub};
use crate::data::crop::NumberCrop;
use crate::data::number::NUMBER_CLASSES;

/// One embedded file: its path below `crates/lab/data` and its bytes.
pub(crate) type File = (&'static str, &'static [u8]);

macro_rules! embedded {
    ($set:literal) => {
        [
            embedded!($set, "/train-images-idx3-ubyte.gz"),
            embedded!($set, "/train-labels-idx1-ubyte.gz"),
            embedded!($set, "/t10k-images-idx3-ubyte.gz"),
            embedded!($set, "/t10k-labels-idx1-ubyte.gz"),
        ]
    };
    ($set:literal, $file:literal) => {
        (
            concat!($set, $file),
            include_bytes!(concat!("../../../data/", $set, $file)) as &[u8],
        )
    };
}

/// The embedded sets: name, and images and labels to train on, images and labels to test on.
pub(crate) const EMBEDDED_FILES: [(&str, [File; 4]); 2] = [
    ("fashion-mnist", embedded!("fashion-mnist")),
    ("mnist", embedded!("mnist")),
];

const IDX: &[&str] = &[
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// What the entries have in common; every entry states the rest.
const SET: DataSet = DataSet {
    name: "",
    title: "",
    aliases: &[],
    shape: (0, 0, 0),
    classes: 10,
    train: 0,
    test: 0,
    extra: 0,
    folds: 0,
    hub: None,
    official_files: &[],
    page: "",
    licence: "",
    citation: "",
    embedded: None,
    names: ClassNames::InFiles,
    form: Form::AsStored,
};

const SVHN_NUMBERS: DataSet = DataSet {
    title: "SVHN, whole numbers",
    classes: NUMBER_CLASSES,
    train: 33_402,
    test: 13_068,
    extra: 202_353,
    hub: Some(Hub {
        repository: "ufldl-stanford/svhn",
        files: &[
            "full_numbers/train-00000-of-00001.parquet",
            "full_numbers/test-00000-of-00001.parquet",
        ],
        extra: &[
            "full_numbers/extra-00000-of-00004.parquet",
            "full_numbers/extra-00001-of-00004.parquet",
            "full_numbers/extra-00002-of-00004.parquet",
            "full_numbers/extra-00003-of-00004.parquet",
        ],
    }),
    page: SVHN_PAGE,
    licence: "non-commercial use",
    citation: SVHN_CITATION,
    names: ClassNames::Numbers,
    ..SET
};

const SVHN_PAGE: &str = "http://ufldl.stanford.edu/housenumbers/";
const SVHN_CITATION: &str =
    "Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, 2011";

const CUB: DataSet = DataSet {
    title: "CUB-200-2011",
    classes: 200,
    train: 5_994,
    test: 5_794,
    official_files: &["CUB_200_2011.tgz"],
    page: "https://www.vision.caltech.edu/datasets/cub_200_2011/",
    licence: "none given; images from Flickr, research use",
    citation: "Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, 2011",
    form: Form::Birds,
    ..SET
};

const CIFAR_PAGE: &str = "https://www.cs.toronto.edu/~kriz/cifar.html";
const CIFAR_LICENCE: &str = "none given; research use";
const CIFAR_CITATION: &str =
    "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009";

pub(super) const ALL: &[DataSet] = &[
    DataSet {
        name: "mnist",
        title: "MNIST",
        aliases: &["ylecun/mnist", "mnist-pngs"],
        shape: (1, 28, 28),
        train: 60_000,
        test: 10_000,
        hub: Some(Hub {
            repository: "ylecun/mnist",
            files: &[
                "mnist/train-00000-of-00001.parquet",
                "mnist/test-00000-of-00001.parquet",
            ],
            extra: &[],
        }),
        official_files: IDX,
        page: "http://yann.lecun.com/exdb/mnist/",
        licence: "CC BY-SA 3.0",
        citation: "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998",
        embedded: Some(Embedded {
            train: 4_000,
            test: 1_000,
        }),
        names: ClassNames::Listed(classes::DIGITS),
        ..SET
    },
    DataSet {
        name: "fashion-mnist",
        title: "Fashion-MNIST",
        aliases: &["fashion", "zalando-datasets/fashion_mnist"],
        shape: (1, 28, 28),
        train: 60_000,
        test: 10_000,
        hub: Some(Hub {
            repository: "zalando-datasets/fashion_mnist",
            files: &[
                "fashion_mnist/train-00000-of-00001.parquet",
                "fashion_mnist/test-00000-of-00001.parquet",
            ],
            extra: &[],
        }),
        official_files: IDX,
        page: "https://github.com/zalandoresearch/fashion-mnist",
        licence: "MIT",
        citation: "Xiao et al., Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017",
        embedded: Some(Embedded {
            train: 10_000,
            test: 2_000,
        }),
        names: ClassNames::Listed(classes::FASHION_MNIST),
        ..SET
    },
    DataSet {
        name: "cifar10",
        title: "CIFAR-10",
        aliases: &["uoft-cs/cifar10", "cifar-10-batches-bin", "cifar-10-binary"],
        shape: (3, 32, 32),
        train: 50_000,
        test: 10_000,
        hub: Some(Hub {
            repository: "uoft-cs/cifar10",
            files: &[
                "plain_text/train-00000-of-00001.parquet",
                "plain_text/test-00000-of-00001.parquet",
            ],
            extra: &[],
        }),
        official_files: &["cifar-10-binary.tar.gz"],
        page: CIFAR_PAGE,
        licence: CIFAR_LICENCE,
        citation: CIFAR_CITATION,
        names: ClassNames::Listed(classes::CIFAR10),
        ..SET
    },
    DataSet {
        name: "cifar100",
        title: "CIFAR-100",
        aliases: &["uoft-cs/cifar100", "cifar-100-binary"],
        shape: (3, 32, 32),
        classes: 100,
        train: 50_000,
        test: 10_000,
        hub: Some(Hub {
            repository: "uoft-cs/cifar100",
            files: &[
                "cifar100/train-00000-of-00001.parquet",
                "cifar100/test-00000-of-00001.parquet",
            ],
            extra: &[],
        }),
        official_files: &["cifar-100-binary.tar.gz"],
        page: CIFAR_PAGE,
        licence: CIFAR_LICENCE,
        citation: CIFAR_CITATION,
        names: ClassNames::Listed(classes::CIFAR100),
        ..SET
    },
    DataSet {
        name: "svhn",
        title: "SVHN, single digits",
        aliases: &["ufldl-stanford/svhn", "cropped_digits"],
        shape: (3, 32, 32),
        train: 73_257,
        test: 26_032,
        extra: 531_131,
        hub: Some(Hub {
            repository: "ufldl-stanford/svhn",
            files: &[
                "cropped_digits/train-00000-of-00001.parquet",
                "cropped_digits/test-00000-of-00001.parquet",
            ],
            extra: &[
                "cropped_digits/extra-00000-of-00002.parquet",
                "cropped_digits/extra-00001-of-00002.parquet",
            ],
        }),
        page: SVHN_PAGE,
        licence: "non-commercial use",
        citation: SVHN_CITATION,
        names: ClassNames::Listed(classes::DIGITS),
        ..SET
    },
    DataSet {
        name: "svhn-numbers-64",
        aliases: &["svhn-numbers", "full_numbers"],
        shape: (3, 64, 64),
        form: Form::Numbers(NumberCrop::TIGHT),
        ..SVHN_NUMBERS
    },
    DataSet {
        name: "svhn-numbers-128",
        shape: (3, 128, 128),
        form: Form::Numbers(NumberCrop::LOOSE),
        ..SVHN_NUMBERS
    },
    DataSet {
        name: "stl10",
        title: "STL-10",
        aliases: &["jxie/stl10", "tanganke/stl10", "stl10_binary"],
        shape: (3, 96, 96),
        train: 5_000,
        test: 8_000,
        extra: 100_000,
        folds: 10,
        official_files: &["stl10_binary.tar.gz"],
        page: "https://cs.stanford.edu/~acoates/stl10/",
        licence: "none given; images from ImageNet",
        citation: "Coates et al., An Analysis of Single Layer Networks in Unsupervised Feature Learning, 2011",
        names: ClassNames::Listed(classes::STL10),
        ..SET
    },
    DataSet {
        name: "cub200-224",
        aliases: &["cub200", "CUB_200_2011"],
        shape: (3, 224, 224),
        ..CUB
    },
    DataSet {
        name: "cub200-448",
        shape: (3, 448, 448),
        ..CUB
    },
    DataSet {
        name: "imagenet",
        title: "ImageNet (ILSVRC-2012)",
        aliases: &["imagenet-1k", "ilsvrc2012"],
        shape: (3, 224, 224),
        classes: 1_000,
        train: 1_281_167,
        test: 50_000,
        page: "https://image-net.org/",
        licence: "non-commercial research and education",
        citation: "Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, 2015",
        ..SET
    },
];
