//! TC: digits somewhere on a large canvas among pieces of other digits.

use striate::rng::Stream;

use super::warp::Plane;

/// Pieces on a canvas.
pub(super) const PIECES: usize = 6;
/// Side of a piece, pixels.
pub(super) const PIECE: usize = 6;

/// TC: the image at a random place of a black canvas, and six pieces of 6 x 6 pixels from random places of random other images
/// at random places; the sum is cut off at 1. Source: STN, appendix A.4, from memory; independent code agrees.
///
/// `other` draws another image.
pub(super) fn cluttered<'a>(
    image: Plane<'_>,
    to: &mut [f32],
    canvas: usize,
    draws: &mut Stream,
    other: impl Fn(&mut Stream) -> Plane<'a>,
) {
    to.fill(0.0);
    let (height, width) = image.size;
    let at = place((height, width), canvas, draws);
    add(image, (0, 0), (height, width), to, canvas, at);
    pieces(to, canvas, PIECES, draws, other);
}

/// Adds `count` pieces of other images.
pub(super) fn pieces<'a>(
    to: &mut [f32],
    canvas: usize,
    count: usize,
    draws: &mut Stream,
    other: impl Fn(&mut Stream) -> Plane<'a>,
) {
    for _ in 0..count {
        let source = other(draws);
        let (height, width) = source.size;
        let (rows, columns) = (PIECE.min(height).min(canvas), PIECE.min(width).min(canvas));
        let from = (
            draws.below((height - rows) as u64 + 1) as usize,
            draws.below((width - columns) as u64 + 1) as usize,
        );
        let at = place((rows, columns), canvas, draws);
        add(source, from, (rows, columns), to, canvas, at);
    }
}

/// (top, left) of a frame of `size` anywhere inside the canvas.
pub(super) fn place(
    (height, width): (usize, usize),
    canvas: usize,
    draws: &mut Stream,
) -> (usize, usize) {
    let mut along = |side: usize| draws.below(canvas.saturating_sub(side) as u64 + 1) as usize;
    (along(height), along(width))
}

/// Adds the part of `source` at `from`, of `size`, to the canvas at `at`; sums are cut off at 1.
pub(super) fn add(
    source: Plane<'_>,
    from: (usize, usize),
    (rows, columns): (usize, usize),
    to: &mut [f32],
    canvas: usize,
    at: (usize, usize),
) {
    for row in 0..rows {
        let values = &source.values[(from.0 + row) * source.size.1 + from.1..][..columns];
        let line = &mut to[(at.0 + row) * canvas + at.1..][..columns];
        line.iter_mut()
            .zip(values)
            .for_each(|(to, value)| *to = (*to + value).min(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::rng::stream;

    #[test]
    fn an_image_and_its_pieces_are_on_the_canvas() {
        let (ones, halves) = (vec![1.0; 28 * 28], vec![0.5; 28 * 28]);
        let plane = |values| Plane {
            values,
            size: (28, 28),
        };
        let mut draws = stream(1, "test", 0);
        let mut corners = Vec::new();
        for _ in 0..100 {
            let mut to = vec![9.0; 60 * 60];
            cluttered(plane(&ones), &mut to, 60, &mut draws, |_| plane(&halves));
            let full = to.iter().filter(|&&v| v == 1.0).count();
            // Pieces that overlap each other add up to 1 too.
            assert!((784..784 + 108).contains(&full), "{full}");
            let halves = to.iter().filter(|&&v| v == 0.5).count();
            assert!(halves <= PIECES * PIECE * PIECE);
            corners.push(to.iter().position(|&v| v == 1.0));
        }
        corners.dedup();
        assert!(corners.len() > 90, "places are drawn");
    }
}
