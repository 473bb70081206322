//! The few phrases that nearly every packet prints, put together on the stack and appended at once.
//!
//! Appending is what printing costs: each piece means a check of the buffer's room, and a copy of a length
//! not known beforehand. What is printed is the same as piece by piece; only the common case is here.

use super::text::{hex_pair, octet_digits, put_front, short_decimal};

/// A phrase of at most `ROOM` characters being put together. What does not fit is left out, which its users
/// take care of: two IPv4 addresses with ports have 48 characters, an Ethernet header has 81.
pub(super) struct Phrase<const ROOM: usize> {
    text: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> Phrase<ROOM> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            text: [0; ROOM],
            length: 0,
        }
    }

    /// Copies all `N` octets, of which `count` belong to the phrase.
    #[inline(always)]
    fn append<const N: usize>(&mut self, octets: [u8; N], count: usize) {
        if let Some(place) = self.text.get_mut(self.length..self.length + N) {
            place.copy_from_slice(&octets);
            self.length += count;
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

    /// A number below 65,536.
    #[inline(always)]
    pub(super) fn number(&mut self, value: u16) {
        let value = u32::from(value);
        if value >= 10_000 {
            self.append([b'0' + (value / 10_000) as u8], 1);
            let (digits, _) = super::text::four_digits(value % 10_000);
            self.append(digits, 4);
        } else {
            let (digits, count) = short_decimal(value);
            self.append(digits, count);
        }
    }

    #[inline(always)]
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_front(&self.text, self.length, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_its_pieces() {
        for (port, text) in [
            (0u16, "0"),
            (7, "7"),
            (80, "80"),
            (999, "999"),
            (4789, "4789"),
            (10_000, "10000"),
            (65_535, "65535"),
        ] {
            let mut phrase = Phrase::<64>::new();
            phrase.v4([10, 255, 0, 100]);
            phrase.literal(b".");
            phrase.number(port);
            phrase.literal(b" > ");
            phrase.mac([0x66, 0, 0xff, 1, 2, 3]);
            let mut out = b"before ".to_vec();
            phrase.put(&mut out);
            let expected = format!("before 10.255.0.100.{text} > 66:00:ff:01:02:03");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
