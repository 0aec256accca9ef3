//! A small network made of the layers: a training step has the same bits on one thread and on more.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Module, ModuleT};

use super::*;
use crate::ops::{Activation, Conv2dOptions, cross_entropy};
use crate::rng::{Clock, stream};
use crate::testing::{Tolerance, assert_close};
use crate::{Initializer, Parameters, Window2d};

/// The parameters after two steps of gradient descent.
fn train(clock: &Clock) -> Result<Vec<(String, Tensor)>> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let vb = parameters.builder();
    let options = Conv2dOptions {
        padding: (1, 1),
        activation: Activation::Relu,
        ..Default::default()
    };
    let (first, second) = (
        conv2d(3, 12, 3, options, vb.pp("first"))?,
        conv2d(12, 5, 3, options, vb.pp("second"))?,
    );
    let pool = MaxPool2d::new(Window2d::square(3).stride(2));
    let drop = Dropout::with_clock(0.5, "drop", clock);
    let mut draws = stream(2, "images", 0);
    let mut pixels = vec![0f32; 16 * 3 * 21 * 19];
    draws.fill_normal(&mut pixels);
    let xs = Tensor::from_vec(pixels, (16, 3, 21, 19), &Device::Cpu)?;
    let labels: Vec<u32> = (0..16).map(|n| n % 5).collect();
    let labels = Tensor::from_vec(labels, 16, &Device::Cpu)?;
    for _ in 0..2 {
        let ys = pool.forward(&first.forward(&xs)?)?;
        let ys = second.forward(&drop.forward_t(&ys, true)?)?;
        let loss = cross_entropy(&GlobalAvgPool.forward(&ys)?, &labels)?;
        clock.tick();
        let gradients = loss.backward()?;
        for (name, var) in parameters.named() {
            match gradients.get(&var) {
                Some(gradient) => var.set(&(var.as_tensor() - (gradient * 0.1)?)?)?,
                None => candle_core::bail!("{name} gets no gradient"),
            }
        }
    }
    let named = parameters.named().into_iter();
    named.map(|(name, var)| Ok((name, var.copy()?))).collect()
}

#[test]
fn a_training_step_has_the_same_bits_for_any_thread_count() -> Result<()> {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(candle_core::Error::wrap)?
            .install(|| train(&Clock::new(7)))
    };
    let one = on(1)?;
    for threads in [2, 3, 8] {
        for ((name, found), (_, one)) in on(threads)?.iter().zip(&one) {
            let what = format!("{name}, {threads} threads");
            assert_close(&what, found, one, Tolerance::Exact);
        }
    }
    Ok(())
}

#[test]
fn a_normalization_keeps_its_scale_and_its_statistics_do_not_count() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let parameters = parameters.with_weights(Initializer::kaiming());
    let vb = parameters.builder();
    conv2d(2, 3, 3, Conv2dOptions::default(), vb.pp("conv"))?;
    let norm = candle_nn::batch_norm(3, candle_nn::BatchNormConfig::default(), vb.pp("norm"))?;
    let Some((scale, _)) = norm.weight_and_bias() else {
        candle_core::bail!("a batch normalization without a scale");
    };
    assert_eq!(scale.to_vec1::<f32>()?, [1.0; 3]);
    assert_eq!(parameters.named().len(), 6);
    assert_eq!(parameters.count(), 3 * 2 * 9 + 3 + 3 + 3);
    Ok(())
}

#[test]
fn layers_of_one_seed_or_name_drop_the_same_cells_and_others_do_not() -> Result<()> {
    let xs = Tensor::ones((1, 1, 16, 16), DType::F32, &Device::Cpu)?;
    let clock = Clock::new(1);
    let drop = |layer: Dropout| -> Result<Vec<f32>> {
        layer.forward_t(&xs, true)?.flatten_all()?.to_vec1()
    };
    let named = |name| drop(Dropout::with_clock(0.5, name, &clock));
    assert_eq!(drop(Dropout::new(0.5, 3))?, drop(Dropout::new(0.5, 3))?);
    assert_ne!(drop(Dropout::new(0.5, 3))?, drop(Dropout::new(0.5, 4))?);
    assert_eq!(named("a")?, named("a")?);
    assert_ne!(named("a")?, named("b")?);
    Ok(())
}

#[test]
fn dropout_rests_in_evaluation_and_moves_with_its_clock() -> Result<()> {
    let xs = Tensor::ones((1, 1, 16, 16), DType::F32, &Device::Cpu)?;
    let differ = |a: &Tensor, b: &Tensor| -> Result<bool> {
        Ok(a.ne(b)?
            .to_dtype(DType::F32)?
            .sum_all()?
            .to_scalar::<f32>()?
            > 0.0)
    };
    let own = Dropout::new(0.5, 1);
    assert!(!differ(&own.forward_t(&xs, false)?, &xs)?);
    assert!(differ(
        &own.forward_t(&xs, true)?,
        &own.forward_t(&xs, true)?
    )?);
    let clock = Clock::new(1);
    let driven = Dropout::with_clock(0.5, "a", &clock);
    let before = driven.forward_t(&xs, true)?;
    assert!(!differ(&before, &driven.forward_t(&xs, true)?)?);
    clock.tick();
    assert!(differ(&before, &driven.forward_t(&xs, true)?)?);
    Ok(())
}
