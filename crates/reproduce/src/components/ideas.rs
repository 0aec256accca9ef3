//! Which of the four papers' ideas a network has.

use serde::Serialize;

/// What halves the maps for the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Halving {
    /// The maximum of each window.
    MaxPooling,
    /// The Euclidean norm of each window: the pooling of All-CNN's equation 1 with p = 2.
    NormPooling,
    /// A convolution with stride in the place of the pooling (All-CNN).
    Stride,
}

/// The ideas of a network; the base network has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Ideas {
    pub(super) halving: Halving,
    /// The mean of each class map in the place of a fully connected layer on them (Network In Network).
    pub(super) global_average: bool,
    /// An affine transformer before the first layer (Spatial Transformer Networks).
    pub(super) transformer: bool,
    /// A decoder that puts each maximum of the first pooling where it was, and the terms of its errors (What-Where).
    pub(super) what_where: bool,
}

const NONE: Ideas = Ideas {
    halving: Halving::MaxPooling,
    global_average: false,
    transformer: false,
    what_where: false,
};
const ALL: Ideas = Ideas {
    halving: Halving::Stride,
    global_average: true,
    transformer: true,
    what_where: true,
};

/// No idea, each alone, and all, by their names in the tables.
pub(super) const ALONE: [(&str, Ideas); 7] = [
    ("base", NONE),
    (
        "p-norm pooling",
        Ideas {
            halving: Halving::NormPooling,
            ..NONE
        },
    ),
    (
        "stride",
        Ideas {
            halving: Halving::Stride,
            ..NONE
        },
    ),
    (
        "GAP",
        Ideas {
            global_average: true,
            ..NONE
        },
    ),
    (
        "transformer",
        Ideas {
            transformer: true,
            ..NONE
        },
    ),
    (
        "what-where",
        Ideas {
            what_where: true,
            ..NONE
        },
    ),
    ("all", ALL),
];

/// All but each.
pub(super) const ALL_BUT: [(&str, Ideas); 4] = [
    (
        "all but stride",
        Ideas {
            halving: Halving::MaxPooling,
            ..ALL
        },
    ),
    (
        "all but GAP",
        Ideas {
            global_average: false,
            ..ALL
        },
    ),
    (
        "all but the transformer",
        Ideas {
            transformer: false,
            ..ALL
        },
    ),
    (
        "all but what-where",
        Ideas {
            what_where: false,
            ..ALL
        },
    ),
];
