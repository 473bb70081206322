//! The few phrases that nearly every packet prints, put together at the end of the output.
//!
//! Appending is what printing costs: each piece means a check of the buffer's room, and a copy of a length
//! not known beforehand. A phrase makes room once, copies pieces of known sizes, and is counted at its end.
//! What is printed is the same as piece by piece; only the common case is here.

use super::text::{four_digits, hex_pair, make_room, octet_digits, short_decimal};

/// A phrase of at most `ROOM` characters being put together. What does not fit is left out, which its users
/// take care of: two IPv4 addresses with ports have 48 characters, an Ethernet header has 81.
pub(super) struct Phrase<'a, const ROOM: usize> {
    out: &'a mut Vec<u8>,
    /// Octets of the phrase so far, which the vector does not count yet.
    length: usize,
}

impl<'a, const ROOM: usize> Phrase<'a, ROOM> {
    #[inline(always)]
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        if out.capacity() - out.len() < ROOM {
            make_room(out, ROOM);
        }
        Self { out, length: 0 }
    }

    /// Copies all `N` octets, of which the first `count` belong to the phrase.
    #[inline(always)]
    fn append<const N: usize>(&mut self, octets: [u8; N], count: usize) {
        debug_assert!(count <= N, "{count} of {N}");
        if N <= ROOM - self.length {
            // SAFETY: `new` made room for `ROOM` octets behind the vector's end; these `N` begin `length`
            // behind it and end within.
            unsafe {
                let end = self.out.as_mut_ptr().add(self.out.len());
                std::ptr::copy_nonoverlapping(octets.as_ptr(), end.add(self.length), N);
            }
            self.length += count.min(N);
        }
    }

    #[inline(always)]
    pub(super) fn literal<const N: usize>(&mut self, octets: &[u8; N]) {
        self.append(*octets, N);
    }

    #[inline(always)]
    pub(super) fn mac(&mut self, octets: [u8; 6]) {
        let mut text = [b':'; 17];
        for (place, octet) in text.chunks_mut(3).zip(octets) {
            let pair = hex_pair(octet);
            if let Some(place) = place.first_chunk_mut::<2>() {
                *place = pair;
            }
        }
        self.append(text, 17);
    }

    #[inline(always)]
    pub(super) fn v4(&mut self, octets: [u8; 4]) {
        for (n, octet) in octets.into_iter().enumerate() {
            // Up to three digits and the point behind them.
            let (digits, count) = octet_digits(octet);
            self.append(digits, usize::from(count) + usize::from(n < 3));
        }
    }

    /// A number.
    #[inline(always)]
    pub(super) fn number(&mut self, value: impl Into<u32>) {
        let value = value.into();
        if value < 10_000 {
            let (digits, count) = short_decimal(value);
            self.append(digits, count);
        } else {
            let mut high = value / 10_000;
            if high >= 10_000 {
                let (digits, count) = short_decimal(high / 10_000);
                self.append(digits, count);
                high %= 10_000;
                self.append(four_digits(high).0, 4);
            } else {
                let (digits, count) = short_decimal(high);
                self.append(digits, count);
            }
            self.append(four_digits(value % 10_000).0, 4);
        }
    }

    /// Ends the phrase.
    #[inline(always)]
    pub(super) fn put(self) {
        let end = self.out.len() + self.length;
        // SAFETY: the octets up to here have been written by `append`, one piece behind the other, in the
        // room that `new` made.
        unsafe { self.out.set_len(end) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_its_pieces() {
        for (port, text) in [
            (0u32, "0"),
            (7, "7"),
            (80, "80"),
            (999, "999"),
            (4789, "4789"),
            (10_000, "10000"),
            (65_535, "65535"),
            (10_000_007, "10000007"),
            (99_999_999, "99999999"),
            (100_000_000, "100000000"),
            (1_200_000_034, "1200000034"),
            (u32::MAX, "4294967295"),
        ] {
            let mut out = b"before ".to_vec();
            let mut phrase = Phrase::<64>::new(&mut out);
            phrase.v4([10, 255, 0, 100]);
            phrase.literal(b".");
            phrase.number(port);
            phrase.literal(b" > ");
            phrase.mac([0x66, 0, 0xff, 1, 2, 3]);
            phrase.put();
            let expected = format!("before 10.255.0.100.{text} > 66:00:ff:01:02:03");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
