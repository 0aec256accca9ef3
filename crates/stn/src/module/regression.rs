//! The end of every localisation net: fully connected layers, and the regression of theta.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::ZERO;
use candle_nn::{Module, VarBuilder};
use striate::relu;

use crate::dense::dense;
use crate::host;
use crate::size::check_weight;

/// Fully connected layers with ReLU and the regression layer.
#[derive(Clone, Debug)]
pub(super) struct Regression {
    name: String,
    hidden: Vec<candle_nn::Linear>,
    projection: Tensor,
    offset: Tensor,
    identity: Tensor,
}

impl Regression {
    pub(super) fn new(
        inputs: usize,
        hidden: &[usize],
        identity: &[f64],
        vb: VarBuilder,
    ) -> Result<Self> {
        let name = match vb.prefix().as_str() {
            "" => "localisation".to_string(),
            prefix => format!("localisation {prefix}"),
        };
        if inputs == 0 || identity.is_empty() || hidden.contains(&0) {
            bail!(
                "{name}: {inputs} inputs, hidden layers {hidden:?} and {} parameters; all must be at least 1",
                identity.len()
            );
        }
        let mut width = inputs;
        let mut layers = Vec::with_capacity(hidden.len());
        for (at, &units) in hidden.iter().enumerate() {
            let vb = vb.pp(format!("fc{}", at + 1));
            layers.push(dense(width, units, vb)?);
            width = units;
        }
        let vb = vb.pp("theta");
        check_weight(&vb.prefix(), identity.len(), &[width])?;
        // Not called `weight`, so that no initializer of weights undoes the identity start.
        let projection = vb.get_with_hints((identity.len(), width), "projection", ZERO)?;
        Ok(Self {
            name,
            hidden: layers,
            identity: host::tensor(identity.to_vec(), (1, identity.len()), &projection)?,
            projection,
            offset: vb.get_with_hints(identity.len(), "offset", ZERO)?,
        })
    }

    fn inputs(&self) -> Result<usize> {
        match self.hidden.first() {
            Some(layer) => layer.weight().dim(1),
            None => self.projection.dim(1),
        }
    }

    pub(super) fn parameter_count(&self) -> usize {
        self.identity.elem_count()
    }

    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = xs.flatten_from(1)?;
        let (found, inputs) = (xs.dim(1)?, self.inputs()?);
        if found != inputs {
            bail!(
                "{}: an image has {found} values, the net takes {inputs}; make it for this size of feature map",
                self.name
            );
        }
        let mut xs = xs;
        for layer in &self.hidden {
            xs = relu(&layer.forward(&xs)?)?;
        }
        let theta = candle_nn::Linear::new(self.projection.clone(), Some(self.offset.clone()));
        theta.forward(&xs)?.broadcast_add(&self.identity)
    }
}
