//! Poolings, unpooling and upsampling of any sizes, with their gradients.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate::candle_core::{Result, Tensor, Var};
use striate::ops::{Padding, lp_pool2d, max_pool2d_with_switches, max_unpool2d};
use striate::{Rounding, Window2d, avg_pool2d, max_pool2d, upsample_nearest2d};
use striate_fuzz::{Sizes, close};

fuzz_target!(|data: &[u8]| {
    let mut sizes = Sizes::new(data);
    let dims = [sizes.small(), sizes.small(), sizes.small(), sizes.small()];
    let window = Window2d {
        size: sizes.pair(),
        stride: sizes.pair(),
        padding: sizes.pair(),
        dilation: sizes.pair(),
        rounding: match sizes.small() % 2 {
            0 => Rounding::Floor,
            _ => Rounding::Ceil,
        },
    };
    let xs = Var::from_tensor(&sizes.numbers(&dims)).expect("numbers");
    let judge = |ys: Result<Tensor>| -> Option<Tensor> {
        let ys = ys.ok()?;
        let gradients = ys.sum_all().and_then(|sum| sum.backward()).expect("a gradient");
        let dx = gradients.get(&xs).expect("a gradient");
        assert_eq!(dx.dims(), xs.dims());
        Some(ys)
    };
    let plain = judge(max_pool2d(&xs, &window));
    if let Ok((ys, switches)) = max_pool2d_with_switches(&xs, &window) {
        close(&ys, &plain.expect("what has switches pools without them"));
        judge(max_unpool2d(&ys, &switches, (dims[2], dims[3])));
        judge(max_unpool2d(&ys, &switches, sizes.pair()));
    }
    judge(avg_pool2d(&xs, &window, Padding::Counted));
    judge(avg_pool2d(&xs, &window, Padding::Ignored));
    judge(lp_pool2d(&xs, &window, 2.0));
    judge(upsample_nearest2d(&xs, sizes.pair()));
});
