//! Networks of equal size: a classifier as wide as gives its network a wanted number of parameters.

use candle_core::{DType, Device, Result};
use stn::networks::{Body, DigitConfig, DigitNet};
use striate::{Initializer, Parameters};

/// Number of scalars of a network.
pub(super) fn parameters(config: &DigitConfig) -> Result<usize> {
    // Nothing is drawn for weights that are only counted.
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let parameters = parameters.with_weights(Initializer::Constant(0.0));
    DigitNet::new(config, parameters.builder())?;
    Ok(parameters.count())
}

/// The network with its classifier as wide as gives it closest to `budget` parameters, at least one unit or filter.
///
/// The classifier has a w^2 + b w + c parameters at width w, so three small networks tell everything.
pub(super) fn sized(config: &DigitConfig, budget: usize) -> Result<DigitConfig> {
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
    fn networks_of_equal_size() -> Result<()> {
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
}
