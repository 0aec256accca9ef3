//! How sampling is cut into tasks: by the sizes alone, so that no result depends on the number of threads.

use std::ops::Range;

use striate::kernels::parts::run_tasks;

use super::block::BLOCK;

/// Elements below which starting a second thread costs more than it saves; Miri divides small cases, too.
const SMALL: usize = if cfg!(miri) { 1 << 4 } else { 1 << 15 };

/// Elements that a task should at least handle.
const ELEMENTS_A_TASK: usize = if cfg!(miri) { 1 << 5 } else { 1 << 14 };

/// From this many images on, an image is a task; below, an image is divided.
pub(super) const MANY_IMAGES: usize = 8;

/// Runs `task(0)` .. `task(count - 1)`, on one thread if they handle only few `elements` together.
pub(super) fn run(count: usize, elements: usize, task: impl Fn(usize) + Sync) {
    if count <= 1 || elements < SMALL {
        (0..count).for_each(task);
    } else {
        run_tasks(count, &task);
    }
}

/// Runs of whole blocks of `points` points with `elements` elements each.
pub(super) fn runs(points: usize, elements: usize) -> Vec<Range<usize>> {
    let blocks = (ELEMENTS_A_TASK / elements.max(1).saturating_mul(BLOCK)).max(1);
    let step = blocks * BLOCK;
    let starts = (0..points).step_by(step);
    starts
        .map(|start| start..(start + step).min(points))
        .collect()
}

/// Runs of whole images with `elements` elements each.
pub(super) fn images(images: usize, elements: usize) -> Vec<Range<usize>> {
    let step = (ELEMENTS_A_TASK / elements.max(1)).max(1);
    let starts = (0..images).step_by(step);
    starts
        .map(|start| start..(start + step).min(images))
        .collect()
}

/// Bands of rows into which the gradient of one of `images` maps of `rows` rows is divided.
///
/// An image has `elements` elements; small images stay whole.
pub(super) fn bands(images: usize, rows: usize, elements: usize) -> Vec<Range<usize>> {
    let most = match images {
        0..MANY_IMAGES if elements >= SMALL => 16usize.div_ceil(images.max(1)),
        _ => 1,
    };
    let count = most.min(rows / 2).max(1);
    (0..count)
        .map(|k| rows * k / count..rows * (k + 1) / count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        for (points, elements) in [(1, 1), (64, 3), (1000, 5), (100_000, 40)] {
            let runs = runs(points, elements);
            assert_eq!(
                runs.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..points).collect::<Vec<_>>()
            );
            assert!(runs.iter().all(|run| run.start % BLOCK == 0));
        }
        for (count, elements) in [(1, 1), (256, 2352), (9, 1 << 20)] {
            let images = images(count, elements);
            assert_eq!(
                images.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
        }
        for (images, rows, elements) in [
            (1, 1, 1 << 20),
            (1, 3, 1 << 20),
            (2, 1080, 1 << 20),
            (64, 64, 1 << 20),
        ] {
            let bands = bands(images, rows, elements);
            assert_eq!(
                bands.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
        }
        assert_eq!(bands(1, 1080, 1 << 20).len(), 16);
        assert_eq!(bands(1, 28, 1 << 10).len(), 1);
    }
}
