//! The spatial transformer module: localisation net, grid generator and sampler in one layer (Figure 2 of the paper).

mod localisation;
mod parallel;
mod regression;
mod spatial_transformer;

pub use localisation::{
    ConvLocalisation, ConvLocalisationConfig, ConvStage, FcLocalisation, LocalisationNet, Pool,
};
pub use parallel::ParallelTransformers;
pub use spatial_transformer::{SpatialTransformer, Transformed, scale_gradient};

#[cfg(test)]
mod tests;
