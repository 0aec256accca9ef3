//! What the fuzz targets share: a folder whose files are good but for the one that the fuzzer writes, and sizes from its bytes.

use std::fs;
use std::path::Path;

use lab::data::{Source, load};
use striate::candle_core::{Device, Tensor};

/// The files of a good set of the layout: path and content.
pub type Files<'a> = &'a [(&'a str, &'a [u8])];

/// Loads the set `name` from a folder of `files`. An error must be one line; other images are no fault.
///
/// # Panics
/// When the error has more than a line, or the folder cannot be written.
pub fn check(name: &str, files: Files<'_>) {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    if let Err(error) = load(name, &Source::Subset(dir.path().to_owned())) {
        let error = error.to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}

/// Sizes read from the fuzzer's bytes; the same bytes give the same sizes.
pub struct Sizes<'a>(&'a [u8]);

impl<'a> Sizes<'a> {
    /// Reads from the start; 0 where the bytes have ended.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    fn next(&mut self) -> usize {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(first)
    }

    /// A size of a map: 0 to 15.
    pub fn small(&mut self) -> usize {
        self.next() % 16
    }

    /// A number of channels: 0 to 39.
    pub fn channels(&mut self) -> usize {
        self.next() % 40
    }

    /// What no tensor bounds: mostly small, at times more than memory holds.
    pub fn any(&mut self) -> usize {
        match self.next() {
            small @ 0..240 => small % 12,
            power => usize::MAX >> (power % 4 * 4),
        }
    }

    /// Two of [`any`](Self::any).
    pub fn pair(&mut self) -> (usize, usize) {
        (self.any(), self.any())
    }

    /// A tensor of these sizes, with numbers from -1 to 1 that depend on the place alone.
    ///
    /// # Panics
    /// When Candle cannot make it.
    pub fn numbers(&self, dims: &[usize]) -> Tensor {
        let count = dims.iter().product();
        let number = |k: usize| ((k * 7919) % 2003) as f32 / 1001.0 - 1.0;
        let numbers: Vec<f32> = (0..count).map(number).collect();
        Tensor::from_vec(numbers, dims, &Device::Cpu).expect("a tensor")
    }
}

/// Holds two tensors to each other, within a thousandth of the largest number.
///
/// # Panics
/// When they differ by more.
pub fn close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.dims(), b.dims());
    let numbers = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("numbers");
    let (a, b) = (numbers(a), numbers(b));
    let largest = b.iter().fold(1.0f32, |most, b| most.max(b.abs()));
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() <= 1e-3 * largest, "{a} and {b}");
    }
}
