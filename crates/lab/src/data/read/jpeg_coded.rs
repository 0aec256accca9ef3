//! Whether the coded data of a JPEG hold all of its blocks; decoders fill in what is missing.
//!
//! Every Huffman code of a sequential picture is read, and of a progressive one the first scan of the means,
//! which has a code for each block.
//! Source: ITU-T T.81, annexes B, F and G.

use super::jpeg_markers::{next_marker, segment};

const EARLY: &str = "its coded data end early";
const WRONG: &str = "its coded data are damaged";

/// A table of Huffman codes: for each length the first code that is too large, and where its values begin.
#[derive(Clone, Default)]
struct Table {
    counts: [usize; 16],
    values: Vec<u8>,
}

/// A component of the frame: its number, and its blocks in a unit, across and down.
#[derive(Clone, Copy)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
}

/// What the segments before a scan say.
#[derive(Default)]
struct State {
    progressive: bool,
    height: usize,
    width: usize,
    components: Vec<Component>,
    /// Tables of means and of the other coefficients.
    tables: [[Table; 4]; 2],
    /// Units between restarts; 0 for none.
    restart: usize,
    /// The components whose means were in a scan.
    coded: Vec<u8>,
}

/// Refuses a picture whose coded data end before its last block.
pub(super) fn check(file: &[u8]) -> Result<(), &'static str> {
    let mut state = State::default();
    let mut at = 2;
    while let Some(marker) = next_marker(file, &mut at) {
        if matches!(marker, 0xd9) {
            let mut parts = state.components.iter();
            return match parts.all(|part| state.coded.contains(&part.id)) {
                true => Ok(()),
                false => Err(EARLY),
            };
        }
        if matches!(marker, 0x01 | 0xd0..=0xd7) {
            continue;
        }
        let content = segment(file, &mut at).ok_or(WRONG)?;
        match marker {
            0xc0..=0xc2 => state.frame(content, marker == 0xc2).ok_or(WRONG)?,
            0xc4 => state.tables(content).ok_or(WRONG)?,
            0xdd => {
                state.restart = usize::from(u16::from_be_bytes([
                    *content.first().ok_or(WRONG)?,
                    *content.get(1).ok_or(WRONG)?,
                ]))
            }
            0xda => state.scan(content, file.get(at..).unwrap_or_default())?,
            _ => {}
        }
    }
    Err(EARLY)
}

impl State {
    fn frame(&mut self, content: &[u8], progressive: bool) -> Option<()> {
        let &[_, top, high, left, low, count, ..] = content else {
            return None;
        };
        self.progressive = progressive;
        self.height = usize::from(u16::from_be_bytes([top, high]));
        self.width = usize::from(u16::from_be_bytes([left, low]));
        let parts = content.get(6..6 + 3 * usize::from(count))?;
        self.components = parts
            .chunks_exact(3)
            .map(|part| Component {
                id: part[0],
                across: usize::from(part[1] >> 4),
                down: usize::from(part[1] & 15),
            })
            .collect();
        let fits =
            |part: &Component| (1..=4).contains(&part.across) && (1..=4).contains(&part.down);
        self.components.iter().all(fits).then_some(())
    }

    fn tables(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((&place, rest)) = content.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let counts = counts.map(usize::from);
            let (values, rest) = rest.split_at_checked(counts.iter().sum())?;
            let class = self.tables.get_mut(usize::from(place >> 4))?;
            *class.get_mut(usize::from(place & 15))? = Table {
                counts,
                values: values.to_vec(),
            };
            content = rest;
        }
        Some(())
    }

    /// Reads the codes of a scan with the header `header` from `coded`.
    fn scan(&mut self, header: &[u8], coded: &[u8]) -> Result<(), &'static str> {
        let (&count, rest) = header.split_first().ok_or(WRONG)?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(WRONG)?;
        let &[first, last, steps] = rest else {
            return Err(WRONG);
        };
        let sequential = !self.progressive;
        if self.progressive && (first != 0 || steps >> 4 != 0) {
            return Ok(());
        }
        if sequential && (first, last) != (0, 63) {
            return Err(WRONG);
        }
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max();
        let (across, down) = most(|c| c.across).zip(most(|c| c.down)).ok_or(WRONG)?;
        // For each block of a unit the tables of its means and its other coefficients.
        let mut blocks: Vec<(&Table, &Table)> = Vec::new();
        let mut units = self.width.div_ceil(8 * across) * self.height.div_ceil(8 * down);
        for part in parts.chunks_exact(2) {
            let found = self
                .components
                .iter()
                .find(|component| component.id == part[0]);
            let component = found.ok_or(WRONG)?;
            let means = self.tables[0].get(usize::from(part[1] >> 4)).ok_or(WRONG)?;
            let others = self.tables[1].get(usize::from(part[1] & 15)).ok_or(WRONG)?;
            let of_unit = match count {
                1 => {
                    // Alone, a component has no more blocks than its own samples fill.
                    let wide = (self.width * component.across).div_ceil(across);
                    let high = (self.height * component.down).div_ceil(down);
                    units = wide.div_ceil(8) * high.div_ceil(8);
                    1
                }
                _ => component.across * component.down,
            };
            blocks.extend(std::iter::repeat_n((means, others), of_unit));
        }
        let mut bits = Bits::new(coded);
        for unit in 0..units {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.restart().ok_or(EARLY)?;
            }
            for (means, others) in &blocks {
                let size = means.read(&mut bits)?;
                bits.skip(size)?;
                if sequential {
                    others.block(&mut bits)?;
                }
            }
        }
        self.coded.extend(parts.chunks_exact(2).map(|part| part[0]));
        Ok(())
    }
}

impl Table {
    /// The value of the next code.
    fn read(&self, bits: &mut Bits<'_>) -> Result<u8, &'static str> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts {
            code = code << 1 | bits.next()?;
            // Tables that assign more codes than there are have codes below the first.
            let offset = code.checked_sub(first).ok_or(WRONG)?;
            if offset < count {
                return self.values.get(index + offset).copied().ok_or(WRONG);
            }
            index += count;
            first = (first + count) << 1;
        }
        Err(WRONG)
    }

    /// The coefficients of a block after its mean.
    fn block(&self, bits: &mut Bits<'_>) -> Result<(), &'static str> {
        let mut at = 1;
        while at < 64 {
            let value = self.read(bits)?;
            let (zeros, size) = (usize::from(value >> 4), value & 15);
            match (zeros, size) {
                (15, 0) => at += 16,
                (_, 0) => break,
                _ => {
                    bits.skip(size)?;
                    at += zeros + 1;
                }
            }
        }
        match at <= 64 {
            true => Ok(()),
            false => Err(WRONG),
        }
    }
}

/// The bits of coded data up to a marker.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            byte: 0,
            left: 0,
        }
    }

    fn next(&mut self) -> Result<usize, &'static str> {
        if self.left == 0 {
            self.byte = *self.bytes.get(self.at).ok_or(EARLY)?;
            self.at += 1;
            if self.byte == 0xff {
                // A zero is stuffed after it; anything else is a marker.
                if self.bytes.get(self.at) != Some(&0) {
                    return Err(EARLY);
                }
                self.at += 1;
            }
            self.left = 8;
        }
        self.left -= 1;
        Ok(usize::from(self.byte >> self.left & 1))
    }

    fn skip(&mut self, bits: u8) -> Result<(), &'static str> {
        (0..bits).try_for_each(|_| self.next().map(|_| ()))
    }

    /// Goes on after the next restart marker.
    fn restart(&mut self) -> Option<()> {
        self.left = 0;
        let marker = next_marker(self.bytes, &mut self.at)?;
        matches!(marker, 0xd0..=0xd7).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 8x8 pixels and three components, each alone in a scan, as far as they are given.
    fn in_scans(components: &[u8]) -> Vec<u8> {
        // One code of one bit: a mean that does not change, or the end of a block.
        let table = |place| [&[0xff, 0xc4, 0, 20, place, 1][..], &[0; 16]].concat();
        let frame = [8, 0, 8, 0, 8, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        let mut file = vec![0xff, 0xd8, 0xff, 0xc0, 0, 17];
        file.extend(frame);
        file.extend([table(0x00), table(0x10)].concat());
        for &id in components {
            file.extend([0xff, 0xda, 0, 8, 1, id, 0, 0, 63, 0, 0b0011_1111]);
        }
        file.extend([0xff, 0xd9]);
        file
    }

    #[test]
    fn a_picture_that_lacks_the_scans_of_a_component_ends_early() {
        assert_eq!(check(&in_scans(&[1, 2, 3])), Ok(()));
        assert_eq!(check(&in_scans(&[1, 2])), Err(EARLY));
        assert_eq!(check(&in_scans(&[])), Err(EARLY));
    }
}
