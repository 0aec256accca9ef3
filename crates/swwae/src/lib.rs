//! "Stacked What-Where Auto-encoders" (Zhao, Mathieu, Goroshin and LeCun, 2015) on Candle.
//!
//! A pooling keeps what it found and throws away where.
//! Here every pooling of a convolutional network gives both: what goes up to the next layer,
//! where goes sideways to the mirrored layer of a decoder, which puts what back in its place.
//! One objective serves supervised, unsupervised and semi-supervised training:
//!
//! ```text
//! L = L_NLL + lambda_L2rec L_L2rec + lambda_L2M L_L2M
//! ```
//!
#![doc = include_str!("picture.md")]
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it holds |
//! |:--|:--|
//! | [`what_where`] | hard pooling and unpooling: a value and its switch |
//! | [`soft`] | the differentiable pair: a mean and a position, weighted by softmax(beta z) |
//! | [`upsample`] | decoders without where: copies and fixed positions |
//! | [`architecture`] | the paper's notation, `(64)5c-2p-(64)3c-10fc`, read and written |
//! | [`config`] | the networks as data: presets, sizes, parameter counts |
//! | [`encoder`] | the convolutional part: convolutions, and poolings that keep where |
//! | [`decoder`] | the Deconvnet: its mirror |
//! | [`convnet`] | encoder and classifier without a decoder: what the paper compares with |
//! | [`model`] | all together |
//! | [`loss`] | the three terms, their weights, and the three modes |
//! | [`walk`] | decoding the what of one image with the where of another |
//!
//! # Tensor names
//! `encoder.conv1.weight` (C_out, C_in, K, K), `encoder.conv1.bias`, ..;
//! `classifier.fc1.weight` (units, inputs), `classifier.fc1.bias`, ..;
//! `decoder.conv1.weight`, .., where `decoder.conv1` mirrors `encoder.conv1` and so is the last layer of the decoder;
//! with tied weights the decoder has only `decoder.conv1.bias`, ..;
//! a decoder that starts from the logits has `decoder.fc1.weight`, `decoder.fc1.bias`, ..
//! Files written by [`striate::Parameters::save`] use these names.
//!
//! # What is ours
//! The paper leaves much unsaid, and no full text was at hand: `docs/papers/swwae.md` of the project lists every choice.

pub use striate::{candle_core, candle_nn};

pub mod what_where;

mod kernels;

pub mod soft;

pub mod upsample;

pub mod architecture;

pub mod config;

pub mod encoder;

mod classifier;

pub mod convnet;

pub mod decoder;

pub mod model;

pub mod loss;

pub mod walk;

mod pretrained;

pub use architecture::{Architecture, Layer, ParseArchitectureError};
pub use config::{DecoderInput, DecoderWeights, Pooling, SwwaeConfig, Unpooling};
pub use convnet::Convnet;
pub use decoder::{Decoder, Decoding};
pub use encoder::{Encoder, Encoding, Level, Place};
pub use loss::{EncoderSide, Labels, LossWeights, Mode, SwwaeLoss};
pub use model::{Pass, Swwae};
pub use pretrained::{ConvnetConfig, MNIST, pretrained};
pub use soft::{SoftWhatWhere, soft_pool2d, soft_unpool2d};
pub use what_where::{WhatWhere, side_by_side};
