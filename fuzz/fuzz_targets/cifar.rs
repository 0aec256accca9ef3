//! Records of the CIFAR-100 binary files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    check("cifar100", &[("train.bin", data), ("test.bin", data)]);
});
