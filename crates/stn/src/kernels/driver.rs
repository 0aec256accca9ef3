//! Bilinear sampling for any layout of the channels: from a pass to its tasks.
//!
//! ```text
//! cut the pass into tasks: images times runs of points, or images times bands of rows    (schedule, split)
//! for each image of a task:                                                               (task)
//!     copy it into the layout, unless the layout reads it as it is or all tasks share a copy
//!     for each block of 64 points:
//!         positions and weights, in vectors                                               (block)
//!         the work on all channels                                                        (layout)
//! ```

use std::ops::Range;

use striate::kernels::level::Level;
use striate::kernels::parts::{Kernel, Scratch, Shared, Simd, dispatch};

use super::layout::{Backward, Forward, Layout};
use super::map::Map;
use super::number::Number;
use super::schedule::Schedule;
use super::shape::SampleShape;
use super::task::{BackwardTask, ForwardTask};
use super::{split, touched};

/// The values at all points.
pub(super) fn forward<T: Number, L: Layout<T>>(pass: &Forward<T>) {
    let (level, shape) = (pass.level, pass.shape);
    let layout = L::new(shape);
    let point = shape.c + 2;
    let schedule = Schedule::new(shape.n, shape.points, point, layout.copy_len());
    let image = shape.points * point + layout.copy_len();
    for round in &schedule.rounds {
        let shared = schedule.shares_copy.then(|| {
            let pixels = shape.image(pass.x, round.images.start);
            copied(level, layout, shape, &pass.map, pixels)
        });
        let shared = shared.as_deref();
        let parts = &schedule.runs;
        split::run(
            round.groups.len() * parts.len(),
            round.images.len().saturating_mul(image),
            |task| {
                let images = round.groups[task / parts.len()].clone();
                let points = parts[task % parts.len()].clone();
                let task = ForwardTask {
                    pass,
                    layout,
                    shared,
                    images,
                    points,
                };
                dispatch(level, task);
            },
        );
    }
}

/// The gradients that the pass needs, at least one.
///
/// A task adds to whole rows of the gradient of the input.
/// Without that gradient nothing is added to, and points are divided as in the forward pass.
pub(super) fn backward<T: Number, L: Layout<T>>(pass: &Backward<T>) {
    let (level, shape) = (pass.level, pass.shape);
    let layout = L::new(shape);
    let point = 2 * shape.c + 2;
    let schedule = Schedule::new(shape.n, shape.points, point, layout.copy_len());
    let image = shape.points * point + 2 * layout.copy_len();
    let (all_points, all_rows) = (0..shape.points, 0..shape.h());
    let parts: Vec<(Range<usize>, Range<usize>)> = match pass.needs.input {
        true => split::bands(shape.n, shape.h(), image)
            .into_iter()
            .map(|rows| (all_points.clone(), rows))
            .collect(),
        false => schedule
            .runs
            .iter()
            .map(|points| (points.clone(), all_rows.clone()))
            .collect(),
    };
    let banded = pass.needs.input && parts.len() > 1;
    for round in &schedule.rounds {
        let shared = (schedule.shares_copy && pass.needs.grid).then(|| {
            let pixels = shape.image(pass.x, round.images.start);
            copied(level, layout, shape, &pass.map, pixels)
        });
        let shared = shared.as_deref();
        // Only few images are cut into bands, and then each is a group.
        let touched: Vec<Vec<(i32, i32)>> = match banded {
            true => round
                .images
                .clone()
                .map(|image| touched::rows(pass, image))
                .collect(),
            false => Vec::new(),
        };
        split::run(
            round.groups.len() * parts.len(),
            round.images.len().saturating_mul(image),
            |task| {
                let group = task / parts.len();
                let (points, rows) = parts[task % parts.len()].clone();
                let task = BackwardTask {
                    pass,
                    layout,
                    shared,
                    images: round.groups[group].clone(),
                    points,
                    rows,
                    touched: banded.then(|| &touched[group][..]),
                };
                dispatch(level, task);
            },
        );
    }
}

/// The copy of an image, made by all threads.
fn copied<T: Number, L: Layout<T>>(
    level: Level,
    layout: L,
    shape: &SampleShape<2>,
    map: &Map<T>,
    image: &[T],
) -> Scratch<T> {
    let mut copy = Scratch::new(layout.copy_len());
    layout.prepare(&mut copy, map.outside);
    let (cells, to) = (shape.cells(), Shared::new(&mut copy));
    let runs = split::runs(cells, shape.c);
    split::run(runs.len(), cells * shape.c, |run| {
        let pixels = runs[run].clone();
        let task = CopyTask {
            layout,
            image,
            pixels,
            to,
        };
        dispatch(level, task);
    });
    copy
}

struct CopyTask<'a, T, L> {
    layout: L,
    image: &'a [T],
    pixels: Range<usize>,
    to: Shared<T>,
}

impl<T: Number, L: Layout<T>> Kernel<T> for CopyTask<'_, T, L> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        // SAFETY: the pixels exist, and each task copies its own.
        unsafe { self.layout.copy::<S>(self.image, self.pixels, self.to) };
    }
}
