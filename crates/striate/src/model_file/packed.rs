//! A symmetric matrix as its upper triangle, row by row.

use candle_core::{DType, Device, Result, Tensor, bail};

/// The upper triangle of a symmetric f32 matrix of `side` rows, as a vector of `side * (side + 1) / 2` values.
pub(super) fn packed(matrix: &Tensor) -> Result<Tensor> {
    let (side, columns) = matrix.dims2()?;
    if side != columns {
        bail!("whitening: a matrix of {side} rows and {columns} columns is not symmetric");
    }
    let values: Vec<f32> = matrix.flatten_all()?.to_vec1()?;
    let mut upper = Vec::with_capacity(values.len() / 2 + side);
    for (row, values) in values.chunks_exact(side.max(1)).enumerate() {
        upper.extend_from_slice(&values[row..]);
    }
    let len = upper.len();
    Tensor::from_vec(upper, len, &Device::Cpu)
}

/// The whole matrix, f32 (side, side), of an upper triangle.
pub(super) fn unpacked(upper: &Tensor, side: usize) -> Result<Tensor> {
    let upper: Vec<f32> = upper.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    let wanted = side.checked_add(1).and_then(|next| side.checked_mul(next));
    if wanted.map(|twice| twice / 2) != Some(upper.len()) {
        bail!(
            "whitening: {} values are no upper triangle of {side} rows; the file is damaged",
            upper.len()
        );
    }
    // The triangle is there, so the square is at most about twice as large.
    let mut matrix = vec![0f32; side * side];
    let mut values = upper.into_iter();
    for row in 0..side {
        for (column, value) in (row..side).zip(&mut values) {
            matrix[row * side + column] = value;
            matrix[column * side + row] = value;
        }
    }
    Tensor::from_vec(matrix, (side, side), &Device::Cpu)
}
