//! Sizes that come from outside, checked before they are multiplied.

use candle_core::{Result, Tensor, bail};

/// The most cells of a map and points of a grid: kernels count them in i32, with room for offsets.
pub(crate) const MAX_CELLS: usize = (i32::MAX / 4) as usize;

/// From this many bytes on, memory is asked whether it can hold them; below, an allocation just happens.
const LARGE: usize = 1 << 30;

/// The product of `factors`, the sides of the tensor `argument`.
///
/// # Errors
/// If memory cannot hold that many f32, or no allocation that many f64.
pub(crate) fn product(op: &str, argument: &str, factors: &[usize]) -> Result<usize> {
    elements(op, argument, factors, size_of::<f32>())
}

/// As [`product`] for a matrix that is computed in f64.
pub(crate) fn matrix(op: &str, argument: &str, factors: &[usize]) -> Result<usize> {
    elements(op, argument, factors, size_of::<f64>())
}

fn elements(op: &str, argument: &str, factors: &[usize], bytes: usize) -> Result<usize> {
    let product = factors
        .iter()
        .try_fold(1usize, |product, &factor| product.checked_mul(factor));
    let fits = |&product: &usize| {
        product <= isize::MAX as usize / size_of::<f64>()
            && (product * bytes < LARGE
                || Vec::<u8>::new().try_reserve_exact(product * bytes).is_ok())
    };
    match product.filter(fits) {
        Some(product) => Ok(product),
        // A zero makes a product of zero, whatever overflows before it.
        None if factors.contains(&0) => Ok(0),
        None => bail!("{op}: {argument} is {factors:?}, more elements than memory can hold"),
    }
}

/// Refuses the weight of a layer that memory cannot hold, or that has no inputs or outputs.
pub(crate) fn check_weight(layer: &str, outputs: usize, inputs: &[usize]) -> Result<()> {
    let inputs = product(layer, "the input of the layer", inputs)?;
    if outputs == 0 || inputs == 0 {
        bail!("{layer}: {inputs} inputs and {outputs} outputs; both must be at least 1");
    }
    // Weights are drawn in f64.
    matrix(layer, "the weight (out, in)", &[outputs, inputs]).map(|_| ())
}

/// Refuses what is not (N, channels, height, width) with the sizes that `of` was built for.
///
/// Pooling that rounds down would accept others in silence.
pub(crate) fn check_maps(of: &str, xs: &Tensor, wanted: [usize; 3]) -> Result<()> {
    match *xs.dims() {
        [_, c, h, w] if [c, h, w] == wanted => Ok(()),
        ref dims => {
            let [c, h, w] = wanted;
            bail!("{of}: the input has shape {dims:?}; it takes (N, {c}, {h}, {w})")
        }
    }
}

/// The number of pixels of an output of `size`.
///
/// # Errors
/// An output without pixels, or with more than [`MAX_CELLS`].
pub(crate) fn pixels(op: &str, size: &[usize]) -> Result<usize> {
    if size.contains(&0) {
        bail!("{op}: the output size is {size:?}; every side must be at least 1");
    }
    match product(op, "the output size", size)? {
        pixels @ ..=MAX_CELLS => Ok(pixels),
        _ => bail!("{op}: the output size is {size:?}; at most {MAX_CELLS} pixels are supported"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_that_overflow_are_errors_that_name_the_argument() {
        assert_eq!(product("op", "the input", &[2, 3, 4]).ok(), Some(24));
        assert_eq!(product("op", "the input", &[]).ok(), Some(1));
        let huge = 1 << 40;
        assert_eq!(product("op", "the input", &[huge, huge, 0]).ok(), Some(0));
        for factors in [[huge, huge], [1, isize::MAX as usize], [usize::MAX, 2]] {
            let error = product("op", "the input", &factors).err();
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains("op: the input is"), "{factors:?}: {text}");
        }
        assert!(check_weight("fc", 1 << 30, &[1 << 20]).is_err());
        assert!(check_weight("fc", usize::MAX, &[2]).is_err());
        assert!(check_weight("fc", 0, &[2]).is_err());
        assert!(check_weight("fc", 3072, &[3072]).is_ok());
        assert!(pixels("op", &[0, 3]).is_err());
        assert!(pixels("op", &[MAX_CELLS, 2]).is_err());
        assert_eq!(pixels("op", &[3, 5]).ok(), Some(15));
    }
}
