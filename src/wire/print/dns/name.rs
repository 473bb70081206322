//! Domain names with compression (RFC 1035 section 4.1.4) and bit labels (RFC 2673).

use super::super::dissector::Dissector;
use super::super::text::{Hex, HexZeros, put};
use crate::wire::bytes::Read;

/// Characters of a name that are printed.
const MAX_NAME: usize = 255;

const KIND: u8 = 0xc0;
const POINTER: u8 = 0xc0;
const RESERVED: u8 = 0x80;
const EXTENDED: u8 = 0x40;
const BIT_LABEL: u8 = 0x01;

fn bits_of(length: u8) -> usize {
    if length == 0 {
        256
    } else {
        usize::from(length)
    }
}

impl Dissector<'_> {
    /// Where a name ends, if it does.
    pub(super) fn dns_skip_name(&self, at: usize) -> Option<usize> {
        let mut at = at;
        loop {
            let first = self.u8(at).ok()?;
            at += 1;
            if first == 0 {
                return Some(at);
            }
            match first & KIND {
                POINTER => return Some(at + 1),
                EXTENDED => {
                    if first & !KIND != BIT_LABEL {
                        return None;
                    }
                    at += 1 + bits_of(self.u8(at).ok()?).div_ceil(8);
                }
                RESERVED => return None,
                _ => at += usize::from(first),
            }
        }
    }

    /// Octets of the label at `at` without the first one; for a pointer a number that means nothing.
    fn dns_label_length(&mut self, at: usize) -> Option<usize> {
        let first = self.u8(at).ok()?;
        match first & KIND {
            EXTENDED => {
                if first & !KIND != BIT_LABEL {
                    put!(self, "<ELT ", first & !KIND, ">");
                    return None;
                }
                Some(bits_of(self.u8(at + 1).ok()?).div_ceil(8) + 1)
            }
            RESERVED => {
                put!(self, "<BAD LABEL TYPE>");
                None
            }
            _ => Some(usize::from(first)),
        }
    }

    /// Prints a name and answers where it ends, or nothing if it does not. Pointers count from `base`.
    pub(in super::super) fn dns_name(&mut self, at: usize, base: usize) -> Read<Option<usize>> {
        let Some(mut length) = self.dns_label_length(at) else {
            return Ok(None);
        };
        let mut first = self.u8(at)?;
        // A pointer must lead back, each further than the one before, so that there is an end.
        let mut before = (at as u32).wrapping_sub(base as u32);
        let mut place = at + 1;
        let mut jumped = false;
        let mut end = (first & KIND != POINTER).then_some(place + length);
        let mut characters = 0;
        if first == 0 {
            put!(self, ".");
            return Ok(end);
        }
        while first != 0 && place < self.bytes.end() {
            match first & KIND {
                POINTER => {
                    if !jumped {
                        end = Some(place + 1);
                        jumped = true;
                    }
                    let offset = (u32::from(first) << 8 | u32::from(self.u8(place)?)) & 0x3fff;
                    if offset >= before {
                        put!(self, "<BAD PTR>");
                        return Ok(None);
                    }
                    before = offset;
                    let target = base + offset as usize;
                    if !self.has(target, 1) {
                        return Ok(None);
                    }
                    first = self.u8(target)?;
                    match self.dns_label_length(target) {
                        Some(next) => length = next,
                        None => return Ok(None),
                    }
                    place = target + 1;
                    continue;
                }
                EXTENDED => self.dns_bit_label(place)?,
                _ => {
                    let visible = MAX_NAME.saturating_sub(characters).min(length);
                    let label = self.bytes.rest(place, visible);
                    self.escaped(label);
                    if label.len() < visible {
                        return Ok(None);
                    }
                    characters += length;
                }
            }
            place += length;
            if characters <= MAX_NAME {
                put!(self, ".");
            }
            characters += 1;
            if !self.has(place, 1) {
                return Ok(None);
            }
            first = self.u8(place)?;
            match self.dns_label_length(place) {
                Some(next) => length = next,
                None => return Ok(None),
            }
            place += 1;
            if !jumped {
                end = end.map(|end| end + length + 1);
            }
        }
        if characters > MAX_NAME {
            put!(self, "<DOMAIN NAME TOO LONG>");
        }
        Ok(end)
    }

    /// The bits of a label, in hexadecimal.
    fn dns_bit_label(&mut self, at: usize) -> Read<()> {
        let bits = bits_of(self.u8(at)?);
        put!(self, "\\[x");
        let mut place = at + 1;
        let mut left = bits;
        let limit = at + 1 + bits.div_ceil(4);
        while place < limit && left > 7 {
            put!(self, HexZeros::<2>(u32::from(self.u8(place)?)));
            left -= 8;
            place += 1;
        }
        if left > 4 {
            let octet = u32::from(self.u8(place)?);
            put!(self, HexZeros::<2>(octet & (0xff << (8 - left))));
        } else if left > 0 {
            let octet = u32::from(self.u8(place)?);
            put!(self, Hex(octet >> 4 & 0x0f & (0x0f << (4 - left))));
        }
        put!(self, "/", bits, "]");
        Ok(())
    }
}
