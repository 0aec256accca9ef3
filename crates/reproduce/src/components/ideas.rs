//! Which of the four papers' ideas a network has.

use serde::Serialize;

/// The ideas of a network; the base network has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Ideas {
    /// A convolution with stride in the place of the second pooling (All-CNN).
    pub(super) stride: bool,
    /// The mean of each class map in the place of a fully connected layer on them (Network In Network).
    pub(super) global_average: bool,
    /// An affine transformer before the first layer (Spatial Transformer Networks).
    pub(super) transformer: bool,
    /// A decoder that puts each maximum of the first pooling where it was, and the terms of its errors (What-Where).
    pub(super) what_where: bool,
}

const NONE: Ideas = Ideas {
    stride: false,
    global_average: false,
    transformer: false,
    what_where: false,
};
const ALL: Ideas = Ideas {
    stride: true,
    global_average: true,
    transformer: true,
    what_where: true,
};

/// No idea, each alone, all, and all but each, by their names in the tables.
pub(super) const ROWS: [(&str, Ideas); 10] = [
    ("base", NONE),
    (
        "stride",
        Ideas {
            stride: true,
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
    (
        "all but stride",
        Ideas {
            stride: false,
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
