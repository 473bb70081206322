//! GRE (RFC 1701, RFC 2784, RFC 2890) and its version 1 for PPTP (RFC 2637).

use super::dissector::Dissector;
use super::text::{Bits, Hex, HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::ethernet::EtherType;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;

const FLAG_NAMES: [(u32, &str); 6] = [
    (CHECKSUM as u32, "checksum present"),
    (ROUTING as u32, "routing present"),
    (KEY as u32, "key present"),
    (SEQUENCE as u32, "sequence# present"),
    (0x0800, "source routing present"),
    (ACKNOWLEDGEMENT as u32, "ack present"),
];

/// Reads header fields one after the other, as far as both the capture and the length reach.
struct Fields {
    at: usize,
    left: u32,
}

impl Fields {
    /// The next `octets` octets' place, if they are there.
    fn take(&mut self, dissector: &Dissector<'_>, octets: usize) -> Option<usize> {
        if !dissector.has(self.at, octets) || self.left < octets as u32 {
            return None;
        }
        let at = self.at;
        self.at += octets;
        self.left -= octets as u32;
        Some(at)
    }
}

impl Dissector<'_> {
    pub(super) fn gre(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "gre";
        let mut fields = Fields { at, left: length };
        let Some(flags_at) = fields.take(self, 2) else {
            self.truncated();
            return Ok(());
        };
        let flags = self.u16(flags_at)?;
        let version = flags & 7;
        put!(self, "GREv", version);
        let whole = match version {
            0 => self.gre_0(&mut fields, flags, length)?,
            1 => self.gre_1(&mut fields, flags, length)?,
            _ => {
                put!(self, " ERROR: unknown-version");
                Some(())
            }
        };
        if whole.is_none() {
            self.truncated();
        }
        Ok(())
    }

    fn gre_flags(&mut self, flags: u16) {
        if self.verbose() {
            let names = Bits {
                value: u32::from(flags),
                names: &FLAG_NAMES,
                separator: ", ",
                none: "none",
            };
            put!(self, ", Flags [", names, "]");
        }
    }

    fn gre_protocol(&mut self, protocol: u16, length: u32) {
        if self.options.link_header {
            let name = EtherType(protocol).name().unwrap_or("unknown");
            put!(
                self,
                ", proto ",
                name,
                " (0x",
                HexZeros::<4>(u32::from(protocol)),
                ")"
            );
        }
        put!(self, ", length ", length);
    }

    /// Answers nothing if the header is cut.
    fn gre_0(&mut self, fields: &mut Fields, flags: u16, length: u32) -> Read<Option<()>> {
        self.gre_flags(flags);
        let Some(protocol_at) = fields.take(self, 2) else {
            return Ok(None);
        };
        let protocol = self.u16(protocol_at)?;
        if flags & (CHECKSUM | ROUTING) != 0 {
            let Some(place) = fields.take(self, 2) else {
                return Ok(None);
            };
            if self.verbose() {
                put!(self, ", sum 0x", Hex(u32::from(self.u16(place)?)));
            }
            let Some(place) = fields.take(self, 2) else {
                return Ok(None);
            };
            put!(self, ", off 0x", Hex(u32::from(self.u16(place)?)));
        }
        if flags & KEY != 0 {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            put!(self, ", key=0x", Hex(self.u32(place)?));
        }
        if flags & SEQUENCE != 0 {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            put!(self, ", seq ", self.u32(place)?);
        }
        if flags & ROUTING != 0 && self.gre_routes(fields)?.is_none() {
            return Ok(None);
        }
        self.gre_protocol(protocol, length);
        put!(self, if self.verbose() { "\n\t" } else { ": " });
        let (at, left) = (fields.at, fields.left);
        match EtherType(protocol) {
            EtherType::IPV4 => self.ipv4(at, left)?,
            EtherType::IPV6 => self.ipv6(at, left)?,
            EtherType::MPLS => self.mpls(at, left)?,
            EtherType::GRE_OSI => self.osi(at, left)?,
            EtherType::TRANSPARENT_BRIDGING => {
                let captured = self.bytes.available(at) as u32;
                self.ethernet(at, left, captured)?;
            }
            _ => put!(self, "gre-proto-0x", Hex(u32::from(protocol))),
        }
        Ok(Some(()))
    }

    /// Source routes up to the empty one; answers nothing if they are cut.
    fn gre_routes(&mut self, fields: &mut Fields) -> Read<Option<()>> {
        loop {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            let family = self.u16(place)?;
            let offset = self.u8(place + 2)?;
            let octets = self.u8(place + 3)?;
            if family == 0 && octets == 0 {
                return Ok(Some(()));
            }
            if self.gre_route(fields, family, offset, octets)?.is_none() {
                return Ok(None);
            }
            if fields.left < u32::from(octets) {
                return Ok(None);
            }
            fields.at += usize::from(octets);
            fields.left -= u32::from(octets);
        }
    }

    /// One entry of a source route; answers nothing if it is cut.
    fn gre_route(
        &mut self,
        fields: &Fields,
        family: u16,
        offset: u8,
        octets: u8,
    ) -> Read<Option<()>> {
        let (name, step) = match family {
            0x0800 => ("ip", 4),
            0xfffe => ("asn", 2),
            _ => {
                put!(self, ", (rtaf=0x", Hex(u32::from(family)), ")");
                return Ok(Some(()));
            }
        };
        put!(self, ", (rtaf=", name);
        let mut whole = Some(());
        if !offset.is_multiple_of(step) {
            put!(self, ", badoffset=", offset);
        } else if !octets.is_multiple_of(step) {
            put!(self, ", badlength=", octets);
        } else if offset >= octets {
            put!(self, ", badoff/len=", offset, "/", octets);
        } else {
            for place in (0..octets).step_by(usize::from(step)) {
                let at = fields.at + usize::from(place);
                let left = fields.left.saturating_sub(u32::from(place));
                if !self.has(at, usize::from(step)) || left < u32::from(step) {
                    whole = None;
                    break;
                }
                put!(self, if place == offset { " *" } else { " " });
                if step == 4 {
                    put!(self, self.v4(at)?);
                } else {
                    put!(self, Hex(u32::from(self.u16(at)?)));
                }
            }
        }
        put!(self, ")");
        Ok(whole)
    }

    fn gre_1(&mut self, fields: &mut Fields, flags: u16, length: u32) -> Read<Option<()>> {
        self.gre_flags(flags);
        let Some(protocol_at) = fields.take(self, 2) else {
            return Ok(None);
        };
        let protocol = self.u16(protocol_at)?;
        if flags & KEY != 0 {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            put!(self, ", call ", self.u32(place)? & 0xffff);
        }
        if flags & SEQUENCE != 0 {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            put!(self, ", seq ", self.u32(place)?);
        }
        if flags & ACKNOWLEDGEMENT != 0 {
            let Some(place) = fields.take(self, 4) else {
                return Ok(None);
            };
            put!(self, ", ack ", self.u32(place)?);
        }
        if flags & SEQUENCE == 0 {
            put!(self, ", no-payload");
        }
        self.gre_protocol(protocol, length);
        if flags & SEQUENCE != 0 {
            put!(self, if self.verbose() { "\n\t" } else { ": " });
            if EtherType(protocol) == EtherType::PPP {
                self.ppp(fields.at, fields.left)?;
            } else {
                put!(self, "gre-proto-0x", Hex(u32::from(protocol)));
            }
        }
        Ok(Some(()))
    }
}
