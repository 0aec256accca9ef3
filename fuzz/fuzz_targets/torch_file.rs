//! A state dict as PyTorch writes it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate::init::torch_file;

fuzz_target!(|data: &[u8]| {
    // Any result is one; a panic, an abort or too much memory is not.
    let _ = torch_file::read(std::io::Cursor::new(data));
});
