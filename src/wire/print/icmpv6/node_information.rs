//! Node information queries (RFC 4620).

use super::super::dissector::Dissector;
use super::super::text::{Bits, put};
use crate::wire::bytes::Read;

/// Octets before the subject or the data.
const HEADER_LENGTH: usize = 16;

const ADDRESS_FLAGS: [(u32, &str); 6] = [
    (0x40, "a"),
    (0x20, "G"),
    (0x10, "S"),
    (0x08, "L"),
    (0x04, "C"),
    (0x02, "A"),
];

impl Dissector<'_> {
    pub(super) fn node_query(&mut self, at: usize) -> Read<bool> {
        let captured = self.bytes.available(at);
        if captured == 12 {
            put!(self, " who-are-you request");
            return Ok(true);
        }
        put!(self, " node information query");
        if !self.has(at, HEADER_LENGTH) {
            return Ok(false);
        }
        put!(self, " (");
        let question = self.u16(at + 4)?;
        let flags = self.u16(at + 6)?;
        match question {
            0 => put!(self, "noop"),
            1 => self.supported_types(flags),
            2 => put!(self, "DNS name"),
            3 => {
                put!(self, "node addresses");
                self.address_flags(flags, false);
            }
            _ => put!(self, "unknown"),
        }
        if question <= 1 {
            if captured != HEADER_LENGTH && self.verbose() {
                put!(self, ", invalid len");
            }
            put!(self, ")");
            return Ok(true);
        }
        if captured == HEADER_LENGTH {
            put!(self, ", 03 draft)");
            return Ok(true);
        }
        let subject = at + HEADER_LENGTH;
        match self.u8(at + 1)? {
            0 => {
                if let Some(subject) = self.subject(subject, 16) {
                    put!(self, ", subject=", self.v6(subject)?);
                }
            }
            1 => {
                put!(self, ", subject=DNS name");
                self.node_name(subject)?;
            }
            2 => {
                if let Some(subject) = self.subject(subject, 4) {
                    put!(self, ", subject=", self.v4(subject)?);
                }
            }
            _ => put!(self, ", unknown subject"),
        }
        put!(self, ")");
        Ok(true)
    }

    /// The subject's place, if it is there and nothing behind it.
    fn subject(&mut self, at: usize, length: usize) -> Option<usize> {
        if !self.has(at, length) {
            return None;
        }
        if self.bytes.available(at) != length {
            if self.verbose() {
                put!(self, ", invalid subject len");
            }
            return None;
        }
        Some(at)
    }

    fn supported_types(&mut self, flags: u16) {
        put!(self, "supported qtypes");
        if flags != 0 {
            put!(self, " [", if flags & 1 != 0 { "C" } else { "" }, "]");
        }
    }

    fn address_flags(&mut self, flags: u16, reply: bool) {
        if flags != 0 {
            let names = Bits {
                value: u32::from(flags),
                names: &ADDRESS_FLAGS,
                separator: "",
                none: "",
            };
            let cut = if reply && flags & 1 != 0 { "T" } else { "" };
            put!(self, " [", names, cut, "]");
        }
    }

    pub(super) fn node_reply(&mut self, at: usize, length: u32) -> Read<bool> {
        let captured = self.bytes.available(at);
        if length as usize > captured || !self.has(at, HEADER_LENGTH) {
            return Ok(false);
        }
        put!(self, " node information reply (");
        let code = self.u8(at + 1)?;
        let verbose = self.verbose();
        let remark = verbose && captured != HEADER_LENGTH;
        match code {
            0 if verbose => put!(self, "success"),
            1 => put!(self, "refused"),
            2 => put!(self, "unknown"),
            _ => {}
        }
        if code != 0 {
            if matches!(code, 1 | 2) && remark {
                put!(self, ", invalid length");
            }
            put!(self, ")");
            return Ok(true);
        }
        if verbose {
            put!(self, ", ");
        }
        let flags = self.u16(at + 6)?;
        match self.u16(at + 4)? {
            0 => {
                put!(self, "noop");
                if remark {
                    put!(self, ", invalid length");
                }
            }
            1 => self.supported_types(flags),
            2 => {
                put!(self, "DNS name");
                self.node_name(at + HEADER_LENGTH + 4)?;
                if flags & 1 != 0 {
                    put!(self, " [TTL=", self.u32(at + HEADER_LENGTH)?, "]");
                }
            }
            3 => {
                put!(self, "node addresses");
                let mut place = HEADER_LENGTH;
                while place + 20 <= captured {
                    put!(
                        self,
                        " ",
                        self.v6(at + place + 4)?,
                        "(",
                        self.u32(at + place)?,
                        ")"
                    );
                    place += 20;
                }
                self.address_flags(flags, true);
            }
            _ => put!(self, "unknown"),
        }
        put!(self, ")");
        Ok(true)
    }

    /// A name, either counted or in labels, that ends with the packet.
    fn node_name(&mut self, at: usize) -> Read<()> {
        let first = self.u8(at)?;
        let end = self.bytes.end();
        if usize::from(first) + 1 == self.bytes.available(at) {
            if self.verbose() {
                put!(self, ", 03 draft");
            }
            put!(self, ", \"");
            let name = self.bytes.slice(at + 1, usize::from(first))?;
            self.escaped(name);
            put!(self, "\"");
            return Ok(());
        }
        put!(self, ", \"");
        let mut place = at;
        while place < end {
            let length = usize::from(self.u8(place)?);
            place += 1;
            if length == 0 {
                if place == end {
                    put!(self, ".");
                } else if place + 1 != end || self.u8(place)? != 0 {
                    put!(self, "???");
                }
                break;
            }
            if length > end - place {
                put!(self, "???");
                break;
            }
            let label = self.bytes.slice(place, length)?;
            self.escaped(label);
            place += length;
            if place + 1 < end && self.u8(place)? != 0 {
                put!(self, ".");
            }
        }
        put!(self, "\"");
        Ok(())
    }
}
