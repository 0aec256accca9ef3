//! Refusals of settings and inputs that make no network; each names the network, the value and the cure.

use std::collections::HashSet;
use std::fmt;

use candle_core::{Result, Tensor, bail};

use super::{LayerSpec, Nonlinearity};
use crate::window::Rounding;

/// Refuses a network without classes or channels, and a width that is no sensible multiplier.
///
/// # Errors
/// `classes` or `in_channels` of 0, a `width` that is not above 0 or is above `widest`.
pub fn check_sizes(
    network: impl fmt::Display,
    classes: usize,
    in_channels: usize,
    width: f64,
    widest: f64,
) -> Result<()> {
    if classes == 0 || in_channels == 0 {
        bail!(
            "{network}: {classes} classes and {in_channels} input channels; both must be at least 1"
        );
    }
    if !(width > 0.0 && width <= widest) {
        bail!("{network}: width {width} must be above 0 and at most {widest}");
    }
    Ok(())
}

/// Refuses a dropout probability outside [0, 1); `what` names the setting.
///
/// # Errors
/// Such a probability.
pub fn check_dropout(network: impl fmt::Display, what: &str, p: f32) -> Result<()> {
    if !(0.0..1.0).contains(&p) {
        bail!("{network}: {what}: the dropout probability {p} must be at least 0 and below 1");
    }
    Ok(())
}

/// Refuses an input that is no batch of images with `in_channels` channels; the height and width of one that is.
///
/// # Errors
/// Another rank, another number of channels.
pub fn check_input(
    network: impl fmt::Display,
    xs: &Tensor,
    in_channels: usize,
) -> Result<(usize, usize)> {
    let &[_, c, h, w] = xs.dims() else {
        bail!(
            "{network}: the input has shape {:?}; (N, {in_channels}, H, W) is wanted",
            xs.dims()
        );
    };
    if c != in_channels {
        bail!(
            "{network}: the input has {c} channels, the network takes {in_channels}; give (N, {in_channels}, H, W), or build it with another in_channels"
        );
    }
    Ok((h, w))
}

/// Refuses layers that could not be built as they are written.
///
/// # Errors
/// A name that is used twice, which would share tensors or dropout masks;
/// a convolution that rounds up, or with no channels or too many parameters; a fully connected layer without units;
/// a window with a size, stride or dilation of 0; a slope that is not finite; a dropout outside [0, 1).
pub fn check_layers(
    network: impl fmt::Display,
    in_channels: usize,
    layers: &[LayerSpec],
) -> Result<()> {
    let mut names = HashSet::new();
    let mut inputs = in_channels;
    for layer in layers {
        let name = layer.name();
        if !names.insert(name) {
            bail!(
                "{network}: two layers are called {name}, so they would share tensors or masks; rename one"
            );
        }
        if let Some(window) = layer.window() {
            for (what, (h, w)) in [
                ("size", window.size),
                ("stride", window.stride),
                ("dilation", window.dilation),
            ] {
                if h == 0 || w == 0 {
                    bail!("{network}: {name}: the window has {what} ({h}, {w}); use 1 or more");
                }
            }
        }
        match layer {
            LayerSpec::Conv {
                window,
                channels,
                nonlinearity,
                ..
            } => {
                if window.rounding != Rounding::Floor {
                    bail!(
                        "{network}: {name}: the window rounds up, which convolutions do not; \
                         use Rounding::Floor, with more padding if the last cells matter"
                    );
                }
                if let Nonlinearity::LeakyRelu { slope } = nonlinearity
                    && !slope.is_finite()
                {
                    bail!("{network}: {name}: the slope {slope} must be finite");
                }
                let count = layer.parameter_count((inputs, 1, 1));
                if *channels == 0 || count == usize::MAX {
                    bail!(
                        "{network}: {name}: {channels} channels from {inputs} with a kernel of {:?}; \
                         at least 1 is needed, and no more parameters than memory holds",
                        window.size
                    );
                }
                inputs = *channels;
            }
            LayerSpec::Linear { units: 0, .. } => {
                bail!("{network}: {name}: 0 units; at least 1 is needed")
            }
            LayerSpec::Dropout { p, .. } => check_dropout(&network, name, *p)?,
            LayerSpec::Linear { .. } | LayerSpec::MaxPool { .. } | LayerSpec::AvgPool { .. } => {}
        }
    }
    Ok(())
}
