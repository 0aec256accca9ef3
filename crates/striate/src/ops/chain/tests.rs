//! A chain against the ops one by one, to the bit.

use candle_core::{Device, Var};

use super::*;
use crate::ops::test_support::{
    assert_same_bits_for_any_thread_count, message, normal, with_gradient,
};
use crate::ops::{Activation, ReluRule, relu};
use crate::rng::stream;
use crate::testing::{Directions, gradcheck};

fn values(tensor: &Tensor) -> Vec<f64> {
    crate::testing::values(tensor).expect("a tensor of floats")
}

fn fused(padding: usize) -> Conv2dOptions {
    Conv2dOptions {
        padding: (padding, padding),
        activation: Activation::Relu,
        ..Default::default()
    }
}

/// Every step that a chain has, with the weights w, u and v and the bias b of w; u has a ReLU and no bias, v neither.
fn chained(x: &Tensor, [w, b, u, v]: [&Tensor; 4]) -> Result<Tensor> {
    Chain::new(x)
        .dropout(0.2, &stream(1, "in", 0))?
        .conv2d(w, Some(b), &fused(1))?
        .max_pool2d(&Window2d::square(3).stride(2).ceil())?
        .dropout(0.5, &stream(1, "drop", 0))?
        .conv2d(u, None, &fused(2))?
        .avg_pool2d(&Window2d::square(2).padding(1), Padding::Ignored)?
        .conv2d(v, None, &Conv2dOptions::default())?
        .global_avg_pool()?
        .finish()
}

fn one_by_one(x: &Tensor, [w, b, u, v]: [&Tensor; 4]) -> Result<Tensor> {
    let x = dropout(x, 0.2, &stream(1, "in", 0))?;
    let x = conv2d::conv2d(&x, w, Some(b), &fused(1))?;
    let x = max_pool2d(&x, &Window2d::square(3).stride(2).ceil())?;
    let x = dropout(&x, 0.5, &stream(1, "drop", 0))?;
    let x = conv2d::conv2d(&x, u, None, &fused(2))?;
    let x = avg_pool2d(&x, &Window2d::square(2).padding(1), Padding::Ignored)?;
    let x = conv2d::conv2d(&x, v, None, &Conv2dOptions::default())?;
    global_avg_pool(&x)
}

/// x, w, b, u, v.
fn arguments(dtype: DType) -> Result<[Var; 5]> {
    let shapes: [&[usize]; 5] = [
        &[3, 4, 9, 7],
        &[6, 4, 3, 3],
        &[6],
        &[5, 6, 5, 5],
        &[7, 5, 1, 1],
    ];
    let mut seed = 0;
    let draw = shapes.map(|shape| {
        seed += 1;
        Var::from_tensor(&normal(seed, shape).to_dtype(dtype)?)
    });
    let [x, w, b, u, v] = draw;
    Ok([x?, w?, b?, u?, v?])
}

/// The output and the gradient of each argument that is tracked, of a loss that weights every output.
fn results(
    f: impl Fn(&Tensor, [&Tensor; 4]) -> Result<Tensor>,
    arguments: &[Tensor; 5],
) -> Result<Vec<Option<Vec<f64>>>> {
    let [x, w, b, u, v] = arguments;
    let y = f(x, [w, b, u, v])?;
    let weights = normal(9, y.dims()).to_dtype(y.dtype())?;
    let gradients = (&y * weights)?.sum_all()?.backward()?;
    let of = |argument: &Tensor| gradients.get(argument).map(values);
    Ok([Some(values(&y))]
        .into_iter()
        .chain(arguments.iter().map(of))
        .collect())
}

/// All ways to ask for gradients of some arguments, and none of the others.
#[test]
fn the_bits_of_the_ops() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let variables = arguments(dtype)?;
        for mask in 1..32usize {
            let mut tracked = variables
                .each_ref()
                .map(|variable| variable.as_tensor().clone());
            for (i, argument) in tracked.iter_mut().enumerate() {
                if mask & (1 << i) == 0 {
                    *argument = argument.detach();
                }
            }
            let (ours, theirs) = (results(chained, &tracked)?, results(one_by_one, &tracked)?);
            assert_eq!(ours, theirs, "{dtype:?}, arguments {mask:05b}");
            assert_eq!(ours.iter().flatten().count() as u32, 1 + mask.count_ones());
        }
    }
    Ok(())
}

#[test]
fn gradient() -> Result<()> {
    let inputs = arguments(DType::F64)?.map(|variable| variable.as_detached_tensor());
    let f = |x: &[Tensor]| chained(&x[0], [&x[1], &x[2], &x[3], &x[4]]);
    gradcheck(f, &inputs, Directions::Random(8))
}

#[test]
fn threads_change_nothing() -> Result<()> {
    let [x, w, b, u, v] = arguments(DType::F32)?;
    let weights = normal(9, &[3, 7]).to_dtype(DType::F32)?;
    assert_same_bits_for_any_thread_count("chain", || {
        with_gradient(|x| chained(x, [&w, &b, &u, &v]), &x, &weights)
    })
}

/// Nothing that asks for a gradient: no graph, and the same values.
#[test]
fn without_a_graph() -> Result<()> {
    let [x, w, b, u, v] = arguments(DType::F32)?.map(|variable| variable.as_detached_tensor());
    let y = chained(&x, [&w, &b, &u, &v])?;
    assert!(!y.track_op());
    assert_eq!(values(&y), values(&one_by_one(&x, [&w, &b, &u, &v])?));
    let half = [&x, &w, &b, &u, &v].map(|tensor| tensor.to_dtype(DType::F16));
    let [x, w, b, u, v] = half;
    assert_eq!(chained(&x?, [&w?, &b?, &u?, &v?])?.dtype(), DType::F16);
    assert_eq!(values(&Chain::new(&y).finish()?), values(&y));
    Ok(())
}

/// f16 runs as the ops, with their gradients.
#[test]
fn half_precision() -> Result<()> {
    let tensors = arguments(DType::F16)?.map(|variable| variable.as_tensor().clone());
    assert_eq!(results(chained, &tensors)?, results(one_by_one, &tensors)?);
    Ok(())
}

/// The same graph may be asked twice, and by several threads at once.
#[test]
fn several_backward_passes() -> Result<()> {
    let [x, w, b, u, v] = arguments(DType::F32)?;
    let y = chained(&x, [&w, &b, &u, &v])?;
    let losses = [y.sum_all()?, y.sqr()?.sum_all()?];
    let of = |loss: &Tensor| -> Result<Vec<Option<Vec<f64>>>> {
        let gradients = loss.backward()?;
        Ok([&w, &b, &u, &v]
            .map(|variable| gradients.get(variable).map(values))
            .into())
    };
    let alone = [of(&losses[0])?, of(&losses[1])?];
    assert_ne!(alone[0], alone[1]);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|i| {
                (
                    i,
                    scope.spawn({
                        let (of, losses) = (&of, &losses);
                        move || of(&losses[i % 2])
                    }),
                )
            })
            .collect();
        for (i, run) in runs {
            let got = run.join().expect("a backward pass panicked")?;
            assert_eq!(got, alone[i % 2]);
        }
        Ok(())
    })
}

/// One variable in two layers, and the output in two terms of the loss.
#[test]
fn shared_parameters() -> Result<()> {
    let x = normal(1, &[2, 3, 6, 6]);
    let w = Var::from_tensor(&normal(2, &[3, 3, 3, 3]))?;
    let gradient = |y: Tensor| -> Result<Option<Vec<f64>>> {
        let loss = (y.sqr()?.sum_all()? + y.sum_all()?)?;
        Ok(loss.backward()?.get(&w).map(values))
    };
    let chain = Chain::new(&x)
        .conv2d(&w, None, &fused(1))?
        .conv2d(&w, None, &fused(1))?;
    let plain = conv2d::conv2d(
        &conv2d::conv2d(&x, &w, None, &fused(1))?,
        &w,
        None,
        &fused(1),
    )?;
    assert_eq!(gradient(chain.finish()?)?, gradient(plain)?);
    Ok(())
}

/// Parameters that are views of others, and a function between two parts.
#[test]
fn views_and_other_functions() -> Result<()> {
    let x = normal(1, &[2, 6, 6, 3]);
    let w = Var::from_tensor(&normal(2, &[3, 3, 3, 8]))?;
    let gradients = |f: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>| -> Result<_> {
        let x = Var::from_tensor(&x)?;
        let y = f(&x.permute((0, 3, 1, 2))?, &w.permute((3, 2, 0, 1))?)?;
        let gradients = y.sum_all()?.backward()?;
        Ok([x.as_tensor(), w.as_tensor()].map(|tensor| gradients.get(tensor).map(values)))
    };
    let chain = |x: &Tensor, w: &Tensor| {
        Chain::new(x)
            .conv2d(w, None, &fused(1))?
            .then(|ys| ys.sqr()?.neg())?
            .max_pool2d(&Window2d::square(2))?
            .finish()
    };
    let plain = |x: &Tensor, w: &Tensor| {
        let ys = conv2d::conv2d(x, w, None, &fused(1))?.sqr()?.neg()?;
        max_pool2d(&ys, &Window2d::square(2))
    };
    assert_eq!(gradients(&chain)?, gradients(&plain)?);
    Ok(())
}

/// Pooling with switches, and unpooling of other values at their places, between convolutions.
#[test]
fn switches() -> Result<()> {
    let x = normal(1, &[2, 3, 7, 6]);
    let parameters = [normal(2, &[4, 3, 3, 3]), normal(3, &[3, 4, 3, 3])];
    let [w, u] = [
        Var::from_tensor(&parameters[0])?,
        Var::from_tensor(&parameters[1])?,
    ];
    let window = Window2d::square(2).stride(2);
    let gradients = |what: Tensor, ys: Tensor| -> Result<_> {
        let loss = (ys.sqr()?.sum_all()? + what.sum_all()?)?;
        let gradients = loss.backward()?;
        Ok([&w, &u].map(|variable| gradients.get(variable).map(values)))
    };
    let chain = Chain::new(&x).conv2d(&w, None, &fused(1))?;
    let (what, places) = chain.max_pool2d_with_switches(&window)?;
    let ys = Chain::new(&what.affine(2.0, 1.0)?)
        .max_unpool2d(&places, places.source)?
        .conv2d(&u, None, &fused(1))?
        .finish()?;
    let ours = (places.clone(), gradients(what, ys)?);

    let xs = conv2d::conv2d(&x, &w, None, &fused(1))?;
    let (what, places) = max_pool2d_with_switches(&xs, &window)?;
    let ys = max_unpool2d(&what.affine(2.0, 1.0)?, &places, places.source)?;
    let ys = conv2d::conv2d(&ys, &u, None, &fused(1))?;
    assert_eq!(ours.1, gradients(what, ys)?);
    assert_eq!(ours.0.source, (7, 6));
    let indices = |switches: &Switches| switches.indices.flatten_all()?.to_vec1::<u32>();
    assert_eq!(indices(&ours.0)?, indices(&places)?);
    // A switch without a place is found where the layer is computed.
    let chain = Chain::new(&x).conv2d(&w, None, &fused(1))?;
    let (what, places) = chain.max_pool2d_with_switches(&window)?;
    let small = Chain::new(&what).max_unpool2d(&places, (2, 2))?;
    assert!(message(small.finish()).contains("has no cell in an output of 2 x 2"));
    Ok(())
}

/// The rules of the scope in which a layer is added hold, wherever the backward pass runs.
#[test]
fn rules() -> Result<()> {
    let x = Var::from_tensor(&normal(1, &[1, 3, 8, 8]))?;
    let w = normal(2, &[4, 3, 3, 3]);
    let gradient = |y: Tensor| -> Result<Option<Vec<f64>>> {
        let loss = (&y * normal(3, y.dims()))?.sum_all()?;
        Ok(loss.backward()?.get(&x).map(values))
    };
    let window = Window2d::square(2).stride(2);
    let chain = || {
        Chain::new(&x)
            .conv2d(&w, None, &fused(1))?
            .max_pool2d(&window)?
            .finish()
    };
    let plain = || max_pool2d(&conv2d::conv2d(&x, &w, None, &fused(1))?, &window);
    let mut seen = Vec::new();
    for relus in [ReluRule::Backprop, ReluRule::Deconvnet, ReluRule::Guided] {
        for pools in [PoolRule::Switches, PoolRule::Uniform] {
            let ours = gradient(relus.scope(|| pools.scope(chain))?)?;
            assert_eq!(ours, gradient(relus.scope(|| pools.scope(plain))?)?);
            assert!(
                !seen.contains(&ours),
                "{relus:?} and {pools:?} changed nothing"
            );
            seen.push(ours);
        }
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let [x, w, b, u, v] = arguments(DType::F32)?;
    let after_one = || Chain::new(&x).conv2d(&w, Some(&b), &fused(1));
    let refused = |chain: Result<Chain>| message(chain.and_then(Chain::finish));
    let options = Conv2dOptions::default();
    assert!(
        refused(after_one()?.conv2d(&v, None, &options)).contains("does not fit 6 input channels")
    );
    assert!(refused(after_one()?.conv2d(&u, Some(&w), &options)).contains("the bias has shape"));
    assert!(refused(after_one()?.max_pool2d(&Window2d::square(20))).contains("max_pool2d"));
    assert!(refused(after_one()?.dropout(1.0, &stream(1, "drop", 0))).contains("p is 1"));
    assert!(refused(after_one()?.global_avg_pool()?.global_avg_pool()).contains("(N, C, H, W)"));
    let integers = Tensor::zeros((1, 4, 5, 5), DType::U32, &Device::Cpu)?;
    assert!(refused(Chain::new(&integers).global_avg_pool()).contains("U32"));
    let double = w.to_dtype(DType::F64)?;
    assert!(refused(Chain::new(&x).conv2d(&double, None, &options)).contains("dtype F64"));
    Ok(())
}

/// A batch without images has gradients of zeros.
#[test]
fn an_empty_batch() -> Result<()> {
    let [_, w, b, u, v] = arguments(DType::F32)?;
    let x = Tensor::zeros((0, 4, 9, 7), DType::F32, &Device::Cpu)?;
    let y = chained(&x, [&w, &b, &u, &v])?;
    assert_eq!(y.dims(), [0, 7]);
    let gradients = y.sum_all()?.backward()?;
    for variable in [&w, &b, &u, &v] {
        let gradient = gradients.get(variable).map(values);
        assert_eq!(gradient, Some(vec![0.0; variable.elem_count()]));
    }
    // The same without bias or pooling.
    let y = relu(&Chain::new(&x).conv2d(&w, None, &fused(0))?.finish()?)?;
    assert!(y.sum_all()?.backward()?.get(&w).is_some());
    Ok(())
}
