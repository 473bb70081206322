//! Network service headers (RFC 8300).

use super::dissector::Dissector;
use super::text::{Bits, Hex, HexZeros, Zeros, put};
use crate::wire::bytes::{Cut, Read};

/// Octets that the length counts in.
const WORD: u32 = 4;
/// Base header and service path header.
const HEADER_LENGTH: u32 = 2 * WORD;

impl Dissector<'_> {
    pub(super) fn nsh(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "nsh";
        if length < HEADER_LENGTH {
            put!(self, " (packet length ", length, " < 8)");
            self.invalid();
            return Ok(());
        }
        let base = self.u32(at)?;
        let version = base >> 30;
        let words = base >> 16 & 0x3f;
        let kind = base >> 8 & 0xf;
        let next = base & 0xff;
        let verbosity = self.options.verbosity;
        put!(self, "NSH, ");
        if verbosity > 1 {
            put!(self, "ver ", version, ", ");
        }
        if version != 0 {
            return Ok(());
        }
        let flags = Bits {
            value: base >> 28 & 3,
            names: &[(2, "O")],
            separator: "",
            none: "none",
        };
        put!(self, "flags [", flags, "], ");
        if verbosity > 2 {
            put!(
                self,
                "TTL ",
                base >> 22 & 0x3f,
                ", length ",
                words,
                ", md type "
            );
            match kind {
                0 => put!(self, "reserved, "),
                1 | 2 => put!(self, kind, ", "),
                15 => put!(self, "experimental, "),
                _ => put!(self, "unknown (0x", HexZeros::<2>(kind), "), "),
            }
        }
        if verbosity > 1 {
            put!(self, "next-protocol ");
            match protocol_name(next) {
                Some(name) => put!(self, name, ", "),
                None => put!(self, "unknown (0x", HexZeros::<2>(next), "), "),
            }
        }
        if length < words * WORD {
            put!(self, " (too many headers for packet length ", length, ")");
            self.invalid();
            return Ok(());
        }
        put!(
            self,
            "service-path-id 0x",
            HexZeros::<6>(self.u24(at + 4)?),
            ", "
        );
        put!(self, "service-index 0x", Hex(u32::from(self.u8(at + 7)?)));
        if words < 2 {
            put!(self, " (less than two headers)");
            self.invalid();
            return Ok(());
        }
        let context = at + HEADER_LENGTH as usize;
        let context_words = words - 2;
        let whole = if verbosity > 2 && kind == 1 {
            if words != 6 {
                put!(self, " (invalid length for the MD type)");
                self.invalid();
                return Ok(());
            }
            for word in 0..context_words {
                let value = self.u32(context + (word * WORD) as usize)?;
                put!(
                    self,
                    "\n        Context[",
                    Zeros::<2>(word),
                    "]: 0x",
                    HexZeros::<8>(value)
                );
            }
            true
        } else if verbosity > 2 && kind == 2 {
            self.nsh_metadata(context, context_words)?
        } else if self.has(context, (context_words * WORD) as usize) {
            true
        } else {
            return Err(Cut);
        };
        if !whole {
            put!(self, " (length too big)");
            self.invalid();
            return Ok(());
        }
        put!(self, if self.verbose() { "\n    " } else { ": " });
        let inner = at + (words * WORD) as usize;
        let left = length - words * WORD;
        match next {
            1 => self.ipv4(inner, left),
            2 => self.ipv6(inner, left),
            3 => {
                let captured = self.bytes.available(inner) as u32;
                self.ethernet(inner, left, captured).map(drop)
            }
            _ => {
                put!(self, "ERROR: unknown-next-protocol");
                Ok(())
            }
        }
    }

    /// Variable-length metadata; answers false if an entry is longer than the header.
    fn nsh_metadata(&mut self, at: usize, words: u32) -> Read<bool> {
        let mut place = at;
        let mut passed = 0;
        while passed < words {
            let class = self.u16(place)?;
            let kind = self.u8(place + 2)?;
            let octets = self.u8(place + 3)? & 0x7f;
            place += WORD as usize;
            put!(
                self,
                "\n        TLV Class ",
                class,
                ", Type ",
                kind,
                ", Len ",
                octets
            );
            passed += 1;
            let padded = u32::from(octets).next_multiple_of(WORD);
            if words < passed + padded / WORD {
                return Ok(false);
            }
            if octets > 0 {
                put!(self, "\n            Value: ");
                for octet in 0..usize::from(octets) {
                    let lead = if octet == 0 { "0x" } else { ":" };
                    put!(
                        self,
                        lead,
                        HexZeros::<2>(u32::from(self.u8(place + octet)?))
                    );
                }
                if !self.has(place, padded as usize) {
                    return Err(Cut);
                }
                place += padded as usize;
                passed += padded / WORD;
            }
        }
        Ok(true)
    }
}

fn protocol_name(protocol: u32) -> Option<&'static str> {
    Some(match protocol {
        1 => "IPv4",
        2 => "IPv6",
        3 => "Ethernet",
        4 => "NSH",
        5 => "MPLS",
        0xfe => "Experiment 1",
        0xff => "Experiment 2",
        _ => return None,
    })
}
