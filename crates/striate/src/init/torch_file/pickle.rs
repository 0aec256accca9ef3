//! The part of Python's pickle format that state dicts need.
//!
//! A pickle is a program for a small stack machine.
//! This one builds numbers, texts, tuples, dictionaries and descriptions of tensors; it imports and calls nothing.
//! Every value lies in one list and refers to others by their numbers,
//! so that deep nesting costs no recursion and nothing is ever copied.

mod bytes;
mod torch;
mod value;

use std::collections::HashMap;

use candle_core::{Result, bail};

use bytes::Bytes;

pub(super) use value::{Id, Storage, Value, Values, View};

/// Instructions that one pickle may hold: state dicts need about 40 for each tensor.
const MAX_INSTRUCTIONS: usize = 1 << 19;

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
}
