//! Reading bytes that somebody else wrote. Every read says where, and is refused past the end.

/// A read went past the end of what was captured (or of what an outer length field allows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// What a read answers.
pub type Read<T> = Result<T, Cut>;

/// A packet's captured bytes with a movable end.
///
/// Positions are offsets from the first captured byte, so that all layers of a packet speak of the same
/// ones. The end only ever moves inside the captured bytes: an IP header that says its packet is 40
/// octets long makes the Ethernet padding behind it unreadable until the end is put back.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a> {
    all: &'a [u8],
    /// The start of `all`, up to the end.
    readable: &'a [u8],
}

impl<'a> Bytes<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            all: bytes,
            readable: bytes,
        }
    }

    /// The offset just past the last readable byte.
    #[inline]
    pub fn end(&self) -> usize {
        self.readable.len()
    }

    /// Puts the end at `end`, or at the last captured byte if that comes first.
    #[inline]
    pub fn set_end(&mut self, end: usize) {
        self.readable = self.all.get(..end).unwrap_or(self.all);
    }

    /// Moves the end to `length` octets behind `at` unless it already comes before that, and returns the
    /// end as it was, for [`Bytes::set_end`].
    #[inline]
    pub fn narrow(&mut self, at: usize, length: usize) -> usize {
        let before = self.end();
        let end = at.saturating_add(length);
        self.readable = self.readable.get(..end).unwrap_or(self.readable);
        before
    }

    /// Whether `length` octets can be read at `at`.
    #[inline]
    pub fn has(&self, at: usize, length: usize) -> bool {
        at.checked_add(length).is_some_and(|end| end <= self.end())
    }

    /// How many octets can be read at `at`.
    #[inline]
    pub fn available(&self, at: usize) -> usize {
        self.end().saturating_sub(at)
    }

    /// `length` octets.
    #[inline]
    pub fn slice(&self, at: usize, length: usize) -> Read<&'a [u8]> {
        let end = at.checked_add(length).ok_or(Cut)?;
        self.readable.get(at..end).ok_or(Cut)
    }

    /// What is left at `at`, at most `length` octets.
    pub fn rest(&self, at: usize, length: usize) -> &'a [u8] {
        let end = self.end().min(at.saturating_add(length));
        self.readable.get(at..end).unwrap_or_default()
    }

    /// `N` octets as an array.
    #[inline]
    pub fn array<const N: usize>(&self, at: usize) -> Read<[u8; N]> {
        self.array_at(at).copied()
    }

    /// `N` octets as an array, where they are.
    #[inline]
    pub fn array_at<const N: usize>(&self, at: usize) -> Read<&'a [u8; N]> {
        let rest = self.readable.get(at..).ok_or(Cut)?;
        rest.first_chunk().ok_or(Cut)
    }

    /// One octet.
    #[inline]
    pub fn u8(&self, at: usize) -> Read<u8> {
        self.array::<1>(at).map(|[octet]| octet)
    }

    /// Two octets in network order.
    #[inline]
    pub fn u16(&self, at: usize) -> Read<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// Three octets in network order.
    #[inline]
    pub fn u24(&self, at: usize) -> Read<u32> {
        self.array::<3>(at)
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four octets in network order.
    #[inline]
    pub fn u32(&self, at: usize) -> Read<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Eight octets in network order.
    #[inline]
    pub fn u64(&self, at: usize) -> Read<u64> {
        self.array(at).map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end() {
        let mut bytes = Bytes::new(&[1, 2, 3, 4]);
        assert_eq!(bytes.u32(0), Ok(0x0102_0304));
        assert_eq!(bytes.u24(1), Ok(0x02_0304));
        assert_eq!(bytes.u16(3), Err(Cut));
        assert_eq!(bytes.u8(usize::MAX), Err(Cut));
        assert!(!bytes.has(usize::MAX, 2));

        let before = bytes.narrow(1, 2);
        assert_eq!(bytes.u16(1), Ok(0x0203));
        assert_eq!(bytes.u8(3), Err(Cut));
        assert_eq!(bytes.rest(2, 9), &[3]);
        bytes.narrow(0, 100);
        assert_eq!(bytes.end(), 3, "an outer end is never widened");
        bytes.set_end(before);
        assert_eq!(bytes.slice(2, 2), Ok([3, 4].as_slice()));
    }
}
