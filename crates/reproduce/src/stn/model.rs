//! The digit networks of the crate `stn` as models to train, and networks of equal size.

use anyhow::Result;
use candle_core::{DType, Device, Result as CandleResult};
use stn::ConvLocalisationConfig;
use stn::networks::{Body, DigitConfig, DigitNet};
use striate::{Network, Parameters};

use crate::training::Model;

impl Model for DigitConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(DigitNet::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        let inputs = self.in_channels * self.transformers.max(1);
        let transformers = self.transformers as f64 * localisation(self);
        transformers
            + classifier(
                self.body,
                inputs,
                self.side / self.pool.max(1),
                self.classes,
            )
    }
}

/// Multiplications of the classifier of images of `side` x `side`.
pub(super) fn classifier(body: Body, channels: usize, side: usize, classes: usize) -> f64 {
    let product = |numbers: &[usize]| numbers.iter().map(|&n| n as f64).product::<f64>();
    match body {
        Body::Fcn { hidden } => {
            product(&[channels, side, side, hidden]) + product(&[hidden, hidden + classes])
        }
        Body::Cnn { filters } => {
            let first = side.saturating_sub(8);
            let second = (first / 2).saturating_sub(6);
            let last = second / 2;
            product(&[first, first, 81, channels, filters])
                + product(&[second, second, 49, filters, filters])
                + product(&[last, last, filters, classes])
        }
    }
}

/// Multiplications of a localisation net; what follows its first two layers hardly counts.
fn localisation(config: &DigitConfig) -> f64 {
    let (channels, side) = (config.in_channels, config.side);
    match config.body {
        Body::Fcn { .. } => (channels * side * side * 32) as f64,
        Body::Cnn { .. } => convolutions(&ConvLocalisationConfig::mnist(channels, (side, side))),
    }
}

/// Multiplications of the convolutions of a localisation net.
pub(super) fn convolutions(config: &ConvLocalisationConfig) -> f64 {
    let mut channels = config.in_channels;
    let mut side = config.size.0 / config.downsample.max(1);
    let mut sum = 0.0;
    for stage in &config.stages {
        side = (side + 2 * stage.padding).saturating_sub(stage.kernel) / stage.stride.max(1) + 1;
        sum += (side * side * stage.kernel * stage.kernel * channels * stage.filters) as f64;
        channels = stage.filters;
        side /= match stage.pool {
            stn::module::Pool::Max2 => 2,
            stn::module::Pool::None => 1,
        };
    }
    sum
}

/// Number of trained numbers of a network.
pub(super) fn parameters(config: &DigitConfig) -> CandleResult<usize> {
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    DigitNet::new(config, parameters.builder())?;
    Ok(parameters.count())
}

/// The network with its classifier as wide as gives it closest to `budget` parameters, at least one unit or filter.
///
/// The classifier has a w^2 + b w + c parameters at width w, so three small networks tell everything.
pub(super) fn sized(config: &DigitConfig, budget: usize) -> CandleResult<DigitConfig> {
    let with = |width: usize| DigitConfig {
        body: match config.body {
            Body::Fcn { .. } => Body::Fcn { hidden: width },
            Body::Cnn { .. } => Body::Cnn { filters: width },
        },
        ..config.clone()
    };
    let count = |width: usize| Ok::<_, candle_core::Error>(parameters(&with(width))? as f64);
    let [one, two, three] = [count(1)?, count(2)?, count(3)?];
    let square = (three - 2.0 * two + one) / 2.0;
    let linear = two - one - 3.0 * square;
    let constant = one - linear - square;
    let at = |width: usize| (square * width as f64 + linear) * width as f64 + constant;
    let missing = |width: &usize| (at(*width) - budget as f64).abs();
    let widths = 1..=1024usize;
    let best = widths.min_by(|a, b| missing(a).total_cmp(&missing(b)));
    Ok(with(best.unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stn::networks::Transform;

    #[test]
    fn networks_of_equal_size() -> CandleResult<()> {
        let budget = parameters(&DigitConfig::cnn(42))?;
        assert_eq!(budget, 222_026);
        assert_eq!(sized(&DigitConfig::cnn(42), budget)?, DigitConfig::cnn(42));
        for config in [
            DigitConfig::fcn(42),
            DigitConfig::st_fcn(42, Transform::Tps).pooled(),
            DigitConfig::st_cnn(42, Transform::Affine),
        ] {
            let sized = sized(&config, budget)?;
            let share = parameters(&sized)? as f64 / budget as f64;
            assert!((0.97..1.03).contains(&share), "{sized:?}: {share}");
        }
        // Too small a budget: the localisation net alone is larger.
        let least = sized(&DigitConfig::st_fcn(42, Transform::Affine), 10)?;
        assert_eq!(least.body, Body::Fcn { hidden: 1 });
        Ok(())
    }

    #[test]
    fn multiplications_of_known_layers() {
        // 34x34 places of 9x9 kernels, then 11x11 of 7x7, then 25 cells to 10 classes.
        let wanted = 34.0 * 34.0 * 81.0 * 2.0 + 121.0 * 49.0 * 4.0 + 25.0 * 2.0 * 10.0;
        assert_eq!(classifier(Body::Cnn { filters: 2 }, 1, 42, 10), wanted);
        // 17x17 places of 5x5 kernels on half the size, pooled to 8x8, then 4x4 places.
        let net = ConvLocalisationConfig::mnist(1, (42, 42));
        let wanted = 289.0 * 25.0 * 20.0 + 16.0 * 25.0 * 400.0;
        assert_eq!(convolutions(&net), wanted);
        let st = DigitConfig::st_cnn(42, Transform::Affine);
        assert!(st.multiplications() - DigitConfig::cnn(42).multiplications() == wanted);
    }
}
