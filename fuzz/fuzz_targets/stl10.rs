//! Labels and folds of the STL-10 binary files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    let image = vec![7; 96 * 96 * 3];
    check("stl10", &[
        ("train_X.bin", &image),
        ("train_y.bin", data),
        ("test_X.bin", &image),
        ("test_y.bin", data),
    ]);
});
