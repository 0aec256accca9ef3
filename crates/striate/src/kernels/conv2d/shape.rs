//! Sizes of a convolution, checked once.

use candle_core::{Result, bail};

use crate::kernels::sizes::product;
use crate::window::{Rounding, Window2d};

/// Most weights that one output or one input sums over in a group: their patches are addressed by 32 bits.
const MOST_SUMMED: usize = 1 << 24;
/// Channels of a group are padded to whole vectors; this is the widest vector.
const LANES: usize = 16;

/// Sizes of a convolution; pairs are (height, width).
///
/// [`ConvShape::new`] has checked that the window fits, that groups divide the channels
/// and that the numbers in each operand can be counted: the kernels rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Images.
    pub(super) n: usize,
    /// Input channels.
    pub(super) c_in: usize,
    /// Input height.
    pub(super) h: usize,
    /// Input width.
    pub(super) w: usize,
    /// Output channels.
    pub(super) c_out: usize,
    /// Kernel height.
    pub(super) kh: usize,
    /// Kernel width.
    pub(super) kw: usize,
    /// Step of the window.
    pub(super) stride: (usize, usize),
    /// Zeros on each side.
    pub(super) padding: (usize, usize),
    /// Distance between kernel cells.
    pub(super) dilation: (usize, usize),
    /// Groups of channels that do not see each other.
    pub(super) groups: usize,
}

impl ConvShape {
    /// The sizes for x of `input`, (N, C_in, H, W), and `c_out` output channels in `groups` groups, under `window`.
    ///
    /// # Errors
    /// Those of [`Window2d::output_size`]; maps without cells, groups that do not divide both channel counts,
    /// [`Rounding::Ceil`]; operands with more numbers than memory can address;
    /// more than 2^24 weights that one output or one input sums over, or 2^32 weights in a group.
    pub fn new(
        input: (usize, usize, usize, usize),
        c_out: usize,
        groups: usize,
        window: &Window2d,
    ) -> Result<Self> {
        let (n, c_in, h, w) = input;
        if h == 0 || w == 0 {
            bail!("the input has maps of {h} x {w} cells; both must be at least 1");
        }
        if groups == 0 || !c_in.is_multiple_of(groups) || !c_out.is_multiple_of(groups) {
            bail!("{groups} groups do not divide {c_in} input and {c_out} output channels");
        }
        if window.rounding == Rounding::Ceil {
            bail!("a convolution has no window that hangs over the edge; use Rounding::Floor");
        }
        let (h_out, w_out) = window.output_size(h, w)?;
        let (kh, kw) = window.size;
        product("the input", &[n, c_in, h, w])?;
        product("the output", &[n, c_out, h_out, w_out])?;
        let (from, to) = (c_in / groups, c_out / groups);
        product("the weight", &[c_out, from, kh, kw])?;
        let summed = product("the weights of a channel", &[from.max(to).max(1), kh, kw])?;
        let wide = |channels: usize| {
            channels
                .checked_next_multiple_of(LANES)
                .unwrap_or(usize::MAX)
        };
        let in_vectors = [[wide(from), to, kh, kw], [from, wide(to), kh, kw]];
        let fits = |sizes: &[usize; 4]| {
            product("the weight of a group", sizes).is_ok_and(|len| u32::try_from(len).is_ok())
        };
        if summed > MOST_SUMMED || !in_vectors.iter().all(fits) {
            bail!(
                "a kernel of {kh} x {kw} with {from} input and {to} output channels in a group is too large: \
                 an output and an input may sum over 2^24 weights, and a group may have 2^32"
            );
        }
        Ok(Self {
            n,
            c_in,
            h,
            w,
            c_out,
            kh,
            kw,
            // A step that leaves the padded map is as long as any other; so it fits `isize`.
            stride: (
                window.stride.0.min(h + 2 * window.padding.0),
                window.stride.1.min(w + 2 * window.padding.1),
            ),
            padding: window.padding,
            dilation: window.dilation,
            groups,
        })
    }

    /// Output height.
    pub fn h_out(&self) -> usize {
        (self.h + 2 * self.padding.0 - self.dilation.0 * (self.kh - 1) - 1) / self.stride.0 + 1
    }

    /// Output width.
    pub fn w_out(&self) -> usize {
        (self.w + 2 * self.padding.1 - self.dilation.1 * (self.kw - 1) - 1) / self.stride.1 + 1
    }

    /// The sizes of y: (N, C_out, Ho, Wo).
    pub fn y_dims(&self) -> (usize, usize, usize, usize) {
        (self.n, self.c_out, self.h_out(), self.w_out())
    }

    /// Numbers in x.
    pub fn x_len(&self) -> usize {
        self.n * self.c_in * self.h * self.w
    }

    /// Numbers in y.
    pub fn y_len(&self) -> usize {
        self.n * self.c_out * self.h_out() * self.w_out()
    }

    /// Numbers in the weight.
    pub fn weight_len(&self) -> usize {
        self.c_out * (self.c_in / self.groups) * self.kh * self.kw
    }

    /// Multiply-adds of the definition.
    pub fn multiply_adds(&self) -> usize {
        let summed = (self.c_in / self.groups) * self.kh * self.kw;
        self.y_len().saturating_mul(summed)
    }
}
