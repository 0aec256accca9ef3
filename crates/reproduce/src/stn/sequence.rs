//! The network of section 4.2 as a model to train: five heads, and the whole number as the answer.

use anyhow::Result;
use candle_core::{Result as CandleResult, Tensor, bail};
use lab::data::{Batch, NUMBER_DIGITS, number_digits};
use lab::train::{Loss, Objective, Recipe, Run, TrainError, TrainLog, fit_objective};
use stn::candle_nn::ModuleT;
use stn::networks::{HouseNumberConfig, HouseNumberNet, Placement, sequence_loss};
use striate::{Clock, Network, Parameters};

use super::model;
use crate::training::{Model, Sets};

/// Kernel of every convolution, and places that one of them fills where the side is `side`.
const KERNEL: usize = 5;

impl Model for HouseNumberConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(HouseNumberNet::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn multiplications(&self) -> f64 {
        let maps = [48, 64, 128, 160, 192, 192, 192, 192];
        let scaled = |paper: usize| (paper as f64 * self.width).round().max(1.0);
        let (mut channels, mut side, mut sum) = (3.0, self.side as f64, 0.0);
        for (at, maps) in maps.map(scaled).into_iter().enumerate() {
            if self.placement == Placement::Multi && at < 4 {
                sum += channels * side * side * 32.0;
            }
            sum += side * side * (KERNEL * KERNEL) as f64 * channels * maps;
            channels = maps;
            if at % 2 == 0 {
                side = (side / 2.0).floor();
            }
        }
        if self.placement == Placement::Single {
            let net = stn::ConvLocalisationConfig::svhn((self.side, self.side));
            sum += model::convolutions(&net);
        }
        let units = scaled(3072);
        sum + channels * side * side * units + units * (2.0 * units + 55.0)
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let network = HouseNumberNet::new(self, parameters.builder())?;
        let objective = Reader { network };
        fit_objective(&objective, parameters, train, test, recipe, run)
    }
}

/// Minimizes the sum of the five heads' cross entropies; a number is read right if all of it is.
struct Reader {
    network: HouseNumberNet,
}

impl Objective for Reader {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let logits = self.network.forward_t(&batch.xs, true)?;
        let digits = self.targets(&batch.labels)?;
        Ok(Loss::new(sequence_loss(&logits, &digits)?).scored(logits, digits))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward_t(xs, false)
    }

    fn targets(&self, labels: &Tensor) -> CandleResult<Tensor> {
        let mut digits = Vec::with_capacity(NUMBER_DIGITS * labels.elem_count());
        for label in labels.to_vec1::<u32>()? {
            match number_digits(label) {
                Some(number) => digits.extend(number),
                None => bail!("house numbers: label {label} is no number of one to five digits"),
            }
        }
        Tensor::from_vec(digits, (labels.dim(0)?, NUMBER_DIGITS), labels.device())
    }

    fn clock(&self) -> &Clock {
        self.network.clock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use lab::data::number_label;

    #[test]
    fn a_label_becomes_five_digits() -> CandleResult<()> {
        let config = HouseNumberConfig {
            width: 0.02,
            ..HouseNumberConfig::paper(16, Placement::None)
        };
        let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
        let network = HouseNumberNet::new(&config, parameters.builder())?;
        let reader = Reader { network };
        let labels = [number_label(&[4, 2]), number_label(&[0, 1, 2, 3, 4])];
        let labels: Vec<u32> = labels.into_iter().flatten().collect();
        let digits = reader.targets(&Tensor::new(&labels[..], &Device::Cpu)?)?;
        assert_eq!(
            digits.to_vec2::<u32>()?,
            [[4, 2, 10, 10, 10], [0, 1, 2, 3, 4]]
        );
        let wrong = reader.targets(&Tensor::new(&[111_110u32], &Device::Cpu)?);
        let text = wrong.expect_err("accepted").to_string();
        assert!(text.contains("label 111110 is no number"), "{text}");
        Ok(())
    }

    #[test]
    fn multiplications_of_the_papers_network() {
        let plain = HouseNumberConfig::paper(64, Placement::None);
        // Convolutions from 64 x 64 down to 4 x 4, then 3072 inputs and units three times and 55 outputs.
        let conv = |side: f64, from: f64, to: f64| side * side * 25.0 * from * to;
        let wanted = conv(64.0, 3.0, 48.0)
            + conv(32.0, 48.0, 64.0)
            + conv(32.0, 64.0, 128.0)
            + conv(16.0, 128.0, 160.0)
            + conv(16.0, 160.0, 192.0)
            + 2.0 * conv(8.0, 192.0, 192.0)
            + conv(4.0, 192.0, 192.0)
            + 3072.0 * (3.0 * 3072.0 + 55.0);
        assert_eq!(plain.multiplications(), wanted);
        let multi = HouseNumberConfig::paper(64, Placement::Multi);
        assert!(multi.multiplications() > wanted);
    }
}
