//! Tests of the generators: shapes, errors, gradients, and the conventions that bind them together.

use candle_core::{DType, Device, Result, Tensor};
use striate::rng::stream;
use striate::testing::{Directions, Tolerance, assert_close, gradcheck, values};

use super::*;

const CONVENTIONS: [AlignCorners; 2] = [AlignCorners::Yes, AlignCorners::No];
const TIGHT: Tolerance = Tolerance::Elementwise(1e-12);

fn generators(
    size: (usize, usize),
    align_corners: AlignCorners,
) -> Result<Vec<Box<dyn GridGenerator>>> {
    Ok(vec![
        Box::new(AffineGrid::new(size, align_corners)?),
        Box::new(AttentionGrid::new(size, align_corners)?),
        Box::new(SimilarityGrid::new(size, align_corners)?),
        Box::new(TranslationGrid::new(size, align_corners)?),
        Box::new(ProjectiveGrid::new(size, align_corners)?),
        Box::new(ThinPlateSplineGrid::new(size, align_corners, 4)?),
        Box::new(ThinPlateSplineGrid::new(size, align_corners, 2)?),
    ])
}

/// The identity plus noise, (n, P).
fn near_identity(generator: &dyn GridGenerator, n: usize, noise: f64) -> Result<Tensor> {
    let mut draws = stream(1, "theta", 0);
    let identity = generator.identity();
    let theta: Vec<f64> = (0..n * identity.len())
        .map(|i| identity[i % identity.len()] + noise * draws.normal())
        .collect();
    Tensor::from_vec(theta, (n, identity.len()), &Device::Cpu)
}

fn message<T>(result: Result<T>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn shapes() -> Result<()> {
    for generator in generators((5, 7), AlignCorners::No)? {
        assert_eq!(generator.identity().len(), generator.parameter_count());
        assert_eq!(
            (generator.size(), generator.align_corners()),
            ((5, 7), AlignCorners::No)
        );
        for dtype in [DType::F32, DType::F64, DType::BF16] {
            let theta = near_identity(&*generator, 3, 0.1)?.to_dtype(dtype)?;
            let grid = generator.grid(&theta)?;
            assert_eq!(grid.coords.dims(), [3, 5, 7, 2], "{generator:?}");
            assert_eq!(
                (grid.coords.dtype(), grid.align_corners),
                (dtype, AlignCorners::No)
            );
            assert_eq!((grid.batch(), grid.size()), (3, &[5, 7][..]));
        }
        let empty = Tensor::zeros((0, generator.parameter_count()), DType::F32, &Device::Cpu)?;
        assert_eq!(generator.grid(&empty)?.coords.dims(), [0, 5, 7, 2]);
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    for generator in generators((2, 3), AlignCorners::Yes)? {
        let p = generator.parameter_count();
        let theta = Tensor::zeros((2, p + 1), DType::F32, &Device::Cpu)?;
        let text = message(generator.grid(&theta));
        assert!(
            text.contains("theta has shape [2, ") && text.contains(&format!("(N, {p})")),
            "{text}"
        );
        let theta = Tensor::zeros((2, p), DType::U32, &Device::Cpu)?;
        assert!(message(generator.grid(&theta)).contains("dtype U32"));
        let theta = near_identity(&*generator, 2, 0.0)?;
        let points = Tensor::zeros((3, 4, 2), DType::F64, &Device::Cpu)?;
        assert!(
            message(generator.transform_points(&theta, &points)).contains("(K, 2) or (2, K, 2)")
        );
    }
    assert!(message(AffineGrid::new((0, 3), AlignCorners::Yes)).contains("at least 1"));
    assert!(message(AffineGrid3d::new((1, 0, 3), AlignCorners::Yes)).contains("at least 1"));
    assert!(message(ThinPlateSplineGrid::new((2, 2), AlignCorners::Yes, 1)).contains("at least 2"));
    let flat = Tensor::zeros((2, 3, 4), DType::F32, &Device::Cpu)?;
    assert!(message(SamplingGrid::new(flat, AlignCorners::Yes)).contains("(N, H, W, 2)"));
    Ok(())
}

#[test]
fn convention_identity_is_the_target_grid() -> Result<()> {
    for align_corners in CONVENTIONS {
        for size in [(5, 7), (1, 4), (1, 1)] {
            let expected =
                SamplingGrid::identity(2, size, align_corners, DType::F64, &Device::Cpu)?;
            for generator in generators(size, align_corners)? {
                let theta = near_identity(&*generator, 2, 0.0)?;
                let grid = generator.grid(&theta)?;
                assert_close(
                    &format!("{generator:?}"),
                    &grid.coords,
                    &expected.coords,
                    TIGHT,
                );
                assert_eq!(grid.outside()?, 0.0);
            }
        }
    }
    Ok(())
}

#[test]
fn the_share_outside_of_odd_coordinates() -> Result<()> {
    let share = |coords: Tensor| SamplingGrid::new(coords, AlignCorners::Yes)?.outside();
    let points =
        |dtype| Tensor::new(&[[[[0f32, 1.5], [0.5, -1.0]]]], &Device::Cpu)?.to_dtype(dtype);
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        let points = points(dtype)?;
        assert_eq!(share(points.clone())?, 0.5);
        assert_eq!(share(points.broadcast_as((3, 4, 2, 2))?)?, 0.5);
    }
    assert_eq!(share(points(DType::F32)?.narrow(0, 0, 0)?)?, 0.0);
    // A view claims any number of points.
    let many = points(DType::F32)?.broadcast_as((1 << 40, 1 << 8, 2, 2))?;
    assert!(message(share(many)).contains("memory"));
    Ok(())
}

#[test]
fn convention_points_and_grids_agree() -> Result<()> {
    for align_corners in CONVENTIONS {
        let points = SamplingGrid::identity(1, (4, 5), align_corners, DType::F64, &Device::Cpu)?;
        let points = points.coords.reshape((20, 2))?;
        for generator in generators((4, 5), align_corners)? {
            let theta = near_identity(&*generator, 3, 0.2)?;
            let grid = generator.grid(&theta)?.coords.reshape((3, 20, 2))?;
            let moved = generator.transform_points(&theta, &points)?;
            assert_close(&format!("{generator:?}"), &moved, &grid, TIGHT);
        }
        let generator = AffineGrid3d::new((2, 2, 2), align_corners)?;
        let theta: Vec<f64> = (0..12).map(|i| f64::from(i * 5 % 7) / 4.0).collect();
        let theta = Tensor::from_vec(theta, (1, 3, 4), &Device::Cpu)?;
        let identity = Tensor::from_vec(generator.identity(), (1, 12), &Device::Cpu)?;
        let points = generator.grid(&identity)?.coords.reshape((8, 3))?;
        let moved = generator.transform_points(&theta, &points)?;
        assert_close(
            "3-D",
            &moved,
            &generator.grid(&theta)?.coords.reshape((1, 8, 3))?,
            TIGHT,
        );
    }
    Ok(())
}

#[test]
fn convention_subsets_equal_their_affine_matrix() -> Result<()> {
    let affine = AffineGrid::new((3, 4), AlignCorners::Yes)?;
    let attention = AttentionGrid::new((3, 4), AlignCorners::Yes)?;
    let theta = Tensor::new(&[[0.5f64, 0.25, -0.125]], &Device::Cpu)?;
    let matrix = Tensor::new(&[[[0.5f64, 0.0, 0.25], [0.0, 0.5, -0.125]]], &Device::Cpu)?;
    assert_close(
        "attention",
        &attention.affine(&theta)?,
        &matrix,
        Tolerance::Exact,
    );
    assert_close(
        "attention",
        &attention.grid(&theta)?.coords,
        &affine.grid(&matrix)?.coords,
        TIGHT,
    );
    let projective = ProjectiveGrid::new((3, 4), AlignCorners::Yes)?;
    let theta = Tensor::new(
        &[[0.5f64, 0.1, 0.25, -0.3, 0.7, -0.125, 0.0, 0.0]],
        &Device::Cpu,
    )?;
    let grid = affine.grid(&theta.narrow(1, 0, 6)?)?;
    assert_close(
        "projective",
        &projective.grid(&theta)?.coords,
        &grid.coords,
        TIGHT,
    );
    Ok(())
}

#[test]
fn convention_spline_interpolates_and_contains_the_affine_maps() -> Result<()> {
    let spline = ThinPlateSplineGrid::new((3, 4), AlignCorners::No, 4)?;
    let theta = near_identity(&spline, 2, 0.3)?;
    let control = Tensor::from_vec(spline.identity(), (16, 2), &Device::Cpu)?;
    let moved = spline.transform_points(&theta, &control)?;
    assert_close("f(c_k) = q_k", &moved, &theta.reshape((2, 16, 2))?, TIGHT);
    let affine = AffineGrid::new((3, 4), AlignCorners::No)?;
    let matrix = Tensor::new(&[[0.5f64, 0.1, 0.25, -0.3, 0.7, -0.125]], &Device::Cpu)?;
    let positions = affine.transform_points(&matrix, &control)?;
    let grid = spline.grid(&positions)?;
    assert_close("affine", &grid.coords, &affine.grid(&matrix)?.coords, TIGHT);
    Ok(())
}

/// Half precision is computed in f32, at the control points of the splines too.
#[test]
fn points_in_half_precision() -> Result<()> {
    let control = ThinPlateSplineGrid::new((2, 2), AlignCorners::Yes, 4)?.identity();
    let points = Tensor::from_vec(control, (16, 2), &Device::Cpu)?;
    for (dtype, tolerance) in [(DType::F16, 2e-3), (DType::BF16, 2e-2)] {
        for generator in generators((3, 4), AlignCorners::No)? {
            let theta = near_identity(&*generator, 2, 0.1)?.to_dtype(dtype)?;
            let moved = generator.transform_points(&theta, &points)?;
            assert_eq!(moved.dtype(), dtype);
            let wanted = generator.transform_points(&theta.to_dtype(DType::F64)?, &points)?;
            assert_close(
                &format!("{generator:?} {dtype:?}"),
                &moved,
                &wanted,
                Tolerance::Elementwise(tolerance),
            );
        }
        let generator = AffineGrid3d::new((2, 2, 2), AlignCorners::No)?;
        let theta = Tensor::from_vec(generator.identity(), (1, 12), &Device::Cpu)?;
        let points = Tensor::new(&[[-1.0, 1.0, 0.5]], &Device::Cpu)?;
        let moved = generator.transform_points(&theta.to_dtype(dtype)?, &points)?;
        assert_eq!(
            (values(&moved)?, moved.dtype()),
            (vec![-1.0, 1.0, 0.5], dtype)
        );
    }
    Ok(())
}

#[test]
fn projective_denominator_is_guarded() -> Result<()> {
    let generator = ProjectiveGrid::new((1, 3), AlignCorners::Yes)?;
    // Z = 1 + t7 x is 0 at x = -1.
    let theta = Tensor::new(&[[1f64, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]], &Device::Cpu)?;
    let theta = candle_core::Var::from_tensor(&theta)?;
    let coords = generator.grid(&theta)?.coords;
    assert_eq!(values(&coords)?[0], -1.0 / MINIMAL_DENOMINATOR);
    let gradients = coords.sum_all()?.backward()?;
    let gradient = values(gradients.get(&theta).expect("theta is a variable"))?;
    assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    for align_corners in CONVENTIONS {
        for generator in generators((3, 4), align_corners)? {
            let theta = near_identity(&*generator, 2, 0.1)?;
            gradcheck(
                |inputs| Ok(generator.grid(&inputs[0])?.coords),
                std::slice::from_ref(&theta),
                Directions::EveryElement,
            )?;
            let points = Tensor::new(&[[0.1f64, 0.7], [-0.3, 0.2]], &Device::Cpu)?;
            gradcheck(
                |inputs| generator.transform_points(&inputs[0], &inputs[1]),
                &[theta, points],
                Directions::EveryElement,
            )?;
        }
        let generator = AffineGrid3d::new((2, 3, 4), align_corners)?;
        let theta: Vec<f64> = (0..24).map(|i| f64::from(i * 5 % 7) / 4.0).collect();
        let theta = Tensor::from_vec(theta, (2, 3, 4), &Device::Cpu)?;
        let grid = |inputs: &[Tensor]| Ok(generator.grid(&inputs[0])?.coords);
        gradcheck(grid, &[theta], Directions::EveryElement)?;
    }
    Ok(())
}

fn matrices(d: usize) -> Result<[Tensor; 2]> {
    let mut draws = stream(2, "matrices", 0);
    let mut next = || {
        let values: Vec<f64> = (0..2 * d * (d + 1))
            .map(|i| f64::from((i % (d * (d + 1))).is_multiple_of(d + 2)) + 0.3 * draws.normal())
            .collect();
        Tensor::from_vec(values, (2, d, d + 1), &Device::Cpu)
    };
    Ok([next()?, next()?])
}

#[test]
fn composition_and_inverse() -> Result<()> {
    let points = Tensor::new(&[[0.1f64, 0.7], [-0.3, 0.2], [1.0, -1.0]], &Device::Cpu)?;
    let generator = AffineGrid::new((2, 2), AlignCorners::Yes)?;
    let [first, second] = matrices(2)?;
    let both = compose(&first, &second)?;
    let in_steps =
        generator.transform_points(&first, &generator.transform_points(&second, &points)?)?;
    assert_close(
        "2-D",
        &generator.transform_points(&both, &points)?,
        &in_steps,
        TIGHT,
    );
    for d in [2, 3] {
        let [first, second] = matrices(d)?;
        let identity = compose(&inverse(&first)?, &first)?;
        let expected: Vec<f64> = (0..2 * d * (d + 1))
            .map(|i| f64::from((i % (d * (d + 1))).is_multiple_of(d + 2)))
            .collect();
        let expected = Tensor::from_vec(expected, (2, d, d + 1), &Device::Cpu)?;
        assert_close("inverse", &identity, &expected, TIGHT);
        gradcheck(
            |t| compose(&t[0], &t[1]),
            &[first.clone(), second],
            Directions::EveryElement,
        )?;
        gradcheck(|t| inverse(&t[0]), &[first], Directions::EveryElement)?;
    }
    let flat = Tensor::zeros((1, 2, 3), DType::F64, &Device::Cpu)?;
    assert!(message(inverse(&flat)).contains("image 0 has determinant 0"));
    assert!(message(compose(&flat, &flat.narrow(1, 0, 1)?)).contains("[1, 2, 3]"));
    assert!(message(inverse(&flat.narrow(1, 0, 1)?)).contains("(N, 2, 3)"));
    Ok(())
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    for generator in generators((60, 60), AlignCorners::Yes)? {
        let theta = near_identity(&*generator, 96, 0.2)?.to_dtype(DType::F32)?;
        let on = |threads| -> Result<(Tensor, Tensor)> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(candle_core::Error::wrap)?.install(|| {
                let theta = candle_core::Var::from_tensor(&theta)?;
                let coords = generator.grid(&theta)?.coords;
                let gradients = coords.sqr()?.sum_all()?.backward()?;
                Ok((
                    coords,
                    gradients.get(&theta).expect("theta is a variable").clone(),
                ))
            })
        };
        let (one, two) = (on(1)?, on(2)?);
        assert_close(&format!("{generator:?}"), &one.0, &two.0, Tolerance::Exact);
        assert_close(&format!("{generator:?}"), &one.1, &two.1, Tolerance::Exact);
    }
    Ok(())
}
