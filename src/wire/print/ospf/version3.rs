//! OSPF, version 3 (RFC 5340), with its authentication trailer (RFC 7166).

use super::{
    ACKNOWLEDGEMENT, ADVERTISEMENT_HEADER, DESCRIPTION, HELLO, REQUEST, UPDATE, flags, type_name,
};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

/// Octets of the header in front of a message.
const HEADER: usize = 16;
const LINK_LOCAL_SIGNALLING: u32 = 0x0200;
/// Octets of an authentication trailer in front of its digest.
const TRAILER_HEADER: u32 = 16;

pub(super) const OPTIONS: [(u32, &str); 9] = [
    (0x0001, "V6"),
    (0x0002, "External"),
    (0x0004, "Deprecated"),
    (0x0008, "NSSA"),
    (0x0010, "Router"),
    (0x0020, "Demand Circuit"),
    (0x0100, "AFs Support"),
    (0x0200, "LLS"),
    (0x0400, "Authentication Trailer"),
];
const DESCRIPTION_FLAGS: [(u32, &str); 4] = [
    (0x04, "Init"),
    (0x02, "More"),
    (0x01, "Master"),
    (0x10, "IPv6 MTU"),
];

impl Dissector<'_> {
    pub(in crate::wire::print) fn ospf_v3(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ospf3";
        let kind = self.u8(at + 1)?;
        let version = self.u8(at)?;
        let name = type_name(kind);
        put!(self, "OSPFv", version);
        match name {
            Some(name) => put!(self, ", ", name),
            None => put!(self, ", unknown packet type (", kind, ")"),
        }
        put!(self, ", length ", length);
        if name.is_none() || !self.verbose() {
            return Ok(());
        }
        let said = u32::from(self.u16(at + 2)?);
        if said > length {
            put!(self, " [len ", said, "]");
            return Ok(());
        }
        self.ospf_origin(at)?;
        let instance = self.u8(at + 14)?;
        if instance != 0 {
            put!(self, ", Instance ", instance);
        }
        if version == 3 {
            let end = at + said as usize;
            let whole = self.ospf_v3_message(at, kind, end)?
                && self.ospf_v3_trailer(at, kind, end, length - said)?;
            if !whole {
                self.truncated();
            }
        }
        Ok(())
    }

    /// Answers false if the message is cut.
    fn ospf_v3_message(&mut self, at: usize, kind: u8, end: usize) -> Read<bool> {
        let body = at + HEADER;
        let in_full = self.options.verbosity > 1;
        match kind {
            HELLO => {
                let options = flags(self.u32(body + 4)?, &OPTIONS);
                put!(self, "\n\tOptions [", options, "]");
                put!(
                    self,
                    "\n\t  Hello Timer ",
                    self.u16(body + 8)?,
                    "s, Dead Timer ",
                    self.u16(body + 10)?,
                    "s, Interface-ID ",
                    self.v4(body)?,
                    ", Priority ",
                    self.u8(body + 4)?
                );
                self.ospf_designated(body + 12)?;
                if in_full {
                    put!(self, "\n\t  Neighbor List:");
                    for neighbour in (body + 20..end).step_by(4) {
                        put!(self, "\n\t    ", self.v4(neighbour)?);
                    }
                }
            }
            DESCRIPTION => {
                let options = flags(self.u32(body)?, &OPTIONS);
                put!(self, "\n\tOptions [", options, "]");
                let state = flags(u32::from(self.u8(body + 7)?), &DESCRIPTION_FLAGS);
                put!(self, ", DD Flags [", state, "]");
                put!(
                    self,
                    ", MTU ",
                    self.u16(body + 4)?,
                    ", DD-Sequence 0x",
                    HexZeros::<8>(self.u32(body + 8)?)
                );
                return Ok(!in_full || self.ospf_v3_headers(body + 12, end)?);
            }
            REQUEST if in_full => {
                for place in (body..end).step_by(12) {
                    if !self.has(place, 12) {
                        return Ok(false);
                    }
                    put!(self, "\n\t  Advertising Router ", self.v4(place + 8)?);
                    self.ospf_v3_kind(place + 2, place + 4)?;
                }
            }
            UPDATE if in_full => {
                let count = self.u32(body)?;
                let mut place = body + 4;
                for _ in 0..count {
                    if place >= end {
                        break;
                    }
                    if !self.ospf_v3_advertisement(place, end)? {
                        return Ok(false);
                    }
                    place += usize::from(self.u16(place + 18)?);
                }
            }
            ACKNOWLEDGEMENT if in_full => return self.ospf_v3_headers(body, end),
            _ => {}
        }
        Ok(true)
    }

    fn ospf_v3_headers(&mut self, at: usize, end: usize) -> Read<bool> {
        for place in (at..end).step_by(ADVERTISEMENT_HEADER) {
            if !self.ospf_v3_header(place, end)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Answers false if the header goes past the message's end.
    pub(super) fn ospf_v3_header(&mut self, at: usize, end: usize) -> Read<bool> {
        if at + ADVERTISEMENT_HEADER > end {
            return Ok(false);
        }
        // A length below the header's is printed as C's arithmetic leaves it.
        let length = u64::from(self.u16(at + 18)?).wrapping_sub(ADVERTISEMENT_HEADER as u64);
        put!(
            self,
            "\n\t  Advertising Router ",
            self.v4(at + 8)?,
            ", seq 0x",
            HexZeros::<8>(self.u32(at + 12)?),
            ", age ",
            self.u16(at)?,
            "s, length ",
            length
        );
        self.ospf_v3_kind(at + 2, at + 4)?;
        Ok(true)
    }

    pub(super) fn ospf_v3_kind(&mut self, kind: usize, id: usize) -> Read<()> {
        let kind = self.u16(kind)?;
        let number = kind & 0x1fff;
        let scope = match kind & 0x6000 {
            0 => "Link Local",
            0x2000 => "Area Local",
            0x4000 => "Domain Wide",
            _ => "Unknown",
        };
        put!(
            self,
            "\n\t    ",
            advertisement_name(number).unwrap_or("Unknown"),
            " LSA (",
            number,
            "), ",
            scope,
            " Scope",
            if kind & 0x8000 != 0 {
                ", transitive"
            } else {
                ""
            },
            ", LSA-ID ",
            self.v4(id)?
        );
        Ok(())
    }

    /// What follows the message; answers false if it is cut.
    fn ospf_v3_trailer(&mut self, at: usize, kind: u8, end: usize, length: u32) -> Read<bool> {
        let options = match kind {
            HELLO => self.u32(at + HEADER + 4)?,
            DESCRIPTION => self.u32(at + HEADER)?,
            _ => 0,
        };
        let (mut place, mut left) = (end, length);
        if options & LINK_LOCAL_SIGNALLING != 0 && left > 0 {
            if left < 4 {
                return Ok(false);
            }
            let sum = HexZeros::<4>(u32::from(self.u16(place)?));
            put!(self, "\n\tLLS Checksum 0x", sum);
            let octets = u32::from(self.u16(place + 2)?);
            put!(self, ", Data Length ", octets);
            if octets < 4 || octets > left || !self.has(place + 4, octets as usize - 4) {
                return Ok(false);
            }
            place += octets as usize;
            left -= octets;
        }
        self.ospf_v3_authentication(place, left)
    }

    fn ospf_v3_authentication(&mut self, at: usize, length: u32) -> Read<bool> {
        if length == 0 {
            return Ok(true);
        }
        if length < TRAILER_HEADER {
            return Ok(false);
        }
        match self.u16(at)? {
            1 => put!(self, "\n\tAuthentication Type HMAC"),
            kind => {
                let digits = HexZeros::<4>(u32::from(kind));
                put!(self, "\n\tAuthentication Type unknown (0x", digits, ")");
            }
        }
        let octets = u32::from(self.u16(at + 2)?);
        put!(self, ", Length ", octets);
        if octets < TRAILER_HEADER || octets > length {
            return Ok(false);
        }
        put!(self, ", SAID ", self.u16(at + 6)?);
        put!(self, ", CSN 0x", HexZeros::<8>(self.u32(at + 8)?));
        put!(self, ":", HexZeros::<8>(self.u32(at + 12)?));
        let digest = (octets - TRAILER_HEADER) as usize;
        if !self.has(at + 16, digest) {
            return Ok(false);
        }
        if self.options.verbosity > 1 {
            self.unknown_data("\n\tAuthentication Data ", at + 16, digest);
        }
        Ok(true)
    }
}

fn advertisement_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "Router",
        2 => "Network",
        3 => "Inter-Area Prefix",
        4 => "Inter-Area Router",
        5 => "External",
        6 => "Deprecated",
        7 => "NSSA",
        8 => "Link",
        9 => "Intra-Area Prefix",
        10 => "Intra-Area TE",
        11 => "Grace",
        12 => "Router Information",
        13 => "Inter-AS-TE",
        14 => "Layer 1 VPN",
        _ => return None,
    })
}
