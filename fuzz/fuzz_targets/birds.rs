//! The list of pictures of CUB-200-2011.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate_fuzz::check;

fuzz_target!(|data: &[u8]| {
    check("cub200-224", &[
        ("images.txt", data),
        ("image_class_labels.txt", b"1 1\n2 1\n"),
        ("train_test_split.txt", b"1 1\n2 0\n"),
        ("classes.txt", b"1 Auk\n"),
        ("images/a.png", include_bytes!("../corpus/png/stroke.png")),
    ]);
});
