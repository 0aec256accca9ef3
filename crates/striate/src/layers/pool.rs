//! Pooling and unpooling layers.

use candle_core::{Result, Tensor};
use candle_nn::Module;

use crate::ops::{self, Padding, Switches};
use crate::window::Window2d;

/// The maximum of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    window: Window2d,
}

impl MaxPool2d {
    /// A layer that pools over `window`.
    pub fn new(window: Window2d) -> Self {
        Self { window }
    }

    /// The window.
    pub fn window(&self) -> &Window2d {
        &self.window
    }

    /// The maxima and where they were, for [`MaxUnpool2d`].
    ///
    /// # Errors
    /// Those of [`ops::max_pool2d_with_switches`].
    pub fn forward_with_switches(&self, xs: &Tensor) -> Result<(Tensor, Switches)> {
        ops::max_pool2d_with_switches(xs, &self.window)
    }
}

impl Module for MaxPool2d {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::max_pool2d(xs, &self.window)
    }
}

/// Values back to where their maxima were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxUnpool2d;

impl MaxUnpool2d {
    /// The layer; it has no parameters.
    pub fn new() -> Self {
        Self
    }

    /// Unpools `xs` to the size of the maps that the switches come from.
    ///
    /// # Errors
    /// Those of [`ops::max_unpool2d`].
    pub fn forward(&self, xs: &Tensor, switches: &Switches) -> Result<Tensor> {
        ops::max_unpool2d(xs, switches, switches.source)
    }
}

/// The mean of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    window: Window2d,
    padding: Padding,
}

impl AvgPool2d {
    /// A layer that averages over `window`; padding counts as zeros.
    pub fn new(window: Window2d) -> Self {
        Self::with_padding(window, Padding::Counted)
    }

    /// A layer that says whether padding counts.
    pub fn with_padding(window: Window2d, padding: Padding) -> Self {
        Self { window, padding }
    }

    /// The window.
    pub fn window(&self) -> &Window2d {
        &self.window
    }

    /// Whether padding counts.
    pub fn padding(&self) -> Padding {
        self.padding
    }
}

impl Module for AvgPool2d {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::avg_pool2d(xs, &self.window, self.padding)
    }
}

/// The mean of each map: (N, C, H, W) to (N, C).
#[doc(alias = "gap")]
#[doc(alias = "global_average_pool")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl GlobalAvgPool {
    /// The layer; it has no parameters.
    pub fn new() -> Self {
        Self
    }
}

impl Module for GlobalAvgPool {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::global_avg_pool(xs)
    }
}
