//! The inverse square root of a covariance, with the same bits for any number of threads.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::data::DataError;

/// Columns of the covariance that one task computes.
const TILE: usize = 128;
/// The eigendecomposition is split into this many parts whatever the number of threads, so that
/// its bits do not depend on it.
const EVD_PARTS: usize = 2;

/// `gram += rows^T rows`, the lower triangle only, in tiles of whole columns.
pub(super) fn add_gram(gram: &mut [f64], rows: &[f64], len: usize) {
    let transposed = MatRef::from_column_major_slice(rows, len, rows.len() / len);
    gram.par_chunks_mut(TILE * len)
        .enumerate()
        .for_each(|(tile, columns)| {
            let first = tile * TILE;
            let width = columns.len() / len;
            let tile = MatMut::from_column_major_slice_mut(columns, len, width);
            let tile = tile.subrows_mut(first, len - first);
            let left = transposed.subrows(first, len - first);
            let right = transposed.subrows(first, width).transpose();
            matmul(tile, Accum::Add, left, right, 1.0, Par::Seq);
        });
}

/// `V diag(1 / sqrt(e + regularization)) V^T` of a symmetric matrix given by its lower triangle.
pub(super) fn inverse_root(
    covariance: Vec<f64>,
    len: usize,
    regularization: f64,
) -> Result<Vec<f64>, DataError> {
    let failed = |reason: String, cure: &str| DataError::Numeric {
        op: "Zca",
        reason,
        cure: cure.to_owned(),
    };
    if covariance.iter().any(|value| !value.is_finite()) {
        return Err(failed(
            "the covariance is not finite".into(),
            "check the images for NaN",
        ));
    }
    let (values, mut vectors) = eigen(&covariance, len)
        .map_err(|reason| failed(reason, "check the images for NaN or huge values"))?;
    for (value, vector) in values.iter().zip(vectors.col_iter_mut()) {
        let value = value + regularization;
        if value <= 0.0 {
            return Err(failed(
                format!(
                    "the covariance has the eigenvalue {:e}",
                    value - regularization
                ),
                "raise the regularization, 0.1 is usual",
            ));
        }
        // Half of the exponent on each side: P = (V d)(V d)^T with d = value^(-1/4).
        let factor = value.powf(-0.25);
        vector.iter_mut().for_each(|x| *x *= factor);
    }
    let mut matrix = covariance;
    matrix.fill(0.0);
    // Columns of V are the rows that the sum runs over.
    let rows: Vec<f64> = vectors
        .col_iter()
        .flat_map(|column| column.iter().copied())
        .collect();
    drop(vectors);
    add_gram(&mut matrix, &rows, len);
    for column in 0..len {
        for row in column + 1..len {
            matrix[row * len + column] = matrix[column * len + row];
        }
    }
    Ok(matrix)
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix given by its lower triangle.
fn eigen(matrix: &[f64], len: usize) -> Result<(Vec<f64>, Mat<f64>), String> {
    let matrix = MatRef::from_column_major_slice(matrix, len, len);
    let par = Par::rayon(EVD_PARTS);
    let mut values = Diag::<f64>::zeros(len);
    let mut vectors = Mat::<f64>::zeros(len, len);
    let need =
        self_adjoint_evd_scratch::<f64>(len, ComputeEigenvectors::Yes, par, Default::default());
    let mut memory = MemBuffer::try_new(need).map_err(|_| "not enough memory".to_owned())?;
    self_adjoint_evd(
        matrix,
        values.as_mut(),
        Some(vectors.as_mut()),
        par,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|error| format!("the eigendecomposition failed ({error:?})"))?;
    Ok((values.column_vector().iter().copied().collect(), vectors))
}
