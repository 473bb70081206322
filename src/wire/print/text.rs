//! Pieces of text: numbers, addresses and names written into the output without formatting machinery.

use super::phrase::Phrase;
use crate::wire::oui;

/// Something that can be written at the end of the output.
pub(super) trait Put {
    /// Writes it.
    fn put(self, out: &mut Vec<u8>);
}

/// Writes several pieces, after *all* of them have been read from the packet: a piece that turns out to
/// be cut off must leave no half of the sentence behind.
macro_rules! put {
    ($dissector:expr, $($piece:expr),+ $(,)?) => {{
        let pieces = ($($piece,)+);
        $crate::wire::print::text::Put::put(pieces, &mut *$dissector.out);
    }};
}
pub(super) use put;

macro_rules! put_tuple {
    ($($name:ident)+) => {
        impl<$($name: Put),+> Put for ($($name,)+) {
            #[inline(always)]
            fn put(self, out: &mut Vec<u8>) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.put(out);)+
            }
        }
    };
}
put_tuple!(A);
put_tuple!(A B);
put_tuple!(A B C);
put_tuple!(A B C D);
put_tuple!(A B C D E);
put_tuple!(A B C D E F);
put_tuple!(A B C D E F G);
put_tuple!(A B C D E F G H);
put_tuple!(A B C D E F G H I);
put_tuple!(A B C D E F G H I J);
put_tuple!(A B C D E F G H I J K);
put_tuple!(A B C D E F G H I J K L);

impl Put for &str {
    #[inline(always)]
    fn put(self, out: &mut Vec<u8>) {
        append(self.as_bytes(), out);
    }
}

impl Put for &[u8] {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

/// A piece that may be missing.
impl<T: Put> Put for Option<T> {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        if let Some(piece) = self {
            piece.put(out);
        }
    }
}

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

const HEX: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut pairs = [[b'0'; 2]; 256];
    let mut n = 0;
    while n < 256 {
        pairs[n] = [digits[n >> 4], digits[n & 15]];
        n += 1;
    }
    pairs
};

/// The two hexadecimal digits of an octet.
#[inline]
pub(super) fn hex_pair(octet: u8) -> [u8; 2] {
    HEX[usize::from(octet)]
}

/// Appends octets. `Vec::extend_from_slice` does the same by way of a call; here a length that is known when
/// compiling becomes a few moves, which is most of what printing costs.
#[inline(always)]
pub(super) fn append(octets: &[u8], out: &mut Vec<u8>) {
    let (end, more) = (out.len(), octets.len());
    if out.capacity() - end < more {
        make_room(out, more);
    }
    // SAFETY: the vector has room for `more` octets behind its end, which `octets`, borrowed from elsewhere,
    // cannot overlap, and which are written before they are counted.
    unsafe {
        std::ptr::copy_nonoverlapping(octets.as_ptr(), out.as_mut_ptr().add(end), more);
        out.set_len(end + more);
    }
}

#[cold]
#[inline(never)]
pub(super) fn make_room(out: &mut Vec<u8>, more: usize) {
    out.reserve(more);
}

/// Appends the first `length` of `text`'s octets.
///
/// All of them are copied, and those too many taken back: a copy of a known size is a few instructions,
/// one of an unknown size a call.
#[inline(always)]
pub(super) fn put_front<const N: usize>(text: &[u8; N], length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    append(text, out);
    out.truncate(end);
}

/// Decimal digits of `value`, right-aligned in the array, with the position of the first one.
#[inline]
fn decimal(mut value: u64) -> ([u8; 20], usize) {
    let mut digits = [b'0'; 20];
    let mut at = 20;
    while value >= 100 {
        let pair = PAIRS[(value % 100) as usize];
        value /= 100;
        at -= 2;
        digits[at] = pair[0];
        digits[at + 1] = pair[1];
    }
    if value >= 10 {
        let pair = PAIRS[value as usize];
        at -= 2;
        digits[at] = pair[0];
        digits[at + 1] = pair[1];
    } else {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    (digits, at)
}

impl Put for u64 {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        let (digits, at) = decimal(self);
        out.extend_from_slice(&digits[at..]);
    }
}

/// A number below 10,000 as four digits, and how many of them count; the others are zeros before.
#[inline(always)]
pub(super) fn four_digits(value: u32) -> ([u8; 4], usize) {
    let [a, b] = PAIRS[(value / 100 % 100) as usize];
    let [c, d] = PAIRS[(value % 100) as usize];
    let count =
        1 + usize::from(value >= 10) + usize::from(value >= 100) + usize::from(value >= 1000);
    ([a, b, c, d], count)
}

/// The digits of a number below 10,000 from the first that counts, and how many do.
#[inline(always)]
pub(super) fn short_decimal(value: u32) -> ([u8; 4], usize) {
    let (digits, count) = four_digits(value);
    let packed = u32::from_be_bytes(digits) << (8 * (4 - count));
    (packed.to_be_bytes(), count)
}

/// All six digits of a number that has no more.
#[inline(always)]
pub(super) fn six_digits(value: u64) -> Option<[u8; 6]> {
    if value >= 1_000_000 {
        return None;
    }
    let value = value as u32;
    let [a, b] = PAIRS[(value / 10_000) as usize];
    let [c, d] = PAIRS[(value / 100 % 100) as usize];
    let [e, f] = PAIRS[(value % 100) as usize];
    Some([a, b, c, d, e, f])
}

impl Put for u32 {
    #[inline(always)]
    fn put(self, out: &mut Vec<u8>) {
        if self < 10_000 {
            let (digits, count) = short_decimal(self);
            put_front(&digits, count, out);
        } else {
            put_long(self, out);
        }
    }
}

/// A number from 10,000.
#[inline(never)]
fn put_long(value: u32, out: &mut Vec<u8>) {
    let mut phrase = Phrase::<16>::new(out);
    phrase.number(value);
    phrase.put();
}

impl Put for u8 {
    #[inline(always)]
    fn put(self, out: &mut Vec<u8>) {
        u32::from(self).put(out);
    }
}

impl Put for u16 {
    #[inline(always)]
    fn put(self, out: &mut Vec<u8>) {
        u32::from(self).put(out);
    }
}

impl Put for usize {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        (self as u64).put(out);
    }
}

impl Put for i64 {
    fn put(self, out: &mut Vec<u8>) {
        if self < 0 {
            out.push(b'-');
        }
        self.unsigned_abs().put(out);
    }
}

/// Decimal with leading zeros to at least that many digits (`%0Nu`).
pub(super) struct Zeros<const N: usize>(pub u32);

impl<const N: usize> Put for Zeros<N> {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        if N == 6
            && let Some(digits) = six_digits(u64::from(self.0))
        {
            append(&digits, out);
            return;
        }
        if N == 2 && self.0 < 100 {
            append(&PAIRS[self.0 as usize], out);
            return;
        }
        let (digits, at) = decimal(u64::from(self.0));
        out.extend_from_slice(&digits[at.min(20 - N)..]);
    }
}

/// Decimal with leading blanks to at least that many columns (`%Nu`).
pub(super) struct Blanks<const N: usize>(pub u64);

impl<const N: usize> Put for Blanks<N> {
    fn put(self, out: &mut Vec<u8>) {
        let (digits, at) = decimal(self.0);
        for _ in 0..N.saturating_sub(20 - at) {
            out.push(b' ');
        }
        out.extend_from_slice(&digits[at..]);
    }
}

/// Lower-case hexadecimal without leading zeros (`%x`).
pub(super) struct Hex(pub u32);

impl Put for Hex {
    fn put(self, out: &mut Vec<u8>) {
        HexZeros::<1>(self.0).put(out);
    }
}

/// Lower-case hexadecimal with leading zeros to at least that many digits (`%0Nx`).
pub(super) struct HexZeros<const N: usize>(pub u32);

impl<const N: usize> Put for HexZeros<N> {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        let [a, b, c, d] = self.0.to_be_bytes().map(hex_pair);
        if N == 2 && self.0 <= 0xff {
            append(&d, out);
            return;
        }
        if N == 4 && self.0 <= 0xffff {
            append(&[c[0], c[1], d[0], d[1]], out);
            return;
        }
        let digits = [a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]];
        let significant = 8 - (self.0.leading_zeros() / 4) as usize;
        let width = significant.max(N).min(8);
        out.extend_from_slice(&digits[8 - width..]);
    }
}

/// Octets as pairs of hexadecimal digits without a separator.
pub(super) struct HexString<'a>(pub &'a [u8]);

impl Put for HexString<'_> {
    fn put(self, out: &mut Vec<u8>) {
        for &octet in self.0 {
            out.extend_from_slice(&hex_pair(octet));
        }
    }
}

/// Octets as pairs of hexadecimal digits with colons between.
pub(super) struct HexColons<'a>(pub &'a [u8]);

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
pub(super) struct Mac {
    pub(super) octets: [u8; 6],
    pub(super) organisation: bool,
}

impl Put for Mac {
    #[inline]
    fn put(self, out: &mut Vec<u8>) {
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
pub(super) fn octet_digits(octet: u8) -> ([u8; 4], u8) {
    OCTETS[usize::from(octet)]
}

/// An IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct V4(pub [u8; 4]);

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
pub(super) struct V6(pub [u8; 16]);

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

/// One octet of text from the wire, made harmless: control characters as `^X`, the upper half as `M-X`.
pub(super) struct Escaped(pub u8);

impl Put for Escaped {
    fn put(self, out: &mut Vec<u8>) {
        let mut octet = self.0;
        if octet >= 0x80 {
            octet &= 0x7f;
            out.extend_from_slice(b"M-");
        }
        if !(0x20..0x7f).contains(&octet) {
            octet ^= 0x40;
            out.push(b'^');
        }
        out.push(octet);
    }
}

/// Names of the bits set in `value`, with `separator` between; every bit of a name must be set.
pub(super) struct Bits<'a> {
    /// The value.
    pub(super) value: u32,
    /// Masks and their names, in printing order.
    pub(super) names: &'a [(u32, &'a str)],
    /// What stands between two names.
    pub(super) separator: &'a str,
    /// What stands there when no name applies.
    pub(super) none: &'a str,
}

impl Put for Bits<'_> {
    fn put(self, out: &mut Vec<u8>) {
        let mut first = true;
        for &(mask, name) in self.names {
            if mask != 0 && self.value & mask == mask {
                if !first {
                    self.separator.put(out);
                }
                first = false;
                name.put(out);
            }
        }
        if first {
            self.none.put(out);
        }
    }
}

/// A name if there is one, else the number inside a sentence.
pub(super) struct Named<P, S>(pub Option<&'static str>, pub (P, u32, S));

impl<P: Put, S: Put> Put for Named<P, S> {
    fn put(self, out: &mut Vec<u8>) {
        match self.0 {
            Some(name) => name.put(out),
            None => self.1.put(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(piece: impl Put) -> String {
        let mut out = Vec::new();
        piece.put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        for value in [0u32, 7, 10, 42, 99, 100, 101, 999, 65535, u32::MAX] {
            assert_eq!(text(value), value.to_string());
            assert_eq!(
                text(u64::from(value) * 7),
                (u64::from(value) * 7).to_string()
            );
            assert_eq!(text(Hex(value)), format!("{value:x}"));
            assert_eq!(text(HexZeros::<4>(value)), format!("{value:04x}"));
            assert_eq!(text(HexZeros::<8>(value)), format!("{value:08x}"));
            assert_eq!(text(Zeros::<6>(value)), format!("{value:06}"));
            assert_eq!(text(Blanks::<5>(u64::from(value))), format!("{value:5}"));
        }
        assert_eq!(text(u64::MAX), u64::MAX.to_string());
        assert_eq!(text(-5i64), "-5");
    }

    #[test]
    fn addresses() {
        let octets = [0x66, 0x5a, 0x18, 0x78, 0xe4, 0xa8];
        let mac = |organisation| Mac {
            octets,
            organisation,
        };
        assert_eq!(text(mac(false)), "66:5a:18:78:e4:a8");
        assert_eq!(text(mac(true)), "66:5a:18:78:e4:a8 (oui Unknown)");
        for v4 in [
            [0, 0, 0, 0],
            [10, 46, 0, 8],
            [255, 255, 255, 255],
            [192, 168, 61, 12],
        ] {
            assert_eq!(text(V4(v4)), std::net::Ipv4Addr::from(v4).to_string());
        }
        for v6 in [
            "::",
            "::1",
            "fd10::21",
            "1:0:0:2::3",
            "2001:db8:0:1:1:1:1:1",
            "fe80::",
            "::ffff:1.2.3.4",
        ] {
            let address: std::net::Ipv6Addr = v6.parse().unwrap();
            assert_eq!(text(V6(address.octets())), v6);
        }
        // Where BSD and RFC 5952 part ways.
        let deprecated: std::net::Ipv6Addr = "::10.0.0.1".parse().unwrap();
        assert_eq!(text(V6(deprecated.octets())), "::10.0.0.1");
    }

    #[test]
    fn wire_text_cannot_reach_the_terminal() {
        assert_eq!(text(Escaped(0x1b)), "^[");
        assert_eq!(text(Escaped(0x7f)), "^?");
        assert_eq!(text(Escaped(0x9b)), "M-^[");
        assert_eq!(text(Escaped(b'a')), "a");
    }
}
