//! A parquet shard of whole house numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    check("svhn-numbers-64", &[("train.parquet", data), ("test.parquet", data)]);
});
