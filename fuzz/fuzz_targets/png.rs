//! A PNG picture in a folder of classes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    check("made", &[("train/a/0.png", data), ("test/a/0.png", data)]);
});
