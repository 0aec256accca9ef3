//! The labels of an IDX pair, gzipped or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    let images: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7];
    check("made", &[
        ("train-images-idx3-ubyte", images),
        ("train-labels-idx1-ubyte.gz", data),
        ("t10k-images-idx3-ubyte", images),
        ("t10k-labels-idx1-ubyte.gz", data),
    ]);
});
