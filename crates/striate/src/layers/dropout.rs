//! Dropout layers driven by a clock.

use candle_core::{Result, Tensor};
use candle_nn::ModuleT;

use super::link::Link;
use crate::ops::{self, Chain};
use crate::rng::{Clock, Stream};

/// Zeroes single values in training and does nothing in evaluation.
///
/// The mask is a function of the clock's seed and step and of the layer's name, and of nothing else:
/// two layers with equal seeds from [`Dropout::new`], or with one clock and one name, drop the same cells.
/// Give each layer of a network its own seed or name.
#[derive(Clone, Debug)]
pub struct Dropout(Masked);

impl Dropout {
    /// A layer with its own clock, which moves on after every training pass.
    pub fn new(p: f32, seed: u64) -> Self {
        Self(Masked::new(p, seed))
    }

    /// A layer driven by the clock of its model; it draws from the stream `dropout/<name>` and never ticks.
    pub fn with_clock(p: f32, name: &str, clock: &Clock) -> Self {
        Self(Masked::with_clock(p, name, clock))
    }

    /// The probability that a value is zeroed.
    pub fn p(&self) -> f32 {
        self.0.p
    }
}

impl ModuleT for Dropout {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let op = |xs: Tensor, p, stream: &Stream| ops::dropout(&xs, p, stream);
        self.0.apply(xs.clone(), train, op)
    }
}

impl Link for Dropout {
    fn link(&self, chain: Chain, train: bool) -> Result<Chain> {
        self.0.apply(chain, train, Chain::dropout)
    }
}

/// Zeroes whole maps in training and does nothing in evaluation.
#[doc(alias = "dropout2d")]
#[doc(alias = "spatial dropout")]
#[derive(Clone, Debug)]
pub struct ChannelDropout(Masked);

impl ChannelDropout {
    /// A layer with its own clock, which moves on after every training pass.
    pub fn new(p: f32, seed: u64) -> Self {
        Self(Masked::new(p, seed))
    }

    /// A layer driven by the clock of its model; it draws from the stream `dropout/<name>` and never ticks.
    pub fn with_clock(p: f32, name: &str, clock: &Clock) -> Self {
        Self(Masked::with_clock(p, name, clock))
    }

    /// The probability that a map is zeroed.
    pub fn p(&self) -> f32 {
        self.0.p
    }
}

impl ModuleT for ChannelDropout {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let op = |xs: Tensor, p, stream: &Stream| ops::channel_dropout(&xs, p, stream);
        self.0.apply(xs.clone(), train, op)
    }
}

impl Link for ChannelDropout {
    fn link(&self, chain: Chain, train: bool) -> Result<Chain> {
        self.0.apply(chain, train, |chain, p, stream| {
            chain.then(|xs| ops::channel_dropout(xs, p, stream))
        })
    }
}

/// What both layers share: when to draw, and from which stream.
#[derive(Clone, Debug)]
struct Masked {
    p: f32,
    stream: String,
    clock: Clock,
    ticks: bool,
}

impl Masked {
    fn new(p: f32, seed: u64) -> Self {
        Self {
            p,
            stream: "dropout".to_string(),
            clock: Clock::new(seed),
            ticks: true,
        }
    }

    fn with_clock(p: f32, name: &str, clock: &Clock) -> Self {
        Self {
            p,
            stream: format!("dropout/{name}"),
            clock: clock.clone(),
            ticks: false,
        }
    }

    /// `op` of `xs` in training, `xs` in evaluation.
    fn apply<T>(&self, xs: T, train: bool, op: impl Fn(T, f32, &Stream) -> Result<T>) -> Result<T> {
        if !train {
            return Ok(xs);
        }
        let ys = op(xs, self.p, &self.clock.stream(&self.stream))?;
        if self.ticks {
            self.clock.tick();
        }
        Ok(ys)
    }
}
