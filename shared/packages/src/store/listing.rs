//! One lockfile as numbers of entries with their lines.

/// The entries of one lockfile, in its order, each as its distance from the one before it.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    bytes: Box<[u8]>,
    len: usize,
}

impl Listing {
    /// How many packages the lockfile has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Entries and lines.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let (mut rest, mut entry, mut line) = (&*self.bytes, 0_u32, 0_u32);
        std::iter::from_fn(move || {
            entry = entry.wrapping_add_signed(varint::signed(varint::read(&mut rest)?));
            line = line.wrapping_add_signed(varint::signed(varint::read(&mut rest)?));
            Some((entry, line))
        })
    }
}

/// A listing that grows.
#[derive(Default)]
pub(super) struct Packer {
    bytes: Vec<u8>,
    len: usize,
    entry: u32,
    line: u32,
}

impl Packer {
    pub(super) fn push(&mut self, entry: u32, line: u32) {
        varint::write(&mut self.bytes, varint::unsigned(entry.wrapping_sub(self.entry).cast_signed()));
        varint::write(&mut self.bytes, varint::unsigned(line.wrapping_sub(self.line).cast_signed()));
        (self.entry, self.line) = (entry, line);
        self.len += 1;
    }

    pub(super) fn finish(self) -> Listing {
        Listing { bytes: self.bytes.into_boxed_slice(), len: self.len }
    }
}

/// Numbers in as few bytes as they need, seven bits a byte, the lowest first (LEB128); with a sign, small ones of either
/// sign are short (zigzag).
pub(super) mod varint {
    pub(in super::super) fn write(out: &mut Vec<u8>, mut number: u32) {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    }

    /// `None` at the end.
    pub(in super::super) fn read(bytes: &mut &[u8]) -> Option<u32> {
        let (mut number, mut shift) = (0_u32, 0);
        loop {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            number |= u32::from(byte & 0x7F) << shift;
            shift += 7;
            if *byte < 0x80 || shift > 28 {
                return Some(number);
            }
        }
    }

    pub(in super::super) fn unsigned(number: i32) -> u32 {
        ((number << 1) ^ (number >> 31)).cast_unsigned()
    }

    pub(in super::super) fn signed(number: u32) -> i32 {
        (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::{Packer, varint};

    #[test]
    fn entries_and_lines_come_back_in_their_order() {
        let pairs = [(0, 1), (1, 2), (2, 900), (0, 1), (u32::MAX, u32::MAX), (5, 0), (0, u32::MAX)];
        let mut packer = Packer::default();
        for (entry, line) in pairs {
            packer.push(entry, line);
        }
        let listing = packer.finish();
        assert_eq!(listing.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(listing.len(), pairs.len());
        for number in [0, 1, -1, 63, -64, 64, i32::MAX, i32::MIN] {
            assert_eq!(varint::signed(varint::unsigned(number)), number);
        }
    }

    #[test]
    fn what_follows_what_takes_two_bytes() {
        let mut packer = Packer::default();
        for n in 0..1000 {
            packer.push(n, 10 * n);
        }
        assert_eq!(packer.finish().bytes.len(), 2000);
    }
}
