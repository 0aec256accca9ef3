//! A walk over Thrift's compact protocol that allocates nothing and takes no value of another type than is expected.
//!
//! The `parquet` crate trusts the types of known fields; what passes here it reads as we do.
//! Source: the compact protocol's specification, `doc/specs/thrift-compact-protocol.md` of Apache Thrift.

/// The type of a field or of a list's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Struct,
}

/// Structures in structures are skipped to this depth.
const MAX_DEPTH: usize = 16;

/// What is wrong with the bytes.
pub(super) type Result<T> = std::result::Result<T, &'static str>;

/// A place in bytes of the protocol.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or("it is cut")?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let left = (self.bytes.len() - self.at) as u64;
        if bytes > left {
            return Err("a value reaches beyond its end");
        }
        self.at += bytes as usize;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number has too many bits")
    }

    /// A whole number of any width.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of 32 bits.
    pub(super) fn i32(&mut self) -> Result<i32> {
        i32::try_from(self.integer()?).map_err(|_| "a number has too many bits")
    }

    /// The length of a text or of bytes, which are passed over.
    pub(super) fn binary(&mut self) -> Result<usize> {
        let len = self.varint()?;
        self.skip(len)?;
        Ok(len as usize)
    }

    /// The header of a list: the type of its elements and their number, each of which takes at least a byte.
    pub(super) fn list(&mut self) -> Result<(Kind, usize)> {
        let header = self.byte()?;
        if header == 0 {
            return Ok((Kind::Byte, 0));
        }
        let kind = kind(header & 0x0f)?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        match count <= (self.bytes.len() - self.at) as u64 {
            true => Ok((kind, count as usize)),
            false => Err("a list is longer than its bytes"),
        }
    }

    /// Reads the fields of a structure to its end; `take` gets the number and the type of each and reads its value.
    pub(super) fn fields(
        &mut self,
        mut take: impl FnMut(&mut Self, i16, Kind) -> Result<()>,
    ) -> Result<()> {
        let mut last = 0i16;
        loop {
            let header = self.byte()?;
            if header & 0x0f == 0 {
                return match header {
                    0 => Ok(()),
                    _ => Err("a structure's end has a number"),
                };
            }
            let id = match header >> 4 {
                0 => i16::try_from(self.integer()?).map_err(|_| "a field's number is too large")?,
                delta => last
                    .checked_add(i16::from(delta))
                    .ok_or("a field's number is too large")?,
            };
            take(self, id, kind(header & 0x0f)?)?;
            last = id;
        }
    }

    /// Passes over a value.
    pub(super) fn value(&mut self, kind: Kind) -> Result<()> {
        self.value_at(kind, MAX_DEPTH)
    }

    fn value_at(&mut self, kind: Kind, depth: usize) -> Result<()> {
        let deeper = depth.checked_sub(1).ok_or("it is nested too deeply")?;
        match kind {
            Kind::True | Kind::False => Ok(()),
            Kind::Byte => self.skip(1),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(|_| ()),
            Kind::Double => self.skip(8),
            Kind::Binary => self.binary().map(|_| ()),
            Kind::Struct => self.fields(|walk, _, kind| walk.value_at(kind, deeper)),
            Kind::List => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    match kind {
                        Kind::True | Kind::False => self.skip(1)?,
                        kind => self.value_at(kind, deeper)?,
                    }
                }
                Ok(())
            }
        }
    }
}

fn kind(number: u8) -> Result<Kind> {
    Ok(match number {
        1 => Kind::True,
        2 => Kind::False,
        3 => Kind::Byte,
        4 => Kind::I16,
        5 => Kind::I32,
        6 => Kind::I64,
        7 => Kind::Double,
        8 => Kind::Binary,
        9 | 10 => Kind::List,
        12 => Kind::Struct,
        _ => return Err("a type is unknown"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_specification() {
        let integer = |bytes: &[u8]| Walk::new(bytes).integer();
        assert_eq!(integer(&[0]), Ok(0));
        assert_eq!(integer(&[1]), Ok(-1));
        assert_eq!(integer(&[0xac, 0x02]), Ok(150));
        let largest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(integer(&largest), Ok(i64::MAX));
        assert!(integer(&[0xff; 11]).is_err());
        assert!(integer(&[0x80]).is_err());
        assert!(Walk::new(&largest).i32().is_err());
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        // A binary of 2^35 bytes, a list of 2^28 numbers.
        assert!(
            Walk::new(&[0x80, 0x80, 0x80, 0x80, 0x01, 7])
                .binary()
                .is_err()
        );
        assert!(
            Walk::new(&[0xf5, 0x80, 0x80, 0x80, 0x80, 0x01, 7])
                .list()
                .is_err()
        );
        assert_eq!(Walk::new(&[0x25, 1, 2]).list(), Ok((Kind::I32, 2)));
        // Structures in structures without an end.
        assert!(Walk::new(&[0x1c; 1000]).value(Kind::Struct).is_err());
    }

    #[test]
    fn fields_have_numbers_and_types() {
        // 1: i32 = 3, 2: true, 20 (written in full): binary "ab".
        let bytes = [0x15, 6, 0x11, 0x08, 40, 2, b'a', b'b', 0, 99];
        let mut walk = Walk::new(&bytes);
        let mut seen = Vec::new();
        let all = walk.fields(|walk, id, kind| {
            seen.push((id, kind));
            walk.value(kind)
        });
        assert_eq!(all, Ok(()));
        assert_eq!(seen, [(1, Kind::I32), (2, Kind::True), (20, Kind::Binary)]);
        assert_eq!(walk.at(), 9);
    }
}
