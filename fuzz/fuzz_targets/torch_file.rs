//! A state dict as PyTorch writes it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate::init::torch_file;

fuzz_target!(|data: &[u8]| {
    if let Err(error) = torch_file::read(std::io::Cursor::new(data)) {
        let error = error.to_string();
        assert!(!error.contains('\n'), "{error}");
    }
});
