//! Products of sizes that come from outside.

use candle_core::{Result, bail};

/// Most numbers in a buffer: the bytes of the widest number, 8 each, must fit `isize`.
const MOST: usize = isize::MAX as usize / 8;

/// The product of `sizes`, which are those of `what`.
///
/// A size of 0 is left out before the product is judged, so that no partial product overflows later.
///
/// # Errors
/// A product of more numbers than memory can address.
pub(crate) fn product(what: &str, sizes: &[usize]) -> Result<usize> {
    let nonzero = sizes.iter().filter(|&&size| size != 0);
    let fits = nonzero
        .copied()
        .try_fold(1usize, |product, size| product.checked_mul(size))
        .filter(|&product| product <= MOST);
    match fits {
        Some(_) => Ok(sizes.iter().product()),
        None => bail!("{what} of {sizes:?} has more numbers than memory can address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_that_overflow_are_refused() -> Result<()> {
        assert_eq!(product("a map", &[2, 3, 5])?, 30);
        assert_eq!(product("a map", &[])?, 1);
        assert_eq!(product("a map", &[0, 3])?, 0);
        for sizes in [[1 << 62, 4], [1 << 32, 1 << 32], [MOST, 2]] {
            let error = product("a map", &sizes).unwrap_err().to_string();
            assert!(error.contains("a map of ["), "{error}");
        }
        assert!(product("a map", &[0, 1 << 62, 4]).is_err());
        Ok(())
    }
}
