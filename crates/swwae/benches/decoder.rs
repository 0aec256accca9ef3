//! The decoder alone: from what and where to the image, by each kind of unpooling, with untied and tied weights.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use striate::Parameters;
use swwae::candle_core::{DType, Device, Result, Tensor, Var};
use swwae::{DecoderWeights, Encoding, Level, Place, Pooling, Swwae, SwwaeConfig, Unpooling};

const BATCH: usize = 32;

/// A network and what its encoder makes of a batch.
fn encoded(config: &SwwaeConfig) -> Result<(Swwae, Encoding)> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = Swwae::new(config, parameters.builder())?;
    let mut values = vec![0f32; BATCH * 32 * 32];
    striate::rng::stream(1, "images", 0).fill_normal(&mut values);
    let xs = Tensor::from_vec(values, (BATCH, 1, 32, 32), &Device::Cpu)?;
    let encoding = without_encoder(network.encode(&xs)?)?;
    Ok((network, encoding))
}

/// The same values as inputs of the decoder, where gradients end: the encoder's backward pass does not run.
fn without_encoder(encoding: Encoding) -> Result<Encoding> {
    let input =
        |xs: &Tensor| -> Result<Tensor> { Ok(Var::from_tensor(&xs.detach())?.into_inner()) };
    let level = |level: Level| -> Result<Level> {
        let place = match level.place {
            Place::Hard(switches) => Place::Hard(switches),
            Place::Soft { position, source } => Place::Soft {
                position: input(&position)?,
                source,
            },
        };
        let what = level.what.detach();
        Ok(Level { what, place })
    };
    Ok(Encoding {
        levels: encoding
            .levels
            .into_iter()
            .map(level)
            .collect::<Result<_>>()?,
        features: input(&encoding.features)?,
    })
}

fn bench(c: &mut Criterion) {
    let plain = SwwaeConfig::mnist_padded;
    let unpooling = |unpooling| SwwaeConfig {
        unpooling,
        ..plain()
    };
    let cases = [
        ("where", plain()),
        ("copy", unpooling(Unpooling::Copy)),
        ("fixed", unpooling(Unpooling::Fixed)),
        (
            "soft",
            SwwaeConfig {
                pooling: Pooling::Soft { beta: 1.0 },
                ..plain()
            },
        ),
        (
            "tied",
            SwwaeConfig {
                decoder_weights: DecoderWeights::Tied,
                ..plain()
            },
        ),
    ];
    let mut group = c.benchmark_group("decoder_mnist_batch32");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(10);
    for (name, config) in cases {
        let (network, encoding) = encoded(&config).expect("the preset is valid");
        let decode = || network.decoder().decode(&encoding).expect("an image");
        group.bench_function(format!("{name}_forward"), |b| {
            b.iter(|| black_box(decode()))
        });
        group.bench_function(format!("{name}_forward_backward"), |b| {
            b.iter(|| {
                let loss = decode().reconstruction.sum_all().expect("a sum");
                black_box(loss.backward().expect("backward"))
            })
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
