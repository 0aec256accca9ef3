//! What PyTorch's pickles ask for: storages, and the calls that make tensors of them.

use candle_core::{DType, Result, bail};

use super::Machine;
use super::value::{Id, Storage, Value, View};

/// Dimensions of a tensor.
const MAX_RANK: usize = 8;

impl Machine {
    /// BINPERSID: a storage, ("storage", class, key, place, length).
    pub(super) fn storage(&mut self) -> Result<()> {
        let id = self.pop()?;
        let &[_, class, key, _, len] = self.tuple(id)? else {
            bail!("its pickle refers to something that is no storage");
        };
        let dtype = match self.global(class) {
            Some("torch FloatStorage") => DType::F32,
            Some("torch DoubleStorage") => DType::F64,
            Some("torch HalfStorage") => DType::F16,
            Some("torch BFloat16Storage") => DType::BF16,
            Some("torch ByteStorage") => DType::U8,
            Some("torch LongStorage") => DType::I64,
            Some("torch IntStorage") => DType::I32,
            Some("torch ShortStorage") => DType::I16,
            other => bail!(
                "it has tensors of the kind {:?}; floats of 16, 32 and 64 bits and integers are read",
                other.unwrap_or("unknown")
            ),
        };
        let len = self.size(len)?;
        self.push(Value::Storage(Box::new(Storage { dtype, key, len })));
        Ok(())
    }

    /// REDUCE: the call of a function, of which those that make a state dict are known.
    pub(super) fn call(&mut self) -> Result<()> {
        let (args, function) = (self.pop()?, self.pop()?);
        match self.global(function) {
            Some("collections OrderedDict") => self.push(Value::Dict(Vec::new())),
            Some("torch._utils _rebuild_tensor_v2") => {
                let view = self.view(args)?;
                self.push(Value::Tensor(Box::new(view)));
            }
            // A tensor of a subclass: (function, class, arguments, state).
            Some("torch._tensor _rebuild_from_type_v2") => match *self.tuple(args)? {
                [function, _, args, ..]
                    if self.global(function) == Some("torch._utils _rebuild_tensor_v2") =>
                {
                    let view = self.view(args)?;
                    self.push(Value::Tensor(Box::new(view)));
                }
                _ => bail!("its pickle has a tensor of a class that is not known"),
            },
            // A parameter is the tensor that it wraps.
            Some("torch._utils _rebuild_parameter") => match self.tuple(args)?.first() {
                Some(&tensor) => self.stack.push(tensor),
                None => bail!("its pickle has a parameter without a tensor"),
            },
            _ => self.push(Value::Other),
        }
        Ok(())
    }

    /// The tensor of (storage, offset, shape, strides, ..).
    fn view(&self, args: Id) -> Result<View> {
        let &[storage, offset, shape, strides, ..] = self.tuple(args)? else {
            bail!("its pickle has a tensor without a shape");
        };
        let sizes = |id: Id| -> Result<Vec<usize>> {
            let ids = self.tuple(id)?;
            if ids.len() > MAX_RANK {
                bail!(
                    "it has a tensor of {} dimensions; at most {MAX_RANK} are read",
                    ids.len()
                );
            }
            ids.iter().map(|&id| self.size(id)).collect()
        };
        let (shape, strides) = (sizes(shape)?, sizes(strides)?);
        if shape.len() != strides.len() {
            bail!(
                "it has a tensor with {} sizes and {} strides",
                shape.len(),
                strides.len()
            );
        }
        Ok(View {
            storage,
            offset: self.size(offset)?,
            shape,
            strides,
        })
    }

    fn tuple(&self, id: Id) -> Result<&[Id]> {
        match &self.values[id as usize] {
            Value::Tuple(items) => Ok(items),
            _ => bail!("its pickle has another value where a tuple belongs"),
        }
    }

    fn global(&self, id: Id) -> Option<&str> {
        match &self.values[id as usize] {
            Value::Global(name) => Some(name),
            _ => None,
        }
    }

    fn size(&self, id: Id) -> Result<usize> {
        match self.values[id as usize] {
            Value::Int(value) if value >= 0 => Ok(value as usize),
            _ => bail!("its pickle has another value where a size belongs"),
        }
    }
}
