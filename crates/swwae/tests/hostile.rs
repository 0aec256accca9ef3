//! No argument breaks a public function: sizes of 0, 1, primes and powers of two up to the largest,
//! and views that are broadcast, transposed, or empty with an offset, give a result of the right shape or an error.
//!
//! A panic, an abort or an access outside a tensor fails the test. Wrong values are the business of the other tests.

use proptest::prelude::*;
use striate::testing::{Layout, ramp};
use striate::{Parameters, Rounding};
use swwae::candle_core::{DType, Device, Result, Tensor, Var};
use swwae::upsample::{copy_unpool2d, fixed_unpool2d};
use swwae::{
    Architecture, Convnet, DecoderInput, DecoderWeights, EncoderSide, Labels, LossWeights, Mode,
    Pooling, SoftWhatWhere, Swwae, SwwaeConfig, SwwaeLoss, Unpooling, WhatWhere, soft_pool2d,
    soft_unpool2d,
};

/// A side that memory can hold, often 0 or 1.
fn small() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(1), 2usize..8, Just(13)]
}

/// Any side.
fn any_side() -> impl Strategy<Value = usize> {
    let huge = vec![1usize << 52, 1 << 61, 1 << 62, 1 << 63, usize::MAX];
    prop_oneof![5 => small(), 2 => prop::sample::select(huge)]
}

fn rounding() -> impl Strategy<Value = Rounding> {
    prop::sample::select(vec![Rounding::Floor, Rounding::Ceil])
}

fn tensor(dims: &[usize], layout: Layout, dtype: DType) -> Result<Tensor> {
    layout.of(dims, |dims| ramp(dims, dtype))
}

fn view() -> impl Strategy<Value = (Layout, DType)> {
    let dtypes = vec![DType::F32, DType::F64, DType::F16, DType::U32];
    (
        prop::sample::select(Layout::ALL.to_vec()),
        prop::sample::select(dtypes),
    )
}

/// A result has the gradient of its input, in the input's shape.
fn judge(xs: &Tensor, op: impl Fn(&Tensor) -> Result<Tensor>) {
    let (Ok(_), true) = (op(xs), xs.dtype().is_float()) else {
        return;
    };
    if xs.elem_count() == 0 {
        return;
    }
    let var = Var::from_tensor(&xs.contiguous().expect("a copy")).expect("a variable");
    let ys = op(&var).expect("the copy is taken as the view was");
    if ys.elem_count() == 0 {
        return;
    }
    let gradients = ys.sum_all().and_then(|sum| sum.backward());
    let gradients = gradients.expect("a gradient");
    if let Some(dx) = gradients.get(&var) {
        assert_eq!(dx.dims(), xs.dims());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn poolings_and_unpoolings(
        (n, c, h, w) in (small(), small(), small(), small()),
        (size, other) in (any_side(), any_side()),
        output in (any_side(), any_side()),
        beta in prop::sample::select(vec![0.0, 1.0, 1e300, -1.0, f64::NAN, f64::INFINITY]),
        (rounding, (view, dtype)) in (rounding(), view()),
    ) {
        let xs = tensor(&[n, c, h, w], view, dtype).expect("a tensor");
        judge(&xs, |xs| Ok(WhatWhere::pool(xs, size, rounding)?.what));
        judge(&xs, |xs| soft_pool2d(xs, size, rounding, beta));
        judge(&xs, |xs| copy_unpool2d(xs, size, output));
        judge(&xs, |xs| fixed_unpool2d(xs, size, output));
        if let Ok(found) = WhatWhere::pool(&xs, size, rounding) {
            let _ = found.unpool(&xs);
            judge(&found.what, |what| found.unpool(what));
            judge(&found.what, |what| found.unpool_to(what, output));
        }
        if let Ok(found) = SoftWhatWhere::pool(&xs, size, rounding, beta) {
            let _ = found.unpool(&xs);
            judge(&found.what, |what| found.unpool(what));
            judge(&found.what, |what| soft_unpool2d(what, &found.place, other, output));
        }
    }

    #[test]
    fn networks(
        layers in prop::collection::vec((0usize..3, any_side(), any_side()), 1..4),
        channels in any_side(),
        side in (any_side(), any_side()),
        (soft, unpooling, tied, logits) in (any::<bool>(), 0usize..3, any::<bool>(), any::<bool>()),
        (given, n) in (prop::array::uniform3(small()), small()),
        (rounding, (view, dtype)) in (rounding(), view()),
    ) {
        let names: Vec<String> = layers
            .iter()
            .map(|(kind, a, b)| match kind {
                0 => format!("({a}){b}c"),
                1 => format!("{a}p"),
                _ => format!("{a}fc"),
            })
            .collect();
        let Ok(architecture) = names.join("-").parse::<Architecture>() else {
            return Ok(());
        };
        let config = SwwaeConfig {
            rounding,
            pooling: if soft { Pooling::Soft { beta: 1.0 } } else { Pooling::Hard },
            unpooling: [Unpooling::Where, Unpooling::Copy, Unpooling::Fixed][unpooling],
            decoder_weights: if tied { DecoderWeights::Tied } else { DecoderWeights::Untied },
            decoder_input: if logits { DecoderInput::Logits } else { DecoderInput::Features },
            ..SwwaeConfig::new(architecture, channels, side)
        };
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let _ = Convnet::new(&config, parameters.builder().pp("convnet"));
        let Ok(network) = Swwae::new(&config, parameters.builder()) else {
            return Ok(());
        };
        // Images of the right size too, where memory holds them.
        let own = [n, channels.min(13), side.0.min(13), side.1.min(13)];
        let wrong = [n, given[0], given[1], given[2]];
        for dims in [own, wrong] {
            let xs = tensor(&dims, view, dtype).expect("a tensor");
            let Ok(pass) = network.pass(&xs, true) else {
                continue;
            };
            let labels = Labels::none(n);
            let (mode, side) = (Mode::Unsupervised, EncoderSide::Joint);
            let loss = SwwaeLoss::new(&pass, &xs, &labels, mode, side);
            let weights = LossWeights { l2_rec: 1.0, l2_m: 1.0 };
            if let Ok(total) = loss.and_then(|loss| loss.total(&weights)) {
                prop_assert!(total.backward().is_ok());
            }
            let _ = network.walk(&xs, &xs, 1);
            let _ = network.exchange(&xs, &xs);
        }
    }
}

#[test]
fn no_labels_are_no_memory() {
    assert_eq!(Labels::none(usize::MAX).known(), 0);
}

#[test]
fn a_view_of_more_values_than_memory_is_refused() -> Result<()> {
    let one = Tensor::ones((1, 1, 1, 1), DType::F32, &Device::Cpu)?;
    let point = one.unsqueeze(2)?;
    for dims in [
        [1 << 52, 1, 1, 1],
        [1, 1, 1 << 45, 1],
        [1, 1 << 40, 1 << 20, 1 << 20],
    ] {
        let [n, c, h, w] = dims;
        let place = point.broadcast_as((n, c, 2, h, w));
        let (Ok(xs), Ok(place)) = (one.broadcast_as(&dims), place) else {
            continue;
        };
        assert!(copy_unpool2d(&xs, 1, (dims[2], dims[3])).is_err());
        assert!(fixed_unpool2d(&xs, 1, (dims[2], dims[3])).is_err());
        assert!(soft_pool2d(&xs, 1, Rounding::Floor, 1.0).is_err());
        assert!(soft_unpool2d(&xs, &place, 1, (1, 1)).is_err());
        assert!(WhatWhere::pool(&xs, 1, Rounding::Floor).is_err());
    }
    assert!(copy_unpool2d(&one, 1, (1 << 52, 1)).is_err());
    assert!(fixed_unpool2d(&one, 1, (1, 1 << 52)).is_err());
    Ok(())
}
