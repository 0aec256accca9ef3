//! A parquet shard of labelled pictures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    check("made", &[("train.parquet", data), ("test.parquet", data)]);
});
