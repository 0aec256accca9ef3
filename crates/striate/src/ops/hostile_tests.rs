//! Every public op on sizes and views that nobody should ask for: an error or the right answer, and never a panic.
//!
//! The sizes are 0, 1, prime, or so huge that no memory could hold the result; the views are empty, broadcast, strided,
//! or begin after the end of their storage.

use candle_core::{DType, Device, Result, Tensor, Var};
use proptest::prelude::*;

use super::test_support::normal;
use super::*;
use crate::rng::stream;
use crate::testing::{Tolerance, compare};
use crate::window::{Rounding, Window2d};

/// A size of a tensor.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        1 => Just(0usize),
        3 => Just(1usize),
        4 => prop::sample::select(vec![2usize, 3, 5, 7, 11]),
    ]
}

/// A size of a window, or another number that no tensor bounds.
fn number() -> impl Strategy<Value = usize> {
    let huge = vec![1usize << 52, 1 << 61, 1 << 62, 1 << 63, usize::MAX];
    prop_oneof![
        1 => Just(0usize),
        6 => Just(1usize),
        6 => prop::sample::select(vec![2usize, 3, 4, 5, 7, 13]),
        1 => prop::sample::select(huge),
    ]
}

fn pair() -> impl Strategy<Value = (usize, usize)> {
    (number(), number())
}

fn window() -> impl Strategy<Value = Window2d> {
    (pair(), pair(), pair(), pair(), any::<bool>()).prop_map(
        |(size, stride, padding, dilation, ceil)| Window2d {
            size,
            stride,
            padding,
            dilation,
            rounding: if ceil {
                Rounding::Ceil
            } else {
                Rounding::Floor
            },
        },
    )
}

/// How a tensor lies in memory.
#[derive(Clone, Copy, Debug)]
enum View {
    Dense,
    /// Rows and columns exchanged twice, with a copy between.
    Transposed,
    /// Every second row of a taller tensor.
    Narrowed,
    /// One image for all.
    Broadcast,
    /// No images, from the end of another tensor on.
    Empty,
}

fn view() -> impl Strategy<Value = View> {
    prop::sample::select(vec![
        View::Dense,
        View::Transposed,
        View::Narrowed,
        View::Broadcast,
        View::Empty,
    ])
}

/// Random numbers in this view.
fn tensor(view: View, [n, c, h, w]: [usize; 4], dtype: DType) -> Result<Tensor> {
    let dense = |dims: [usize; 4]| normal(7, &dims).to_dtype(dtype);
    match view {
        View::Dense => dense([n, c, h, w]),
        View::Transposed => dense([n, c, w, h])?.transpose(2, 3),
        View::Narrowed => dense([n, c, h + 2, w])?.narrow(2, 1, h),
        View::Broadcast => dense([1, c, h, w])?.broadcast_as((n, c, h, w)),
        View::Empty => dense([n, c, h, w])?.narrow(0, n, 0),
    }
}

/// `op` on a view and on its dense copy: equal results or two errors, and a gradient of the input's shape.
fn judged(xs: &Tensor, op: impl Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    // Candle cannot copy a view without elements that begins after the end of its storage.
    let dense = match xs.elem_count() {
        0 => Tensor::zeros(xs.shape(), xs.dtype(), xs.device())?,
        _ => xs.copy()?.contiguous()?,
    };
    let dense = Var::from_tensor(&dense)?;
    match (op(xs), op(&dense)) {
        (Ok(of_view), Ok(of_dense)) => {
            if of_view.dims() != of_dense.dims() {
                candle_core::bail!(
                    "{:?} of the view, {:?} dense",
                    of_view.dims(),
                    of_dense.dims()
                );
            }
            if of_view.elem_count() == 0 {
                return Ok(());
            }
            if let Some(difference) = compare(&of_view, &of_dense, Tolerance::Exact)? {
                candle_core::bail!("the view's result differs: {difference}");
            }
            let gradients = of_dense.sum_all()?.backward()?;
            match gradients.get(&dense) {
                Some(dx) if dx.dims() == xs.dims() => Ok(()),
                Some(dx) => candle_core::bail!("a gradient of {:?}", dx.dims()),
                None => candle_core::bail!("no gradient"),
            }
        }
        (Err(of_view), Err(of_dense)) => {
            for error in [of_view, of_dense] {
                if error.to_string().len() < 10 {
                    candle_core::bail!("an error without words: {error}");
                }
            }
            Ok(())
        }
        (Ok(_), Err(error)) => candle_core::bail!("only the view is accepted: {error}"),
        (Err(error), Ok(_)) => candle_core::bail!("only the dense tensor is accepted: {error}"),
    }
}

fn dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(vec![DType::F32, DType::F64, DType::F16])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pools(
        dims in [size(), size(), size(), size()],
        window in window(),
        view in view(),
        dtype in dtype(),
    ) {
        let check = || -> Result<()> {
            let xs = tensor(view, dims, dtype)?;
            judged(&xs, |xs| max_pool2d(xs, &window))?;
            judged(&xs, |xs| Ok(max_pool2d_with_switches(xs, &window)?.0))?;
            judged(&xs, |xs| avg_pool2d(xs, &window, Padding::Counted))?;
            judged(&xs, |xs| avg_pool2d(xs, &window, Padding::Ignored))?;
            judged(&xs, |xs| lp_pool2d(xs, &window, 2.0))?;
            judged(&xs, |xs| PoolRule::Uniform.scope(|| max_pool2d(xs, &window)))
        };
        prop_assert!(check().is_ok(), "{:?}", check());
    }

    #[test]
    fn convolutions(
        dims in [size(), size(), size(), size()],
        (c_out, kernel) in (size(), (size(), size())),
        (stride, padding, dilation) in (pair(), pair(), pair()),
        groups in prop_oneof![8 => Just(1usize), 2 => size(), 1 => number()],
        (relu, algorithm) in (any::<bool>(), 0..3),
        (view, dtype) in (view(), dtype()),
    ) {
        let options = Conv2dOptions {
            stride,
            padding,
            dilation,
            groups,
            activation: if relu { Activation::Relu } else { Activation::Identity },
            algorithm: [ConvAlgorithm::Auto, ConvAlgorithm::Direct, ConvAlgorithm::Winograd][algorithm as usize],
        };
        let check = || -> Result<()> {
            let xs = tensor(view, dims, dtype)?;
            let c_in = dims[1] / groups.max(1);
            let weight = normal(8, &[c_out, c_in, kernel.0, kernel.1]).to_dtype(dtype)?;
            let bias = normal(9, &[c_out]).to_dtype(dtype)?;
            judged(&xs, |xs| conv2d(xs, &weight, Some(&bias), &options))?;
            // The gradient of the weight, which may be strided itself.
            let xs = xs.detach();
            judged(&weight, |weight| conv2d(&xs, weight, None, &options))?;
            let strided = weight.transpose(2, 3)?.contiguous()?.transpose(2, 3)?;
            judged(&strided, |weight| conv2d(&xs, weight, None, &options))
        };
        prop_assert!(check().is_ok(), "{:?}", check());
    }

    #[test]
    fn the_rest(
        dims in [size(), size(), size(), size()],
        factor in pair(),
        output in pair(),
        p in prop::sample::select(vec![0.0, 0.5, 1.0, -1.0, f32::NAN, f32::INFINITY]),
        (view, dtype) in (view(), dtype()),
    ) {
        let check = || -> Result<()> {
            let xs = tensor(view, dims, dtype)?;
            judged(&xs, relu)?;
            judged(&xs, global_avg_pool)?;
            judged(&xs, |xs| upsample_nearest2d(xs, factor))?;
            judged(&xs, |xs| dropout(xs, p, &stream(1, "hostile", 0)))?;
            judged(&xs, |xs| channel_dropout(xs, p, &stream(1, "hostile", 0)))?;
            let [n, c, h, w] = *xs.dims() else { unreachable!("four axes") };
            let at: Vec<u32> = (0..n * c * h * w).map(|k| (k % (h * w)) as u32).collect();
            let indices = Tensor::from_vec(at, xs.shape(), &Device::Cpu)?;
            let switches = Switches { indices, source: (h, w) };
            judged(&xs, |xs| max_unpool2d(xs, &switches, (h, w)))?;
            judged(&xs, |xs| max_unpool2d(xs, &switches, output))?;
            let moved = Switches { source: output, ..switches };
            judged(&xs, |xs| max_unpool2d(xs, &moved, (h, w)))?;
            let labels = Tensor::zeros(n, DType::U32, &Device::Cpu)?;
            judged(&xs, |xs| cross_entropy(&xs.flatten_from(1)?, &labels))
        };
        prop_assert!(check().is_ok(), "{:?}", check());
    }
}

#[test]
fn views_that_claim_more_than_memory_holds() -> Result<()> {
    let huge = 1usize << 52;
    let one = Tensor::ones((1, 1, 1, 1), DType::F32, &Device::Cpu)?;
    let xs = one.broadcast_as((huge, 1, 1, 1))?;
    let window = Window2d::square(1);
    let weight = one.broadcast_as((1, huge, 1, 1))?;
    let filters = one.broadcast_as((huge, 1, 1, 1))?;
    let options = Conv2dOptions::default();
    let indices = xs.to_owned();
    let switches = Switches {
        indices,
        source: (1, 1),
    };
    let logits = one.reshape((1, 1))?.broadcast_as((huge, 1))?;
    let labels = Tensor::zeros(1, DType::U32, &Device::Cpu)?.broadcast_as(huge)?;
    let results = [
        relu(&xs),
        max_pool2d(&xs, &window),
        max_pool2d_with_switches(&xs, &window).map(|(ys, _)| ys),
        avg_pool2d(&xs, &window, Padding::Counted),
        lp_pool2d(&xs, &window, 2.0),
        global_avg_pool(&xs),
        upsample_nearest2d(&xs, (2, 2)),
        upsample_nearest2d(&one, (1 << 62, 1)),
        upsample_nearest2d(&one, (1 << 31, 1 << 31)),
        dropout(&xs, 0.5, &stream(1, "hostile", 0)),
        channel_dropout(&xs, 0.5, &stream(1, "hostile", 0)),
        conv2d(&xs, &one, None, &options),
        conv2d(&one, &weight, None, &options),
        conv2d(&one, &filters, None, &options),
        max_unpool2d(&xs, &switches, (1, 1)),
        cross_entropy(&logits, &labels),
    ];
    for (op, result) in results.into_iter().enumerate() {
        assert!(result.is_err(), "result {op}");
    }
    Ok(())
}

#[test]
fn paddings_whose_output_overflows() -> Result<()> {
    let xs = Tensor::ones((1, 1, 1, 1), DType::F32, &Device::Cpu)?;
    let four = Tensor::ones((4, 1, 1, 1), DType::F32, &Device::Cpu)?;
    let weight = |k: usize| Tensor::ones((1, 1, k, k), DType::F32, &Device::Cpu);
    let padded = |padding: usize| Conv2dOptions {
        padding: (padding, padding),
        ..Default::default()
    };
    let error = conv2d(&xs, &weight(2)?, None, &padded(1 << 31));
    assert!(test_support::message(error).starts_with("conv2d: the output"));
    assert!(conv2d(&four, &weight(3)?, None, &padded(1 << 30)).is_err());
    assert!(conv2d(&xs, &weight(2)?, None, &padded(usize::MAX)).is_err());
    Ok(())
}
