//! Addresses as text: of Ethernet, of IPv4, of IPv6.

use super::{Hex, Put, append, hex_pair};
use crate::wire::oui;
use crate::wire::print::phrase::Phrase;

/// Octets as pairs of hexadecimal digits with colons between.
pub(in crate::wire::print) struct HexColons<'a>(pub &'a [u8]);

impl Put for HexColons<'_> {
    fn put(self, out: &mut Vec<u8>) {
        for (n, &octet) in self.0.iter().enumerate() {
            if n > 0 {
                out.push(b':');
            }
            out.extend_from_slice(&hex_pair(octet));
        }
    }
}

/// A MAC address, with its organisation if that was asked for.
#[derive(Clone, Copy)]
pub(in crate::wire::print) struct Mac {
    pub(in crate::wire::print) octets: [u8; 6],
    pub(in crate::wire::print) organisation: bool,
}

impl Put for Mac {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        if self.organisation && self.octets == [0xff; 6] {
            "Broadcast".put(out);
            return;
        }
        let mut text = [b':'; 17];
        for (place, octet) in text.chunks_mut(3).zip(self.octets) {
            let pair = hex_pair(octet);
            place[0] = pair[0];
            place[1] = pair[1];
        }
        append(&text, out);
        if self.organisation {
            let [a, b, c, ..] = self.octets;
            let name = oui::name(u32::from_be_bytes([0, a, b, c]));
            (" (oui ", name.unwrap_or("Unknown"), ")").put(out);
        }
    }
}

/// Each octet in decimal with a point behind it, in four characters, and how many are digits.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut n = 0;
    while n < 256 {
        let ones = b'0' + (n % 10) as u8;
        let tens = b'0' + (n / 10 % 10) as u8;
        let hundreds = b'0' + (n / 100) as u8;
        octets[n] = if n >= 100 {
            ([hundreds, tens, ones, b'.'], 3)
        } else if n >= 10 {
            ([tens, ones, b'.', b'.'], 2)
        } else {
            ([ones, b'.', b'.', b'.'], 1)
        };
        n += 1;
    }
    octets
};

/// An octet's digits with points behind them, and how many are digits.
#[inline(always)]
pub(in crate::wire::print) fn octet_digits(octet: u8) -> ([u8; 4], u8) {
    OCTETS[usize::from(octet)]
}

/// An IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::wire::print) struct V4(pub [u8; 4]);

impl Put for V4 {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        let mut phrase = Phrase::<16>::new(out);
        phrase.v4(self.0);
        phrase.put();
    }
}

/// An IPv6 address, in the form of RFC 5952 but for what BSD's `inet_ntop` does otherwise: a lone zero
/// group is not compressed either way, and `::a.b.c.d` ends dotted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::wire::print) struct V6(pub [u8; 16]);

impl Put for V6 {
    fn put(self, out: &mut Vec<u8>) {
        let mut words = [0u16; 8];
        for (word, pair) in words.iter_mut().zip(self.0.chunks_exact(2)) {
            *word = u16::from(pair[0]) << 8 | u16::from(pair[1]);
        }
        let (mut best, mut best_length) = (8, 0);
        let mut at = 0;
        while at < 8 {
            let length = words[at..].iter().take_while(|&&word| word == 0).count();
            if length > best_length {
                (best, best_length) = (at, length);
            }
            at += length.max(1);
        }
        if best_length < 2 {
            (best, best_length) = (8, 0);
        }
        let mut at = 0;
        while at < 8 {
            if at == best {
                out.push(b':');
                at += best_length;
                if at == 8 {
                    out.push(b':');
                }
                continue;
            }
            if at != 0 {
                out.push(b':');
            }
            if at == 6
                && best == 0
                && (best_length == 6 || (best_length == 5 && words[5] == 0xffff))
            {
                let [.., a, b, c, d] = self.0;
                V4([a, b, c, d]).put(out);
                return;
            }
            Hex(u32::from(words[at])).put(out);
            at += 1;
        }
    }
}
