//! Bilinear sampling in the plane: sizes, and the choice of the kernel.
//!
//! ```text
//! for each image, for each block of 64 points:
//!     places and weights of the points, in vectors           (block)
//!     for each point, for each channel:
//!         y = w00 x[above, left] + w01 x[above, right] + w10 x[below, left] + w11 x[below, right]
//! ```
//!
//! Backward, in the same pass: the four pixels of dx get their weights times dy,
//! and the sums over the channels of dy times the four pixels make the gradient of the coordinates.
//! dx of a single large image is divided into bands of rows; each band looks at the blocks that touch it
//! and adds what falls on its own rows, in the order of the points.

use std::ops::Range;

use striate::kernels::level::Level;
use striate::kernels::parts::{Kernel, Shared, Simd, dispatch, written_by};

use super::block::{BLOCK, Block, Map};
use super::number::Number;
use super::{framed, lanes, planes, split};
use crate::options::{AlignCorners, PaddingMode};

/// Sizes and rules of a sampling: (n, c, h, w) is read at `points` places an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleShape {
    /// Images.
    pub n: usize,
    /// Channels.
    pub c: usize,
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Points of the grid of one image.
    pub points: usize,
    /// What -1 and +1 mean.
    pub align_corners: AlignCorners,
    /// What lies outside.
    pub padding: PaddingMode,
}

impl SampleShape {
    /// Numbers in the input.
    pub fn x_len(&self) -> usize {
        self.n * self.c * self.h * self.w
    }

    /// Numbers in the output.
    pub fn y_len(&self) -> usize {
        self.n * self.c * self.points
    }

    /// Numbers in the grid.
    pub fn grid_len(&self) -> usize {
        self.n * self.points * 2
    }
}

/// Which gradients are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// That of the input.
    pub input: bool,
    /// That of the grid.
    pub grid: bool,
}

/// What a backward pass gives: what was wanted, and empty vectors for the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients<T> {
    /// With respect to the input.
    pub input: Vec<T>,
    /// With respect to the grid.
    pub grid: Vec<T>,
}

/// How the channels of an image are laid out while it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// As they are.
    Planes,
    /// Copied into frames of the outside: many small maps of few channels.
    Framed,
    /// Copied into vectors over channels.
    Lanes,
}

/// From this many channels on, the copy into lanes pays; measured.
const LANES_FROM: usize = 5;

impl Path {
    /// The fastest one for `shape`.
    pub fn best(shape: &SampleShape) -> Self {
        match shape.c {
            LANES_FROM.. => Self::Lanes,
            _ if framed::serves(shape) => Self::Framed,
            _ => Self::Planes,
        }
    }

    /// Those that serve `shape`.
    pub fn all(shape: &SampleShape) -> Vec<Self> {
        let framed = framed::serves(shape).then_some(Self::Framed);
        [Self::Planes, Self::Lanes]
            .into_iter()
            .chain(framed)
            .collect()
    }
}

/// The values of `x` at the points of `grid`.
///
/// # Panics
/// If a slice does not have the length that the shape says, or the path does not serve the shape.
pub fn forward<T: Number>(
    level: Level,
    path: Path,
    shape: &SampleShape,
    x: &[T],
    grid: &[T],
) -> Vec<T> {
    assert_eq!(
        (x.len(), grid.len()),
        (shape.x_len(), shape.grid_len()),
        "{shape:?}"
    );
    check(path, shape);
    let map = Map::new(shape.h, shape.w, shape.align_corners, shape.padding);
    let fill = |y: &mut [T]| {
        let pass = Forward {
            level,
            shape,
            map,
            x,
            grid,
            y: Shared::new(y),
        };
        match path {
            Path::Planes => planes::forward(&pass),
            Path::Framed => framed::forward(&pass),
            Path::Lanes => lanes::forward(&pass),
        }
    };
    // SAFETY: every kernel stores to each channel of each point of each image, and reads none.
    unsafe { written_by(shape.y_len(), fill) }
}

/// The gradients with respect to `x` and `grid`, from `dy`, that with respect to the output.
///
/// # Panics
/// As [`forward`].
pub fn backward<T: Number>(
    level: Level,
    path: Path,
    shape: &SampleShape,
    x: &[T],
    grid: &[T],
    dy: &[T],
    wanted: Wanted,
) -> Gradients<T> {
    assert_eq!(
        (x.len(), grid.len()),
        (shape.x_len(), shape.grid_len()),
        "{shape:?}"
    );
    assert_eq!(dy.len(), shape.y_len(), "{shape:?}");
    check(path, shape);
    let map = Map::new(shape.h, shape.w, shape.align_corners, shape.padding);
    let mut dgrid = Vec::new();
    let fill = |dx: &mut [T]| {
        let mut fill = |dgrid: &mut [T]| {
            let (dx, dgrid) = (Shared::new(dx), Shared::new(dgrid));
            let pass = Backward {
                level,
                shape,
                map,
                x,
                grid,
                dy,
                dx,
                dgrid,
                wanted,
            };
            match path {
                Path::Planes => planes::backward(&pass),
                Path::Framed => framed::backward(&pass),
                Path::Lanes => lanes::backward(&pass),
            }
        };
        let len = if wanted.grid { shape.grid_len() } else { 0 };
        // SAFETY: the gradient of every point is stored by the one band that owns it, and read by none.
        dgrid = unsafe { written_by(len, &mut fill) };
    };
    let len = if wanted.input { shape.x_len() } else { 0 };
    // SAFETY: each band starts with a fill of its rows, or stores them at its end.
    let input = unsafe { written_by(len, fill) };
    Gradients { input, grid: dgrid }
}

fn check(path: Path, shape: &SampleShape) {
    assert!(
        path != Path::Framed || framed::serves(shape),
        "{path:?} does not serve {shape:?}"
    );
}

/// The data of a forward pass.
#[derive(Clone, Copy)]
pub(super) struct Forward<'a, T> {
    pub(super) level: Level,
    pub(super) shape: &'a SampleShape,
    pub(super) map: Map<T>,
    pub(super) x: &'a [T],
    pub(super) grid: &'a [T],
    pub(super) y: Shared<T>,
}

/// The data of a backward pass.
#[derive(Clone, Copy)]
pub(super) struct Backward<'a, T> {
    pub(super) level: Level,
    pub(super) shape: &'a SampleShape,
    pub(super) map: Map<T>,
    pub(super) x: &'a [T],
    pub(super) grid: &'a [T],
    pub(super) dy: &'a [T],
    pub(super) dx: Shared<T>,
    pub(super) dgrid: Shared<T>,
    pub(super) wanted: Wanted,
}

/// The coordinates of `points` of image `image`.
#[inline(always)]
pub(super) fn coords<'a, T>(
    shape: &SampleShape,
    grid: &'a [T],
    image: usize,
    points: Range<usize>,
) -> &'a [T] {
    let first = image * shape.points;
    &grid[2 * (first + points.start)..2 * (first + points.end)]
}

/// The blocks of a run of points.
#[inline(always)]
pub(super) fn blocks(points: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = points.end;
    points
        .step_by(BLOCK)
        .map(move |start| start..(start + BLOCK).min(end))
}

/// The rows that each block of each image touches, for passes that divide the rows.
pub(super) fn touched<T: Number>(pass: &Backward<T>, image: usize) -> Vec<(i32, i32)> {
    let mut rows = vec![(0, 0); pass.shape.points.div_ceil(BLOCK)];
    let shared = Shared::new(&mut rows);
    let runs = split::runs(pass.shape.points, 8);
    split::run(runs.len(), pass.shape.points * 8, |run| {
        let points = runs[run].clone();
        // SAFETY: runs consist of whole blocks, so each task has its own part.
        let rows = unsafe {
            let count = points.len().div_ceil(BLOCK);
            std::slice::from_raw_parts_mut(shared.at(points.start / BLOCK, count), count)
        };
        dispatch(
            pass.level,
            Touched {
                pass,
                image,
                points,
                rows,
            },
        );
    });
    rows
}

struct Touched<'a, T> {
    pass: &'a Backward<'a, T>,
    image: usize,
    points: Range<usize>,
    rows: &'a mut [(i32, i32)],
}

impl<T: Number> Kernel<T> for Touched<'_, T> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let Backward {
            level,
            shape,
            map,
            grid,
            ..
        } = self.pass;
        let mut block = Block::new();
        for (points, rows) in blocks(self.points).zip(self.rows) {
            block.place(*level, map, coords(shape, grid, self.image, points));
            *rows = block.rows(map);
        }
    }
}
