//! The networks of "Striving for Simplicity: The All Convolutional Net" (Springenberg et al., 2014) on Candle.
//!
//! The paper asks what pooling is good for: it takes three small networks,
//! replaces each max pooling by a convolution with stride 2, and finds that nothing is lost.
//!
#![doc = include_str!("picture.md")]
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it holds |
//! |:--|:--|
//! | [`architecture`] | the twelve CIFAR networks by name |
//! | [`layer`] | layer lists as data: sizes and parameter counts without a network |
//! | [`config`] | the CIFAR networks of Tables 1 and 2 |
//! | [`large`] | the large network of the heavy augmentation experiment |
//! | [`imagenet`] | All-CNN-B for ImageNet |
//! | [`model`] | the network |
//! | [`attribution`] | guided backpropagation, deconvnet and plain gradient |
//! | [`torch`] | weights of an equivalent PyTorch network |
//!
//! # Tensor names
//! `conv1.weight` (C_out, C_in, Kh, Kw), `conv1.bias` (C_out), `conv2.weight`, .., numbered in forward order.
//! The convolutions that replace a pooling count like all others: All-CNN-C has `conv1` to `conv9`.
//! Files written by [`striate::Parameters::save`] use these names.

/// What a network looks at: the crate `attribution`.
pub use attribution;
pub use striate::{candle_core, candle_nn};

pub mod architecture;

pub mod layer;

mod builder;

pub mod config;

pub mod large;

pub mod imagenet;

pub mod model;

pub mod torch;

mod pretrained;

pub use architecture::{Architecture, BaseModel, UnknownArchitecture, Variant};
pub use config::{ClassMapActivation, Config, HeadPadding};
pub use imagenet::ImageNetConfig;
pub use large::LargeConfig;
pub use layer::{LayerSpec, Nonlinearity};
pub use model::AllConv;
pub use pretrained::{CIFAR10, CIFAR10_C, pretrained};
