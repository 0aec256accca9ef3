//! No argument breaks a public function: sizes of 0, 1, primes and powers of two up to the largest
//! give a result of the right shape or an error.
//!
//! A panic, an abort or an access outside a tensor fails the test. Wrong values are the business of the other tests.

use nin::candle_core::{DType, Device, Result, Tensor};
use nin::candle_nn::{Module, ModuleT};
use nin::local::locally_connected2d;
use nin::maxout::maxout_conv2d;
use nin::{
    BlockConfig, Head, LocallyConnected2d, MlpConvConfig, Nin, NinConfig, PlainCnn, PlainCnnConfig,
    Pool, maxout, mlpconv,
};
use proptest::prelude::*;
use striate::{Parameters, Window2d};

/// A side that memory can hold, often 0 or 1.
fn small() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(1), 2usize..8, Just(13)]
}

/// Any side.
fn any_side() -> impl Strategy<Value = usize> {
    let huge = vec![1usize << 52, 1 << 61, 1 << 62, 1 << 63, usize::MAX];
    prop_oneof![5 => small(), 2 => prop::sample::select(huge)]
}

fn head() -> impl Strategy<Value = Head> {
    prop::sample::select(vec![
        Head::GlobalAvgPool,
        Head::FullyConnected,
        Head::GlobalAvgPoolDropout { p: 0.5 },
        Head::FullyConnectedDropout { p: f32::NAN },
    ])
}

fn zeros(dims: [usize; 4]) -> Result<Tensor> {
    Tensor::zeros(&dims, DType::F32, &Device::Cpu)
}

fn parameters() -> Parameters {
    Parameters::new(1, DType::F32, &Device::Cpu)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn layers(
        dims in prop::array::uniform4(small()),
        (kernel, padding, maps) in (any_side(), any_side(), any_side()),
        (pieces, hidden) in (any_side(), prop::collection::vec(any_side(), 0..3)),
        others in prop::array::uniform4(any_side()),
    ) {
        let xs = zeros(dims).expect("a tensor");
        let [_, c, h, w] = dims;
        let _ = maxout(&xs, pieces);
        let window = Window2d::square(kernel).padding(padding);
        let inputs = [(c, h, w), (others[0], others[1], others[2])];
        for input in inputs {
            let vb = parameters().builder();
            if let Ok(layer) = locally_connected2d(input, maps, kernel, padding, vb) {
                let _ = layer.forward(&xs);
            }
            if let Ok(layer) = maxout_conv2d(input.0, maps, pieces, &window, parameters().builder()) {
                let _ = layer.forward(&xs);
            }
            let config = MlpConvConfig { window, channels: hidden.clone() };
            if let Ok(layer) = mlpconv(input.0, &config, parameters().builder()) {
                let _ = layer.forward(&xs);
            }
        }
        // Tensors of the caller, among them some without elements whose other sides are huge.
        let weight = Tensor::zeros((h * w, maps.min(7), c), DType::F32, &Device::Cpu).expect("a tensor");
        let bias = Tensor::zeros((maps.min(7), h, w), DType::F32, &Device::Cpu).expect("a tensor");
        if let Ok(layer) = LocallyConnected2d::new(weight, bias, kernel, padding) {
            let _ = layer.forward(&xs);
        }
        let _ = Head::FullyConnected.parameter_count((others[0], others[1], others[2]), others[3]);
    }

    #[test]
    fn networks(
        blocks in prop::collection::vec((any_side(), any_side(), prop::collection::vec(any_side(), 0..3), any::<bool>()), 0..3),
        (classes, channels, side) in (any_side(), any_side(), (any_side(), any_side())),
        (width, head) in (prop::sample::select(vec![0.0, 0.1, 1.0, 63.0, -1.0, f64::NAN, f64::INFINITY]), head()),
        dims in prop::array::uniform4(small()),
    ) {
        let block = |(kernel, padding, channels, is_pooled): (usize, usize, Vec<usize>, bool)| BlockConfig {
            mlpconv: MlpConvConfig { window: Window2d::square(kernel).padding(padding), channels },
            pool: is_pooled.then(Pool::overlapping_max),
        };
        let config = NinConfig {
            blocks: blocks.into_iter().map(block).collect(),
            classes,
            in_channels: channels,
            image_size: side,
            width,
            head,
            ..NinConfig::cifar10()
        };
        let _ = (config.parameter_count(), config.output_shapes(), config.check());
        let own = [dims[0], channels.min(13), side.0.min(13), side.1.min(13)];
        if let Ok(network) = Nin::new(&config, parameters().builder()) {
            for dims in [own, dims] {
                let _ = network.forward_t(&zeros(dims).expect("a tensor"), true);
            }
        }
        let plain = PlainCnnConfig {
            classes,
            in_channels: channels,
            image_size: side,
            width: width.min(0.2),
            ..PlainCnnConfig::cifar10(head)
        };
        let _ = (plain.parameter_count(), plain.check());
        if let Ok(network) = PlainCnn::new(&plain, parameters().builder()) {
            for dims in [own, dims] {
                let _ = network.forward(&zeros(dims).expect("a tensor"));
            }
        }
    }
}
