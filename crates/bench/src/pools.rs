//! W4: 2x2 max-pooling with switches and unpooling, forward and backward, on 64 maps of 32x32 an image.

use anyhow::{Context, Result, ensure};
use candle_core::{Tensor, Var};
use striate::{Window2d, max_pool2d, max_pool2d_with_switches, max_unpool2d, reference};

use crate::draw;
use crate::seed::seed;
use crate::work::{Case, Options, Work};

fn window() -> Window2d {
    Window2d::square(2).stride(2)
}

fn pool_unpool(xs: &Tensor) -> candle_core::Result<Tensor> {
    let (ys, switches) = max_pool2d_with_switches(xs, &window())?;
    max_unpool2d(&ys, &switches, switches.source)
}

/// W4.
pub(crate) fn pool_and_unpool(options: &Options) -> Result<Work> {
    let shape = [options.batch, 64, 32, 32];
    let xs = Var::from_tensor(&draw::uniform(1000, 1.0, &shape)?)?;
    let dys = draw::uniform(1001, 1.0, &shape)?;
    let pooled = draw::uniform(1002, 1.0, &[options.batch, 64, 16, 16])?;
    let first = |tensor: &Tensor| -> Result<f64> {
        Ok(f64::from(tensor.flatten_all()?.get(1)?.to_scalar::<f32>()?))
    };
    let forward = {
        let xs = xs.as_tensor().detach();
        move || first(&pool_unpool(&xs)?)
    };
    let both = {
        let (xs, dys) = (xs.clone(), dys);
        move || {
            let gradients = seed(&pool_unpool(&xs)?, &dys)?.backward()?;
            first(gradients.get(&xs).context("no gradient")?)
        }
    };
    let pool = move || {
        let gradients = seed(&max_pool2d(&xs, &window())?, &pooled)?.backward()?;
        first(gradients.get(&xs).context("no gradient")?)
    };
    Ok(Work {
        check: Box::new(check),
        cases: vec![
            Case {
                name: "pool_unpool_fwd".to_owned(),
                gflop: 0.0,
                inner: 1,
                run: Box::new(forward),
            },
            Case {
                name: "pool_unpool_fwd_bwd".to_owned(),
                gflop: 0.0,
                inner: 1,
                run: Box::new(both),
            },
            Case {
                name: "pool_fwd_bwd".to_owned(),
                gflop: 0.0,
                inner: 1,
                run: Box::new(pool),
            },
        ],
    })
}

/// A small case against plain loops.
fn check() -> Result<()> {
    let xs = Var::from_tensor(&draw::uniform(7, 1.0, &[2, 3, 8, 6])?)?;
    let dys = draw::uniform(8, 1.0, &[2, 3, 8, 6])?;
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let ys = pool_unpool(&xs)?;
    let gradients = seed(&ys, &dys)?.backward()?;
    let dxs = values(gradients.get(&xs).context("no gradient")?)?;
    let (x, dy) = (values(&xs)?, values(&dys)?);
    let wide: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let (_, at) = reference::max_pool2d::forward(6, (8, 6), &window(), &wide)?;
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for (k, &at) in at.iter().enumerate() {
        let cell = k / 12 * 48 + at as usize;
        y[cell] += x[cell];
        dx[cell] += dy[cell];
    }
    ensure!(values(&ys)? == y, "max_unpool2d differs from plain loops");
    ensure!(dxs == dx, "its gradient differs from plain loops");
    Ok(())
}
