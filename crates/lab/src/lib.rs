//! The laboratory: data, training and reports for experiments with convolutional networks.
//!
//! It knows no paper.
//! Modules in reading order: [`data`] turns files into batches.

pub mod data;
