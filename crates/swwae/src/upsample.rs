//! Decoders without where: the value everywhere in its window, or at one fixed cell.

use candle_core::{DType, Result, Tensor, bail};
use striate::ops::cpu::{checked_len, maps, room};
use striate::{Switches, max_unpool2d, upsample_nearest2d};

const COPY: &str = "copy_unpool2d";
const FIXED: &str = "fixed_unpool2d";

/// Copies each value to all cells of its `size` x `size` window, in maps of (height, width) cells.
///
/// Cells that no window covers are 0; a window that hangs over the edge loses what lies beyond.
///
/// # Shapes
/// `what` (N, C, Ho, Wo) to (N, C, `output_size`).
///
/// # Errors
/// Integer dtypes, another rank, a size of 0.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351), Sec. 4.1: the baseline called upsampling.
pub fn copy_unpool2d(what: &Tensor, size: usize, output_size: (usize, usize)) -> Result<Tensor> {
    let (n, c, _, _) = maps(COPY, what)?;
    let len = checked_len(COPY, &[n, c, output_size.0, output_size.1])?;
    room(COPY, len, what.dtype())?;
    let copied = upsample_nearest2d(what, (size, size))?;
    // Between the two cuts are the rows of the output at the width of the copies.
    let between = checked_len(COPY, &[n, c, output_size.0, copied.dim(3)?])?;
    room(COPY, between, what.dtype())?;
    fit(&fit(&copied, 2, output_size.0)?, 3, output_size.1)
}

/// Puts each value in the first cell (top left) of its `size` x `size` window, in maps of (height, width) cells.
///
/// # Shapes
/// `what` (N, C, Ho, Wo) to (N, C, `output_size`).
///
/// # Errors
/// Integer dtypes, another rank, a size of 0, an output without room for the first cell of each window,
/// or with more than 2^32 cells.
pub fn fixed_unpool2d(what: &Tensor, size: usize, output_size: (usize, usize)) -> Result<Tensor> {
    let (n, c, ho, wo) = maps(FIXED, what)?;
    let (h, w) = output_size;
    let fits = |windows: usize, cells: usize| {
        size > 0 && windows.saturating_sub(1).saturating_mul(size) < cells
    };
    if !fits(ho, h) || !fits(wo, w) {
        bail!(
            "fixed_unpool2d: {ho} x {wo} windows of {size} x {size} cells do not fit an output of {h} x {w}"
        );
    }
    // A switch has 32 bits.
    if u32::try_from(checked_len(FIXED, &[h, w])? - 1).is_err() {
        bail!("fixed_unpool2d: an output of {h} x {w} is too large; positions must fit 32 bits");
    }
    room(FIXED, checked_len(FIXED, &[n, c, h, w])?, what.dtype())?;
    room(FIXED, checked_len(FIXED, what.dims())?, DType::U32)?;
    let cells = (0..ho).flat_map(|i| (0..wo).map(move |j| ((i * w + j) * size) as u32));
    let cells = Tensor::from_vec(cells.collect::<Vec<u32>>(), (1, 1, ho, wo), what.device())?;
    let switches = Switches {
        indices: cells.broadcast_as(what.shape())?.contiguous()?,
        source: output_size,
    };
    max_unpool2d(what, &switches, output_size)
}

/// Cuts or pads `dim` with zeros at its end.
pub(crate) fn fit(xs: &Tensor, dim: usize, len: usize) -> Result<Tensor> {
    match xs.dim(dim)? {
        have if have > len => xs.narrow(dim, 0, len),
        have => xs.pad_with_zeros(dim, 0, len - have),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use striate::testing::{Directions, gradcheck};

    use super::*;

    fn what() -> Result<Tensor> {
        Tensor::new(&[[1f64, 2.0], [3.0, 4.0]], &Device::Cpu)?.reshape((1, 1, 2, 2))
    }

    #[test]
    fn copies() -> Result<()> {
        let rows = |size| {
            copy_unpool2d(&what()?, 2, size)?
                .squeeze(0)?
                .squeeze(0)?
                .to_vec2::<f64>()
        };
        let cut = [
            vec![1.0, 1.0, 2.0],
            vec![1.0, 1.0, 2.0],
            vec![3.0, 3.0, 4.0],
        ];
        assert_eq!(rows((3, 3))?, cut);
        let padded = rows((4, 5))?;
        assert_eq!(padded[3], [3.0, 3.0, 4.0, 4.0, 0.0]);
        Ok(())
    }

    #[test]
    fn fixed() -> Result<()> {
        let rows = |size| {
            fixed_unpool2d(&what()?, 2, size)?
                .squeeze(0)?
                .squeeze(0)?
                .to_vec2::<f64>()
        };
        let expected = [vec![1.0, 0.0, 2.0], vec![0.0; 3], vec![3.0, 0.0, 4.0]];
        assert_eq!(rows((3, 3))?, expected);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let message = fixed_unpool2d(&what()?, 3, (3, 9))
            .expect_err("accepted")
            .to_string();
        assert!(
            message.contains("3 x 3 cells do not fit an output of 3 x 9"),
            "{message}"
        );
        for (h, w) in [(1 << 16, (1 << 16) + 1), (1 << 40, 4)] {
            let message = fixed_unpool2d(&what()?, 2, (h, w)).expect_err("accepted");
            let said = format!("an output of {h} x {w} is too large");
            assert!(message.to_string().contains(&said), "{message}");
        }
        let integers = Tensor::zeros((1, 1, 2, 2), DType::U32, &Device::Cpu)?;
        assert!(copy_unpool2d(&integers, 2, (4, 4)).is_err());
        assert!(copy_unpool2d(&what()?, 0, (4, 4)).is_err());
        Ok(())
    }

    #[test]
    fn gradient() -> Result<()> {
        for size in [(3, 5), (5, 4)] {
            let inputs = [what()?];
            gradcheck(
                |x| copy_unpool2d(&x[0], 2, size),
                &inputs,
                Directions::EveryElement,
            )?;
            gradcheck(
                |x| fixed_unpool2d(&x[0], 2, size),
                &inputs,
                Directions::EveryElement,
            )?;
        }
        Ok(())
    }
}
