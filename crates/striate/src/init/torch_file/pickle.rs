//! The part of Python's pickle format that state dicts need.
//!
//! A pickle is a program for a small stack machine.
//! This one builds numbers, texts, tuples, dictionaries and descriptions of tensors; it imports and calls nothing.
//! Every value lies in one list and refers to others by their numbers,
//! so that deep nesting costs no recursion and nothing is ever copied.

use std::collections::HashMap;

use candle_core::{DType, Result, bail};

/// Instructions that one pickle may hold: state dicts need about 40 for each tensor.
const MAX_INSTRUCTIONS: usize = 1 << 19;
/// Dimensions of a tensor.
const MAX_RANK: usize = 8;

/// The number of a value.
pub(super) type Id = u32;

/// What a pickle can build here.
#[derive(Debug)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    /// A class or function: its module and name with a space between them.
    Global(String),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Storage(Box<Storage>),
    Tensor(Box<View>),
    /// Something that no state dict is made of: None, a truth value, a float, a list, an object of any class.
    Other,
}

/// The numbers of one or more tensors.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) dtype: DType,
    /// A text: the name of the numbers' entry in the archive.
    pub(super) key: Id,
    /// How many numbers there are.
    pub(super) len: usize,
}

/// A tensor: some of the numbers of a storage.
#[derive(Debug)]
pub(super) struct View {
    pub(super) storage: Id,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// The values of a pickle, and which of them is its result.
#[derive(Debug)]
pub(super) struct Values {
    all: Vec<Value>,
    pub(super) result: Id,
}

impl Values {
    pub(super) fn get(&self, id: Id) -> &Value {
        // Ids are made by `Machine::create` alone, and values are never removed.
        &self.all[id as usize]
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Runs a pickle.
///
/// # Errors
/// Instructions or values that state dicts do not need, and a pickle that is cut off or makes no sense.
pub(super) fn run(pickle: &[u8]) -> Result<Values> {
    let mut machine = Machine::default();
    let mut rest = Bytes(pickle);
    for _ in 0..MAX_INSTRUCTIONS {
        if let Some(result) = machine.step(&mut rest)? {
            return Ok(Values {
                all: machine.values,
                result,
            });
        }
    }
    bail!("its pickle has more than {MAX_INSTRUCTIONS} instructions")
}

#[derive(Default)]
struct Machine {
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at which marks were set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine {
    /// Runs one instruction; the result, after the last.
    fn step(&mut self, rest: &mut Bytes) -> Result<Option<Id>> {
        match rest.byte()? {
            // PROTO: every version up to 2 is made of the instructions below.
            0x80 => {
                rest.byte()?;
            }
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'N' | 0x88 | 0x89 | b']' | 0x8f => self.push(Value::Other),
            b'G' => {
                rest.take(8)?;
                self.push(Value::Other);
            }
            b'K' => self.push_int(rest.int(1)?),
            b'M' => self.push_int(rest.int(2)?),
            // BININT is signed.
            b'J' => self.push_int(i64::from(rest.int(4)? as u32 as i32)),
            0x8a => {
                let len = rest.int(1)? as usize;
                self.push_int(rest.signed(len)?);
            }
            b'X' => {
                let len = rest.int(4)? as usize;
                self.push_text(rest.take(len)?)?;
            }
            b'U' => {
                let len = rest.int(1)? as usize;
                self.push_text(rest.take(len)?)?;
            }
            b'c' => {
                let (module, name) = (rest.line()?, rest.line()?);
                self.push(Value::Global(format!("{module} {name}")));
            }
            b'q' => self.remember(rest.int(1)? as u32)?,
            b'r' => self.remember(rest.int(4)? as u32)?,
            b'h' => self.recall(rest.int(1)? as u32)?,
            b'j' => self.recall(rest.int(4)? as u32)?,
            b')' => self.push(Value::Tuple(Vec::new())),
            kind @ 0x85..=0x87 => self.short_tuple(usize::from(kind - 0x84))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(&items)?;
            }
            // Lists are not kept.
            b'a' => {
                self.pop()?;
            }
            b'e' => {
                self.pop_to_mark()?;
            }
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            0x81 => {
                self.pop()?;
                self.pop()?;
                self.push(Value::Other);
            }
            // BUILD: what is set on an object beside its items, such as the `_metadata` of a state dict.
            b'b' => {
                self.pop()?;
            }
            other => bail!(
                "its pickle has the instruction {other:#04x}, which files of torch.save(net.state_dict(), path) do not have"
            ),
        }
        Ok(None)
    }

    fn create(&mut self, value: Value) -> Id {
        self.values.push(value);
        // Each instruction creates one value at most, and `run` limits their number.
        (self.values.len() - 1) as Id
    }

    fn push(&mut self, value: Value) {
        let id = self.create(value);
        self.stack.push(id);
    }

    fn push_int(&mut self, value: i64) {
        self.push(Value::Int(value));
    }

    fn push_text(&mut self, bytes: &[u8]) -> Result<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text.to_string())),
            Err(_) => bail!("its pickle has a text that is not UTF-8"),
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => bail!("its pickle takes a value from an empty stack"),
        }
    }

    /// Makes a tuple of the topmost `len` values.
    fn short_tuple(&mut self, len: usize) -> Result<()> {
        let mut items = Vec::with_capacity(len);
        for _ in 0..len {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Tuple(items));
        Ok(())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => bail!("its pickle takes values up to a mark that was not set"),
        }
    }

    fn remember(&mut self, at: u32) -> Result<()> {
        let id = self.top()?;
        self.memo.insert(at, id);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<()> {
        match self.memo.get(&at) {
            Some(&id) => self.stack.push(id),
            None => bail!("its pickle uses value {at}, which was not stored"),
        }
        Ok(())
    }

    fn top(&self) -> Result<Id> {
        match self.stack.last() {
            Some(&id) => Ok(id),
            None => bail!("its pickle reads from an empty stack"),
        }
    }

    /// Puts pairs of key and value into the dictionary on top of the stack.
    fn insert(&mut self, items: &[Id]) -> Result<()> {
        let top = self.top()?;
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            bail!("its pickle has a key without a value");
        }
        match &mut self.values[top as usize] {
            Value::Dict(entries) => entries.extend(pairs.iter().map(|&[key, value]| (key, value))),
            Value::Other => {}
            _ => bail!("its pickle puts items into a value that holds none"),
        }
        Ok(())
    }

    /// BINPERSID: a storage, ("storage", class, key, place, length).
    fn storage(&mut self) -> Result<()> {
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
    fn call(&mut self) -> Result<()> {
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

/// What is left of a pickle.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(len) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => bail!(
                "its pickle asks for {len} bytes where {} are left",
                self.0.len()
            ),
        }
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of up to four bytes, the lowest first.
    fn int(&mut self, len: usize) -> Result<i64> {
        let bytes = self.take(len)?.iter().rev();
        Ok(bytes.fold(0, |value, &byte| value << 8 | i64::from(byte)))
    }

    /// A number of up to eight bytes, the lowest first, in two's complement.
    fn signed(&mut self, len: usize) -> Result<i64> {
        if len > 8 {
            bail!("its pickle has a number of {len} bytes; at most 8 are read");
        }
        let bytes = self.take(len)?;
        let mut wide = [if bytes.last().is_some_and(|&b| b > 127) {
            0xff
        } else {
            0
        }; 8];
        wide[..len].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(wide))
    }

    /// The text up to the next end of a line.
    fn line(&mut self) -> Result<&'a str> {
        let Some(len) = self.0.iter().position(|&byte| byte == b'\n') else {
            bail!("its pickle has a name without an end");
        };
        let line = self.take(len)?;
        self.take(1)?;
        match std::str::from_utf8(line) {
            Ok(line) => Ok(line),
            Err(_) => bail!("its pickle has a name that is not UTF-8"),
        }
    }
}
