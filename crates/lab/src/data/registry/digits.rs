//! Digits, and the set that has their form.

use super::base::{SET, hub};
use super::classes;
use super::entry::{ClassNames, DataSet, Embedded, Form};
use crate::data::crop::NumberCrop;
use crate::data::number::NUMBER_CLASSES;

const IDX: &[&str] = &[
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

const SVHN_PAGE: &str = "http://ufldl.stanford.edu/housenumbers/";
const SVHN_CITATION: &str =
    "Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, 2011";

pub(super) const MNIST: DataSet = DataSet {
    name: "mnist",
    title: "MNIST",
    aliases: &["ylecun/mnist", "mnist-pngs"],
    shape: (1, 28, 28),
    train: 60_000,
    test: 10_000,
    hub: hub(
        "ylecun/mnist",
        &[
            "mnist/train-00000-of-00001.parquet",
            "mnist/test-00000-of-00001.parquet",
        ],
        &[],
    ),
    official_files: IDX,
    page: "http://yann.lecun.com/exdb/mnist/",
    license: "CC BY-SA 3.0",
    citation: "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998",
    embedded: Some(Embedded {
        train: 4_000,
        test: 1_000,
    }),
    names: ClassNames::Listed(classes::DIGITS),
    ..SET
};

pub(super) const FASHION_MNIST: DataSet = DataSet {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    aliases: &["fashion", "zalando-datasets/fashion_mnist"],
    shape: (1, 28, 28),
    train: 60_000,
    test: 10_000,
    hub: hub(
        "zalando-datasets/fashion_mnist",
        &[
            "fashion_mnist/train-00000-of-00001.parquet",
            "fashion_mnist/test-00000-of-00001.parquet",
        ],
        &[],
    ),
    official_files: IDX,
    page: "https://github.com/zalandoresearch/fashion-mnist",
    license: "MIT",
    citation: "Xiao et al., Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017",
    embedded: Some(Embedded {
        train: 10_000,
        test: 2_000,
    }),
    names: ClassNames::Listed(classes::FASHION_MNIST),
    ..SET
};

pub(super) const SVHN: DataSet = DataSet {
    name: "svhn",
    title: "SVHN, single digits",
    aliases: &["ufldl-stanford/svhn", "cropped_digits"],
    shape: (3, 32, 32),
    train: 73_257,
    test: 26_032,
    extra: 531_131,
    hub: hub(
        "ufldl-stanford/svhn",
        &[
            "cropped_digits/train-00000-of-00001.parquet",
            "cropped_digits/test-00000-of-00001.parquet",
        ],
        &[
            "cropped_digits/extra-00000-of-00002.parquet",
            "cropped_digits/extra-00001-of-00002.parquet",
        ],
    ),
    page: SVHN_PAGE,
    license: "non-commercial use",
    citation: SVHN_CITATION,
    names: ClassNames::Listed(classes::DIGITS),
    ..SET
};

const SVHN_NUMBERS: DataSet = DataSet {
    title: "SVHN, whole numbers",
    classes: NUMBER_CLASSES,
    train: 33_402,
    test: 13_068,
    extra: 202_353,
    hub: hub(
        "ufldl-stanford/svhn",
        &[
            "full_numbers/train-00000-of-00001.parquet",
            "full_numbers/test-00000-of-00001.parquet",
        ],
        &[
            "full_numbers/extra-00000-of-00004.parquet",
            "full_numbers/extra-00001-of-00004.parquet",
            "full_numbers/extra-00002-of-00004.parquet",
            "full_numbers/extra-00003-of-00004.parquet",
        ],
    ),
    page: SVHN_PAGE,
    license: "non-commercial use",
    citation: SVHN_CITATION,
    names: ClassNames::Numbers,
    ..SET
};

pub(super) const SVHN_NUMBERS_64: DataSet = DataSet {
    name: "svhn-numbers-64",
    aliases: &["svhn-numbers", "full_numbers"],
    shape: (3, 64, 64),
    form: Form::Numbers(NumberCrop::TIGHT),
    ..SVHN_NUMBERS
};

pub(super) const SVHN_NUMBERS_128: DataSet = DataSet {
    name: "svhn-numbers-128",
    shape: (3, 128, 128),
    form: Form::Numbers(NumberCrop::LOOSE),
    ..SVHN_NUMBERS
};
