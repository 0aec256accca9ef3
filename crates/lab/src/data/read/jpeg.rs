//! JPEG pictures, decoded strictly: a file without its end, or with damaged coded data, is refused.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::jpeg_coded;
use super::jpeg_markers::{next_marker, segment};
use super::memory::Size;

/// The first bytes of every file.
pub(super) const SIGNATURE: [u8; 3] = [0xff, 0xd8, 0xff];

/// The size in the header, after a walk over all markers to the end of the picture.
pub(super) fn size(file: &[u8]) -> Result<Size, String> {
    let mut frame = None;
    let mut at = 2;
    loop {
        let marker = next_marker(file, &mut at).ok_or("it ends before its end marker")?;
        match marker {
            // End of image.
            0xd9 => break,
            // Restarts and the temporary marker stand alone.
            0x01 | 0xd0..=0xd7 => continue,
            0xd8 => return Err("a second picture begins inside it".to_owned()),
            _ => {}
        }
        let segment = segment(file, &mut at).ok_or("a segment reaches beyond its end")?;
        // Start of frame, but for the markers of tables and arithmetic coding among them.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let found = frame_size(segment)?;
            if frame.replace(found).is_some() {
                return Err("it has two frames".to_owned());
            }
        }
    }
    frame.ok_or_else(|| "it has no frame".to_owned())
}

/// Decodes into `out`, which holds the values of the size that [`size`] gave.
pub(super) fn decode(file: &[u8], size: Size, out: &mut [u8]) -> Result<(), String> {
    let color = match size.channels {
        1 => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    let options = DecoderOptions::default()
        .set_max_width(size.width)
        .set_max_height(size.height)
        .jpeg_set_out_colorspace(color)
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let text = |error: zune_jpeg::errors::DecodeErrors| format!("{error:?}").replace('\n', " ");
    // Cameras write stray bytes between segments; only the coded data must be without fault.
    decoder.decode_headers().map_err(text)?;
    if decoder.output_buffer_size() != Some(out.len()) {
        return Err("its frame and its components disagree".to_owned());
    }
    jpeg_coded::check(file)?;
    decoder.set_options(options.set_strict_mode(true));
    decoder.decode_into(out).map_err(text)
}

fn frame_size(frame: &[u8]) -> Result<Size, String> {
    let &[depth, top, high, left, low, components, ..] = frame else {
        return Err("its frame is cut".to_owned());
    };
    if depth != 8 {
        return Err(format!("it has {depth} bits a channel"));
    }
    let channels = match components {
        1 => 1,
        3 | 4 => 3,
        other => return Err(format!("it has {other} components")),
    };
    Ok(Size {
        height: usize::from(u16::from_be_bytes([top, high])),
        width: usize::from(u16::from_be_bytes([left, low])),
        channels,
    })
}
