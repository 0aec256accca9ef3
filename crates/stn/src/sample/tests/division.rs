//! The division of the work: the same bits for any number of threads, and agreement of levels and layouts.

use std::sync::{Arc, Mutex};

use candle_core::DType;
use striate::ReluRule;
use striate::kernels::level::Level;
use striate::testing::{compare, values};

use super::*;
use crate::kernels::bilinear::{self, ChannelLayout};
use crate::kernels::{NeedsGrad, SampleShape};

/// Shapes that are divided over threads in every way: many images, one large image, few and many channels.
const DIVIDED: [[usize; 4]; 4] = [
    [1, 3, 150, 170],
    [9, 1, 60, 60],
    [2, 20, 70, 50],
    [9, 16, 33, 20],
];

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    for dims in DIVIDED {
        let (xs, at) = (
            normal(1, &dims).to_dtype(DType::F32)?,
            normal(2, &[dims[0], dims[2], dims[3], 2]),
        );
        let at = grid((at * 0.7)?.to_dtype(DType::F32)?, AlignCorners::No);
        for padding in PADDINGS {
            for kind in KINDS {
                let on = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let sampled =
                        |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options(kind, padding));
                    pool.map_err(candle_core::Error::wrap)?
                        .install(|| with_gradients(sampled, &xs, &at))
                };
                agree(
                    &format!("{dims:?} {padding:?} {kind:?}"),
                    &on(1)?,
                    &on(2)?,
                    Tolerance::Exact,
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_layout_and_level_agrees() -> Result<()> {
    for dims in DIVIDED {
        let [n, c, h, w] = dims;
        let (xs, dy) = (values(&normal(1, &dims))?, values(&normal(3, &dims))?);
        let at = values(&(normal(2, &[n, h, w, 2]) * 0.7)?)?;
        for padding in PADDINGS {
            let shape = SampleShape::new((n, c), [h, w], h * w, AlignCorners::Yes, padding)?;
            let needs = NeedsGrad {
                input: true,
                grid: true,
            };
            let run = |level, layout| -> Result<[Tensor; 3]> {
                let y = bilinear::forward::<f64>(level, layout, &shape, &xs, &at)?;
                let slices = [&xs[..], &at, &dy];
                let gradients = bilinear::backward::<f64>(level, layout, &shape, slices, needs)?;
                Ok([
                    Tensor::new(y, &Device::Cpu)?,
                    Tensor::new(gradients.input, &Device::Cpu)?,
                    Tensor::new(gradients.grid, &Device::Cpu)?,
                ])
            };
            let narrow = |v: &[f64]| v.iter().map(|&v| v as f32).collect::<Vec<f32>>();
            let (xs32, at32) = (narrow(&xs), narrow(&at));
            let plain = run(Level::Plain, ChannelLayout::Planar)?;
            for level in Level::ALL.into_iter().filter(|level| level.available()) {
                for layout in ChannelLayout::all(&shape) {
                    agree(
                        &format!("{dims:?} {padding:?} {level} {layout:?}"),
                        &run(level, layout)?,
                        &plain,
                        Tolerance::Elementwise(1e-9),
                    );
                    let y = Tensor::new(
                        bilinear::forward::<f32>(level, layout, &shape, &xs32, &at32)?,
                        &Device::Cpu,
                    )?;
                    let difference = compare(&y, &plain[0], Tolerance::OfMax(1e-3))?;
                    assert_eq!(
                        difference, None,
                        "{dims:?} {padding:?} {level} {layout:?} in f32"
                    );
                }
            }
        }
    }
    Ok(())
}

/// A kernel that notes the rule under which it is called.
#[derive(Debug, Default)]
struct Watcher(Mutex<Vec<ReluRule>>);

impl Watcher {
    fn note(&self) -> f64 {
        self.0
            .lock()
            .expect("no call panics")
            .push(ReluRule::current());
        1.0
    }
}

impl SeparableKernel for Watcher {
    fn radius(&self) -> usize {
        1
    }
    fn weight(&self, _: f64) -> f64 {
        self.note()
    }
    fn derivative(&self, _: f64) -> f64 {
        self.note()
    }
}

/// What runs while a thread waits in a parallel loop is not the scope's: see `ReluRule::scope`.
#[test]
fn no_rule_holds_in_a_kernel() -> Result<()> {
    let watcher = Arc::new(Watcher::default());
    let xs = normal(1, &[1, 1, 4, 4]);
    let at = grid(normal(2, &[1, 2, 2, 2]), AlignCorners::Yes);
    let sampled =
        |x: &Tensor, g: &SamplingGrid| grid_sample_with(x, g, watcher.clone(), PaddingMode::Border);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.map_err(candle_core::Error::wrap)?
        .install(|| ReluRule::Guided.scope(|| with_gradients(sampled, &xs, &at)))?;
    let seen = watcher.0.lock().expect("no call panicked");
    assert!(!seen.is_empty() && seen.iter().all(|rule| *rule == ReluRule::Backprop));
    Ok(())
}
