//! How new tensors are filled.

use candle_core::{Result, Shape, bail};
use candle_nn::init::{FanInOut, Init, NormalOrUniform};
use serde::{Deserialize, Serialize};

use crate::rng::stream;

/// Shape of the distribution that weights are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Gaussian.
    #[default]
    Normal,
    /// Uniform with the same variance.
    Uniform,
}

/// The number of connections that a Kaiming draw keeps the variance over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fan {
    /// Inputs of one output unit: keeps the variance of the activations.
    #[default]
    In,
    /// Outputs of one input unit: keeps the variance of the gradients.
    Out,
}

/// How a weight tensor is filled at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Initializer {
    /// Standard deviation `sqrt(2 / fan)`, for layers followed by a ReLU (He et al. 2015).
    Kaiming {
        /// Which fan is meant.
        #[serde(default)]
        fan: Fan,
        /// Normal or uniform.
        #[serde(default)]
        distribution: Distribution,
    },
    /// Standard deviation `sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio 2010).
    Xavier {
        /// Normal or uniform.
        #[serde(default)]
        distribution: Distribution,
    },
    /// A Gaussian around 0 with this standard deviation.
    Gaussian {
        /// The standard deviation.
        std: f64,
    },
    /// The same value everywhere.
    Constant(f64),
}

impl Initializer {
    /// Kaiming's normal draw over the fan-in: what convolutions of this crate ask for.
    pub fn kaiming() -> Self {
        Self::Kaiming {
            fan: Fan::In,
            distribution: Distribution::Normal,
        }
    }

    /// Xavier's normal draw.
    pub fn xavier() -> Self {
        Self::Xavier {
            distribution: Distribution::Normal,
        }
    }

    /// The values of the tensor `name` of this shape, in row-major order.
    ///
    /// # Errors
    /// More values than memory holds.
    pub fn draw(&self, seed: u64, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        elements(name, shape)?;
        let fan = |fan: FanInOut| fan.for_shape(&Shape::from(shape)).max(1) as f64;
        let law = match *self {
            Self::Constant(value) => Law::constant(value),
            Self::Gaussian { std } => Law::new(Distribution::Normal, 0.0, std),
            Self::Kaiming {
                fan: side,
                distribution,
            } => {
                let fan = match side {
                    Fan::In => fan(FanInOut::FanIn),
                    Fan::Out => fan(FanInOut::FanOut),
                };
                Law::new(distribution, 0.0, (2.0 / fan).sqrt())
            }
            Self::Xavier { distribution } => {
                let sum = fan(FanInOut::FanIn) + fan(FanInOut::FanOut);
                Law::new(distribution, 0.0, (2.0 / sum).sqrt())
            }
        };
        law.draw(seed, name, shape)
    }
}

/// The number of scalars in a tensor of this shape.
///
/// # Errors
/// A number that no memory holds, for any of the sizes that draws compute: those of 0 count as 1.
pub(super) fn elements(name: &str, shape: &[usize]) -> Result<usize> {
    let largest = shape
        .iter()
        .try_fold(1usize, |n, &len| n.checked_mul(len.max(1)));
    match largest {
        Some(n) if n <= isize::MAX as usize / size_of::<f64>() => Ok(shape.iter().product()),
        _ => bail!("parameters: {name} with shape {shape:?} has more values than memory holds"),
    }
}

/// A distribution with its parameters resolved for one tensor.
pub(super) struct Law {
    distribution: Distribution,
    mean: f64,
    std: f64,
}

impl Law {
    fn new(distribution: Distribution, mean: f64, std: f64) -> Self {
        Self {
            distribution,
            mean,
            std,
        }
    }

    fn constant(value: f64) -> Self {
        Self::new(Distribution::Normal, value, 0.0)
    }

    /// What a Candle layer asks for through its hint.
    pub(super) fn from_hint(hint: &Init, shape: &Shape) -> Self {
        match *hint {
            Init::Const(value) => Self::constant(value),
            Init::Randn { mean, stdev } => Self::new(Distribution::Normal, mean, stdev),
            Init::Uniform { lo, up } => Self::new(
                Distribution::Uniform,
                (lo + up) / 2.0,
                (up - lo) / 12f64.sqrt(),
            ),
            Init::Kaiming {
                dist,
                fan,
                non_linearity,
            } => {
                let distribution = match dist {
                    NormalOrUniform::Normal => Distribution::Normal,
                    NormalOrUniform::Uniform => Distribution::Uniform,
                };
                let fan = fan.for_shape(shape).max(1) as f64;
                Self::new(distribution, 0.0, non_linearity.gain() / fan.sqrt())
            }
        }
    }

    pub(super) fn draw(&self, seed: u64, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        let count = elements(name, shape)?;
        let mut values = Vec::new();
        if values.try_reserve_exact(count).is_err() {
            bail!("parameters: no memory for {name} with shape {shape:?}");
        }
        values.resize(count, self.mean);
        if self.std == 0.0 {
            return Ok(values);
        }
        let mut draws = stream(seed, &format!("init/{name}"), 0);
        for value in &mut values {
            *value += match self.distribution {
                Distribution::Normal => self.std * draws.normal(),
                Distribution::Uniform => self.std * 12f64.sqrt() * (draws.uniform_f64() - 0.5),
            };
        }
        Ok(values)
    }
}
