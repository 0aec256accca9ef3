//! No argument breaks a public function: sizes of 0, 1, primes and powers of two up to the largest,
//! classes, layers and positions that do not exist, and pictures that do not fit give a result or an error.
//!
//! A panic, an abort or an access outside a tensor fails the test. Wrong values are the business of the other tests.

use allconv::attribution::{
    Attribution, Deconvnet, Gradient, GuidedBackprop, Target, cascading_randomization, normalized,
    rank_correlation, receptive_field, strongest,
};
use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::candle_nn::ModuleT;
use allconv::{AllConv, Architecture, Config, HeadPadding, ImageNetConfig, LargeConfig};
use proptest::prelude::*;
use striate::{Network, Parameters, Rounding, Window2d};

/// A side that memory can hold, often 0 or 1.
fn small() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(1), 2usize..14, Just(31)]
}

/// Any number.
fn any_number() -> impl Strategy<Value = usize> {
    let huge = vec![1usize << 52, 1 << 61, 1 << 62, 1 << 63, usize::MAX];
    prop_oneof![5 => small(), 2 => prop::sample::select(huge)]
}

fn zeros(dims: &[usize]) -> Result<Tensor> {
    Tensor::zeros(dims, DType::F32, &Device::Cpu)
}

fn parameters() -> Parameters {
    Parameters::new(1, DType::F32, &Device::Cpu)
}

fn architecture() -> impl Strategy<Value = Architecture> {
    let names = ["A", "Strided-CNN-B", "ConvPool-CNN-C", "All-CNN-C"];
    let parsed = names.map(|name| name.parse::<Architecture>().expect("a name of the paper"));
    prop::sample::select(parsed.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn networks(
        architecture in architecture(),
        (classes, channels, side) in (any_number(), any_number(), (any_number(), any_number())),
        width in prop::sample::select(vec![0.0, 0.02, 0.1, -1.0, f64::NAN, f64::INFINITY]),
        (dropout, same, floor) in (prop::sample::select(vec![0.0, 0.5, 1.0, -1.0, f32::NAN]), any::<bool>(), any::<bool>()),
        dims in prop::array::uniform4(small()),
    ) {
        let config = Config {
            classes,
            in_channels: channels,
            image_size: side,
            width,
            dropout,
            head_padding: if same { HeadPadding::Same } else { HeadPadding::Valid },
            pool_rounding: if floor { Rounding::Floor } else { Rounding::Ceil },
            ..Config::cifar10(architecture)
        };
        let large = LargeConfig {
            classes,
            in_channels: channels,
            image_size: side,
            width: width.min(0.02),
            dropout,
            ..LargeConfig::cifar10()
        };
        let imagenet = ImageNetConfig {
            classes,
            in_channels: channels,
            image_size: side,
            width,
            dropout,
            ..ImageNetConfig::ilsvrc2012()
        };
        let _ = (config.parameter_count(), config.output_shapes(), large.parameter_count(), imagenet.parameter_count());
        let networks = [
            AllConv::new(&config, parameters().builder()),
            AllConv::large(&large, parameters().builder()),
            AllConv::imagenet(&imagenet, parameters().builder()),
        ];
        let own = [dims[0], channels.min(13), side.0.min(40), side.1.min(40)];
        for network in networks.into_iter().flatten() {
            for dims in [own, dims] {
                let _ = network.forward_t(&zeros(&dims).expect("a tensor"), true);
            }
        }
    }

    #[test]
    fn attribution(
        dims in prop::array::uniform4(small()),
        (class, layer, position) in (any_number(), 0usize..14, (any_number(), any_number())),
        (count, rank) in (any_number(), 0usize..6),
    ) {
        let config = Config {
            width: 0.05,
            ..Config::cifar10("C".parse::<Architecture>().expect("a name of the paper"))
        };
        let own = parameters();
        let network = AllConv::new(&config, own.builder()).expect("a network");
        let names = network.layer_names();
        let name = names.get(layer).map_or("no such layer", String::as_str);
        let targets = [
            Target::class(class),
            Target::classes([class, class]),
            Target::strongest(name, class),
            Target::unit(name, class, position),
        ];
        let wrong = &[dims[0], dims[1], dims[2], dims[3], 1][..rank.min(5)];
        let right = [dims[0].min(3), 3, 32, 32];
        let guided = GuidedBackprop::new(&network);
        for dims in [wrong, &right[..]] {
            let xs = zeros(dims).expect("a tensor");
            for target in &targets {
                let methods: [&dyn Attribution; 3] =
                    [&Gradient::new(&network), &Deconvnet::new(&network), &guided];
                for method in methods {
                    if let Ok(signal) = method.attribute(&xs, target) {
                        prop_assert_eq!(signal.dims(), xs.dims());
                        let _ = rank_correlation(&signal, &xs);
                    }
                }
            }
            let _ = normalized(&xs);
            let _ = rank_correlation(&xs, &zeros(wrong).expect("a tensor"));
        }
        for dims in [wrong, &right[..]] {
            let _ = strongest(&network, &zeros(dims).expect("a tensor"), name, class, count);
            let stages = cascading_randomization(&own, &[name], 1, || {
                guided.attribute(&zeros(dims)?, &targets[0])
            });
            let _ = stages;
        }
    }

    #[test]
    fn fields(
        windows in prop::collection::vec(prop::array::uniform8(any_number()), 0..5),
        (position, image) in ((any_number(), any_number()), (any_number(), any_number())),
    ) {
        let window = |[a, b, c, d, e, f, g, h]: [usize; 8]| Window2d {
            size: (a, b),
            stride: (c, d),
            padding: (e, f),
            dilation: (g, h),
            rounding: Rounding::Floor,
        };
        let windows: Vec<Window2d> = windows.into_iter().map(window).collect();
        let (top, left, height, width) = receptive_field(&windows, position, image);
        prop_assert!(top <= image.0 && height <= image.0 - top);
        prop_assert!(left <= image.1 && width <= image.1 - left);
    }
}
