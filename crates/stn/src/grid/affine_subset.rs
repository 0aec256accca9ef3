//! Affine transformations with fewer parameters; each matrix is affine in its parameters, so its gradient is continuous.

use candle_core::{Result, Tensor};

use super::SamplingGrid;
use super::affine::AffineGrid;
use super::generator::{GridGenerator, rows};
use super::linear::{Constant, in_float};
use crate::options::AlignCorners;

/// A family of affine matrices: theta_affine = theta * map + offset.
#[derive(Clone, Debug)]
struct Subset {
    name: &'static str,
    affine: AffineGrid,
    map: Constant,
    offset: Constant,
    identity: Vec<f64>,
}

impl Subset {
    fn new(
        name: &'static str,
        affine: AffineGrid,
        map: &[[f64; 6]],
        offset: [f64; 6],
        identity: Vec<f64>,
    ) -> Result<Self> {
        Ok(Self {
            name,
            affine,
            map: Constant::new(map.concat(), (map.len(), 6))?,
            offset: Constant::new(offset.to_vec(), (1, 6))?,
            identity,
        })
    }

    /// theta (N, P) to affine parameters (N, 2, 3).
    fn affine(&self, theta: &Tensor) -> Result<Tensor> {
        let theta = rows(self.name, theta, &[self.identity.len()])?;
        let matrix = in_float(&theta, |theta| {
            let linear = theta.matmul(&self.map.like(theta)?)?;
            linear.broadcast_add(&self.offset.like(theta)?)
        })?;
        matrix.reshape((theta.dim(0)?, 2, 3))
    }
}

macro_rules! subset {
    ($(#[$doc:meta])* $name:ident, $op:literal, $map:expr, $offset:expr, $identity:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            subset: Subset,
        }

        impl $name {
            /// A generator for outputs of `size`, (height, width).
            ///
            /// # Errors
            /// A size without pixels, or with 2^29 or more.
            pub fn new(size: (usize, usize), align_corners: AlignCorners) -> Result<Self> {
                let affine = AffineGrid::new(size, align_corners)?;
                let subset = Subset::new($op, affine, &$map, $offset, $identity.to_vec())?;
                Ok(Self { subset })
            }

            /// The affine parameters, (N, 2, 3), of `theta`.
            ///
            /// # Errors
            /// Another number of parameters, an integer dtype.
            pub fn affine(&self, theta: &Tensor) -> Result<Tensor> {
                self.subset.affine(theta)
            }
        }

        impl GridGenerator for $name {
            fn parameter_count(&self) -> usize {
                self.subset.identity.len()
            }

            fn identity(&self) -> Vec<f64> {
                self.subset.identity.clone()
            }

            fn size(&self) -> (usize, usize) {
                self.subset.affine.size()
            }

            fn align_corners(&self) -> AlignCorners {
                self.subset.affine.align_corners()
            }

            fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
                self.subset.affine.grid(&self.affine(theta)?)
            }

            fn transform_points(&self, theta: &Tensor, points: &Tensor) -> Result<Tensor> {
                self.subset.affine.transform_points(&self.affine(theta)?, points)
            }

            fn inverse_grid(&self, theta: &Tensor, size: (usize, usize)) -> Result<SamplingGrid> {
                self.subset.affine.inverse_grid(&self.affine(theta)?, size)
            }
        }
    };
}

subset! {
    /// Three parameters (s, tx, ty): an attention window of the input's proportions.
    ///
    /// `x_s = s x_t + tx, y_s = s y_t + ty`.
    ///
    /// # Shapes
    /// theta (N, 3) to coordinates (N, H, W, 2).
    ///
    /// # Convention
    /// As [`AffineGrid`]; s below 1 magnifies, and (tx, ty) is the center of the window in the input.
    ///
    /// # Source
    /// Jaderberg et al. 2015, equation 2.
    ///
    /// ```
    /// use stn::candle_core::{Device, Result, Tensor};
    /// use stn::{AlignCorners, AttentionGrid, GridGenerator};
    /// fn main() -> Result<()> {
    ///     let generator = AttentionGrid::new((1, 3), AlignCorners::Yes)?;
    ///     let left_half = Tensor::new(&[[0.5f32, -0.5, 0.0]], &Device::Cpu)?;
    ///     let x = generator.grid(&left_half)?.coords.narrow(3, 0, 1)?.flatten_all()?;
    ///     assert_eq!(x.to_vec1::<f32>()?, [-1.0, -0.5, 0.0]);
    ///     Ok(())
    /// }
    /// ```
    AttentionGrid,
    "attention grid",
    [
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    [0.0; 6],
    [1.0, 0.0, 0.0]
}

subset! {
    /// Four parameters (a, b, tx, ty): rotation, isotropic scale and translation.
    ///
    /// `x_s = a x_t - b y_t + tx, y_s = b x_t + a y_t + ty`, where a = s cos(angle) and b = s sin(angle).
    ///
    /// # Shapes
    /// theta (N, 4) to coordinates (N, H, W, 2).
    ///
    /// # Convention
    /// As [`AffineGrid`]; angles are those of normalized coordinates, so a map should be square for a rotation to keep shapes.
    /// A positive angle rotates the sampled region from x towards y, clockwise where y points down.
    ///
    /// ```
    /// use stn::candle_core::{Device, Result, Tensor};
    /// use stn::{AlignCorners, GridGenerator, SimilarityGrid};
    /// fn main() -> Result<()> {
    ///     let generator = SimilarityGrid::new((1, 3), AlignCorners::Yes)?;
    ///     let quarter_turn = Tensor::new(&[[0f32, 1.0, 0.0, 0.0]], &Device::Cpu)?;
    ///     let y = generator.grid(&quarter_turn)?.coords.narrow(3, 1, 1)?.flatten_all()?;
    ///     assert_eq!(y.to_vec1::<f32>()?, [-1.0, 0.0, 1.0]);
    ///     Ok(())
    /// }
    /// ```
    SimilarityGrid,
    "similarity grid",
    [
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, -1.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    [0.0; 6],
    [1.0, 0.0, 0.0, 0.0]
}

subset! {
    /// Two parameters (tx, ty): a shift.
    ///
    /// `x_s = x_t + tx, y_s = y_t + ty`.
    ///
    /// # Shapes
    /// theta (N, 2) to coordinates (N, H, W, 2).
    ///
    /// # Convention
    /// As [`AffineGrid`]; a positive tx reads further right, so the picture moves left.
    ///
    /// ```
    /// use stn::candle_core::{Device, Result, Tensor};
    /// use stn::{AlignCorners, GridGenerator, TranslationGrid};
    /// fn main() -> Result<()> {
    ///     let generator = TranslationGrid::new((1, 3), AlignCorners::Yes)?;
    ///     let right = Tensor::new(&[[1f32, 0.0]], &Device::Cpu)?;
    ///     let x = generator.grid(&right)?.coords.narrow(3, 0, 1)?.flatten_all()?;
    ///     assert_eq!(x.to_vec1::<f32>()?, [0.0, 1.0, 2.0]);
    ///     Ok(())
    /// }
    /// ```
    TranslationGrid,
    "translation grid",
    [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]],
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0]
}
