//! Octets as they are: `-x`, `-X`, `-A`, and the payload of what is not understood.

use super::dissector::Dissector;
use super::text::{HexZeros, Put, hex_pair, put_front};
use crate::wire::bytes::{Cut, Read};

/// Octets in a line.
const LINE: usize = 16;
/// Columns of a full line's digits: five for each pair of octets.
const COLUMNS: usize = 5 * LINE / 2;
/// Characters before the digits: `\n\t0x0010: `.
const LEAD: usize = 10;
/// Where the characters begin.
const CHARACTERS: usize = LEAD + COLUMNS + 2;

/// Where the first digit of an octet is.
#[inline(always)]
const fn column(n: usize) -> usize {
    LEAD + n / 2 * 5 + 1 + n % 2 * 2
}

/// A line of octets at an offset, of which the lower 16 bits are said.
#[inline(always)]
fn line_of(offset: usize, octets: &[u8; LINE]) -> [u8; CHARACTERS + LINE] {
    let mut text = [b' '; CHARACTERS + LINE];
    if let Some(lead) = text.first_chunk_mut::<LEAD>() {
        let [high, low] = (offset as u16).to_be_bytes().map(hex_pair);
        *lead = [
            b'\n', b'\t', b'0', b'x', high[0], high[1], low[0], low[1], b':', b' ',
        ];
    }
    for (n, &octet) in octets.iter().enumerate() {
        let pair = hex_pair(octet);
        text[column(n)] = pair[0];
        text[column(n) + 1] = pair[1];
    }
    let shown = octets.map(|octet| {
        if octet.is_ascii_graphic() {
            octet
        } else {
            b'.'
        }
    });
    if let Some(characters) = text.last_chunk_mut::<LINE>() {
        *characters = shown;
    }
    text
}

/// Takes the digits of the last `count` octets out of a line.
fn blank(text: &mut [u8; CHARACTERS + LINE], count: usize) {
    let digits = column(LINE - count)..CHARACTERS;
    if let Some(digits) = text.get_mut(digits) {
        digits.fill(b' ');
    }
}

impl Dissector<'_> {
    /// Digits and characters, each line on a new one after a tab. More octets than were captured end the
    /// packet.
    pub(super) fn hex_and_ascii(&mut self, at: usize, length: usize) -> Read<()> {
        let octets = self.bytes.rest(at, length);
        for (line, chunk) in octets.chunks(LINE).enumerate() {
            let offset = line * LINE;
            let mut whole = [0; LINE];
            if let Some(room) = whole.get_mut(..chunk.len()) {
                room.copy_from_slice(chunk);
            }
            let mut text = line_of(offset, &whole);
            if let Some(rest) = LINE.checked_sub(chunk.len()).filter(|&rest| rest > 0) {
                blank(&mut text, rest);
            }
            let end = CHARACTERS + chunk.len();
            if offset > 0xffff {
                // The offset takes more than four digits.
                self.out.extend_from_slice(b"\n\t0x");
                HexZeros::<4>(offset as u32).put(self.out);
                self.out.extend_from_slice(b": ");
                let line = text.get(LEAD..end).unwrap_or_default();
                self.out.extend_from_slice(line);
            } else {
                put_front(&text, end, self.out);
            }
        }
        if octets.len() < length {
            Err(Cut)
        } else {
            Ok(())
        }
    }

    /// The payload of what is not understood, unless `-q`, `-x` or `-X` show it otherwise or not at all.
    pub(super) fn payload(&mut self, at: usize, length: usize) -> Read<()> {
        if self.shows_payload() {
            self.hex_and_ascii(at, length)?;
        }
        Ok(())
    }

    pub(super) fn shows_payload(&self) -> bool {
        self.options.quiet == 0
            && !matches!(
                self.options.dump,
                super::Dump::Hex { .. } | super::Dump::HexAscii { .. }
            )
    }

    /// Digits only.
    pub(super) fn hex(&mut self, indent: &str, at: usize, length: usize) -> Read<()> {
        self.hex_from(indent, at, length, 0)
    }

    /// Digits only, counted from `offset`.
    pub(super) fn hex_from(
        &mut self,
        indent: &str,
        at: usize,
        length: usize,
        offset: usize,
    ) -> Read<()> {
        let octets = self.bytes.rest(at, length);
        for (line, chunk) in octets.chunks(LINE).enumerate() {
            let offset = HexZeros::<4>((offset + line * LINE) as u32);
            (indent, "0x", offset, ": ").put(self.out);
            for pair in chunk.chunks(2) {
                self.out.push(b' ');
                for &octet in pair {
                    self.out.extend_from_slice(&hex_pair(octet));
                }
            }
        }
        if octets.len() < length {
            Err(Cut)
        } else {
            Ok(())
        }
    }

    /// What is not understood inside a protocol that is; never ends the packet.
    pub(super) fn unknown_data(&mut self, indent: &str, at: usize, length: usize) {
        if at > self.bytes.end() {
            (
                indent,
                "Dissector error: print_unknown_data called with pointer past end of packet",
            )
                .put(self.out);
            return;
        }
        let length = length.min(self.bytes.available(at));
        // All of it is there, so this cannot be cut.
        let _ = self.hex(indent, at, length);
    }

    /// The characters, with dots for what is not one.
    pub(super) fn ascii(&mut self, at: usize, length: usize) -> Read<()> {
        self.protocol = "ascii";
        let octets = self.bytes.rest(at, length);
        self.out.push(b'\n');
        for (n, &octet) in octets.iter().enumerate() {
            let following = octets.len() - n - 1;
            match octet {
                b'\r' => {
                    if following > 1 && octets.get(n + 1) != Some(&b'\n') {
                        self.out.push(b'.');
                    }
                }
                b'\t' | b' ' | b'\n' => self.out.push(octet),
                _ if octet.is_ascii_graphic() => self.out.push(octet),
                _ => self.out.push(b'.'),
            }
        }
        if octets.len() < length {
            Err(Cut)
        } else {
            Ok(())
        }
    }

    /// Text from the wire, made harmless.
    pub(super) fn escaped(&mut self, octets: &[u8]) {
        for &octet in octets {
            super::text::Escaped(octet).put(self.out);
        }
    }
}
