//! No argument breaks a public function: sizes of 0, 1, primes and powers of two up to the largest,
//! and views that are broadcast, transposed, or empty with an offset, give a result of the right shape or an error.
//!
//! A panic, an abort or an access outside a tensor fails the test. Wrong values are the business of the other tests.

use std::sync::Arc;

use proptest::prelude::*;
use stn::candle_core::{DType, Device, Result, Tensor, Var};
use stn::candle_nn::{Module, ModuleT};
use stn::grid::{compose, inverse};
use stn::kernels::affine::{self, AffineShape};
use stn::kernels::bilinear::{self, ChannelLayout};
use stn::kernels::taps::{self, Rule};
use stn::kernels::{NeedsGrad, SampleShape};
use stn::networks::{
    Body, Classifier, CoLocalisation, CoLocalisationConfig, DigitConfig, DigitNet,
    HouseNumberConfig, HouseNumberNet, PartsConfig, PartsNet, Placement, Transform, VolumeConfig,
    VolumeNet, sequence_loss, triplet_loss,
};
use stn::reference::sampler::{self, ReferenceMap, continued, sample};
use stn::{
    AffineGrid, AffineGrid3d, AlignCorners, AttentionGrid, ConvLocalisation,
    ConvLocalisationConfig, FcLocalisation, GridGenerator, GridSampleOptions, GridSampler,
    Interpolation, LocalisationNet, PaddingMode, ProjectiveGrid, SamplingGrid, SeparableKernel,
    SimilarityGrid, SpatialTransformer, ThinPlateSplineGrid, TranslationGrid, grid_sample,
    grid_sample_3d, grid_sample_with, scale_gradient,
};
use striate::Parameters;
use striate::kernels::level::Level;
use striate::testing::Layout;

/// A side that memory can hold, as often as not 0 or 1.
fn small() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(1), 2usize..8, Just(13), Just(67)]
}

/// Any side.
fn any_side() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => small(),
        1 => (20u32..64).prop_map(|bits| 1usize << bits),
        1 => Just(usize::MAX),
    ]
}

/// A side that is small or more than memory can hold: nothing in between, so that no test takes gigabytes.
fn extreme() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => small(),
        1 => (40u32..64).prop_map(|bits| 1usize << bits),
        1 => Just(usize::MAX),
    ]
}

fn padding() -> impl Strategy<Value = PaddingMode> {
    prop_oneof![
        Just(PaddingMode::Zeros),
        Just(PaddingMode::Border),
        Just(PaddingMode::Reflection),
        Just(PaddingMode::Wrap),
        any::<f64>().prop_map(PaddingMode::Constant),
    ]
}

fn corners() -> impl Strategy<Value = AlignCorners> {
    prop_oneof![Just(AlignCorners::Yes), Just(AlignCorners::No)]
}

fn interpolation() -> impl Strategy<Value = Interpolation> {
    prop_oneof![
        Just(Interpolation::Bilinear),
        Just(Interpolation::Nearest),
        Just(Interpolation::Bicubic),
    ]
}

fn view() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(Layout::Whole),
        Just(Layout::Transposed),
        Just(Layout::Broadcast),
        Just(Layout::Offset),
    ]
}

/// A tensor of `dims` with values that are sometimes not finite.
fn tensor(dims: &[usize], layout: Layout, dtype: DType) -> Result<Tensor> {
    let filled = |dims: &[usize]| -> Result<Tensor> {
        let len = dims.iter().product();
        let value = |k: usize| match k % 101 {
            7 => f64::NAN,
            31 => f64::INFINITY,
            59 => -1e30,
            _ => ((k * 7919) % 1009) as f64 / 400.0 - 1.25,
        };
        let values: Vec<f64> = (0..len).map(value).collect();
        Tensor::from_vec(values, dims, &Device::Cpu)?.to_dtype(dtype)
    };
    layout.of(dims, filled)
}

/// Forward and backward of `f`; the shape of the output, if there is one.
fn both_passes(
    xs: &Tensor,
    at: &Tensor,
    f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Vec<usize>> {
    let ys = f(xs, at)?;
    let (x, g) = (Var::from_tensor(xs)?, Var::from_tensor(at)?);
    let gradients = f(&x, &g)?.sum_all()?.backward()?;
    for var in [&x, &g] {
        if let Some(gradient) = gradients.get(var) {
            assert_eq!(gradient.dims(), var.dims());
        }
    }
    Ok(ys.dims().to_vec())
}

#[derive(Debug)]
struct Box3;

impl SeparableKernel for Box3 {
    fn radius(&self) -> usize {
        2
    }
    fn weight(&self, _d: f64) -> f64 {
        0.25
    }
    fn derivative(&self, _d: f64) -> f64 {
        0.0
    }
}

fn generators(size: (usize, usize), side: usize) -> Vec<Result<Box<dyn GridGenerator>>> {
    fn boxed<G: GridGenerator + 'static>(generator: Result<G>) -> Result<Box<dyn GridGenerator>> {
        generator.map(|generator| Box::new(generator) as Box<dyn GridGenerator>)
    }
    let corners = AlignCorners::No;
    vec![
        boxed(AffineGrid::new(size, corners)),
        boxed(AttentionGrid::new(size, corners)),
        boxed(SimilarityGrid::new(size, corners)),
        boxed(TranslationGrid::new(size, corners)),
        boxed(ProjectiveGrid::new(size, corners)),
        boxed(ThinPlateSplineGrid::new(size, corners, side)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_sampler_of_maps(
        (n, c, h, w) in (small(), small(), small(), small()),
        (other, ho, wo) in (small(), small(), small()),
        (same, double, views) in (any::<bool>(), any::<bool>(), (view(), view())),
        (interpolation, padding, corners) in (interpolation(), padding(), corners()),
    ) {
        let batch = if same { n } else { other };
        let dtype = if double { DType::F64 } else { DType::F32 };
        let xs = tensor(&[n, c, h, w], views.0, dtype).unwrap();
        let at = tensor(&[batch, ho, wo, 2], views.1, dtype).unwrap();
        let options = GridSampleOptions { interpolation, padding };
        let valid = batch == n && [h, w, ho, wo].iter().all(|&side| side > 0);
        let sampled = both_passes(&xs, &at, |xs, at| {
            let grid = SamplingGrid::new(at.clone(), corners)?;
            grid.outside()?;
            grid_sample(xs, &grid, &options)
        });
        prop_assert_eq!(sampled.is_ok(), valid, "{:?}", sampled);
        if let Ok(dims) = sampled {
            prop_assert_eq!(dims, [n, c, ho, wo]);
        }
        let custom = both_passes(&xs, &at, |xs, at| {
            let grid = SamplingGrid::new(at.clone(), corners)?;
            grid_sample_with(xs, &grid, Arc::new(Box3), padding)
        });
        prop_assert_eq!(custom.is_ok(), valid);
    }

    #[test]
    fn the_sampler_of_volumes(
        (n, c, d, h, w) in (0usize..3, 0usize..3, small(), 0usize..4, 0usize..4),
        (out, views) in ((0usize..3, 0usize..4, small()), (view(), view())),
        (interpolation, padding, corners) in (interpolation(), padding(), corners()),
    ) {
        let xs = tensor(&[n, c, d, h, w], views.0, DType::F32).unwrap();
        let at = tensor(&[n, out.0, out.1, out.2, 3], views.1, DType::F32).unwrap();
        let options = GridSampleOptions { interpolation, padding };
        let sampled = both_passes(&xs, &at, |xs, at| {
            let grid = SamplingGrid::new(at.clone(), corners)?;
            grid_sample_3d(xs, &grid, &options)
        });
        let sides = [d, h, w, out.0, out.1, out.2];
        let valid = interpolation != Interpolation::Bicubic && sides.iter().all(|&side| side > 0);
        prop_assert_eq!(sampled.is_ok(), valid, "{:?}", sampled);
    }

    #[test]
    fn views_larger_than_memory(bits in (20u32..40, 20u32..40), volume in any::<bool>()) {
        let (n, c) = (1usize << bits.0, 1usize << bits.1);
        let one = |dims: &[usize]| -> Result<Tensor> {
            Tensor::zeros(vec![1; dims.len()], DType::F32, &Device::Cpu)?.broadcast_as(dims)
        };
        let grid = |dims: &[usize]| SamplingGrid::new(one(dims)?, AlignCorners::Yes);
        let plain = GridSampleOptions::default();
        let text = match volume {
            false => grid_sample(&one(&[n, c, 1, 1]).unwrap(), &grid(&[n, 1, 1, 2]).unwrap(), &plain),
            true => grid_sample_3d(&one(&[n, c, 1, 1, 1]).unwrap(), &grid(&[n, 1, 1, 1, 3]).unwrap(), &plain),
        };
        let text = text.err().map(|error| error.to_string()).unwrap_or_default();
        prop_assert!(text.contains("the input"), "{}", text);
    }

    #[test]
    fn kernels_of_the_sampler(
        (n, c, h, w, points) in (any_side(), any_side(), any_side(), any_side(), any_side()),
        (padding, corners, needs) in (padding(), corners(), (any::<bool>(), any::<bool>())),
        short in 0usize..2,
    ) {
        let Ok(shape) = SampleShape::new((n, c), [h, w], points, corners, padding) else {
            return Ok(());
        };
        let lens = [shape.input_len(), shape.grid_len(), shape.output_len()];
        if lens.iter().any(|&len| len > 1 << 20) {
            return Ok(());
        }
        let [x, grid, dy] = lens.map(|len| vec![0.5f32; len.saturating_sub(short)]);
        let fits = short == 0 || lens == [0, 0, 0];
        let needs = NeedsGrad { input: needs.0, grid: needs.1 };
        for layout in [ChannelLayout::Planar, ChannelLayout::Padded, ChannelLayout::ChannelsLast] {
            let serves = ChannelLayout::all(&shape).contains(&layout);
            for level in Level::ALL {
                let y = bilinear::forward(level, layout, &shape, &x, &grid);
                let gradients = bilinear::backward(level, layout, &shape, [&x, &grid, &dy], needs);
                let valid = serves && level.available() && fits;
                prop_assert!(!valid || y.is_ok_and(|y| y.len() == lens[2]));
                let input = if needs.input { lens[0] } else { 0 };
                prop_assert!(!valid || gradients.is_ok_and(|g| g.input.len() == input));
            }
        }
        for rule in [Rule::Nearest, Rule::Linear, Rule::Cubic, Rule::Custom(&Box3)] {
            let y = taps::forward(&shape, rule, &x, &grid);
            prop_assert!(!fits || y.is_ok_and(|y| y.len() == lens[2]));
            let gradients = taps::backward(&shape, rule, [&x, &grid, &dy], needs);
            prop_assert!(!fits || gradients.is_ok());
        }
    }

    #[test]
    fn kernels_of_affine_grids(
        (n, d, h, w) in (any_side(), any_side(), any_side(), any_side()),
        corners in corners(),
        short in 0usize..2,
    ) {
        let Ok(shape) = AffineShape::new(n, [d, h, w], corners) else {
            return Ok(());
        };
        if shape.theta_len().max(shape.coords_len()) > 1 << 20 {
            return Ok(());
        }
        let fits = short == 0 || n == 0;
        let theta = vec![0.5f64; shape.theta_len().saturating_sub(short)];
        prop_assert_eq!(affine::forward(&shape, &theta).is_ok(), fits);
        let g = vec![0.5f64; shape.coords_len().saturating_sub(short)];
        prop_assert_eq!(affine::backward(&shape, &g).is_ok(), fits);
    }

    #[test]
    fn generators_of_any_size(
        (h, w, side) in (extreme(), extreme(), 0usize..6),
        (n, k, view) in (0usize..3, 0usize..3, view()),
    ) {
        for generator in generators((h, w), side) {
            let Ok(generator) = generator else { continue };
            if h * w > 1 << 14 {
                continue;
            }
            let p = generator.parameter_count();
            let theta = tensor(&[n, p], view, DType::F32).unwrap();
            let grid = generator.grid(&theta).unwrap();
            prop_assert_eq!(grid.coords.dims(), [n, h, w, 2]);
            grid.outside().unwrap();
            let wrong = tensor(&[n, p + 1], view, DType::F32).unwrap();
            prop_assert!(generator.grid(&wrong).is_err());
            let points = tensor(&[n, k, 2], view, DType::F32).unwrap();
            let moved = generator.transform_points(&theta, &points).unwrap();
            prop_assert_eq!(moved.dims(), [n, k, 2]);
            let _ = generator.inverse_grid(&theta, (h, w));
            let var = Var::from_tensor(&theta).unwrap();
            generator.grid(&var).unwrap().coords.sum_all().unwrap().backward().unwrap();
        }
        let volume = AffineGrid3d::new((h, side, w), AlignCorners::Yes);
        if let Some(generator) = volume.ok().filter(|_| h.saturating_mul(w) <= 1 << 14) {
            let theta = tensor(&[n, 12], view, DType::F64).unwrap();
            let grid = generator.grid(&theta).unwrap();
            prop_assert_eq!(grid.coords.dims(), [n, h, side, w, 3]);
        }
        let _ = AffineGrid3d::new((h, w, h), AlignCorners::Yes);
        let _ = ThinPlateSplineGrid::new((3, 3), AlignCorners::Yes, h);
        if h.saturating_mul(w) <= 1 << 14 || h.checked_mul(w).is_none() {
            let _ = SamplingGrid::identity(n, (h, w), AlignCorners::No, DType::F32, &Device::Cpu);
        }
        prop_assert!(SamplingGrid::identity(1 << 50, (2, 2), AlignCorners::No, DType::F32, &Device::Cpu).is_err());
    }

    #[test]
    fn matrices(n in 0usize..3, (rows, columns) in (0usize..5, 0usize..5), view in view()) {
        let theta = tensor(&[n, rows, columns], view, DType::F64).unwrap();
        let shaped = (rows, columns) == (2, 3) || (rows, columns) == (3, 4);
        prop_assert_eq!(compose(&theta, &theta).is_ok(), shaped);
        prop_assert!(inverse(&theta).is_err() || shaped);
    }

    #[test]
    fn grids_of_any_rank(dims in prop::collection::vec(0usize..4, 0..7), corners in corners()) {
        let coords = Tensor::zeros(dims.clone(), DType::F32, &Device::Cpu).unwrap();
        // The fields are public, so a grid of another shape can be made.
        let grid = SamplingGrid { coords: coords.clone(), align_corners: corners };
        let _ = (grid.batch(), grid.size(), grid.outside());
        let xs = Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu).unwrap();
        let _ = GridSampler::default().forward(&xs, &grid);
        let _ = GridSampler::default().forward(&coords, &grid);
        let _ = grid_sample_3d(&coords, &grid, &GridSampleOptions::default());
        let _ = SamplingGrid::new(coords, corners);
    }

    #[test]
    fn the_reference(
        sides in (0usize..4, 0usize..4),
        len in 0usize..10,
        at in (any::<f64>(), any::<f64>()),
        (i, n) in (any::<i64>(), extreme()),
        (padding, corners) in (padding(), corners()),
    ) {
        let values = vec![1.0; len];
        let map = ReferenceMap { values: &values, size: [sides.0, sides.1], align_corners: corners, padding };
        for kernel in [sampler::bilinear(), sampler::bicubic()] {
            if let Ok(found) = sample(&map, &kernel, [at.0, at.1]) {
                prop_assert!(found.pixels.iter().all(|(pixel, _)| *pixel < len));
            }
        }
        prop_assert!(continued(i, n, corners, padding).is_none_or(|pixel| pixel < n));
        let _ = (corners.to_pixel(at.0, n), corners.to_coordinate(at.1, n), corners.pixels_per_unit(n));
    }

    #[test]
    fn modules(
        (inputs, hidden, p, side) in (extreme(), extreme(), 0usize..7, extreme()),
        (channels, filters, n) in (extreme(), extreme(), 0usize..3),
    ) {
        let vb = || Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let identity = vec![0.0; p];
        let net = FcLocalisation::new(inputs, &[hidden], &identity, vb());
        let side = side.min(1 << 40);
        let config = ConvLocalisationConfig { in_channels: channels, ..ConvLocalisationConfig::mnist(1, (side, side)) };
        let _ = config.features();
        let _ = ConvLocalisation::new(&config, &identity, vb());
        let _ = Classifier::new(Body::Fcn { hidden }, channels, side, p, vb());
        let _ = Classifier::new(Body::Cnn { filters }, channels, side, p, vb());
        if let Ok(net) = net {
            let xs = Tensor::zeros((n, inputs), DType::F32, &Device::Cpu).unwrap();
            let theta = net.theta(&xs).unwrap();
            prop_assert_eq!(theta.dims(), [n, p]);
            let generator = AffineGrid::new((2, 2), AlignCorners::Yes).unwrap();
            prop_assert_eq!(SpatialTransformer::new(net, generator).is_ok(), p == 6);
        }
        let any = tensor(&[n, p], Layout::Offset, DType::F32).unwrap();
        prop_assert!(scale_gradient(&any, 0.1).is_ok());
        let _ = triplet_loss(&any, &any, 1.0);
        let _ = CoLocalisation::boxes(&any, side);
        let labels = Tensor::zeros((n, p), DType::U32, &Device::Cpu).unwrap();
        let logits = Tensor::zeros((n, p, 3), DType::F32, &Device::Cpu).unwrap();
        let _ = sequence_loss(&logits, &labels);
    }

    #[test]
    fn networks(
        (side, channels, classes, count, pool) in (extreme(), extreme(), extreme(), extreme(), extreme()),
        (hidden, crop) in (extreme(), extreme()),
    ) {
        let vb = || Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let side = side.min(1 << 40);
        let xs = Tensor::zeros((1, 1, 13, 13), DType::F32, &Device::Cpu).unwrap();
        let config = DigitConfig { in_channels: channels, classes, pool, ..DigitConfig::fcn(side) };
        for config in [
            DigitConfig { body: Body::Fcn { hidden }, ..config.clone() },
            // Narrow: as wide as by default, many transformed images have weights of gigabytes, which take minutes to draw.
            DigitConfig { body: Body::Fcn { hidden: 2 }, ..config.clone() }.with_transformers(count, Transform::Affine),
        ] {
            if let Ok(network) = DigitNet::new(&config, vb()) {
                let _ = network.forward_t(&xs, true);
                let _ = network.transform(&xs);
            }
        }
        let width = if hidden < 100 { 0.01 } else { f64::NAN };
        let house = HouseNumberConfig { width, ..HouseNumberConfig::paper(side.min(32), Placement::Multi) };
        let _ = HouseNumberNet::new(&house, vb());
        let scenes = CoLocalisationConfig { side, crop: crop.min(1 << 40), body: Body::Fcn { hidden }, ..CoLocalisationConfig::digits() };
        let _ = CoLocalisation::new(&scenes, vb());
        let volume = VolumeConfig { side, classes, body: Body::Fcn { hidden }, gradient_scale: 1.0 };
        if side < 20 {
            let _ = VolumeNet::new(&volume, vb());
        }
        let net = FcLocalisation::new(13 * 13, &[2], &[0.0; 2], vb().pp("st")).unwrap();
        let parts = PartsConfig { parts: 1, crop, window: 0.5, descriptors: hidden, classes, gradient_scale: 1.0, dropout: 0.5 };
        if let Ok(network) = PartsNet::new(&parts, net, vec![Flat], vb()) {
            let _ = network.forward_t(&xs, true);
        }
    }
}

/// A backbone that describes a crop by its pixels.
#[derive(Clone, Debug)]
struct Flat;

impl Module for Flat {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        xs.flatten_from(1)
    }
}

#[test]
fn empty_views_with_an_offset() -> Result<()> {
    let xs = Tensor::zeros((2, 3, 4, 5), DType::F32, &Device::Cpu)?;
    let at = Tensor::zeros((2, 4, 5, 2), DType::F32, &Device::Cpu)?;
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        let options = GridSampleOptions {
            interpolation,
            ..Default::default()
        };
        for (xs, at, dims) in [
            (xs.narrow(0, 2, 0)?, at.narrow(0, 2, 0)?, [0, 3, 4, 5]),
            (xs.narrow(1, 3, 0)?, at.clone(), [2, 0, 4, 5]),
        ] {
            let found = both_passes(&xs, &at, |xs, at| {
                grid_sample(
                    xs,
                    &SamplingGrid::new(at.clone(), AlignCorners::Yes)?,
                    &options,
                )
            })?;
            assert_eq!(found, dims);
        }
    }
    let generator = AffineGrid::new((2, 3), AlignCorners::Yes)?;
    let theta = Tensor::zeros((4, 6), DType::F32, &Device::Cpu)?.narrow(0, 4, 0)?;
    assert_eq!(generator.grid(&theta)?.coords.dims(), [0, 2, 3, 2]);
    // In half precision they are converted, also where they begin beyond the end of their storage.
    let half = |dims: &[usize]| Tensor::zeros(dims, DType::F16, &Device::Cpu);
    let xs = half(&[2, 1, 4, 4])?.narrow(0, 2, 0)?.narrow(2, 1, 3)?;
    let at = SamplingGrid::new(half(&[0, 4, 5, 2])?, AlignCorners::Yes)?;
    let ys = grid_sample(&xs, &at, &GridSampleOptions::default())?;
    assert_eq!(ys.dims(), [0, 1, 4, 5]);
    let theta = half(&[4, 7])?.narrow(0, 4, 0)?.narrow(1, 1, 6)?;
    assert_eq!(generator.grid(&theta)?.coords.dims(), [0, 2, 3, 2]);
    Ok(())
}

#[test]
fn parameters_and_grids_larger_than_memory() -> Result<()> {
    let many = 1usize << 40;
    for generator in generators((512, 512), 2) {
        let generator = generator?;
        let p = generator.parameter_count();
        for dtype in [DType::F32, DType::F16] {
            let one = Tensor::zeros((1, p), dtype, &Device::Cpu)?;
            let theta = one.broadcast_as((many, p))?;
            let point = Tensor::zeros((1, 2), dtype, &Device::Cpu)?;
            assert!(generator.grid(&theta).is_err());
            assert!(generator.transform_points(&theta, &point).is_err());
            assert!(generator.inverse_grid(&theta, (2, 3)).is_err());
            let points = point.broadcast_as((many, 2))?;
            assert!(generator.transform_points(&one, &points).is_err());
            // Memory holds these parameters, but not their grids.
            let theta = one.broadcast_as((1usize << 20, p))?;
            assert!(generator.grid(&theta).is_err());
        }
    }
    let one = Tensor::zeros((1, 2, 3), DType::F32, &Device::Cpu)?;
    let theta = one.broadcast_as((many, 2, 3))?;
    assert!(compose(&theta, &theta).is_err() && inverse(&theta).is_err());
    let volume = AffineGrid3d::new((2, 2, 2), AlignCorners::Yes)?;
    let theta = Tensor::zeros((1, 12), DType::F16, &Device::Cpu)?;
    assert!(volume.grid(&theta.broadcast_as((many, 12))?).is_err());
    Ok(())
}
