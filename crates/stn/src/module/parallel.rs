//! Several transformers in parallel, for several objects or parts.

use candle_core::{Result, Tensor, bail};
use candle_nn::Module;

use super::{LocalisationNet, SpatialTransformer, Transformed};
use crate::grid::GridGenerator;

/// Transformers that all read the same maps; their outputs are stacked along the channels.
///
/// The number of transformers bounds the number of objects that the network can attend to at once.
///
/// # Shapes
/// (N, C, H, W) to (N, K C, H_out, W_out) for K transformers.
///
/// # Source
/// Jaderberg et al. 2015, section 3.4; appendix A.1 uses two.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::candle_nn::Module;
/// use stn::{AlignCorners, AttentionGrid, FcLocalisation, GridGenerator, ParallelTransformers, SpatialTransformer};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let branch = |name: &str| -> Result<_> {
///         let generator = AttentionGrid::new((4, 4), AlignCorners::Yes)?;
///         let net = FcLocalisation::new(2 * 64, &[8], &generator.identity(), vb.pp(name))?;
///         SpatialTransformer::new(net, generator)
///     };
///     let pair = ParallelTransformers::new(vec![branch("st1")?, branch("st2")?])?;
///     let ys = pair.forward(&Tensor::ones((3, 2, 8, 8), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(ys.dims(), [3, 4, 4, 4]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ParallelTransformers<L, G> {
    branches: Vec<SpatialTransformer<L, G>>,
}

impl<L: LocalisationNet, G: GridGenerator> ParallelTransformers<L, G> {
    /// Transformers with outputs of one size.
    ///
    /// # Errors
    /// No transformers, or outputs of different sizes.
    pub fn new(branches: Vec<SpatialTransformer<L, G>>) -> Result<Self> {
        let sizes: Vec<_> = branches
            .iter()
            .map(|branch| branch.generator().size())
            .collect();
        match sizes.first() {
            None => bail!("parallel transformers: none were given; at least 1 is needed"),
            Some(first) if sizes.iter().any(|size| size != first) => {
                bail!("parallel transformers: the outputs have sizes {sizes:?}; all must be equal")
            }
            Some(_) => Ok(Self { branches }),
        }
    }

    /// The transformers.
    pub fn branches(&self) -> &[SpatialTransformer<L, G>] {
        &self.branches
    }

    /// The result of each transformer.
    ///
    /// # Errors
    /// Those of the transformers.
    pub fn transform(&self, xs: &Tensor) -> Result<Vec<Transformed>> {
        self.branches
            .iter()
            .map(|branch| branch.transform(xs))
            .collect()
    }
}

impl<L: LocalisationNet, G: GridGenerator> Module for ParallelTransformers<L, G> {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let outputs: Vec<Tensor> = self.transform(xs)?.into_iter().map(|t| t.output).collect();
        Tensor::cat(&outputs, 1)
    }
}
