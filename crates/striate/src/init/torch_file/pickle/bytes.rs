//! The bytes of a pickle, none of which is read past the end.

use candle_core::{Result, bail};

/// What is left of a pickle.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(len) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => bail!(
                "its pickle asks for {len} bytes where {} are left",
                self.0.len()
            ),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of up to four bytes, the lowest first.
    pub(super) fn int(&mut self, len: usize) -> Result<i64> {
        let bytes = self.take(len)?.iter().rev();
        Ok(bytes.fold(0, |value, &byte| value << 8 | i64::from(byte)))
    }

    /// A number of up to eight bytes, the lowest first, in two's complement.
    pub(super) fn signed(&mut self, len: usize) -> Result<i64> {
        if len > 8 {
            bail!("its pickle has a number of {len} bytes; at most 8 are read");
        }
        let bytes = self.take(len)?;
        let mut wide = [if bytes.last().is_some_and(|&b| b > 127) {
            0xff
        } else {
            0
        }; 8];
        wide[..len].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(wide))
    }

    /// The text up to the next end of a line.
    pub(super) fn line(&mut self) -> Result<&'a str> {
        let Some(len) = self.0.iter().position(|&byte| byte == b'\n') else {
            bail!("its pickle has a name without an end");
        };
        let line = self.take(len)?;
        self.take(1)?;
        match std::str::from_utf8(line) {
            Ok(line) => Ok(line),
            Err(_) => bail!("its pickle has a name that is not UTF-8"),
        }
    }
}
