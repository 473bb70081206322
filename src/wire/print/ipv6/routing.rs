//! Where a packet with a source route is bound for in the end (RFC 8200 section 4.4, RFC 8754; RFC 791).

use super::{FRAGMENT_LENGTH, Next};
use crate::wire::bytes::Read;
use crate::wire::ip::{Protocol, v4, v6};
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Hex, put};

impl Dissector<'_> {
    pub(super) fn ipv6_routing(&mut self, at: usize) -> Read<Next> {
        self.protocol = "rt6";
        put!(self, "RT6");
        let units = self.u8(at + 1)?;
        put!(self, " (len=", units);
        let kind = self.u8(at + 2)?;
        put!(self, ", type=", kind);
        if kind == 0 {
            put!(self, " [Deprecated]");
        }
        put!(self, ", segleft=", self.u8(at + 3)?);
        match kind {
            0 | 2 => {
                let reserved = self.u32(at + 4)?;
                if reserved != 0 || self.verbose() {
                    put!(self, ", rsv=0x", Hex(reserved));
                }
            }
            4 => {
                put!(self, ", last-entry=", self.u8(at + 4)?);
                let flags = self.u8(at + 5)?;
                if flags != 0 || self.verbose() {
                    put!(self, ", flags=0x", Hex(u32::from(flags)));
                }
                put!(self, ", tag=", Hex(u32::from(self.u16(at + 6)?)));
            }
            _ => {
                put!(self, " (unknown type)");
                self.invalid();
                return Ok(Next::Stop);
            }
        }
        if units % 2 == 1 {
            put!(self, " (invalid length ", units, ")");
            self.invalid();
            return Ok(Next::Stop);
        }
        for segment in 0..usize::from(units / 2) {
            let address = self.v6(at + 8 + segment * 16)?;
            put!(self, ", [", segment, "]", address);
        }
        put!(self, ") ");
        Ok(Next::After((usize::from(units) + 1) * 8))
    }

    /// The destination that counts for checksums: behind a routing header, the last stop of the route.
    pub(in crate::wire::print) fn ipv6_final_destination(&self, at: usize) -> Read<[u8; 16]> {
        let destination = self.bytes.array(at + v6::DESTINATION)?;
        Ok(self.ipv6_last_segment(at)?.unwrap_or(destination))
    }

    fn ipv6_last_segment(&self, at: usize) -> Read<Option<[u8; 16]>> {
        let mut next = Protocol(self.u8(at + v6::NEXT_HEADER)?);
        let mut place = at;
        let mut advance = v6::HEADER_LENGTH;
        while place < self.bytes.end() {
            place += advance;
            match next {
                Protocol::HOP_BY_HOP
                | Protocol::DESTINATION_OPTIONS
                | Protocol::MOBILITY_OLD
                | Protocol::MOBILITY => {
                    advance = (usize::from(self.u8(place + 1)?) + 1) * 8;
                    next = Protocol(self.u8(place)?);
                }
                Protocol::FRAGMENT => {
                    advance = FRAGMENT_LENGTH;
                    next = Protocol(self.u8(place)?);
                }
                Protocol::ROUTING => {
                    if !self.has(place, 4) {
                        return Ok(None);
                    }
                    let units = self.u8(place + 1)?;
                    if units % 2 == 1 {
                        return Ok(None);
                    }
                    return Ok(match self.u8(place + 2)? {
                        0 | 2 => (0..usize::from(units / 2))
                            .map_while(|segment| self.bytes.array(place + 8 + segment * 16).ok())
                            .last(),
                        // The route stands in reverse, its last stop first.
                        4 => self.bytes.array(place + 8).ok(),
                        _ => None,
                    });
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// As [`Dissector::ipv6_final_destination`], behind IPv4's source route options.
    pub(in crate::wire::print) fn ipv4_final_destination(&self, at: usize) -> Read<[u8; 4]> {
        let destination = self.bytes.array(at + v4::DESTINATION)?;
        let header_length = usize::from(self.u8(at)? & 15) * 4;
        let end = at + header_length;
        let mut place = at + v4::OPTIONS;
        while place < end {
            let kind = self.u8(place)?;
            let length = match kind {
                0 => break,
                1 => 1,
                _ => usize::from(self.u8(place + 1)?),
            };
            if length == 0 || kind != 1 && length < 2 || length > end - place {
                break;
            }
            if !self.has(place, length) {
                break;
            }
            if matches!(kind, 131 | 137) && length >= 7 {
                return self.bytes.array(place + length - 4);
            }
            place += length;
        }
        Ok(destination)
    }
}
