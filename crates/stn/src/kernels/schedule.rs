//! How a pass is cut into tasks, for any layout.

use std::ops::Range;

use super::split::{self, MANY_IMAGES};

/// The tasks of a pass: round after round, the groups of images times the runs of points.
pub(super) struct Schedule {
    pub(super) rounds: Vec<Round>,
    /// Runs of points; a single one where each task makes its own copies.
    pub(super) runs: Vec<Range<usize>>,
    /// Whether each round is a single image, of which all tasks share one copy.
    pub(super) shares_copy: bool,
}

/// Images that are handled at the same time, and their division into groups.
pub(super) struct Round {
    pub(super) images: Range<usize>,
    pub(super) groups: Vec<Range<usize>>,
}

impl Schedule {
    /// The tasks for images of `points` points, with `point` elements a point and `copy` elements in a copy (0 for none).
    pub(super) fn new(images: usize, points: usize, point: usize, copy: usize) -> Self {
        let single = |images: Range<usize>| Round {
            groups: images.clone().map(|image| image..image + 1).collect(),
            images,
        };
        match (copy > 0, images < MANY_IMAGES) {
            // Nothing to copy: any image and any run make a task.
            (false, _) => Self {
                rounds: vec![single(0..images)],
                runs: split::runs(points, point),
                shares_copy: false,
            },
            // Too few images for the threads: they share the points of one image after the other.
            (true, true) => Self {
                rounds: (0..images).map(|image| single(image..image + 1)).collect(),
                runs: split::runs(points, point),
                shares_copy: true,
            },
            (true, false) => Self {
                rounds: vec![Round {
                    images: 0..images,
                    groups: split::images(images, points.saturating_mul(point)),
                }],
                runs: std::iter::once(0..points).collect(),
                shares_copy: false,
            },
        }
    }
}
