//! OSPF, version 2 (RFC 2328).

mod advertisement;
mod engineering;
mod opaque;
mod prefix;
mod version3;

use super::dissector::Dissector;
use super::text::{Bits, HexZeros, put};
use crate::wire::bytes::Read;

/// Octets of the header in front of a message.
const HEADER: usize = 24;
const HELLO: u8 = 1;
const DESCRIPTION: u8 = 2;
const REQUEST: u8 = 3;
const UPDATE: u8 = 4;
const ACKNOWLEDGEMENT: u8 = 5;
/// Octets of an advertisement's header.
const ADVERTISEMENT_HEADER: usize = 20;
/// The kind of authentication that puts a digest behind the message, and how long that is.
const DIGEST: (u16, u32) = (2, 16);
const LINK_LOCAL_SIGNALLING: u8 = 0x10;

const OPTIONS: [(u32, &str); 8] = [
    (0x01, "MultiTopology"),
    (0x02, "External"),
    (0x04, "Multicast"),
    (0x08, "NSSA"),
    (0x10, "LLS"),
    (0x20, "Demand Circuit"),
    (0x40, "Opaque"),
    (0x80, "Up/Down"),
];
const DESCRIPTION_FLAGS: [(u32, &str); 4] = [
    (0x04, "Init"),
    (0x02, "More"),
    (0x01, "Master"),
    (0x08, "OOBResync"),
];

/// The names of flags that are set, or `none`.
fn flags(value: u32, names: &'static [(u32, &'static str)]) -> Bits<'static> {
    Bits {
        value,
        names,
        separator: ", ",
        none: "none",
    }
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        HELLO => "Hello",
        DESCRIPTION => "Database Description",
        REQUEST => "LS-Request",
        UPDATE => "LS-Update",
        ACKNOWLEDGEMENT => "LS-Ack",
        _ => return None,
    })
}

impl Dissector<'_> {
    pub(super) fn ospf(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ospf2";
        let authentication = self.u16(at + 14)?;
        let mut length = length;
        if authentication == DIGEST.0 {
            // Not part of the message, and not looked at.
            length = length.wrapping_sub(DIGEST.1);
            let end = self.bytes.end().saturating_sub(DIGEST.1 as usize);
            self.bytes.set_end(end);
        }
        let kind = self.u8(at + 1)?;
        let version = self.u8(at)?;
        let name = type_name(kind);
        put!(self, "OSPFv", version);
        match name {
            Some(name) => put!(self, ", ", name),
            None => put!(self, ", unknown LS-type ", kind),
        }
        put!(self, ", length ", length);
        if name.is_none() || !self.verbose() {
            return Ok(());
        }
        let said = u32::from(self.u16(at + 2)?);
        if length != said {
            put!(self, " [len ", said, "]");
        }
        self.ospf_origin(at)?;
        if !self.ospf_authentication(at, authentication)? {
            return Ok(());
        }
        if version != 2 {
            put!(self, " ospf [version ", version, "]");
            return Ok(());
        }
        self.ospf_message(at, kind, at + length.min(said) as usize)?;
        if length > said {
            self.ospf_signalling(at, kind, authentication, length)?;
        }
        Ok(())
    }

    /// Which router of which area says it.
    fn ospf_origin(&mut self, at: usize) -> Read<()> {
        put!(self, "\n\tRouter-ID ", self.v4(at + 4)?);
        if self.u32(at + 8)? == 0 {
            put!(self, ", Backbone Area");
        } else {
            put!(self, ", Area ", self.v4(at + 8)?);
        }
        Ok(())
    }

    /// Answers false if nothing more can be read.
    fn ospf_authentication(&mut self, at: usize, kind: u16) -> Read<bool> {
        let data = self.bytes.slice(at + 16, 8)?;
        put!(self, ", Authentication Type: ");
        let name = match kind {
            0 => "none",
            1 => "simple",
            2 => "MD5",
            _ => "unknown",
        };
        put!(self, name, " (", kind, ")");
        match kind {
            0 => {}
            1 => {
                put!(self, "\n\tSimple text password: ");
                let end = data.iter().position(|&octet| octet == 0);
                self.escaped(data.get(..end.unwrap_or(data.len())).unwrap_or_default());
            }
            2 => put!(
                self,
                "\n\tKey-ID: ",
                self.u8(at + 18)?,
                ", Auth-Length: ",
                self.u8(at + 19)?,
                ", Crypto Sequence Number: 0x",
                HexZeros::<8>(self.u32(at + 20)?)
            ),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn ospf_message(&mut self, at: usize, kind: u8, end: usize) -> Read<()> {
        let body = at + HEADER;
        match kind {
            HELLO => self.ospf_hello(body, end),
            DESCRIPTION => {
                let options = flags(u32::from(self.u8(body + 2)?), &OPTIONS);
                put!(self, "\n\tOptions [", options, "]");
                let state = flags(u32::from(self.u8(body + 3)?), &DESCRIPTION_FLAGS);
                put!(self, ", DD Flags [", state, "]");
                let mtu = self.u16(body)?;
                if mtu != 0 {
                    put!(self, ", MTU: ", mtu);
                }
                put!(self, ", Sequence: 0x", HexZeros::<8>(self.u32(body + 4)?));
                let mut place = body + 8;
                while place < end && self.ospf_advertisement_header(place)?.is_some() {
                    place += ADVERTISEMENT_HEADER;
                }
                Ok(())
            }
            REQUEST => {
                for place in (body..end).step_by(12) {
                    self.ospf_request(place)?;
                }
                Ok(())
            }
            UPDATE => {
                let count = self.u32(body)?;
                put!(self, ", ", count, if count == 1 { " LSA" } else { " LSAs" });
                let mut place = body + 4;
                for number in 1..=count {
                    put!(self, "\n\t  LSA #", number);
                    place = self.ospf_advertisement(place)?;
                }
                Ok(())
            }
            _ => {
                // Up to where there is none: tcpdump does not ask for the message's end.
                let mut place = body;
                while self.ospf_advertisement_header(place)?.is_some() {
                    place += ADVERTISEMENT_HEADER;
                }
                Ok(())
            }
        }
    }

    fn ospf_hello(&mut self, at: usize, end: usize) -> Read<()> {
        let options = flags(u32::from(self.u8(at + 6)?), &OPTIONS);
        put!(self, "\n\tOptions [", options, "]");
        put!(
            self,
            "\n\t  Hello Timer ",
            self.u16(at + 4)?,
            "s, Dead Timer ",
            self.u32(at + 8)?,
            "s, Mask ",
            self.v4(at)?,
            ", Priority ",
            self.u8(at + 7)?
        );
        self.ospf_designated(at + 12)?;
        if at + 20 < end {
            put!(self, "\n\t  Neighbor List:");
        }
        for neighbour in (at + 20..end).step_by(4) {
            put!(self, "\n\t    ", self.v4(neighbour)?);
        }
        Ok(())
    }

    /// The router that speaks for a link, and the one that takes its place.
    fn ospf_designated(&mut self, at: usize) -> Read<()> {
        if self.u32(at)? != 0 {
            put!(self, "\n\t  Designated Router ", self.v4(at)?);
        }
        if self.u32(at + 4)? != 0 {
            put!(self, ", Backup Designated Router ", self.v4(at + 4)?);
        }
        Ok(())
    }

    fn ospf_request(&mut self, at: usize) -> Read<()> {
        self.bytes.slice(at, 12)?;
        let kind = self.u32(at)?;
        let name = advertisement::name(kind).unwrap_or("unknown");
        put!(self, "\n\t  Advertising Router: ", self.v4(at + 8)?, ", ");
        put!(self, name, " LSA (", kind, ")");
        if matches!(kind, 9..=11) {
            let opaque = self.u8(at + 4)?;
            put!(
                self,
                ", Opaque-Type: ",
                opaque::name(opaque),
                " LSA (",
                opaque,
                "), Opaque-ID: ",
                self.u24(at + 5)?
            );
        } else {
            put!(self, ", LSA-ID: ", self.v4(at + 4)?);
        }
        Ok(())
    }

    /// What neighbours tell each other beside the message (RFC 5613).
    fn ospf_signalling(
        &mut self,
        at: usize,
        kind: u8,
        authentication: u16,
        length: u32,
    ) -> Read<()> {
        let options = match kind {
            HELLO => self.u8(at + HEADER + 6)?,
            DESCRIPTION => self.u8(at + HEADER + 2)?,
            _ => return Ok(()),
        };
        if options & LINK_LOCAL_SIGNALLING == 0 {
            return Ok(());
        }
        let mut passed = u32::from(self.u16(at + 2)?);
        if authentication == DIGEST.0 {
            passed += u32::from(self.u8(at + 19)?);
        }
        if passed >= length {
            put!(self, "\n\t[LLS truncated]");
            return Ok(());
        }
        let mut place = at + passed as usize;
        let end = at + length as usize;
        let sum = HexZeros::<4>(u32::from(self.u16(place)?));
        put!(self, "\n\t  LLS: checksum: 0x", sum);
        put!(self, ", length: ", self.u16(place + 2)?);
        place += 4;
        while place < end {
            let kind = self.u16(place)?;
            let name = match kind {
                1 => "Extended Options",
                2 => "MD5 Authentication",
                _ => "Unknown TLV",
            };
            put!(self, "\n\t    ", name, " (", kind, ")");
            let length = self.u16(place + 2)?;
            put!(self, ", length: ", length);
            place += 4;
            let octets = match kind {
                1 => 4,
                2 => 20,
                _ => length,
            };
            if length != octets {
                put!(self, " [should be ", octets, "]");
            }
            if kind == 1 {
                let value = self.u32(place)?;
                let named = Bits {
                    value,
                    names: &[(1, "LSDB resync"), (2, "Restart")],
                    separator: ", ",
                    none: "?",
                };
                let digits = HexZeros::<8>(value);
                put!(self, "\n\t      Options: 0x", digits, " [", named, "]");
            } else if kind == 2 {
                let sequence = HexZeros::<8>(self.u32(place)?);
                put!(self, "\n\t      Sequence number: 0x", sequence);
            }
            place += usize::from(octets);
        }
        Ok(())
    }
}
