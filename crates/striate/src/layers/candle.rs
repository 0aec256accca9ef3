//! What candle-nn's users bring along.

use candle_nn::Conv2dConfig;

use crate::ops::Conv2dOptions;

/// Padding, stride, dilation and groups for both axes; the rest is as by default, Candle's choice for cuDNN included.
///
/// ```
/// use striate::Conv2dOptions;
/// use striate::candle_nn::Conv2dConfig;
/// let config = Conv2dConfig { padding: 1, stride: 2, ..Default::default() };
/// assert_eq!(Conv2dOptions::from(config).stride, (2, 2));
/// ```
impl From<Conv2dConfig> for Conv2dOptions {
    fn from(config: Conv2dConfig) -> Self {
        let both = |n: usize| (n, n);
        Self {
            stride: both(config.stride),
            padding: both(config.padding),
            dilation: both(config.dilation),
            groups: config.groups,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Module, Result, Tensor};

    use super::*;
    use crate::init::Parameters;
    use crate::layers;

    /// Our layer and candle-nn's on the same tensors of one builder.
    #[test]
    fn both_layers_agree() -> Result<()> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let vb = parameters.builder();
        let xs: Vec<f32> = (0..4 * 9 * 7).map(|i| (i as f32 * 0.37).sin()).collect();
        let xs = Tensor::from_vec(xs, (1, 4, 9, 7), &Device::Cpu)?;
        for (padding, stride, dilation, groups) in [(0, 1, 1, 1), (2, 2, 1, 2), (1, 1, 2, 4)] {
            let config = Conv2dConfig {
                padding,
                stride,
                dilation,
                groups,
                ..Default::default()
            };
            let vb = vb.pp(format!("groups{groups}"));
            let ours = layers::conv2d(4, 8, 3, config.into(), vb.clone())?.forward(&xs)?;
            let candles = candle_nn::conv2d(4, 8, 3, config, vb)?.forward(&xs)?;
            let difference = (ours - candles)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(difference < 1e-5, "{config:?}: {difference}");
        }
        Ok(())
    }
}
