//! What a network looks at: plain gradient, deconvnet and guided backpropagation
//! (Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2014, Sec. 4).
//!
//! All three send a signal from a chosen unit back to the pixels and differ only in what they do at a ReLU.
//! With the ReLU's output f and the signal R from above,
//!
//! ```text
//! gradient               R * [f > 0]
//! deconvnet              R * [R > 0]
//! guided backpropagation R * [f > 0] * [R > 0]
//! ```
//!
//! They work on every [`Network`] built on `striate`, fused ReLUs included, and on batches.
//! A ReLU that is not `striate`'s cannot follow the rule; it is found in the graph by its values and refused.
//! One that takes no negative value from these images, or gives only zeros, looks like any other op:
//! it is not found, and the signal passes it by its own gradient.
//!
//! Guided pictures are sharp, but sharpness says little about the network:
//! [`cascading_randomization`] measures how much of a picture is left when the weights are noise.
//!
#![doc = include_str!("picture.md")]
//!
#![doc = include_str!("../README.md")]
//!
//! # Items
//!
//! | item | what it is |
//! |:--|:--|
//! | [`Attribution`] | the interface |
//! | [`Gradient`], [`Deconvnet`], [`GuidedBackprop`] | the three methods |
//! | [`Target`] | the unit that the signal starts from |
//! | [`normalized`], [`overlay`] | an attribution as a picture, and over the image |
//! | [`class_maps_over`] | class maps over the image |
//! | [`strongest`], [`strongest_of_each`] | the images of any number of batches, and the places in them, that excite a channel most, or each |
//! | [`cascading_randomization`], [`rank_correlation`] | the sanity check |

pub use striate::{candle_core, candle_nn};

mod class_maps;
mod excitation;
mod foreign;
mod picture;
mod sanity;
mod target;

use candle_core::{Result, Tensor, Var, bail};
use striate::ops::cpu::{checked_len, dense};
use striate::{Network, PoolRule, ReluRule, trace_relus};

pub use class_maps::class_maps_over;
pub use excitation::{Excitation, receptive_field, strongest, strongest_of_each};
pub use picture::{normalized, overlay};
pub use sanity::{Stage, cascading_randomization, rank_correlation};
pub use target::Target;

/// What error messages call the methods.
const NAME: &str = "attribution";

/// A method that tells how much each input value has to do with a unit.
pub trait Attribution {
    /// The signal at the input, (N, C, H, W) like `xs`.
    ///
    /// `xs` has one image a row; each is treated on its own.
    /// The signal starts as 1 at the target's unit and 0 elsewhere.
    ///
    /// # Errors
    /// A layer that the network does not have (the message lists those it has), a channel, position or class
    /// outside its output, a wrong input, a view of more values than memory holds, or a ReLU that is not `striate`'s and shows itself in these images
    /// (the [crate's documentation](crate) says when).
    fn attribute(&self, xs: &Tensor, target: &Target) -> Result<Tensor>;
}

/// The plain gradient (Simonyan et al. 2014): R * \[f > 0\] at every ReLU.
///
/// ```
/// use attribution::{Attribution, Gradient, Target};
/// use attribution::candle_core::{DType, Device, Result, Tensor};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = Config { width: 0.1, ..Config::all_cnn_c() };
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&config, parameters.builder())?;
///     let images = Tensor::rand(0f32, 1f32, (2, 3, 32, 32), &Device::Cpu)?;
///     let signal = Gradient::new(&network).attribute(&images, &Target::class(7))?;
///     assert_eq!(signal.dims(), images.dims());
///     Ok(())
/// }
/// ```
pub struct Gradient<'a> {
    network: &'a dyn Network,
}

/// The deconvnet (Zeiler and Fergus 2014): R * \[R > 0\] at every ReLU.
///
/// Max poolings send the signal to their maxima, so it depends on the image even though no ReLU's input is looked at;
/// [`Deconvnet::without_switches`] does without.
pub struct Deconvnet<'a> {
    network: &'a dyn Network,
    pools: PoolRule,
}

/// Guided backpropagation: R * \[f > 0\] * \[R > 0\] at every ReLU.
///
/// Source: Sec. 4 and Fig. 1 of the paper.
pub struct GuidedBackprop<'a> {
    network: &'a dyn Network,
}

impl<'a> Gradient<'a> {
    /// The method for this network.
    pub fn new(network: &'a dyn Network) -> Self {
        Self { network }
    }
}

impl<'a> Deconvnet<'a> {
    /// The method for this network, with the switches of its max poolings.
    pub fn new(network: &'a dyn Network) -> Self {
        let pools = PoolRule::Switches;
        Self { network, pools }
    }

    /// The same without switches: a max pooling spreads the signal evenly over its window.
    ///
    /// The paper does not say what stands in for the switches; [`PoolRule::Uniform`] is our choice.
    /// A network without pooling has the same deconvnet with and without.
    pub fn without_switches(self) -> Self {
        let pools = PoolRule::Uniform;
        Self { pools, ..self }
    }
}

impl<'a> GuidedBackprop<'a> {
    /// The method for this network.
    pub fn new(network: &'a dyn Network) -> Self {
        Self { network }
    }
}

impl Attribution for Gradient<'_> {
    fn attribute(&self, xs: &Tensor, target: &Target) -> Result<Tensor> {
        attribute(
            self.network,
            xs,
            target,
            ReluRule::Backprop,
            PoolRule::Switches,
        )
    }
}

impl Attribution for Deconvnet<'_> {
    fn attribute(&self, xs: &Tensor, target: &Target) -> Result<Tensor> {
        attribute(self.network, xs, target, ReluRule::Deconvnet, self.pools)
    }
}

impl Attribution for GuidedBackprop<'_> {
    fn attribute(&self, xs: &Tensor, target: &Target) -> Result<Tensor> {
        attribute(
            self.network,
            xs,
            target,
            ReluRule::Guided,
            PoolRule::Switches,
        )
    }
}

fn attribute(
    network: &dyn Network,
    xs: &Tensor,
    target: &Target,
    relus: ReluRule,
    pools: PoolRule,
) -> Result<Tensor> {
    if checked_len(NAME, xs.dims())? == 0 {
        // No images, no signals; Candle does not copy every view without elements.
        return xs.zeros_like();
    }
    // A variable of its own: the caller's tensor may be no variable, or part of another graph.
    let input = Var::from_tensor(&dense(NAME, &xs.detach())?)?;
    let forward = || network.forward_to(&input, target.layer());
    let (output, ours) = trace_relus(|| relus.scope(|| pools.scope(forward)));
    let output = output?;
    if relus != ReluRule::Backprop && foreign::has_foreign_relu(&output, &input, &ours)? {
        return Err(foreign::refusal(network, &input, target.layer(), relus));
    }
    let unit = target.select(&output)?;
    let gradients = unit.sum_all()?.backward()?;
    match gradients.get(&input) {
        Some(signal) => Ok(signal.detach()),
        None => bail!(
            "attribution: {} does not depend on the input; choose a layer after the first one",
            target.layer()
        ),
    }
}

#[cfg(test)]
mod tests;
