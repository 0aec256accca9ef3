//! Readers, one a format. Each returns an [`ImageSet`](super::ImageSet) whose pixels are as in the file.
//!
//! A reader gets a [`Request`], which holds all that is known of the set, and allocates no more than
//! [`memory`] allows for the size of its files.

pub(crate) mod birds;
pub(crate) mod cifar;
mod contain;
mod decode;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod idx;
mod jpeg;
mod jpeg_coded;
mod jpeg_markers;
mod listed;
pub(crate) mod memory;
pub(crate) mod parquet;
mod photograph;
mod png;
mod request;
pub(crate) mod stl10;

pub(crate) use contain::contain;
pub(crate) use listed::Listed;
pub(crate) use photograph::photograph;
pub(crate) use request::Request;
