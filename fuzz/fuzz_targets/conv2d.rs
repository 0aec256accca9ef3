//! A convolution of any sizes, with its gradients: the same by all algorithms, or an error by all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use striate::candle_core::Var;
use striate::ops::{Activation, Conv2dOptions, ConvAlgorithm};
use striate::conv2d;
use striate_fuzz::{Sizes, close};

fuzz_target!(|data: &[u8]| {
    let mut sizes = Sizes::new(data);
    let dims = [sizes.small(), sizes.channels(), sizes.small(), sizes.small()];
    let (c_out, kernel) = (sizes.channels(), [sizes.small(), sizes.small()]);
    let mut options = Conv2dOptions {
        stride: sizes.pair(),
        padding: sizes.pair(),
        dilation: sizes.pair(),
        groups: sizes.any(),
        activation: Activation::Identity,
        algorithm: ConvAlgorithm::Direct,
    };
    let c_in = dims[1] / options.groups.max(1);
    let xs = Var::from_tensor(&sizes.numbers(&dims)).expect("numbers");
    let weight = Var::from_tensor(&sizes.numbers(&[c_out, c_in, kernel[0], kernel[1]])).expect("numbers");
    let mut results = Vec::new();
    for algorithm in [ConvAlgorithm::Direct, ConvAlgorithm::Auto] {
        options.algorithm = algorithm;
        results.push(conv2d(&xs, &weight, None, &options).map(|ys| {
            let gradients = ys.sqr().and_then(|ys| ys.sum_all()?.backward()).expect("a gradient");
            let of = |var: &Var| gradients.get(var).expect("a gradient").clone();
            [ys, of(&xs), of(&weight)]
        }));
    }
    match (&results[0], &results[1]) {
        (Ok(direct), Ok(chosen)) => direct.iter().zip(chosen).for_each(|(a, b)| close(a, b)),
        (Err(_), Err(_)) => {}
        _ => panic!("one algorithm takes what the other refuses: {results:?}"),
    }
});
