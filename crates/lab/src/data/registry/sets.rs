//! All entries of the registry, and what they have in common.

use super::digits::{FASHION_MNIST, MNIST, SVHN, SVHN_NUMBERS_64, SVHN_NUMBERS_128};
use super::entry::DataSet;
use super::objects::{CIFAR10, CIFAR100, CUB200_224, CUB200_448, IMAGENET, STL10};

pub(super) const ALL: &[DataSet] = &[
    MNIST,
    FASHION_MNIST,
    CIFAR10,
    CIFAR100,
    SVHN,
    SVHN_NUMBERS_64,
    SVHN_NUMBERS_128,
    STL10,
    CUB200_224,
    CUB200_448,
    IMAGENET,
];
