//! What such a network minimizes: cross entropy of the labelled images, and what its decoder misses of all.

use anyhow::Result;
use candle_core::{Result as CandleResult, Tensor};
use candle_nn::ModuleT;
use lab::data::Batch;
use lab::train::{Loss, Objective, Recipe, Run, TrainError, TrainLog, fit_objective};
use serde::Serialize;
use striate::{Clock, Network, Parameters};
use swwae::LossWeights;

use super::network::{Composed, Config};
use crate::kept_labels::KeptLabels;
use crate::model::{Described, Model, Sets};

/// A network, the labels it may see, and how much its decoder counts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FewLabels {
    pub(super) network: Config,
    pub(super) labels: KeptLabels,
    pub(super) weights: LossWeights,
}

impl Model for FewLabels {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        Ok(Box::new(Composed::new(
            &self.network,
            parameters.builder(),
        )?))
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    fn described(&self) -> CandleResult<Option<Described>> {
        Ok(None)
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let train = self.labels.apply(train, recipe.seed)?;
        let objective = Terms {
            network: Composed::new(&self.network, parameters.builder())?,
            weights: self.weights,
            all_images: self.network.ideas.what_where,
        };
        fit_objective(&objective, parameters, &train, test, recipe, run)
    }
}

struct Terms {
    network: Composed,
    weights: LossWeights,
    /// Whether images without a label are looked at.
    all_images: bool,
}

impl Objective for Terms {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let (rows, classes) = batch.labelled()?;
        let (logits, rebuilt) = match self.all_images {
            true => {
                let (logits, rebuilt) = self.network.pass(&batch.xs)?;
                (logits.index_select(&rows, 0)?, rebuilt)
            }
            false => self.network.pass(&batch.xs.index_select(&rows, 0)?)?,
        };
        let nll = striate::cross_entropy(&logits, &classes)?;
        let Some(rebuilt) = rebuilt else {
            return Ok(Loss::new(nll).scored(logits, classes));
        };
        let squares = |(a, b): &(Tensor, Tensor)| (a - b)?.sqr()?.mean_all();
        let (l2_rec, l2_m) = (squares(&rebuilt.image)?, squares(&rebuilt.what)?);
        let total = nll.add(&(&l2_rec * self.weights.l2_rec)?)?;
        let total = total.add(&(&l2_m * self.weights.l2_m)?)?;
        let loss = Loss::new(total).scored(logits, classes);
        Ok(loss
            .term("nll", nll)
            .term("l2rec", l2_rec)
            .term("l2m", l2_m))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward_t(xs, false)
    }

    fn clock(&self) -> &Clock {
        self.network.clock()
    }
}
