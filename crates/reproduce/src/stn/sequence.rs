//! The network of section 4.2 as a model to train: five heads, and the whole number as the answer.

use anyhow::Result;
use candle_core::{Result as CandleResult, Tensor, bail};
use lab::data::{Batch, NUMBER_DIGITS, number_digits};
use lab::train::{Loss, Objective, Recipe, Run, TrainError, TrainLog, fit_objective};
use stn::candle_nn::ModuleT;
use stn::networks::{HouseNumberConfig, HouseNumberNet, sequence_loss};
use striate::{Clock, Network, Parameters};

use crate::model::{Described, Model, Sets};

impl Model for HouseNumberConfig {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(HouseNumberNet::new(self, parameters.builder())?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn described(&self) -> CandleResult<Option<Described>> {
        Described::of(self, None)
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
    use stn::networks::Placement;

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
}
