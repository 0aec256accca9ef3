//! The public kernels on small shapes: against the reference, and with arguments that do not fit.
//!
//! Small enough for Miri, which finds reads of unwritten memory, accesses outside a slice and data races:
//! `CONTRIBUTING.md` has the command.
//! Under Miri the level is plain, and even these shapes are divided over threads.

use candle_core::Result;
use stn::kernels::affine::{self, AffineShape};
use stn::kernels::bilinear::{self, ChannelLayout};
use stn::kernels::taps::{self, Rule, SeparableKernel};
use stn::kernels::{Gradients, NeedsGrad, SampleShape};
use stn::reference::sampler::{self, ReferenceKernel, ReferenceMap, sample};
use stn::{AlignCorners, PaddingMode, candle_core};
use striate::kernels::level::Level;

const PADDINGS: [PaddingMode; 5] = [
    PaddingMode::Zeros,
    PaddingMode::Border,
    PaddingMode::Reflection,
    PaddingMode::Constant(-1.5),
    PaddingMode::Wrap,
];

const ALL: NeedsGrad = NeedsGrad {
    input: true,
    grid: true,
};

/// Numbers between -1.3 and 1.3 without order, the same in every run.
fn numbers(len: usize, seed: usize) -> Vec<f64> {
    let number = |k: usize| (k * 7919 + seed * 104_729) % 10_007;
    (0..len)
        .map(|k| number(k) as f64 / 10_007.0 * 2.6 - 1.3)
        .collect()
}

/// The output and both gradients by equation 3.
fn expected<const D: usize>(
    (n, c): (usize, usize),
    size: [usize; D],
    padding: PaddingMode,
    kernel: &ReferenceKernel,
    [x, grid, dy]: [&[f64]; 3],
) -> Result<[Vec<f64>; 3]> {
    let cells: usize = size.iter().product();
    let points = dy.len() / (n * c);
    let (mut y, mut dx, mut dgrid) = (
        vec![0.0; dy.len()],
        vec![0.0; x.len()],
        vec![0.0; grid.len()],
    );
    for plane in 0..n * c {
        let map = ReferenceMap {
            values: &x[plane * cells..][..cells],
            size,
            align_corners: AlignCorners::No,
            padding,
        };
        for point in 0..points {
            let at = (plane / c * points + point) * D;
            let found = sample(&map, kernel, std::array::from_fn(|d| grid[at + d]))?;
            let g = dy[plane * points + point];
            y[plane * points + point] = found.value;
            for (pixel, weight) in found.pixels {
                dx[plane * cells + pixel] += weight * g;
            }
            for d in 0..D {
                dgrid[at + d] += found.coordinates[d] * g;
            }
        }
    }
    Ok([y, dx, dgrid])
}

fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= 1e-9 * (1.0 + b.abs()),
            "{what}, {at}: {a} {b}"
        );
    }
}

/// Images, channels, height, width and points: a single pixel, bands, many small images, many channels.
///
/// Miri interprets them, and takes fewer points.
const SHAPES: [([usize; 4], usize); 5] = [
    ([1, 1, 1, 1], 1),
    ([1, 3, 9, 4], if cfg!(miri) { 19 } else { 130 }),
    ([9, 2, 3, 5], if cfg!(miri) { 5 } else { 67 }),
    ([1, 17, 6, 3], if cfg!(miri) { 9 } else { 66 }),
    ([8, 5, 2, 2], 3),
];

/// All of them, or under Miri the one at this place.
fn paddings(at: usize) -> &'static [PaddingMode] {
    match cfg!(miri) {
        true => &PADDINGS[at..=at],
        false => &PADDINGS,
    }
}

#[test]
fn bilinear_equals_the_reference_in_every_layout() -> Result<()> {
    for (at, ([n, c, h, w], points)) in SHAPES.into_iter().enumerate() {
        for &padding in paddings(at) {
            let shape = SampleShape::new((n, c), [h, w], points, AlignCorners::No, padding)?;
            let x = numbers(shape.input_len(), 1);
            let grid = numbers(shape.grid_len(), 2);
            let dy = numbers(shape.output_len(), 3);
            let slices = [&x[..], &grid, &dy];
            let [y, dx, dgrid] = expected((n, c), [h, w], padding, &sampler::bilinear(), slices)?;
            for level in Level::ALL.into_iter().filter(|level| level.available()) {
                for layout in ChannelLayout::all(&shape) {
                    let what = format!("{shape:?} {layout:?} {level}");
                    close(
                        &what,
                        &bilinear::forward(level, layout, &shape, &x, &grid)?,
                        &y,
                    );
                    for (input, grid) in
                        [(true, true), (true, false), (false, true), (false, false)]
                    {
                        let needs = NeedsGrad { input, grid };
                        let found = bilinear::backward(level, layout, &shape, slices, needs)?;
                        close(&what, &found.input, if input { &dx } else { &[] });
                        close(&what, &found.grid, if grid { &dgrid } else { &[] });
                    }
                }
            }
        }
    }
    Ok(())
}

/// A triangle of radius 2.
#[derive(Debug)]
struct Tent;

impl SeparableKernel for Tent {
    fn radius(&self) -> usize {
        2
    }
    fn weight(&self, d: f64) -> f64 {
        (2.0 - d.abs()).max(0.0) / 4.0
    }
    fn derivative(&self, d: f64) -> f64 {
        -d.signum() / 4.0
    }
}

fn taps_equal_the_reference_in<const D: usize>(
    size: [usize; D],
    points: usize,
    paddings: &[PaddingMode],
) -> Result<()> {
    let tent = ReferenceKernel {
        radius: 2.0,
        weight: &|d| Tent.weight(d),
        derivative: &|d| {
            if d.abs() <= 2.0 {
                Tent.derivative(d)
            } else {
                0.0
            }
        },
    };
    let rules = [
        (Rule::Linear, sampler::bilinear()),
        (Rule::Cubic, sampler::bicubic()),
        (Rule::Custom(&Tent), tent),
    ];
    for &padding in paddings {
        let shape = SampleShape::new((2, 2), size, points, AlignCorners::No, padding)?;
        let x = numbers(shape.input_len(), 1);
        let grid = numbers(shape.grid_len(), 2);
        let dy = numbers(shape.output_len(), 3);
        let slices = [&x[..], &grid, &dy];
        for (rule, kernel) in &rules {
            let what = format!("{shape:?} {rule:?}");
            let [y, dx, dgrid] = expected((2, 2), size, padding, kernel, slices)?;
            close(&what, &taps::forward(&shape, *rule, &x, &grid)?, &y);
            let found = taps::backward(&shape, *rule, slices, ALL)?;
            close(&what, &found.input, &dx);
            close(&what, &found.grid, &dgrid);
        }
        // Nearest sampling of a map of ones is one inside.
        let ones = vec![1.0; x.len()];
        let y = taps::forward(&shape, Rule::Nearest, &ones, &grid)?;
        let outside = if let PaddingMode::Constant(value) = padding {
            value
        } else {
            0.0
        };
        assert!(y.iter().all(|&y| y == 1.0 || y == outside));
    }
    Ok(())
}

#[test]
fn taps_equal_the_reference() -> Result<()> {
    taps_equal_the_reference_in([4, 3], 9, paddings(3))?;
    taps_equal_the_reference_in([2, 1, 3], 5, paddings(2))
}

#[test]
fn affine_grids_and_their_gradient() -> Result<()> {
    let shape = AffineShape::new(2, [3, 2], AlignCorners::Yes)?;
    let theta = numbers(shape.theta_len(), 1);
    let coords = affine::forward(&shape, &theta)?;
    let g = numbers(shape.coords_len(), 2);
    let gradient = affine::backward(&shape, &g)?;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // Linear in theta: <A theta, g> = <theta, A^T g>.
    assert!((dot(&coords, &g) - dot(&theta, &gradient)).abs() < 1e-12);
    Ok(())
}

#[test]
fn no_gradient_is_no_work() -> Result<()> {
    // Once a write through a dangling pointer.
    let none = NeedsGrad {
        input: false,
        grid: false,
    };
    let points = if cfg!(miri) { 64 } else { 4096 };
    let shape = SampleShape::new(
        (1, 3),
        [4, 4],
        points,
        AlignCorners::Yes,
        PaddingMode::Zeros,
    )?;
    let (x, grid, dy) = (
        numbers(shape.input_len(), 1),
        numbers(shape.grid_len(), 2),
        numbers(shape.output_len(), 3),
    );
    for layout in ChannelLayout::all(&shape) {
        let found = bilinear::backward(Level::Plain, layout, &shape, [&x, &grid, &dy], none)?;
        assert_eq!(found, Gradients::default());
    }
    let found = taps::backward(&shape, Rule::Cubic, [&x, &grid, &dy], none)?;
    assert_eq!(found, Gradients::default());
    Ok(())
}

#[test]
fn nothing_to_sample() -> Result<()> {
    for (n, c, points) in [(0, 3, 5), (2, 0, 5), (2, 3, 0), (0, 0, 0)] {
        let shape = SampleShape::new((n, c), [3, 2], points, AlignCorners::Yes, PaddingMode::Wrap)?;
        let (x, grid) = (numbers(shape.input_len(), 1), numbers(shape.grid_len(), 2));
        for layout in ChannelLayout::all(&shape) {
            assert!(bilinear::forward(Level::Plain, layout, &shape, &x, &grid)?.is_empty());
            let found = bilinear::backward(Level::Plain, layout, &shape, [&x, &grid, &[]], ALL)?;
            assert_eq!(found.input, vec![0.0; x.len()]);
            assert_eq!(found.grid, vec![0.0; grid.len()]);
        }
        assert!(taps::forward(&shape, Rule::Linear, &x, &grid)?.is_empty());
        let found = taps::backward(&shape, Rule::Linear, [&x, &grid, &[]], ALL)?;
        assert_eq!((found.input.len(), found.grid.len()), (x.len(), grid.len()));
    }
    Ok(())
}

/// A kernel that lies about its radius.
#[derive(Debug)]
struct Radius(usize);

impl SeparableKernel for Radius {
    fn radius(&self) -> usize {
        self.0
    }
    fn weight(&self, _d: f64) -> f64 {
        1.0
    }
    fn derivative(&self, _d: f64) -> f64 {
        0.0
    }
}

#[test]
fn arguments_that_do_not_fit_are_errors() -> Result<()> {
    let shape = SampleShape::new((2, 1), [3, 2], 4, AlignCorners::Yes, PaddingMode::Zeros)?;
    let (x, grid, dy) = (vec![0f32; 12], vec![0f32; 16], vec![0f32; 8]);
    let (planar, plain) = (ChannelLayout::Planar, Level::Plain);
    let message = |error: candle_core::Error| error.to_string();
    let error = bilinear::forward(plain, planar, &shape, &x[1..], &grid).map_err(message);
    assert!(error.is_err_and(|text| text.contains("the input has 11 elements")));
    let error = bilinear::forward(plain, planar, &shape, &x, &grid[2..]).map_err(message);
    assert!(error.is_err_and(|text| text.contains("the grid has 14 elements")));
    let error = bilinear::backward(plain, planar, &shape, [&x, &grid, &dy[1..]], ALL);
    assert!(
        error
            .map_err(message)
            .is_err_and(|text| text.contains("the gradient of the output"))
    );
    // Too few images for the layout.
    assert!(bilinear::forward(plain, ChannelLayout::Padded, &shape, &x, &grid).is_err());
    for level in Level::ALL.into_iter().filter(|level| !level.available()) {
        assert!(bilinear::forward(level, planar, &shape, &x, &grid).is_err());
    }
    assert!(taps::forward(&shape, Rule::Linear, &x, &grid[1..]).is_err());
    for radius in [0, 257, usize::MAX] {
        let rule = Rule::Custom(&Radius(radius));
        let error = taps::forward(&shape, rule, &x, &grid).map_err(message);
        assert!(error.is_err_and(|text| text.contains(&format!("radius {radius}"))));
    }
    let huge = 1usize << 62;
    for (n, size) in [
        (1, [huge, 4]),
        (huge, [4, 1]),
        (1, [0, 3]),
        (1, [1 << 15, 1 << 15]),
    ] {
        assert!(
            AffineShape::new(n, size, AlignCorners::Yes).is_err(),
            "{n} {size:?}"
        );
    }
    let shape = AffineShape::new(2, [3, 2], AlignCorners::No)?;
    assert!(affine::forward(&shape, &x[1..]).is_err());
    assert!(affine::backward(&shape, &x).is_err());
    Ok(())
}
