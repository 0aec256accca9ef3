//! Writing `.pt` files: the counterpart of [`read`](super::read), for [`state_dict::save`](crate::init::state_dict::save).

use std::io::{Cursor, Write};

use candle_core::{DType, Device, Error, Result, Tensor, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The folder in the archive, as `torch.save` calls it.
const FOLDER: &str = "archive";

/// A `.pt` file that `torch.load` reads as an ordered dictionary of these tensors.
///
/// # Errors
/// A number type that PyTorch's storages do not have.
pub(crate) fn write(tensors: &[(String, Tensor)]) -> Result<Vec<u8>> {
    let mut pickle = Pickle::new();
    let mut storages = Vec::with_capacity(tensors.len());
    pickle.dictionary(|pickle| {
        for (place, (name, tensor)) in tensors.iter().enumerate() {
            let (kind, bytes) = storage(name, tensor)?;
            pickle.text(name);
            pickle.tensor(kind, place, tensor);
            storages.push(bytes);
        }
        Ok(())
    })?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut entry = |name: &str, bytes: &[u8]| -> Result<()> {
        zip.start_file(format!("{FOLDER}/{name}"), options)
            .map_err(Error::wrap)?;
        Ok(zip.write_all(bytes)?)
    };
    entry("data.pkl", &pickle.end())?;
    entry("byteorder", b"little")?;
    for (place, bytes) in storages.iter().enumerate() {
        entry(&format!("data/{place}"), bytes)?;
    }
    entry("version", b"3\n")?;
    Ok(zip.finish().map_err(Error::wrap)?.into_inner())
}

/// The name of a tensor's storage and its numbers, the lowest byte first.
fn storage(name: &str, tensor: &Tensor) -> Result<(&'static str, Vec<u8>)> {
    let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    let bytes = match tensor.dtype() {
        DType::F32 => of(flat.to_vec1::<f32>()?, f32::to_le_bytes),
        DType::F64 => of(flat.to_vec1::<f64>()?, f64::to_le_bytes),
        other => bail!(
            "torch: {name} is {other:?}; build the network in f32 or f64, whose files every PyTorch reads"
        ),
    };
    let kind = match tensor.dtype() {
        DType::F64 => "DoubleStorage",
        _ => "FloatStorage",
    };
    Ok((kind, bytes))
}

fn of<T, const N: usize>(values: Vec<T>, bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(bytes).collect()
}

/// Steps between neighbors along each axis, the last axis being dense.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides: Vec<usize> = dims
        .iter()
        .rev()
        .scan(1usize, |step, &len| {
            let own = *step;
            *step = step.saturating_mul(len);
            Some(own)
        })
        .collect();
    strides.reverse();
    strides
}

/// A pickle of protocol 2, opcode by opcode.
struct Pickle(Vec<u8>);

impl Pickle {
    fn new() -> Self {
        Self(b"\x80\x02".to_vec())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").into_bytes());
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        // A name of 4 GiB does not exist.
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        match i32::try_from(number) {
            Ok(number) => {
                self.0.push(b'J');
                self.0.extend(number.to_le_bytes());
            }
            // Nine bytes, so that the highest bit is not a sign.
            Err(_) => {
                self.0.extend(b"\x8a\x09");
                self.0.extend((number as u64).to_le_bytes());
                self.0.push(0);
            }
        }
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.0.push(b'(');
        numbers.iter().for_each(|&number| self.number(number));
        self.0.push(b't');
    }

    /// An ordered dictionary without entries.
    fn empty_dictionary(&mut self) {
        self.global("collections", "OrderedDict");
        self.0.extend(b")R");
    }

    fn dictionary(&mut self, entries: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.empty_dictionary();
        self.0.push(b'(');
        entries(self)?;
        self.0.push(b'u');
        Ok(())
    }

    /// `torch._utils._rebuild_tensor_v2(storage, 0, shape, stride, False, OrderedDict())`.
    fn tensor(&mut self, kind: &str, place: usize, tensor: &Tensor) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.0.extend(b"((");
        self.text("storage");
        self.global("torch", kind);
        self.text(&place.to_string());
        self.text("cpu");
        self.number(tensor.elem_count());
        self.0.extend(b"tQ");
        self.number(0);
        self.numbers(tensor.dims());
        self.numbers(&strides(tensor.dims()));
        self.0.push(b'\x89');
        self.empty_dictionary();
        self.0.extend(b"tR");
    }
}
