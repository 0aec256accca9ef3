//! The tensors of a file as the parameters of the network that is built from them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;

use crate::Parameters;
use crate::init::finite;

/// Gives a network the tensors of a file and no others:
/// a configuration cannot ask for more memory than the file has.
#[derive(Clone)]
pub(super) struct Kept {
    source: String,
    parameters: Parameters,
    shapes: HashMap<String, Shape>,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Kept {
    /// The tensors in f32 on `device`.
    ///
    /// # Errors
    /// A number that is not finite.
    pub(super) fn new(
        tensors: &HashMap<String, Tensor>,
        device: &Device,
        source: &str,
    ) -> Result<Self> {
        let parameters = Parameters::new(0, DType::F32, device);
        let mut shapes = HashMap::new();
        for (name, tensor) in tensors {
            let values = finite(tensor, DType::F32, name, source)?.to_device(device)?;
            shapes.insert(name.clone(), values.shape().clone());
            parameters.insert(name.clone(), Var::from_tensor(&values)?);
        }
        Ok(Self {
            source: source.to_owned(),
            parameters,
            shapes,
            asked: Arc::default(),
        })
    }

    pub(super) fn builder(&self) -> VarBuilder<'static> {
        let device = self.parameters.device().clone();
        VarBuilder::from_backend(Box::new(self.clone()), DType::F32, device)
    }

    /// The parameters, once the network is built.
    ///
    /// # Errors
    /// Tensors that the network has not asked for.
    pub(super) fn all_asked_for(self) -> Result<Parameters> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left: Vec<&str> = self
            .shapes
            .keys()
            .filter(|name| !asked.contains(*name))
            .map(String::as_str)
            .collect();
        left.sort_unstable();
        match left.first() {
            Some(first) => bail!(
                "{}: {} tensors are none of the network's, among them {first}; the file is damaged or was written by other code",
                self.source,
                left.len()
            ),
            None => Ok(self.parameters.clone()),
        }
    }
}

impl SimpleBackend for Kept {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        hint: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        match self.shapes.get(name) {
            None => bail!("there is no tensor {name}; the file is damaged"),
            Some(found) if *found != shape => bail!(
                "{name} has shape {:?}, the configuration of the file wants {:?}; the file is damaged",
                found.dims(),
                shape.dims()
            ),
            Some(_) => {}
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name.to_owned());
        self.parameters.get(shape, name, hint, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        self.parameters.get_unchecked(name, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }
}
