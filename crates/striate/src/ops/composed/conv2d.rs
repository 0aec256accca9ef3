//! Convolution from Candle's, with gradients written out.
//!
//! Candle's own rule for the input gradient fails for non-square inputs that need different output padding.
//! Here the gradient is computed for the padded input from its first cell to the last cell that a window reaches;
//! what lies beyond, no window has seen.

use candle_core::{Result, Tensor};

use super::carried2;

/// What Candle's convolution can vary; padding is per axis.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Geometry {
    pub(in crate::ops) stride: usize,
    pub(in crate::ops) padding: (usize, usize),
    pub(in crate::ops) dilation: usize,
    pub(in crate::ops) groups: usize,
}

/// The convolution of `xs` with `weight`.
pub(in crate::ops) fn conv2d(xs: &Tensor, weight: &Tensor, g: Geometry) -> Result<Tensor> {
    let (_, _, h, w) = xs.dims4()?;
    let (_, _, kh, kw) = weight.dims4()?;
    let padded = pad(&xs.detach(), g.padding)?;
    let kernel = weight.detach();
    let ys = padded.conv2d(&kernel, 0, g.stride, g.dilation, g.groups)?;
    let (wants_dx, wants_dw) = (xs.track_op(), weight.track_op());
    carried2(xs, weight, ys.contiguous()?, move |dy| {
        let dx = wants_dx.then(|| backward_input(dy, &kernel, (h, w), g));
        let dw = wants_dw.then(|| backward_weight(&padded, dy, (kh, kw), g));
        Ok((dx.transpose()?, dw.transpose()?))
    })
}

fn pad(xs: &Tensor, padding: (usize, usize)) -> Result<Tensor> {
    let xs = xs.pad_with_zeros(2, padding.0, padding.0)?;
    xs.pad_with_zeros(3, padding.1, padding.1)
}

/// dx: the transposed convolution of dy, cut to the input.
fn backward_input(
    dy: &Tensor,
    kernel: &Tensor,
    (h, w): (usize, usize),
    g: Geometry,
) -> Result<Tensor> {
    let dys = dy.chunk(g.groups, 1)?;
    let kernels = kernel.chunk(g.groups, 0)?;
    let parts = dys.iter().zip(&kernels).map(|(dy, kernel)| {
        dy.contiguous()?
            .conv_transpose2d(&kernel.contiguous()?, 0, 0, g.stride, g.dilation)
    });
    let reached = Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)?;
    let dx = cut(&reached, 2, g.padding.0, h)?;
    cut(&dx, 3, g.padding.1, w)?.contiguous()
}

/// `len` cells of `xs` along `axis` from `start`; zeros where `xs` ends.
fn cut(xs: &Tensor, axis: usize, start: usize, len: usize) -> Result<Tensor> {
    let have = xs.dim(axis)?.saturating_sub(start).min(len);
    if have == 0 {
        let mut dims = xs.dims().to_vec();
        dims[axis] = len;
        return Tensor::zeros(dims, xs.dtype(), xs.device());
    }
    xs.narrow(axis, start, have)?
        .pad_with_zeros(axis, 0, len - have)
}

/// dw: a convolution whose images are the channels of x and whose kernel is dy; stride and dilation swap their parts.
fn backward_weight(
    padded: &Tensor,
    dy: &Tensor,
    (kh, kw): (usize, usize),
    g: Geometry,
) -> Result<Tensor> {
    let xs = padded.chunk(g.groups, 1)?;
    let dys = dy.chunk(g.groups, 1)?;
    let parts = xs.iter().zip(&dys).map(|(x, dy)| {
        let (x, dy) = (x.transpose(0, 1)?, dy.transpose(0, 1)?);
        let dw = x
            .contiguous()?
            .conv2d(&dy.contiguous()?, 0, g.dilation, g.stride, 1)?;
        dw.narrow(2, 0, kh)?.narrow(3, 0, kw)?.transpose(0, 1)
    });
    Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?.contiguous()
}
