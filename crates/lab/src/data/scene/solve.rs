//! A small system of linear equations.

/// Solves A x = b for each right-hand side; a row of `rows` holds a row of A, then its right-hand sides.
///
/// Gives x with one row an unknown, one column a right-hand side; `None` if A has no inverse.
pub(super) fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let n = rows.len();
    for column in 0..n {
        let size = |row: &usize| rows[*row][column].abs();
        let pivot = (column..n).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        rows.swap(column, pivot);
        let divisor = rows[column][column];
        if divisor.abs().partial_cmp(&1e-10) != Some(std::cmp::Ordering::Greater) {
            return None;
        }
        rows[column].iter_mut().for_each(|value| *value /= divisor);
        let own = rows[column].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if at != column && factor != 0.0 {
                row.iter_mut()
                    .zip(&own)
                    .for_each(|(value, own)| *value -= factor * own);
            }
        }
    }
    Some(rows.into_iter().map(|row| row[n..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_solutions() {
        // x + 2 y = 5 and 3 y = 6, with a pivot of 0 first.
        let rows = vec![vec![0.0, 3.0, 6.0, 3.0], vec![1.0, 2.0, 5.0, 1.0]];
        assert_eq!(solve(rows), Some(vec![vec![1.0, -1.0], vec![2.0, 1.0]]));
        assert_eq!(solve(vec![vec![1.0, 2.0, 0.0], vec![2.0, 4.0, 1.0]]), None);
        assert_eq!(solve(vec![vec![f64::NAN, 1.0]]), None);
        assert_eq!(solve(Vec::new()), Some(Vec::new()));
    }
}
