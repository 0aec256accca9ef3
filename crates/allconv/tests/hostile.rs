//! No argument breaks a public function: sizes of 0, 1, primes and powers of two up to the largest,
//! classes, layers and positions that do not exist, pictures that do not fit, and views that are broadcast, transposed,
//! or empty with an offset, give a result or an error.
//!
//! A panic, an abort or an access outside a tensor fails the test. Wrong values are the business of the other tests.

use allconv::attribution::{
    Attribution, Deconvnet, Gradient, GuidedBackprop, Target, cascading_randomization,
    class_maps_over, normalized, overlay, rank_correlation, receptive_field, strongest,
    strongest_of_each,
};
use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::candle_nn::ModuleT;
use allconv::{AllConv, Architecture, Config, HeadPadding, ImageNetConfig, LargeConfig};
use proptest::prelude::*;
use striate::testing::{Layout, ramp};
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

fn tensor(dims: &[usize], layout: Layout, dtype: DType) -> Result<Tensor> {
    layout.of(dims, |dims| ramp(dims, dtype))
}

fn view() -> impl Strategy<Value = (Layout, DType)> {
    let dtypes = vec![DType::F32, DType::F32, DType::F64, DType::F16, DType::U32];
    (
        prop::sample::select(Layout::ALL.to_vec()),
        prop::sample::select(dtypes),
    )
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
        (dims, (view, dtype)) in (prop::array::uniform4(small()), view()),
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
                let xs = tensor(&dims, view, dtype).expect("a tensor");
                let _ = network.forward_t(&xs, true);
            }
        }
    }

    #[test]
    fn attribution(
        (dims, (view, dtype)) in (prop::array::uniform4(small()), view()),
        (class, layer, position) in (any_number(), 0usize..14, (any_number(), any_number())),
        (count, rank, share) in (any_number(), 0usize..6, -0.1f64..1.1),
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
        let other = tensor(wrong, view, dtype).expect("a tensor");
        for dims in [wrong, &right[..]] {
            let xs = tensor(dims, view, dtype).expect("a tensor");
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
            for other in [&xs, &other] {
                let _ = rank_correlation(&xs, other);
                let _ = overlay(&xs, other);
                let _ = class_maps_over(&xs, other, share);
            }
            let batches = || [Ok(xs.clone()), Ok(other.clone())];
            let _ = strongest(&network, [Ok(xs.clone())], name, class, count);
            let _ = strongest(&network, batches(), name, class, count);
            let _ = strongest_of_each(&network, batches(), name, count);
            let attribute = || guided.attribute(&xs, &targets[0]);
            let _ = cascading_randomization(&own, &[name], 1, attribute);
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

#[test]
fn a_view_of_more_values_than_memory_is_refused() -> Result<()> {
    let config = Config {
        width: 0.05,
        ..Config::all_cnn_c()
    };
    let network = AllConv::new(&config, parameters().builder())?;
    let view = ramp(&[1, 1, 1, 1], DType::F32)?.broadcast_as((1 << 33, 3, 64, 64))?;
    assert!(network.forward(&view).is_err());
    assert!(strongest_of_each(&network, [Ok(view.clone())], "conv1", 1).is_err());
    assert!(
        Gradient::new(&network)
            .attribute(&view, &Target::class(0))
            .is_err()
    );
    assert!(normalized(&view).is_err());
    assert!(overlay(&view, &view).is_err());
    assert!(class_maps_over(&view, &view, 1.0).is_err());
    assert!(rank_correlation(&view, &view).is_err());
    Ok(())
}
