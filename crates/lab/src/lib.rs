//! The laboratory: data, training and reports for experiments with convolutional networks.
//!
//! It knows no paper.
//! Modules in reading order: [`data`] turns files into batches, [`train`] turns batches into a trained network,
//! [`report`] turns logs into tables, figures and a page.

pub mod data;

pub mod train;

pub mod report;

pub mod atomic;

mod regular;
