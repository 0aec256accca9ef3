//! Fixtures: tensors computed elsewhere, with the parameters that made them.
//!
//! A group is a pair of files, `GROUP.json` with the cases and their parameters, and `GROUP.safetensors`
//! where tensor `K` of case `NAME` is stored as `NAME.K`.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Error, Result, Tensor, bail};
use serde_json::Value;

/// One case of a group.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    parameters: Value,
    tensors: HashMap<String, Tensor>,
}

/// The cases of `GROUP` in `folder`; `None` if the folder does not have the group.
///
/// # Errors
/// Only one of the two files exists, or one cannot be read.
pub fn group(folder: &Path, group: &str) -> Result<Option<Vec<Case>>> {
    let (json, tensors) = (
        folder.join(format!("{group}.json")),
        folder.join(format!("{group}.safetensors")),
    );
    if !json.exists() && !tensors.exists() {
        return Ok(None);
    }
    let message =
        |error: &dyn std::fmt::Display| Error::Msg(format!("{}: {error}", json.display()));
    let text = std::fs::read_to_string(&json).map_err(|error| message(&error))?;
    let parsed: Value = serde_json::from_str(&text).map_err(|error| message(&error))?;
    let Some(cases) = parsed["cases"].as_array() else {
        bail!("{}: there is no list `cases`", json.display());
    };
    let mut by_case: HashMap<String, HashMap<String, Tensor>> = HashMap::new();
    for (name, tensor) in candle_core::safetensors::load(&tensors, &Device::Cpu)
        .map_err(|error| Error::Msg(format!("{}: {error}", tensors.display())))?
    {
        if let Some((case, key)) = name.split_once('.') {
            by_case
                .entry(case.into())
                .or_default()
                .insert(key.into(), tensor);
        }
    }
    let read = |parameters: &Value| {
        let Some(name) = parameters["name"].as_str() else {
            bail!("{}: a case has no name", json.display());
        };
        Ok(Case {
            name: format!("{group}/{name}"),
            parameters: parameters.clone(),
            tensors: by_case.remove(name).unwrap_or_default(),
        })
    };
    cases.iter().map(read).collect::<Result<_>>().map(Some)
}

impl Case {
    /// The tensor `key`, if the case has it.
    pub fn get(&self, key: &str) -> Option<&Tensor> {
        self.tensors.get(key)
    }

    /// The tensor `key`.
    ///
    /// # Errors
    /// The case does not have it.
    pub fn tensor(&self, key: &str) -> Result<&Tensor> {
        let found = self.get(key);
        found.ok_or_else(|| self.error(&format!("there is no tensor {key}")))
    }

    /// The parameter `key` as (height, width): one number means both; `default` where it is missing.
    ///
    /// # Errors
    /// Something else than one or two whole numbers.
    pub fn pair(&self, key: &str, default: usize) -> Result<(usize, usize)> {
        let whole = |value: &Value| value.as_u64().map(|n| n as usize);
        let value = &self.parameters[key];
        let found = match value {
            Value::Null => Some((default, default)),
            Value::Array(pair) if pair.len() == 2 => whole(&pair[0]).zip(whole(&pair[1])),
            Value::Array(one) if one.len() == 1 => whole(&one[0]).map(|n| (n, n)),
            value => whole(value).map(|n| (n, n)),
        };
        found.ok_or_else(|| self.error(&format!("{key} is {value}, not one number or [h, w]")))
    }

    /// The parameter `key` as a whole number; `default` where it is missing.
    ///
    /// # Errors
    /// Something else than a whole number.
    pub fn whole(&self, key: &str, default: usize) -> Result<usize> {
        match &self.parameters[key] {
            Value::Null => Ok(default),
            value => match value.as_u64() {
                Some(n) => Ok(n as usize),
                None => Err(self.error(&format!("{key} is {value}, not a whole number"))),
            },
        }
    }

    /// The parameter `key` as a number; `default` where it is missing.
    ///
    /// # Errors
    /// Something else than a number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64> {
        match &self.parameters[key] {
            Value::Null => Ok(default),
            value => match value.as_f64() {
                Some(n) => Ok(n),
                None => Err(self.error(&format!("{key} is {value}, not a number"))),
            },
        }
    }

    /// The parameter `key` as a text; `default` where it is missing.
    ///
    /// # Errors
    /// Something else than a text.
    pub fn text<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        match &self.parameters[key] {
            Value::Null => Ok(default),
            value => match value.as_str() {
                Some(text) => Ok(text),
                None => Err(self.error(&format!("{key} is {value}, not a text"))),
            },
        }
    }

    /// The parameter `key` as a flag; false where it is missing.
    ///
    /// # Errors
    /// Something else than true or false.
    pub fn flag(&self, key: &str) -> Result<bool> {
        match &self.parameters[key] {
            Value::Null => Ok(false),
            value => match value.as_bool() {
                Some(flag) => Ok(flag),
                None => Err(self.error(&format!("{key} is {value}, not true or false"))),
            },
        }
    }

    fn error(&self, what: &str) -> Error {
        Error::Msg(format!("{}: {what}", self.name))
    }
}
