//! The auto-encoder and its Convnet as models to train, with the labels that they may see.

use anyhow::Result;
use candle_core::{Result as CandleResult, Tensor};
use lab::data::{Batch, UNLABELLED};
use lab::train::{Loss, Objective, Recipe, Run, TrainError, TrainLog, fit_objective};
use serde::Serialize;
use striate::{Clock, Network, Parameters};
use swwae::candle_nn::ModuleT;
use swwae::{
    Convnet, ConvnetConfig, EncoderSide, Labels, LossWeights, Mode, Swwae, SwwaeConfig, SwwaeLoss,
};

use crate::canvas::{Canvas, under};
use crate::kept_labels::KeptLabels;
use crate::model::{Described, Model, Sets};

/// A network for few labels and many images.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SemiSupervised {
    pub(super) config: SwwaeConfig,
    /// Both 0: the Convnet alone, which is shown the labelled images of every batch.
    pub(super) weights: LossWeights,
    /// Whether L2M reaches the encoder from both sides.
    pub(super) side: EncoderSide,
    /// The labels it may see.
    pub(super) labels: KeptLabels,
    /// Where the images are put before the network sees them.
    pub(super) canvas: Option<Canvas>,
}

impl SemiSupervised {
    fn is_convnet(&self) -> bool {
        self.weights.l2_rec == 0.0 && self.weights.l2_m == 0.0
    }
}

impl Model for SemiSupervised {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        let network: Box<dyn Network> = match self.is_convnet() {
            true => Box::new(Convnet::new(&self.config, parameters.builder())?),
            false => Box::new(Swwae::new(&self.config, parameters.builder())?),
        };
        Ok(match self.canvas {
            Some(canvas) => Box::new(under(canvas, network)),
            None => network,
        })
    }

    fn settings(&self) -> Result<toml::Table> {
        #[derive(Serialize)]
        struct Settings<'a> {
            network: &'a SwwaeConfig,
            weights: LossWeights,
            side: EncoderSide,
            labels: &'a KeptLabels,
            #[serde(skip_serializing_if = "Option::is_none")]
            canvas: Option<Canvas>,
        }
        Ok(toml::Table::try_from(Settings {
            network: &self.config,
            weights: self.weights,
            side: self.side,
            labels: &self.labels,
            canvas: self.canvas,
        })?)
    }

    fn described(&self) -> CandleResult<Option<Described>> {
        match self.is_convnet() {
            true => Described::of(&ConvnetConfig(self.config.clone()), self.canvas),
            false => Described::of(&self.config, self.canvas),
        }
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let train = self.labels.apply(train, recipe.seed)?;
        let canvas = self.canvas;
        let objective: Box<dyn Objective> = match self.is_convnet() {
            true => Box::new(OfLabelled {
                network: Convnet::new(&self.config, parameters.builder())?,
                canvas,
            }),
            false => Box::new(Hybrid {
                network: Swwae::new(&self.config, parameters.builder())?,
                weights: self.weights,
                side: self.side,
                canvas,
            }),
        };
        fit_objective(objective.as_ref(), parameters, &train, test, recipe, run)
    }
}

/// The images as the network wants them.
fn placed(canvas: Option<Canvas>, xs: &Tensor) -> CandleResult<Tensor> {
    match canvas {
        Some(canvas) => canvas.place(xs),
        None => Ok(xs.clone()),
    }
}

/// Cross entropy of the labelled images; the others are not looked at.
struct OfLabelled {
    network: Convnet,
    canvas: Option<Canvas>,
}

impl Objective for OfLabelled {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let (rows, classes) = batch.labelled()?;
        let xs = batch.xs.index_select(&rows, 0)?;
        let logits = self.network.forward_t(&placed(self.canvas, &xs)?, true)?;
        let total = striate::cross_entropy(&logits, &classes)?;
        Ok(Loss::new(total).scored(logits, classes))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward_t(&placed(self.canvas, xs)?, false)
    }

    fn clock(&self) -> &Clock {
        self.network.clock()
    }
}

/// The paper's objective: L_NLL of the labelled images, L_L2rec and L_L2M of all.
struct Hybrid {
    network: Swwae,
    weights: LossWeights,
    side: EncoderSide,
    canvas: Option<Canvas>,
}

impl Objective for Hybrid {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let xs = placed(self.canvas, &batch.xs)?;
        let labels = batch.labels.to_vec1::<u32>()?;
        let known = labels
            .iter()
            .map(|&label| (label != UNLABELLED).then_some(label));
        let known = Labels::partly(&known.collect::<Vec<_>>());
        let pass = self.network.pass(&xs, true)?;
        let terms = SwwaeLoss::new(&pass, &xs, &known, Mode::SemiSupervised, self.side)?;
        let loss = with_terms(Loss::new(terms.total(&self.weights)?), &terms);
        match pass.logits {
            Some(logits) => {
                let (rows, classes) = batch.labelled()?;
                Ok(loss.scored(logits.detach().index_select(&rows, 0)?, classes))
            }
            None => Ok(loss),
        }
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward(&placed(self.canvas, xs)?)
    }

    fn clock(&self) -> &Clock {
        self.network.clock()
    }
}

/// The terms by name, for the log.
fn with_terms(loss: Loss, terms: &SwwaeLoss) -> Loss {
    let levels = (1..).zip(&terms.l2_m);
    let levels = levels.filter_map(|(level, term)| Some((format!("l2m{level}"), term.clone()?)));
    let nll = terms.nll.iter().map(|nll| ("nll".to_owned(), nll.clone()));
    let rec = ("l2rec".to_owned(), terms.l2_rec.clone());
    nll.chain([rec])
        .chain(levels)
        .fold(loss, |loss, (name, term)| loss.term(name, term))
}

/// An auto-encoder that knows no labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AutoEncoder {
    pub(super) config: SwwaeConfig,
    pub(super) weights: LossWeights,
    /// Where the images are put before the network sees them.
    pub(super) canvas: Canvas,
}

impl Model for AutoEncoder {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        let network = Swwae::new(&self.config, parameters.builder())?;
        Ok(Box::new(under(self.canvas, Box::new(network))))
    }

    fn settings(&self) -> Result<toml::Table> {
        #[derive(Serialize)]
        struct Settings<'a> {
            network: &'a SwwaeConfig,
            weights: LossWeights,
            canvas: Canvas,
        }
        Ok(toml::Table::try_from(Settings {
            network: &self.config,
            weights: self.weights,
            canvas: self.canvas,
        })?)
    }

    fn described(&self) -> CandleResult<Option<Described>> {
        Described::of(&self.config, Some(self.canvas))
    }

    fn classifies(&self) -> bool {
        false
    }

    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let objective = Reconstruction {
            network: Swwae::new(&self.config, parameters.builder())?,
            weights: self.weights,
            canvas: self.canvas,
        };
        fit_objective(&objective, parameters, train, test, recipe, run)
    }
}

/// L_L2rec and L_L2M.
struct Reconstruction {
    network: Swwae,
    weights: LossWeights,
    canvas: Canvas,
}

impl Objective for Reconstruction {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let xs = self.canvas.place(&batch.xs)?;
        let pass = self.network.pass(&xs, true)?;
        let none = Labels::none(xs.dim(0)?);
        let terms = SwwaeLoss::new(&pass, &xs, &none, Mode::Unsupervised, EncoderSide::Joint)?;
        Ok(with_terms(Loss::new(terms.total(&self.weights)?), &terms))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.network.forward(&self.canvas.place(xs)?)
    }

    fn classifies(&self) -> bool {
        false
    }

    fn clock(&self) -> &Clock {
        self.network.clock()
    }
}
