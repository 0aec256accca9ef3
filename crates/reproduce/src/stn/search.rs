//! How one transformer learns where the common object of a set of pictures is (App. A.2).

use anyhow::{Context, Result};
use candle_core::{DType, Device, Result as CandleResult, Tensor};
use lab::data::{Batch, FloatSet};
use lab::train::{AdamConfig, Loss, LrSchedule, Objective, ParamGroup, Recipe, fit_objective};
use stn::networks::{Classifier, CoLocalisation, CoLocalisationConfig, WindowSize};
use striate::Parameters;
use striate::init::Match;
use striate::rng::Clock;

use crate::session::{Once, Session};

/// Learning rate of a search.
pub(super) const RATE: f64 = 0.003;
/// Adam's decay of the squares of gradients in a search.
pub(super) const BETA2: f64 = 0.99;
/// Margin of the hinge.
const ALPHA: f64 = 1.0;
/// The mean squared distance that codes of digits have from the code of a blank crop, in units of the margin.
pub(super) const TO_BLANK: f64 = 2.0;
/// The layer whose activations are the code: that after the second convolution.
const LAYER: usize = 1;
/// The windows reach their last size after this share of the steps.
const SHRINKING: f64 = 0.8;
/// Searches of one class, at most.
pub(super) const STARTS: u64 = 5;
/// A search is lost if its loss stays above this share of the margin.
pub(super) const LOST: f64 = 0.5;
/// The place of a picture's object, (left, top, right, bottom).
pub(super) type Window = [f64; 4];

/// What a search has found.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The last loss, as a mean over pairs.
    pub(super) loss: f64,
    pub(super) windows: Vec<Window>,
    /// The start that they are from, counted from 1.
    pub(super) starts: u64,
}

/// How one start of a search ended.
enum Ended {
    /// With this loss, as a mean over pairs, and these windows.
    Found(f64, Vec<Window>),
    /// Its loss was no longer a number.
    NotFinite,
    /// It belongs to another shard.
    Elsewhere,
}

/// A search: its networks, its steps, and what the encoder has learnt.
pub(super) struct Search<'a> {
    pub(super) config: CoLocalisationConfig,
    /// Steps of a search, each on all pictures.
    pub(super) steps: usize,
    pub(super) encoder: &'a Parameters,
    pub(super) seed: u64,
}

/// Factors of the layers that make the code as long as [`TO_BLANK`] says, measured on `digits` (N, 1, side, side).
pub(super) fn factors(
    config: &CoLocalisationConfig,
    encoder: &Parameters,
    digits: &Tensor,
) -> Result<[f64; 3]> {
    let classes = encoder
        .named()
        .iter()
        .find(|(name, _)| name == "fc.bias")
        .map_or(10, |(_, bias)| bias.elem_count());
    let net = Classifier::new(config.body, 1, config.crop, classes, encoder.builder())?;
    let blank = net.activations(&digits.narrow(0, 0, 1)?.zeros_like()?)?;
    let apart = net.activations(digits)?[LAYER].broadcast_sub(&blank[LAYER])?;
    let squares = apart.sqr()?.sum_all()?.to_dtype(DType::F64)?;
    let mean = squares.to_scalar::<f64>()? / digits.dim(0)? as f64;
    let mut factors = [0.0; 3];
    factors[LAYER] = (TO_BLANK * ALPHA / mean.max(f64::MIN_POSITIVE)).sqrt();
    Ok(factors)
}

impl Search<'_> {
    fn recipe(&self, pictures: usize, label: String, seed: u64) -> Recipe {
        let epochs = self.steps;
        let adam = AdamConfig {
            lr: RATE,
            beta2: BETA2,
            ..AdamConfig::default()
        };
        Recipe {
            label,
            seed,
            evaluate_every: epochs,
            schedule: LrSchedule::cosine(0.0),
            // The encoder stays as it is.
            groups: vec![ParamGroup::new("encoder*").lr_factor(0.0)],
            ..Recipe::new(epochs, pictures, adam)
        }
    }

    /// Trains a transformer on `pictures` and gives its windows in them.
    ///
    /// `None` if a search belongs to another shard, or if no loss was a number.
    pub(super) fn windows(
        &self,
        session: &mut Session,
        pictures: &FloatSet,
        label: &str,
        settings: &toml::Table,
    ) -> Result<Option<Found>> {
        best(|start| self.once(session, pictures, label, settings, start))
    }

    /// One search.
    fn once(
        &self,
        session: &mut Session,
        pictures: &FloatSet,
        label: &str,
        settings: &toml::Table,
        start: u64,
    ) -> Result<Ended> {
        let config = &self.config;
        let device = session.device().clone();
        let seed = self.seed.wrapping_add(start);
        let parameters = Parameters::new(seed, DType::F32, &device);
        let network = CoLocalisation::new(config, parameters.builder())?;
        self.give_encoder(&parameters)?;
        let mut settings = settings.clone();
        settings.insert("network".to_owned(), toml::Value::try_from(config)?);
        settings.insert("pictures".to_owned(), label.to_owned().into());
        let recipe = self.recipe(pictures.len(), label.to_owned(), seed);
        let objective = Common {
            network: &network,
            clock: Clock::new(seed),
            start: config.start,
            end: last_size(config),
            steps: recipe.epochs as f64,
        };
        let trained = session.once(&settings, &recipe, |run| {
            let log = fit_objective(&objective, &parameters, pictures, pictures, &recipe, run)?;
            Ok((log, parameters.count()))
        })?;
        let (log, weights) = match trained {
            Once::Done(log, weights) => (log, weights),
            Once::NotFinite => return Ok(Ended::NotFinite),
            Once::Elsewhere => return Ok(Ended::Elsewhere),
        };
        // The run may be an earlier one.
        parameters.load(&weights, Match::Strict)?;
        let last = log.epochs.last().context("a search has steps")?;
        let pairs = (pictures.len() * pictures.len().saturating_sub(1)).max(1) as f64;
        let xs = all(pictures, &device)?;
        let crops = network.transform(&xs, WindowSize::Given(last_size(config)))?;
        let windows = CoLocalisation::boxes(&crops.theta, config.side)?;
        Ok(Ended::Found(last.train_loss / pairs, windows))
    }

    /// Puts the trained weights into the encoder.
    fn give_encoder(&self, parameters: &Parameters) -> CandleResult<()> {
        let trained = self.encoder.named();
        for (name, var) in parameters.named() {
            let own = |(own, _): &&(String, _)| name.strip_prefix("encoder.") == Some(own);
            if let Some((_, value)) = trained.iter().find(&own) {
                var.set(value.as_tensor())?;
            }
        }
        Ok(())
    }
}

/// The windows of the least loss among the starts of a search.
///
/// A search whose windows ended on empty places shows in its loss, which is then near the margin:
/// it begins again with another seed, as does one whose loss was not a number.
fn best(mut once: impl FnMut(u64) -> Result<Ended>) -> Result<Option<Found>> {
    let mut best: Option<Found> = None;
    for start in 0..STARTS {
        let (loss, windows) = match once(start)? {
            Ended::Found(loss, windows) => (loss, windows),
            Ended::NotFinite => continue,
            Ended::Elsewhere => return Ok(None),
        };
        if best.as_ref().is_none_or(|best| loss < best.loss) {
            best = Some(Found {
                loss,
                windows,
                starts: start + 1,
            });
        }
        if loss < LOST * ALPHA {
            break;
        }
    }
    Ok(best)
}

/// All pictures as one batch.
pub(super) fn all(set: &FloatSet, device: &Device) -> CandleResult<Tensor> {
    let shape = (set.len(), set.channels, set.height, set.width);
    Tensor::from_slice(&set.images, shape, device)
}

/// The size of windows whose pixels are those of the scene, as a share of the scene's side.
fn last_size(config: &CoLocalisationConfig) -> f64 {
    config.crop.saturating_sub(1) as f64 / config.side.saturating_sub(1).max(1) as f64
}

/// The triplet loss as an objective; there are no classes to predict.
struct Common<'a> {
    network: &'a CoLocalisation,
    clock: Clock,
    start: f64,
    end: f64,
    steps: f64,
}

impl Objective for Common<'_> {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let done = self.clock.step() as f64 / (SHRINKING * self.steps);
        let size = self.start + (self.end - self.start) * done.min(1.0);
        let mut draws = self.clock.stream("random-window");
        self.clock.tick();
        let size = WindowSize::Given(size);
        let (total, _) = self.network.loss(&batch.xs, size, ALPHA, &mut draws)?;
        Ok(Loss::new(total))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        Tensor::zeros((xs.dim(0)?, 1), DType::F32, xs.device())
    }

    fn classifies(&self) -> bool {
        false
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stn::networks::Body;

    #[test]
    fn codes_of_digits_are_two_margins_from_a_blank_one() -> Result<()> {
        let config = CoLocalisationConfig {
            body: Body::Cnn { filters: 3 },
            ..CoLocalisationConfig::digits()
        };
        let encoder = Parameters::new(3, DType::F32, &Device::Cpu);
        Classifier::new(config.body, 1, config.crop, 10, encoder.builder())?;
        let mut values = vec![0f32; 5 * 28 * 28];
        striate::rng::stream(1, "digits", 0).fill_uniform(&mut values);
        let digits = Tensor::from_vec(values, (5, 1, 28, 28), &Device::Cpu)?;
        let factors = factors(&config, &encoder, &digits)?;
        let config = CoLocalisationConfig { factors, ..config };
        let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
        let network = CoLocalisation::new(&config, parameters.builder())?;
        let search = Search {
            config: config.clone(),
            steps: 2,
            encoder: &encoder,
            seed: 0,
        };
        search.give_encoder(&parameters)?;
        let blank = network.encode(&digits.narrow(0, 0, 1)?.zeros_like()?)?;
        let apart = network.encode(&digits)?.broadcast_sub(&blank)?;
        let mean = apart.sqr()?.sum(1)?.mean_all()?.to_scalar::<f32>()?;
        assert!((mean - 2.0).abs() < 1e-4, "{mean}");
        Ok(())
    }

    #[test]
    fn a_start_without_a_loss_costs_the_others_nothing() -> Result<()> {
        let ended = |start: u64| match start {
            0 => Ended::Found(0.9, vec![[0.0; 4]]),
            2 => Ended::Found(0.7, vec![[2.0; 4]]),
            _ => Ended::NotFinite,
        };
        let found = best(|start| Ok(ended(start)))?;
        let wanted = Found {
            loss: 0.7,
            windows: vec![[2.0; 4]],
            starts: 3,
        };
        assert_eq!(found, Some(wanted));
        assert_eq!(best(|_| Ok(Ended::NotFinite))?, None);
        let elsewhere = |start| {
            Ok(if start == 0 {
                ended(0)
            } else {
                Ended::Elsewhere
            })
        };
        assert_eq!(best(elsewhere)?, None);
        Ok(())
    }

    #[test]
    fn windows_end_as_large_as_a_crop() {
        let config = CoLocalisationConfig::digits();
        assert!((last_size(&config) - 27.0 / 83.0).abs() < 1e-12);
    }
}
