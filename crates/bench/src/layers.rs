//! Layers: every convolution layer of the papers alone, pass by pass, beside the machine's matrix product.

use std::rc::Rc;

use anyhow::Result;
use striate::kernels::conv2d::{
    Algorithm, backward_input, backward_weight, forward, independent_parts,
};
use striate::kernels::level::Level;

use crate::draw;
use crate::setup::{LAYERS, Operands, check, shape};
use crate::work::{Case, Options, Work};

/// Side of the square matrices of the product that the layers are compared with.
const SIDE: usize = 2304;

/// The layers on a batch, and `sgemm`.
pub(crate) fn layers(options: &Options) -> Result<Work> {
    let level = Level::current()?;
    let algorithm = Algorithm::Auto;
    let mut cases = vec![sgemm()?];
    for layer in LAYERS {
        let s = shape(layer, options.batch);
        let operands = Rc::new(Operands::new(&s));
        let gflop = 2e-9 * s.multiply_adds() as f64;
        let mut case = |pass: &str, run: Box<dyn FnMut() -> Result<f64>>| {
            let name = format!("{}.{pass}", layer.name);
            cases.push(Case {
                name,
                gflop,
                inner: 1,
                run,
            });
        };
        let o = Rc::clone(&operands);
        let run = move || {
            let y = forward(level, algorithm, &s, &o.x, &o.weight, Some(&o.bias), true);
            Ok(f64::from(y[0]))
        };
        case("forward", Box::new(run));
        let o = Rc::clone(&operands);
        let run = move || {
            let dx = backward_input(level, algorithm, &s, &o.dy, &o.weight);
            Ok(f64::from(dx[0]))
        };
        case("input", Box::new(run));
        let run = move || {
            let dw = backward_weight(level, algorithm, &s, &operands.x, &operands.dy);
            Ok(f64::from(dw[0]))
        };
        case("weight", Box::new(run));
    }
    let check = move || {
        Ok(LAYERS
            .into_iter()
            .try_for_each(|l| check(level, algorithm, l))?)
    };
    Ok(Work {
        check: Box::new(check),
        cases,
    })
}

/// For each layer its name and the independent parts of its passes on `threads` threads, separated by tabs.
pub(crate) fn parts(batch: usize, threads: usize) -> Result<String> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let level = Level::current()?;
    let lines = LAYERS.map(|layer| {
        let s = shape(layer, batch);
        let count = || independent_parts::<f32>(level, Algorithm::Auto, &s);
        let [forward, input, weight] = pool.install(count);
        format!("{}\t{forward}\t{input}\t{weight}\n", layer.name)
    });
    Ok(lines.concat())
}

/// The product of two square matrices by the crate `gemm`, as Candle calls it.
fn sgemm() -> Result<Case> {
    let a = draw::uniform(1, 1.0, &[SIDE, SIDE])?;
    let b = draw::uniform(2, 1.0, &[SIDE, SIDE])?;
    Ok(Case {
        name: "sgemm".to_owned(),
        gflop: 2e-9 * (SIDE * SIDE * SIDE) as f64,
        inner: 1,
        run: Box::new(move || {
            let product = a.matmul(&b)?;
            Ok(f64::from(product.get(0)?.get(0)?.to_scalar::<f32>()?))
        }),
    })
}
