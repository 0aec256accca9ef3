//! Spatial Transformer Networks (Jaderberg et al., 2015) on Candle: sampling grids, sampler, module, networks.
//!
//! A spatial transformer looks at a feature map, predicts a transformation, and resamples the whole map with it.
//! It is differentiable, so a network learns to crop, rotate or straighten its input from the loss of its task alone.
//!
#![doc = include_str!("picture.md")]
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it holds |
//! |:--|:--|
//! | [`options`] | the conventions: corners, interpolation, padding |
//! | [`mod@reference`] | the sampler in plain loops: equation 3 as printed, which the tests compare the kernels with |
//! | [`kernels`] | fast CPU code on slices; the only unsafe code |
//! | [`grid`] | [`SamplingGrid`] and the generators that make one from parameters |
//! | [`sample`] | the sampler: `grid_sample` and its relatives |
//! | [`module`] | localisation nets and the spatial transformer |
//! | [`networks`] | the networks of the experiments |
//!
//! # Convention
//! Maps are (N, C, H, W), sizes are (height, width), coordinates are (x, y) with x along the width.
//! A coordinate of -1 or +1 means what the grid's [`AlignCorners`] says: the center of a corner pixel or its outer edge.
//! A transformation maps points of the output to points of the input.
//!
//! ```
//! use stn::candle_core::{DType, Device, Result, Tensor};
//! use stn::{AffineGrid, AlignCorners, GridGenerator, GridSampleOptions, grid_sample};
//! fn main() -> Result<()> {
//!     let xs = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
//!     // Mirrors the map: left becomes right.
//!     let theta = Tensor::new(&[[[-1f32, 0.0, 0.0], [0.0, 1.0, 0.0]]], &Device::Cpu)?;
//!     let grid = AffineGrid::new((3, 3), AlignCorners::Yes)?.grid(&theta)?;
//!     let ys = grid_sample(&xs, &grid, &GridSampleOptions::default())?;
//!     assert_eq!(ys.to_dtype(DType::U8)?.flatten_all()?.to_vec1::<u8>()?, [2, 1, 0, 5, 4, 3, 8, 7, 6]);
//!     Ok(())
//! }
//! ```

pub use striate::{candle_core, candle_nn};

pub mod options;

pub mod reference;

pub mod kernels;

pub mod grid;

pub mod sample;

pub mod module;

pub mod networks;

mod dense;
mod host;
mod size;

pub use grid::{
    AffineGrid, AffineGrid3d, AttentionGrid, GridGenerator, ProjectiveGrid, SamplingGrid,
    SimilarityGrid, ThinPlateSplineGrid, TranslationGrid,
};
pub use module::{
    ConvLocalisation, ConvLocalisationConfig, FcLocalisation, LocalisationNet,
    ParallelTransformers, SpatialTransformer, Transformed, scale_gradient,
};
pub use networks::pretrained;
pub use options::{AlignCorners, GridSampleOptions, Interpolation, PaddingMode};
pub use sample::{GridSampler, SeparableKernel, grid_sample, grid_sample_3d, grid_sample_with};
