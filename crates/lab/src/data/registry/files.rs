//! The files of the embedded sets.

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
