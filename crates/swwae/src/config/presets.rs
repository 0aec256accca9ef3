//! The networks of the paper's experiments.

use super::{Pooling, SwwaeConfig};
use crate::architecture::{Architecture, Layer};

impl SwwaeConfig {
    /// MNIST with few labels (from memory): 28, 14, 7, 3.
    pub fn mnist() -> Self {
        let conv = |kernel| Layer::Conv { maps: 64, kernel };
        let pool = Layer::Pool { size: 2 };
        let layers = vec![
            conv(5),
            pool,
            conv(3),
            pool,
            conv(3),
            pool,
            Layer::Fc { units: 10 },
        ];
        Self::new(Architecture::from_layers(layers), 1, (28, 28))
    }

    /// [`SwwaeConfig::mnist`] for images padded to 32x32, which every pooling divides.
    pub fn mnist_padded() -> Self {
        Self {
            image_size: (32, 32),
            ..Self::mnist()
        }
    }

    /// SVHN with 1000 labels (from memory).
    pub fn svhn() -> Self {
        let conv = |maps, kernel| Layer::Conv { maps, kernel };
        let pool = Layer::Pool { size: 2 };
        let layers = vec![
            conv(128, 5),
            pool,
            conv(128, 3),
            pool,
            conv(256, 3),
            pool,
            Layer::Fc { units: 10 },
        ];
        Self::new(Architecture::from_layers(layers), 3, (32, 32))
    }

    /// STL-10: 96, 24, 8, 4, 2. The layers are confirmed by a public port, the rest is from memory.
    pub fn stl10() -> Self {
        let conv = |maps| Layer::Conv { maps, kernel: 3 };
        let pool = |size| Layer::Pool { size };
        let mut layers = vec![
            conv(64),
            pool(4),
            conv(64),
            pool(3),
            conv(128),
            conv(128),
            pool(2),
        ];
        layers.extend([conv(256); 3]);
        layers.extend([conv(512); 3]);
        layers.extend([pool(2), Layer::Fc { units: 10 }]);
        Self::new(Architecture::from_layers(layers), 3, (96, 96))
    }

    /// CIFAR-10 (from memory, with little confidence).
    pub fn cifar10() -> Self {
        Self::cifar(10)
    }

    /// CIFAR-100 (from memory, with little confidence).
    pub fn cifar100() -> Self {
        Self::cifar(100)
    }

    fn cifar(units: usize) -> Self {
        let conv = |maps| Layer::Conv { maps, kernel: 3 };
        let stage = |maps| [conv(maps), conv(maps), Layer::Pool { size: 2 }];
        let mut layers: Vec<Layer> = [128, 256, 512].into_iter().flat_map(stage).collect();
        layers.push(Layer::Fc { units });
        Self::new(Architecture::from_layers(layers), 3, (32, 32))
    }

    /// The auto-encoder of Sec. 4.1, (16)5c-(32)3c-Xp on MNIST; images padded to 32x32, so that 2, 4, 8 and 16 divide them.
    pub fn necessity_of_where(pool: usize) -> Self {
        let layers = vec![
            Layer::Conv {
                maps: 16,
                kernel: 5,
            },
            Layer::Conv {
                maps: 32,
                kernel: 3,
            },
            Layer::Pool { size: pool },
        ];
        Self::new(Architecture::from_layers(layers), 1, (32, 32))
    }

    /// The auto-encoder of Sec. 4.2, (32)5c-(32)3c-2p-(32)3c-16p with soft pooling, on MNIST padded to 32x32.
    pub fn equivariance(beta: f64) -> Self {
        let conv = |kernel| Layer::Conv { maps: 32, kernel };
        let pool = |size| Layer::Pool { size };
        let layers = vec![conv(5), conv(3), pool(2), conv(3), pool(16)];
        Self {
            pooling: Pooling::Soft { beta },
            ..Self::new(Architecture::from_layers(layers), 1, (32, 32))
        }
    }
}
