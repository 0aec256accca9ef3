//! Photographs of things and animals.

use super::base::{SET, hub};
use super::classes;
use super::entry::{ClassNames, DataSet, Form};

const CIFAR_PAGE: &str = "https://www.cs.toronto.edu/~kriz/cifar.html";
const CIFAR_LICENSE: &str = "none given; research use";
const CIFAR_CITATION: &str =
    "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009";

pub(super) const CIFAR10: DataSet = DataSet {
    name: "cifar10",
    title: "CIFAR-10",
    aliases: &["uoft-cs/cifar10", "cifar-10-batches-bin", "cifar-10-binary"],
    shape: (3, 32, 32),
    train: 50_000,
    test: 10_000,
    hub: hub(
        "uoft-cs/cifar10",
        &[
            "plain_text/train-00000-of-00001.parquet",
            "plain_text/test-00000-of-00001.parquet",
        ],
        &[],
    ),
    official_files: &["cifar-10-binary.tar.gz"],
    page: CIFAR_PAGE,
    license: CIFAR_LICENSE,
    citation: CIFAR_CITATION,
    names: ClassNames::Listed(classes::CIFAR10),
    ..SET
};

pub(super) const CIFAR100: DataSet = DataSet {
    name: "cifar100",
    title: "CIFAR-100",
    aliases: &["uoft-cs/cifar100", "cifar-100-binary"],
    shape: (3, 32, 32),
    classes: 100,
    train: 50_000,
    test: 10_000,
    hub: hub(
        "uoft-cs/cifar100",
        &[
            "cifar100/train-00000-of-00001.parquet",
            "cifar100/test-00000-of-00001.parquet",
        ],
        &[],
    ),
    official_files: &["cifar-100-binary.tar.gz"],
    page: CIFAR_PAGE,
    license: CIFAR_LICENSE,
    citation: CIFAR_CITATION,
    names: ClassNames::Listed(classes::CIFAR100),
    ..SET
};

pub(super) const STL10: DataSet = DataSet {
    name: "stl10",
    title: "STL-10",
    aliases: &["jxie/stl10", "tanganke/stl10", "stl10_binary"],
    shape: (3, 96, 96),
    train: 5_000,
    test: 8_000,
    extra: 100_000,
    folds: 10,
    by_hand: Some(
        "take stl10_binary.tar.gz from https://cs.stanford.edu/~acoates/stl10/, unpack it, and give the folder stl10_binary",
    ),
    official_files: &["stl10_binary.tar.gz"],
    page: "https://cs.stanford.edu/~acoates/stl10/",
    license: "none given; images from ImageNet",
    citation: "Coates et al., An Analysis of Single Layer Networks in Unsupervised Feature Learning, 2011",
    names: ClassNames::Listed(classes::STL10),
    ..SET
};

const CUB: DataSet = DataSet {
    title: "CUB-200-2011",
    classes: 200,
    train: 5_994,
    test: 5_794,
    by_hand: Some(
        "take CUB_200_2011.tgz from https://www.vision.caltech.edu/datasets/cub_200_2011/, unpack it, and give the folder CUB_200_2011",
    ),
    official_files: &["CUB_200_2011.tgz"],
    page: "https://www.vision.caltech.edu/datasets/cub_200_2011/",
    license: "none given; images from Flickr, research use",
    citation: "Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, 2011",
    form: Form::Birds,
    ..SET
};

pub(super) const CUB200_224: DataSet = DataSet {
    name: "cub200-224",
    aliases: &["cub200", "CUB_200_2011"],
    shape: (3, 224, 224),
    ..CUB
};

pub(super) const CUB200_448: DataSet = DataSet {
    name: "cub200-448",
    shape: (3, 448, 448),
    ..CUB
};

pub(super) const IMAGENET: DataSet = DataSet {
    name: "imagenet",
    title: "ImageNet (ILSVRC-2012)",
    aliases: &["imagenet-1k", "ilsvrc2012"],
    shape: (3, 224, 224),
    classes: 1_000,
    train: 1_281_167,
    test: 50_000,
    by_hand: Some(
        "register at https://image-net.org/, take the training and validation images of ILSVRC-2012, unpack them to train/CLASS and val/CLASS, and give the folder that holds both",
    ),
    page: "https://image-net.org/",
    license: "non-commercial research and education",
    citation: "Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, 2015",
    form: Form::Photographs,
    ..SET
};
