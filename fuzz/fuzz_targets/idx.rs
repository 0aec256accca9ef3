//! The images of an IDX pair.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    let labels: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 1, 0];
    check("made", &[
        ("train-images-idx3-ubyte", data),
        ("train-labels-idx1-ubyte", labels),
        ("t10k-images-idx3-ubyte", data),
        ("t10k-labels-idx1-ubyte", labels),
    ]);
});
