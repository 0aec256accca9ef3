//! Every crate held to fixtures of PyTorch and others, and to the others of this workspace.
//!
//! One program, since each would link the tensors and all crates anew.

mod fixtures;

mod architectures;
mod attribution;
mod fixtures_of_ops;
mod fixtures_of_stn;
mod looking_at_every_model;
mod models;
mod preprocess;
mod sgd;
