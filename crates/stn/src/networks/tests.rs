//! Tests of the networks: parameter counts, shapes, losses by hand, errors.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Module, ModuleT};
use striate::model_file::{ModelCard, ModelFile, Normalization, Preprocessing};
use striate::rng::stream;
use striate::{Network, Parameters};

use super::*;
use crate::module::{ConvLocalisation, ConvLocalisationConfig, FcLocalisation};

fn parameters() -> Parameters {
    Parameters::new(1, DType::F32, &Device::Cpu)
}

fn digits(config: &DigitConfig) -> Result<usize> {
    let parameters = parameters();
    DigitNet::new(config, parameters.builder())?;
    Ok(parameters.count())
}

fn message<T>(result: Result<T>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn parameter_counts_of_the_facts_file() -> Result<()> {
    let cnn = |side, filters| digits(&DigitConfig::plain(side, Body::Cnn { filters }));
    assert_eq!(
        [cnn(28, 64)?, cnn(42, 64)?, cnn(60, 64)?],
        [208_586, 222_026, 270_026]
    );
    assert_eq!(
        [cnn(28, 32)?, cnn(42, 32)?, cnn(60, 32)?],
        [54_122, 60_842, 84_842]
    );
    let fcn = |side, hidden| digits(&DigitConfig::plain(side, Body::Fcn { hidden }));
    assert_eq!(
        [fcn(28, 128)?, fcn(42, 128)?, fcn(60, 128)?].map(|count| count / 1000),
        [118, 243, 478]
    );
    assert_eq!(
        [fcn(28, 256)?, fcn(42, 256)?, fcn(60, 256)?].map(|count| count / 1000),
        [269, 520, 990]
    );
    assert_eq!(
        digits(&DigitConfig::st_cnn(42, Transform::Affine))?,
        222_026 + 17_086
    );
    assert_eq!(
        digits(&DigitConfig::st_cnn(60, Transform::Affine))?,
        270_026 + 43_086
    );
    assert_eq!(
        digits(&DigitConfig::st_fcn(42, Transform::Affine))? - fcn(42, 256)?,
        58_790
    );
    Ok(())
}

#[test]
fn house_number_parameters() -> Result<()> {
    // By hand: eight convolutions, three layers of 3072 units, five heads.
    let mut expected = 0;
    let maps = [3, 48, 64, 128, 160, 192, 192, 192, 192];
    for pair in maps.windows(2) {
        expected += pair[0] * pair[1] * 25 + pair[1];
    }
    expected += (192 * 16) * 3072 + 3072 + 2 * (3072 * 3072 + 3072) + 5 * (3072 * 11 + 11);
    let parameters = parameters();
    HouseNumberNet::new(
        &HouseNumberConfig::paper(64, Placement::None),
        parameters.builder(),
    )?;
    assert_eq!(parameters.count(), expected);
    assert_eq!(expected / 100_000, 328);
    Ok(())
}

#[test]
fn digit_networks_have_the_shapes_of_their_taps() -> Result<()> {
    let xs = Tensor::zeros((2, 1, 42, 42), DType::F32, &Device::Cpu)?;
    for transform in [Transform::Affine, Transform::Projective, Transform::Tps] {
        for config in [
            DigitConfig::st_fcn(42, transform).pooled(),
            DigitConfig::st_cnn(42, transform),
        ] {
            let network = DigitNet::new(&config, parameters().builder())?;
            assert_eq!(network.forward_t(&xs, true)?.dims(), [2, 10]);
            assert_eq!(network.clock().step(), 1);
            let side = 42 / config.pool;
            assert_eq!(
                network.forward_to(&xs, "transformed")?.dims(),
                [2, 1, side, side]
            );
            assert_eq!(network.forward_features(&xs)?.dims(), [2, 1, side, side]);
            assert_eq!(network.forward_to(&xs, "logits")?.dims(), [2, 10]);
            assert!(message(network.forward_to(&xs, "conv9")).contains("hidden1"));
            assert_eq!(network.transform(&xs)?.len(), 1);
            assert_eq!(network.generators().len(), 1);
        }
    }
    let plain = DigitNet::new(&DigitConfig::cnn(42), parameters().builder())?;
    assert!(plain.transform(&xs)?.is_empty());
    let pairs = Tensor::zeros((2, 2, 42, 42), DType::F32, &Device::Cpu)?;
    let addition = DigitConfig::addition(2, Transform::Affine);
    assert_eq!(addition.name(), "2xST-FCN");
    let network = DigitNet::new(&addition, parameters().builder())?;
    assert_eq!(network.forward_t(&pairs, false)?.dims(), [2, 19]);
    assert_eq!(
        network.forward_to(&pairs, "transformed")?.dims(),
        [2, 4, 42, 42]
    );
    Ok(())
}

#[test]
fn an_untrained_digit_network_equals_its_plain_one() -> Result<()> {
    // Same names, same draws: only the transformer is between input and classifier, and it starts as the identity.
    let mut values = vec![0f32; 2 * 42 * 42];
    stream(1, "images", 0).fill_uniform(&mut values);
    let xs = Tensor::from_vec(values, (2, 1, 42, 42), &Device::Cpu)?;
    let run =
        |config: &DigitConfig| DigitNet::new(config, parameters().builder())?.forward_t(&xs, false);
    let (plain, with) = (
        run(&DigitConfig::cnn(42))?,
        run(&DigitConfig::st_cnn(42, Transform::Affine))?,
    );
    striate::testing::assert_close(
        "logits",
        &with,
        &plain,
        striate::testing::Tolerance::Elementwise(1e-3),
    );
    Ok(())
}

#[test]
fn digit_errors() {
    let build = |config: DigitConfig| message(DigitNet::new(&config, parameters().builder()));
    assert!(
        build(DigitConfig::st_cnn(42, Transform::Affine).pooled()).contains("smallest is 24x24")
    );
    assert!(build(DigitConfig::cnn(23)).contains("smallest is 24x24"));
    assert_eq!(build(DigitConfig::cnn(24)), "");
    let torn = DigitConfig {
        transformers: 1,
        ..DigitConfig::fcn(28)
    };
    assert!(build(torn).contains("do not fit together"));
    assert!(build(DigitConfig::plain(28, Body::Fcn { hidden: 0 })).contains("at least 1"));
}

/// However large the images are by its card: the grids of these would take gigabytes.
#[test]
fn a_file_without_tensors_is_refused_before_grids_are_made() -> Result<()> {
    let refused = |config: &DigitConfig| -> Result<String> {
        let normalization = Normalization::Affine {
            mean: vec![0.0],
            factor: vec![1.0],
        };
        let preprocessing = Preprocessing {
            normalization,
            canvas: None,
        };
        let card = ModelCard::of(config, preprocessing)?;
        let file = ModelFile::new(card, &parameters(), None);
        let built = file.build::<DigitConfig>(&Device::Cpu).map(drop);
        Ok(built.expect_err("no tensors").to_string())
    };
    for transform in [Transform::Projective, Transform::Tps] {
        let text = refused(&DigitConfig::st_cnn(8192, transform))?;
        assert!(text.contains("no tensor st1.conv1.bias"), "{text}");
        let narrow = DigitConfig::plain(1024, Body::Fcn { hidden: 1 });
        let text = refused(&narrow.with_transformers(1, transform))?;
        assert!(text.contains("no tensor st1.fc1.weight"), "{text}");
    }
    let without_channels = DigitConfig {
        in_channels: 0,
        ..DigitConfig::st_cnn(16_384, Transform::Tps)
    };
    let text = refused(&without_channels)?;
    assert!(text.contains("0 channels and 16384x16384"), "{text}");
    Ok(())
}

/// The start of a net does not depend on the size of the output.
#[test]
fn the_identity_is_that_of_every_size() -> Result<()> {
    for transform in [Transform::Affine, Transform::Projective, Transform::Tps] {
        let (small, large) = (transform.generator(1)?, transform.generator(42)?);
        assert_eq!(small.identity(), large.identity(), "{transform:?}");
    }
    Ok(())
}

#[test]
fn house_numbers_run_in_every_placement() -> Result<()> {
    let xs = Tensor::zeros((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
    for (placement, count) in [
        (Placement::None, 0),
        (Placement::Single, 1),
        (Placement::Multi, 4),
    ] {
        let config = HouseNumberConfig {
            width: 0.05,
            ..HouseNumberConfig::paper(32, placement)
        };
        let network = HouseNumberNet::new(&config, parameters().builder())?;
        assert_eq!(network.forward_t(&xs, true)?.dims(), [2, 5, 11]);
        assert_eq!(network.transform(&xs)?.len(), count);
        assert_eq!(network.forward_to(&xs, "fc3")?.dims(), [2, 154]);
        assert_eq!(network.layer_names().len(), 17);
    }
    // 33 pixels would be 16 after the first pooling, as 32 are.
    let config = HouseNumberConfig {
        width: 0.05,
        ..HouseNumberConfig::paper(32, Placement::None)
    };
    let network = HouseNumberNet::new(&config, parameters().builder())?;
    let wide = Tensor::zeros((2, 3, 32, 33), DType::F32, &Device::Cpu)?;
    for result in [
        network.forward_t(&wide, false).map(drop),
        network.forward_to(&wide, "conv1").map(drop),
        network.transform(&wide).map(drop),
    ] {
        assert!(message(result).contains("takes (N, 3, 32, 32)"));
    }
    let small = HouseNumberConfig::paper(8, Placement::None);
    assert!(message(HouseNumberNet::new(&small, parameters().builder())).contains("too small"));
    let labels = Tensor::zeros((2, 5), DType::U32, &Device::Cpu)?;
    let logits = Tensor::zeros((2, 5, 11), DType::F32, &Device::Cpu)?;
    let loss = sequence_loss(&logits, &labels)?.to_scalar::<f32>()?;
    assert!((loss - 5.0 * 11f32.ln()).abs() < 1e-5, "{loss}");
    assert!(message(sequence_loss(&logits, &labels.narrow(1, 0, 4)?)).contains("(N, digits)"));
    Ok(())
}

#[test]
fn triplet_loss_by_hand() -> Result<()> {
    let crops = Tensor::new(&[[0f32, 0.0], [1.0, 0.0]], &Device::Cpu)?;
    let random = Tensor::new(&[[0f32, 1.0], [1.0, 3.0]], &Device::Cpu)?;
    // |T1 - T2|^2 = 1; |T1 - R1|^2 = 1, |T2 - R2|^2 = 9: max(0, 1 - 1 + 1) + max(0, 1 - 9 + 1).
    let loss = triplet_loss(&crops, &random, 1.0)?.to_scalar::<f32>()?;
    assert!((loss - 1.0).abs() < 1e-6, "{loss}");
    assert!(
        message(triplet_loss(
            &crops.narrow(0, 0, 1)?,
            &random.narrow(0, 0, 1)?,
            1.0
        ))
        .contains("two rows")
    );
    // Squares of codes leave the range of f16 long before codes do.
    let half = |codes: &Tensor| (codes * 300.0)?.to_dtype(DType::F16);
    let loss = triplet_loss(&half(&crops)?, &half(&random)?, 10.0)?;
    assert_eq!(loss.dtype(), DType::F16);
    assert_eq!(loss.to_dtype(DType::F32)?.to_scalar::<f32>()?, 10.0);
    let many = crops.narrow(0, 0, 1)?.broadcast_as((1 << 40, 2))?;
    assert!(message(triplet_loss(&many, &many, 1.0)).contains("memory"));
    assert!(message(triplet_loss(&crops, &random, f64::NAN)).contains("finite alpha"));
    let whole = crops.to_dtype(DType::U32)?;
    assert!(message(triplet_loss(&whole, &whole, 1.0)).contains("U32"));
    Ok(())
}

#[test]
fn co_localisation_gives_a_loss_and_boxes() -> Result<()> {
    let config = CoLocalisationConfig {
        start: 0.5,
        body: Body::Cnn { filters: 4 },
        ..CoLocalisationConfig::digits()
    };
    let network = CoLocalisation::new(&config, parameters().builder())?;
    let mut values = vec![0f32; 3 * 84 * 84];
    stream(1, "scenes", 0).fill_uniform(&mut values);
    let xs = Tensor::from_vec(values, (3, 1, 84, 84), &Device::Cpu)?;
    let mut draws = stream(1, "patches", 0);
    let (loss, crops) = network.loss(&xs, WindowSize::Learned, 1.0, &mut draws)?;
    assert!(loss.to_scalar::<f32>()?.is_finite());
    assert_eq!(crops.output.dims(), [3, 1, 28, 28]);
    let boxes = CoLocalisation::boxes(&crops.theta, 84)?;
    assert_eq!(boxes[0], [21.25, 21.25, 62.75, 62.75]);
    // 4 units at 100 places, 4 at 4, and 10 logits, of which the middle ones stay.
    assert_eq!(network.forward_t(&xs, true)?.dims(), [3, 4 * 104 + 10]);
    assert_eq!(network.clock().step(), 1);
    let crops = network.transform(&xs, WindowSize::Given(0.25))?;
    assert_eq!(crops.theta.to_vec2::<f32>()?[2], [0.25, 0.0, 0.0]);
    assert_eq!(network.encode(&crops.output)?.dims(), [3, 4 * 104 + 10]);
    let twice = CoLocalisationConfig {
        factors: [0.0, 2.0, 0.0],
        ..config
    };
    let scaled = CoLocalisation::new(&twice, parameters().builder())?.encode(&crops.output)?;
    let middle = network.encode(&crops.output)?.narrow(1, 400, 16)?;
    assert_eq!(scaled.to_vec2::<f32>()?, (middle * 2.0)?.to_vec2::<f32>()?);
    let none = CoLocalisationConfig {
        factors: [0.0; 3],
        ..twice
    };
    assert!(CoLocalisation::new(&none, parameters().builder()).is_err());
    Ok(())
}

/// The mean of each channel, twice: a stand-in for a backbone.
#[derive(Debug)]
struct Means;

impl Module for Means {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        xs.flatten_from(2)?.mean(2)
    }
}

#[test]
fn parts_crop_and_describe() -> Result<()> {
    let config = PartsConfig {
        crop: 16,
        ..PartsConfig::birds(2, 3)
    };
    let vb = parameters().builder();
    let start = PartsNet::<FcLocalisation, Means>::start(2)?;
    let net = FcLocalisation::new(3 * 256, &[4], &start, vb.pp("st"))?;
    let network = PartsNet::new(&config, net, vec![Means, Means], vb.pp("parts"))?;
    let xs = Tensor::ones((2, 3, 40, 32), DType::F32, &Device::Cpu)?;
    assert_eq!(network.forward_t(&xs, false)?.dims(), [2, 200]);
    let crops = network.transform(&xs)?;
    assert_eq!(crops[1].theta.to_vec2::<f32>()?[0], [0.5, 0.5, 0.0]);
    let logits = |train| network.forward_t(&xs, train)?.to_vec2::<f32>();
    let (seen, first, second) = (logits(false)?, logits(true)?, logits(true)?);
    assert_ne!(first, seen);
    // Each training step has a mask of its own.
    assert_ne!(second, first);
    assert_eq!((logits(false)?, network.clock().step()), (seen, 2));
    let net = FcLocalisation::new(3 * 256, &[4], &start[..2], vb.pp("other"))?;
    assert!(message(PartsNet::new(&config, net, vec![Means], vb)).contains("as many backbones"));
    Ok(())
}

#[test]
fn windows_of_parts_tile_the_picture_at_the_start() -> Result<()> {
    let start = PartsNet::<FcLocalisation, Means>::start;
    assert_eq!(start(0)?, [0.0; 0]);
    assert_eq!(start(1)?, [0.0, 0.0]);
    assert_eq!(start(2)?, [-0.5, 0.0, 0.5, 0.0]);
    assert_eq!(start(4)?, [-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
    assert!(message(start(usize::MAX)).contains("more elements than memory can hold"));
    Ok(())
}

#[test]
fn volumes_are_projected() -> Result<()> {
    let config = VolumeConfig {
        side: 28,
        body: Body::Cnn { filters: 4 },
        ..VolumeConfig::digits()
    };
    let network = VolumeNet::new(&config, parameters().builder())?;
    let xs = Tensor::ones((1, 1, 28, 28, 28), DType::F32, &Device::Cpu)?;
    assert_eq!(network.forward_t(&xs, true)?.dims(), [1, 10]);
    assert_eq!(network.clock().step(), 1);
    // Untrained, the picture is the sum along the depth.
    let picture = network.project(&xs)?.output;
    striate::testing::assert_close(
        "sum",
        &picture,
        &(picture.ones_like()? * 28.0)?,
        striate::testing::Tolerance::Elementwise(1e-3),
    );
    let flat = network.forward_t(&xs.narrow(2, 0, 20)?, false);
    assert!(message(flat).contains("(N, 1, 28, 28, 28)"));
    let layers = ConvLocalisationConfig::mnist(28, (28, 28));
    assert!(ConvLocalisation::new(&layers, &[0.0; 12], parameters().builder()).is_ok());
    Ok(())
}

#[test]
fn images_of_another_size_are_named() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let config = DigitConfig::st_cnn(42, Transform::Affine);
    let network = DigitNet::new(&config, parameters.builder())?;
    let xs = Tensor::zeros((2, 1, 28, 28), DType::F32, &Device::Cpu)?;
    for result in [
        network.forward_t(&xs, false).map(drop),
        network.transform(&xs).map(drop),
    ] {
        let error = result.expect_err("28x28").to_string();
        assert!(error.contains("takes (N, 1, 42, 42)"), "{error}");
    }
    // Another depth would add up to a picture of the right size.
    let network = VolumeConfig {
        side: 28,
        body: Body::Cnn { filters: 4 },
        ..VolumeConfig::digits()
    };
    for transformer in [false, true] {
        let network = network.clone();
        let config = ShadowConfig {
            transformer,
            network,
        };
        let network = ShadowNet::new(&config, self::parameters().builder())?;
        let xs = Tensor::zeros((2, 27, 28, 28), DType::F32, &Device::Cpu)?;
        for result in [network.forward_t(&xs, false), network.forward_features(&xs)] {
            assert!(message(result).contains("takes (N, 28, 28, 28)"));
        }
    }
    Ok(())
}
