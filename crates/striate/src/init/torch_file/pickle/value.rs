//! What a pickle can build here: numbered values that refer to each other by their numbers.

use candle_core::DType;

/// The number of a value.
pub(crate) type Id = u32;

/// What a pickle can build here.
#[derive(Debug)]
pub(crate) enum Value {
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
pub(crate) struct Storage {
    pub(crate) dtype: DType,
    /// A text: the name of the numbers' entry in the archive.
    pub(crate) key: Id,
    /// How many numbers there are.
    pub(crate) len: usize,
}

/// A tensor: some of the numbers of a storage.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) storage: Id,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// The values of a pickle, and which of them is its result.
#[derive(Debug)]
pub(crate) struct Values {
    pub(super) all: Vec<Value>,
    pub(crate) result: Id,
}

impl Values {
    pub(crate) fn get(&self, id: Id) -> &Value {
        // Ids are made by `Machine::create` alone, and values are never removed.
        &self.all[id as usize]
    }

    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}
