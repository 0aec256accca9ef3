//! Layer lists that number their layers while they grow.

use striate::Window2d;
use striate::layer_list::{ClassMapActivation, LayerSpec, Nonlinearity};

/// Numbers the layers while they are listed.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) layers: Vec<LayerSpec>,
    convs: usize,
}

impl Builder {
    pub(crate) fn conv(&mut self, window: Window2d, channels: usize) {
        self.conv_with(window, channels, Nonlinearity::Relu);
    }

    pub(crate) fn conv_with(
        &mut self,
        window: Window2d,
        channels: usize,
        nonlinearity: Nonlinearity,
    ) {
        self.convs += 1;
        self.layers.push(LayerSpec::Conv {
            name: format!("conv{}", self.convs),
            window,
            channels,
            nonlinearity,
        });
    }

    pub(crate) fn class_maps(&mut self, classes: usize, activation: ClassMapActivation) {
        self.conv_with(Window2d::square(1), classes, activation.into());
    }

    pub(crate) fn dropout(&mut self, p: f32, name: String) {
        if p > 0.0 {
            self.layers.push(LayerSpec::Dropout { name, p });
        }
    }

    pub(crate) fn pool(&mut self, window: Window2d, number: usize) {
        self.layers.push(LayerSpec::MaxPool {
            name: format!("pool{number}"),
            window,
        });
    }
}
