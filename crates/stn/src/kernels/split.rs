//! How sampling is cut into tasks: by the sizes alone, so that no result depends on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::block::BLOCK;

/// Numbers below which starting a second thread costs more than it saves.
const SMALL: usize = 1 << 15;

/// Numbers that a task should at least handle.
const NUMBERS_A_TASK: usize = 1 << 14;

/// From this many images on, an image is a task; below, an image is divided.
pub(super) const MANY_IMAGES: usize = 8;

/// Runs `task(0)` .. `task(count - 1)`, on one thread if all of them handle only `numbers` numbers together.
pub(super) fn run(count: usize, numbers: usize, task: impl Fn(usize) + Send + Sync) {
    if count <= 1 || numbers < SMALL {
        (0..count).for_each(task);
    } else {
        (0..count).into_par_iter().for_each(task);
    }
}

/// Runs of whole blocks of `points` points, each of which handles `numbers` numbers.
pub(super) fn runs(points: usize, numbers: usize) -> Vec<Range<usize>> {
    let blocks = (NUMBERS_A_TASK / (numbers.max(1) * BLOCK)).max(1);
    let step = blocks * BLOCK;
    let starts = (0..points).step_by(step);
    starts
        .map(|start| start..(start + step).min(points))
        .collect()
}

/// Runs of whole images, each of which handles `numbers` numbers.
pub(super) fn images(images: usize, numbers: usize) -> Vec<Range<usize>> {
    let step = (NUMBERS_A_TASK / numbers.max(1)).max(1);
    let starts = (0..images).step_by(step);
    starts
        .map(|start| start..(start + step).min(images))
        .collect()
}

/// Bands of rows into which the gradient of one of `images` maps of `rows` rows is divided.
///
/// `numbers` is what the image handles; small images stay whole.
pub(super) fn bands(images: usize, rows: usize, numbers: usize) -> Vec<Range<usize>> {
    let wanted = match images {
        0..MANY_IMAGES if numbers >= SMALL => 16usize.div_ceil(images.max(1)),
        _ => 1,
    };
    let count = wanted.min(rows / 2).max(1);
    (0..count)
        .map(|k| rows * k / count..rows * (k + 1) / count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        for (points, numbers) in [(1, 1), (64, 3), (1000, 5), (100_000, 40)] {
            let runs = runs(points, numbers);
            assert_eq!(
                runs.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..points).collect::<Vec<_>>()
            );
            assert!(runs.iter().all(|run| run.start % BLOCK == 0));
        }
        for (count, numbers) in [(1, 1), (256, 2352), (9, 1 << 20)] {
            let images = images(count, numbers);
            assert_eq!(
                images.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
        }
        for (images, rows, numbers) in [
            (1, 1, 1 << 20),
            (1, 3, 1 << 20),
            (2, 1080, 1 << 20),
            (64, 64, 1 << 20),
        ] {
            let bands = bands(images, rows, numbers);
            assert_eq!(
                bands.iter().cloned().flatten().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
        }
        assert_eq!(bands(1, 1080, 1 << 20).len(), 16);
        assert_eq!(bands(1, 28, 1 << 10).len(), 1);
    }
}
