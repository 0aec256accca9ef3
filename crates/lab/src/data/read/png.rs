//! PNG pictures: gray or red, green, blue, with eight bits, up to their end chunk.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

use super::memory::Size;

/// The first bytes of every file.
pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// What the decoder may keep beside the picture: a few rows.
const DECODER_BYTES: usize = 4 << 20;

/// A picture whose header has been read.
pub(super) struct Picture<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    pub(super) size: Size,
    /// Whether each pixel has an opacity after its color.
    pub(super) alpha: bool,
}

/// Why a picture is refused.
pub(super) enum Refused {
    /// The file is damaged, for this reason.
    Damaged(String),
    /// The channels have another depth, called so.
    Depth(String),
}

/// The width and height in the header.
pub(super) fn header(file: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| Some(u32::from_be_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let is_header = word(8)? == 13 && file.get(12..16)? == b"IHDR";
    is_header.then_some((word(16)?, word(20)?))
}

/// Reads the header, after a walk over all chunks to the last one.
pub(super) fn open(file: &[u8]) -> Result<Picture<'_>, Refused> {
    let damaged = |error: png::DecodingError| Refused::Damaged(error.to_string());
    whole(file).map_err(|reason| Refused::Damaged(reason.to_owned()))?;
    let limits = Limits {
        bytes: DECODER_BYTES,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(damaged)?;
    let (color, depth) = reader.output_color_type();
    let (name, channels, alpha) = match color {
        ColorType::Grayscale => ("L", 1, false),
        ColorType::GrayscaleAlpha => ("La", 1, true),
        ColorType::Rgb | ColorType::Indexed => ("Rgb", 3, false),
        ColorType::Rgba => ("Rgba", 3, true),
    };
    if depth != BitDepth::Eight {
        return Err(Refused::Depth(format!("{name}{}", depth as u8)));
    }
    let (width, height) = reader.info().size();
    let size = Size {
        height: height as usize,
        width: width as usize,
        channels,
    };
    Ok(Picture {
        reader,
        size,
        alpha,
    })
}

impl Picture<'_> {
    /// Decodes the picture, with its opacities if it has them, and reads on to the end of the file.
    pub(super) fn decode(mut self, out: &mut [u8]) -> Result<(), String> {
        if self.reader.output_buffer_size() != Some(out.len()) {
            return Err("its header and its rows disagree".to_owned());
        }
        let text = |error: png::DecodingError| error.to_string();
        self.reader.next_frame(out).map_err(text)?;
        self.reader.finish().map_err(text)
    }
}

/// Refuses a file whose chunks do not reach to the end chunk.
fn whole(file: &[u8]) -> Result<(), &'static str> {
    const CUT: &str = "it ends before its end chunk";
    let mut rest = file.get(SIGNATURE.len()..).ok_or(CUT)?;
    loop {
        let (&len, tail) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let (kind, tail) = tail.split_first_chunk::<4>().ok_or(CUT)?;
        // The content and its checksum.
        let end = (u32::from_be_bytes(len) as usize).checked_add(4);
        rest = end.and_then(|end| tail.get(end..)).ok_or(CUT)?;
        if kind == b"IEND" {
            return Ok(());
        }
    }
}
