//! Named parameters and the seeded draws that fill them.
//!
//! [`Parameters`] owns the variables of a model and hands out a Candle `VarBuilder`.
//! The first time a layer asks for a tensor, its values are drawn from the stream `init/<name>`:
//! they depend on the seed, the name and the shape, and not on the order in which layers are built.
//! Candle's own initializers cannot be seeded on the CPU.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;

mod file;
mod initializer;
mod start;
pub mod state_dict;
pub mod torch_file;

pub use file::{LoadReport, Match, write_bytes};
pub(crate) use file::{finite, write_whole};
pub use initializer::{Distribution, Fan, Initializer};

use initializer::{Law, elements};

/// The parameters of a model, by name; clones share the same variables.
///
/// ```
/// use striate::candle_core::{DType, Device, Result};
/// use striate::{init::Parameters, layers};
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let vb = parameters.builder();
///     let _conv = layers::conv2d(3, 8, 3, Default::default(), vb.pp("conv1"))?;
///     let names: Vec<String> = parameters.named().into_iter().map(|(name, _)| name).collect();
///     assert_eq!(names, ["conv1.bias", "conv1.weight"]);
///     assert_eq!(parameters.count(), 8 * 3 * 3 * 3 + 8);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Parameters {
    seed: u64,
    dtype: DType,
    device: Device,
    weights: Option<Initializer>,
    vars: Arc<Mutex<BTreeMap<String, Var>>>,
}

impl Parameters {
    /// An empty set of parameters; layers add to it through [`Parameters::builder`].
    pub fn new(seed: u64, dtype: DType, device: &Device) -> Self {
        Self {
            seed,
            dtype,
            device: device.clone(),
            weights: None,
            vars: Arc::default(),
        }
    }

    /// Draws every tensor of two axes or more that is called `weight` or `*.weight` by `initializer`, whatever its layer asks for.
    ///
    /// A vector of that name is the scale of a normalization, which keeps the value that its layer asks for.
    pub fn with_weights(self, initializer: Initializer) -> Self {
        Self {
            weights: Some(initializer),
            ..self
        }
    }

    /// The seed of the draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The device that the variables live on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A `VarBuilder` that creates a variable on first use and returns the same one afterwards.
    ///
    /// So two layers that are built under one prefix share their tensors, which is how weights are tied;
    /// if they ask for different shapes it is an error.
    /// Give each layer a prefix of its own (`vb.pp("conv1")`, `vb.pp("conv2")`) unless it is to share.
    pub fn builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), self.dtype, self.device.clone())
    }

    /// All variables, sorted by name.
    pub fn named(&self) -> Vec<(String, Var)> {
        let vars = self.lock();
        vars.iter().map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// All variables, sorted by name: what Candle's optimizers take.
    ///
    /// ```
    /// use striate::candle_core::{DType, Device, Result};
    /// use striate::candle_nn::{AdamW, Optimizer, ParamsAdamW};
    /// use striate::{Parameters, layers};
    /// fn main() -> Result<()> {
    ///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    ///     layers::conv2d(3, 8, 3, Default::default(), parameters.builder().pp("conv1"))?;
    ///     let optimizer = AdamW::new(parameters.all_vars(), ParamsAdamW::default())?;
    ///     assert_eq!(optimizer.learning_rate(), 0.001);
    ///     Ok(())
    /// }
    /// ```
    pub fn all_vars(&self) -> Vec<Var> {
        self.lock().values().cloned().collect()
    }

    /// Number of scalars in all parameters; running statistics (`running_mean`, `running_var`) are variables but no parameters.
    pub fn count(&self) -> usize {
        let vars = self.lock();
        let is_statistic = |name: &str| {
            let name = name.rsplit('.').next().unwrap_or(name);
            matches!(name, "running_mean" | "running_var")
        };
        let parameters = vars.iter().filter(|(name, _)| !is_statistic(name));
        parameters.map(|(_, var)| var.elem_count()).sum()
    }

    /// Keeps a variable under a name that a layer will ask for.
    pub(crate) fn insert(&self, name: String, var: Var) {
        self.lock().insert(name, var);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Var>> {
        // The map is only ever extended by complete entries, so a poisoned lock still guards valid data.
        self.vars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters")
            .field("seed", &self.seed)
            .field("names", &self.lock().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl SimpleBackend for Parameters {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        hint: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let mut vars = self.lock();
        if let Some(var) = vars.get(name) {
            if var.shape() != &shape || var.dtype() != dtype {
                bail!(
                    "parameters: {name} exists with shape {:?} and dtype {:?}, but {shape:?} and {dtype:?} were asked for; \
                     two layers share one name, give one of them another prefix",
                    var.shape(),
                    var.dtype()
                );
            }
            return Ok(var.as_tensor().clone());
        }
        elements(name, shape.dims())?;
        let is_weight = (name == "weight" || name.ends_with(".weight")) && shape.rank() > 1;
        let values = match self.weights {
            Some(initializer) if is_weight => initializer.draw(self.seed, name, shape.dims())?,
            _ => Law::from_hint(&hint, &shape).draw(self.seed, name, shape.dims())?,
        };
        let values = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let var = Var::from_tensor(&values.to_dtype(dtype)?.to_device(device)?)?;
        vars.insert(name.to_string(), var.clone());
        Ok(var.as_tensor().clone())
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        match self.lock().get(name) {
            Some(var) => var.as_tensor().to_dtype(dtype)?.to_device(device),
            None => {
                bail!("parameters: {name} does not exist, and its shape is needed to create it")
            }
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

#[cfg(test)]
mod tests;
