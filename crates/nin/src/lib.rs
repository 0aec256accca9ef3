//! The networks of "Network In Network" (Lin, Chen and Yan, 2013) on Candle.
//!
//! A convolution with a ReLU is a generalized linear model of its patch.
//! The paper slides a small multilayer perceptron over the image instead (mlpconv), ends with one map for each class,
//! and averages each of them over space, so that no fully connected layer is left to overfit.
//!
#![doc = include_str!("picture.md")]
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it holds |
//! |:--|:--|
//! | [`mod@mlpconv`] | the per-pixel perceptron: equation 2 |
//! | [`mod@maxout`] | the unit that the paper compares with: equation 3 |
//! | [`maxout_net`] | the maxout networks of the tables |
//! | [`head`] | what turns class maps into logits: global average or fully connected |
//! | [`initialization`] | what the weights start from, and why |
//! | [`config`] | the networks as data: presets, sizes, parameter counts |
//! | [`model`] | the network |
//! | [`local`] | the locally connected layer of the plain network |
//! | [`plain`] | the plain network of the experiment on global average pooling as a regularizer |
//! | [`torch`] | weights of an equivalent PyTorch network |
//!
//! # Tensor names
//! Those of the authors' definition files: `conv1.weight` (C_out, C_in, Kh, Kw), `conv1.bias` (C_out),
//! `cccp1.weight` (C_out, C_in, 1, 1), `cccp1.bias`, `cccp2.weight`, .., then `conv2.weight`, `cccp3.weight`, and so on.
//! The `cccp` layers are counted through all blocks, so the class maps of a CIFAR network are `cccp6`.
//! A fully connected head has `fc.weight` (classes, C * H * W) and `fc.bias`.
//! Files written by [`striate::Parameters::save`] use these names.

pub use striate::{candle_core, candle_nn};

pub mod mlpconv;

pub mod maxout;

pub mod maxout_net;

pub mod head;

pub mod initialization;

pub mod config;

pub mod model;

pub mod local;

pub mod plain;

pub mod torch;

mod pretrained;

/// What error messages call these networks.
pub(crate) const NETWORK: &str = "nin";

pub use config::{BlockConfig, ClassMapActivation, NinConfig, Pool};
pub use head::Head;
pub use initialization::Initialization;
pub use local::LocallyConnected2d;
pub use maxout::{Maxout, maxout};
pub use maxout_net::{MaxoutBlock, MaxoutConfig, MaxoutNet};
pub use mlpconv::{MlpConv, MlpConvConfig, mlpconv};
pub use model::Nin;
pub use plain::{PlainCnn, PlainCnnConfig};
pub use pretrained::{CIFAR10, MNIST, pretrained};
