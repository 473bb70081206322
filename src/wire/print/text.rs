//! Pieces of text: numbers, addresses and names written into the output without formatting machinery.

mod address;
mod fixed;

use super::phrase::Phrase;

pub(super) use address::{HexColons, Mac, V4, V6, octet_digits};
pub(super) use fixed::Fixed;

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
mod tests;
