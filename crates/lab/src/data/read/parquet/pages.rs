//! The pages of a column in a row group, checked before the `parquet` crate reads them.
//!
//! That crate makes room for as many bytes, values and levels as a page's header claims.

use ::parquet::basic::{Compression, Type};
use ::parquet::file::metadata::ColumnChunkMetaData;

use super::thrift::{Kind, Result, Walk};

/// Snappy cannot expand a byte to more than this many: its longest copy is 64 bytes in 3.
const SNAPPY_FACTOR: usize = 22;

const PLAIN: i32 = 0;
const PLAIN_DICTIONARY: i32 = 2;
const RLE: i32 = 3;
const BIT_PACKED: i32 = 4;
const RLE_DICTIONARY: i32 = 8;

/// What a page's header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    kind: Option<i32>,
    /// The number of the field that describes a page of this kind.
    described: Option<i16>,
    uncompressed: i32,
    compressed: i32,
    values: i32,
    encoding: i32,
    /// Bytes of the levels in front of the compressed values of a page of version 2.
    levels: i64,
    is_compressed: bool,
}

/// Checks the pages of `column`, whose bytes are given; the number of values in its data pages.
///
/// Each page lies in the column and is no larger than its compression allows, and a dictionary has as many bytes as its
/// values need at least.
pub(super) fn check(bytes: &[u8], column: &ColumnChunkMetaData) -> Result<usize> {
    let mut rest = bytes;
    let snappy = match column.compression() {
        Compression::UNCOMPRESSED => false,
        Compression::SNAPPY => true,
        _ => return Err("its compression is neither Snappy nor none"),
    };
    let width = match column.column_type() {
        Type::BYTE_ARRAY | Type::INT32 => 4,
        Type::INT64 => 8,
        _ => return Err("a column has a type that is not read"),
    };
    let (mut values, mut first) = (0usize, true);
    while !rest.is_empty() {
        let mut walk = Walk::new(rest);
        let header = header(&mut walk)?;
        let body = rest.get(walk.at()..).unwrap_or_default();
        let size = usize::try_from(header.compressed).map_err(|_| "a page has no size")?;
        let (page, tail) = body
            .split_at_checked(size)
            .ok_or("a page lies outside of it")?;
        let count = usize::try_from(header.values).map_err(|_| "a page has no count")?;
        let unpacked = usize::try_from(header.uncompressed).map_err(|_| "a page has no size")?;
        check_size(&header, page, unpacked, snappy)?;
        match (header.kind.zip(header.described), header.encoding) {
            (Some((0, 5) | (3, 8)), PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY) => {
                values = values.checked_add(count).ok_or("it has too many values")?;
            }
            (Some((2, 7)), PLAIN | PLAIN_DICTIONARY) if first => {
                if count > unpacked / width {
                    return Err("a dictionary has fewer bytes than its values need");
                }
            }
            (Some((0, 5) | (3, 8)), _) => {
                return Err("its values are encoded neither plain nor by dictionary");
            }
            _ => return Err("a page is neither data nor a dictionary in front of them"),
        }
        first = false;
        rest = tail;
    }
    Ok(values)
}

/// Whether a page unpacks to what its header says, and to no more than is possible.
fn check_size(header: &Header, page: &[u8], unpacked: usize, snappy: bool) -> Result<()> {
    const LIE: &str = "a page's size is not that of its content";
    let levels = usize::try_from(header.levels).map_err(|_| LIE)?;
    let packed = page.get(levels..).ok_or(LIE)?;
    let unpacked = unpacked.checked_sub(levels).ok_or(LIE)?;
    if !(snappy && header.is_compressed) {
        return (packed.len() == unpacked).then_some(()).ok_or(LIE);
    }
    if unpacked == 0 {
        return Ok(());
    }
    // A Snappy block begins with its unpacked length.
    let claimed = snappy_len(packed).ok_or(LIE)?;
    let possible = unpacked <= packed.len().saturating_mul(SNAPPY_FACTOR);
    (claimed == unpacked as u64 && possible)
        .then_some(())
        .ok_or(LIE)
}

fn snappy_len(block: &[u8]) -> Option<u64> {
    let mut len = 0;
    for (index, &byte) in block.iter().take(5).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}

fn header(walk: &mut Walk<'_>) -> Result<Header> {
    let mut header = Header {
        is_compressed: true,
        ..Header::default()
    };
    walk.fields(|walk, id, kind| {
        if kind == Kind::Struct && header.described.replace(id).is_some() {
            return Err("a page's header describes two pages");
        }
        match (id, kind) {
            (1, Kind::I32) => header.kind = Some(walk.i32()?),
            (2, Kind::I32) => header.uncompressed = walk.i32()?,
            (3, Kind::I32) => header.compressed = walk.i32()?,
            // The checksum.
            (4, Kind::I32) => return walk.i32().map(|_| ()),
            (5, Kind::Struct) => return data_page(walk, &mut header),
            (7, Kind::Struct) => return dictionary(walk, &mut header),
            (8, Kind::Struct) => return data_page_v2(walk, &mut header),
            _ => return Err("a page's header has an unknown field"),
        }
        Ok(())
    })?;
    Ok(header)
}

fn data_page(walk: &mut Walk<'_>, header: &mut Header) -> Result<()> {
    walk.fields(|walk, id, kind| {
        match (id, kind) {
            (1, Kind::I32) => header.values = walk.i32()?,
            (2, Kind::I32) => header.encoding = walk.i32()?,
            (3 | 4, Kind::I32) => {
                if !matches!(walk.i32()?, RLE | BIT_PACKED) {
                    return Err("its levels have an unknown encoding");
                }
            }
            (5, Kind::Struct) => return statistics(walk),
            _ => return Err("a page's header has an unknown field"),
        }
        Ok(())
    })
}

fn dictionary(walk: &mut Walk<'_>, header: &mut Header) -> Result<()> {
    walk.fields(|walk, id, kind| {
        match (id, kind) {
            (1, Kind::I32) => header.values = walk.i32()?,
            (2, Kind::I32) => header.encoding = walk.i32()?,
            (3, Kind::True | Kind::False) => {}
            _ => return Err("a page's header has an unknown field"),
        }
        Ok(())
    })
}

fn data_page_v2(walk: &mut Walk<'_>, header: &mut Header) -> Result<()> {
    let mut lengths = [0, 0];
    walk.fields(|walk, id, kind| {
        match (id, kind) {
            (1, Kind::I32) => header.values = walk.i32()?,
            // Nulls and rows, which are counted anew.
            (2 | 3, Kind::I32) => return walk.i32().map(|_| ()),
            (4, Kind::I32) => header.encoding = walk.i32()?,
            (5, Kind::I32) => lengths[0] = walk.i32()?,
            (6, Kind::I32) => lengths[1] = walk.i32()?,
            (7, Kind::True | Kind::False) => header.is_compressed = kind == Kind::True,
            (8, Kind::Struct) => return statistics(walk),
            _ => return Err("a page's header has an unknown field"),
        }
        Ok(())
    })?;
    if lengths.iter().any(|&len| len < 0) {
        return Err("its levels have no length");
    }
    header.levels = i64::from(lengths[0]) + i64::from(lengths[1]);
    Ok(())
}

fn statistics(walk: &mut Walk<'_>) -> Result<()> {
    walk.fields(|walk, id, kind| match (id, kind) {
        // The least and the largest value, in an old and a new form.
        (1 | 2 | 5 | 6, Kind::Binary) => walk.binary().map(|_| ()),
        // Counts of nulls, distinct values and not-a-numbers.
        (3 | 4 | 9, Kind::I64) => walk.integer().map(|_| ()),
        (7 | 8, Kind::True | Kind::False) => Ok(()),
        _ => Err("a page's statistics have an unknown field"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_field_by_field() {
        // Dictionary page of 3 values, plain, 12 bytes, 8 of them compressed.
        let bytes = [0x15, 4, 0x15, 24, 0x15, 16, 0x4c, 0x15, 6, 0x15, 0, 0, 0];
        let mut walk = Walk::new(&bytes);
        let expected = Header {
            kind: Some(2),
            described: Some(7),
            uncompressed: 12,
            compressed: 8,
            values: 3,
            is_compressed: true,
            ..Header::default()
        };
        assert_eq!(header(&mut walk), Ok(expected));
        assert_eq!(walk.at(), bytes.len());
        // The size as a text of 2^35 bytes.
        assert!(header(&mut Walk::new(&[0x15, 4, 0x18, 0x80, 0x80, 0x80, 0x80, 1])).is_err());
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        let header = |levels| Header {
            levels,
            is_compressed: true,
            ..Header::default()
        };
        // A Snappy block that promises 2^31 - 1 bytes.
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x07, 0];
        assert!(check_size(&header(0), &bomb, i32::MAX as usize, true).is_err());
        assert!(check_size(&header(0), &bomb, 6, true).is_err());
        assert!(check_size(&header(0), &bomb, 6, false).is_ok());
        assert!(check_size(&header(0), &bomb, 7, false).is_err());
        assert!(check_size(&header(9), &bomb, 9, false).is_err());
        // "abc" as a literal.
        assert!(check_size(&header(0), &[3, 8, b'a', b'b', b'c'], 3, true).is_ok());
        assert!(check_size(&header(2), &[0, 0, 3, 8, b'a', b'b', b'c'], 5, true).is_ok());
    }
}
