//! What OSPF version 2's routers advertise (RFC 2328 appendix A.4).

use super::{ADVERTISEMENT_HEADER, OPTIONS, flags, opaque};
use crate::wire::bytes::{Cut, Read};
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

const ROUTER: u8 = 1;
const NETWORK: u8 = 2;
const SUMMARY: u8 = 3;
const BORDER_SUMMARY: u8 = 4;
const EXTERNAL: u8 = 5;
const GROUP: u8 = 6;
const STUBBY: u8 = 7;

const ROUTER_FLAGS: [(u32, &str); 6] = [
    (0x01, "ABR"),
    (0x02, "ASBR"),
    (0x04, "Virtual"),
    (0x08, "Wildcard"),
    (0x10, "Nt"),
    (0x80, "Host"),
];

impl Dissector<'_> {
    /// A header; answers how many octets it says the advertisement has, or nothing if it says too few.
    pub(super) fn ospf_advertisement_header(&mut self, at: usize) -> Read<Option<usize>> {
        let length = usize::from(self.u16(at + 18)?);
        if length < ADVERTISEMENT_HEADER {
            put!(self, "\n\t    Bogus length ", length, " < header (20)");
            return Ok(None);
        }
        put!(
            self,
            "\n\t  Advertising Router ",
            self.v4(at + 8)?,
            ", seq 0x",
            HexZeros::<8>(self.u32(at + 12)?),
            ", age ",
            self.u16(at)?,
            "s, length ",
            length - ADVERTISEMENT_HEADER
        );
        let kind = self.u8(at + 3)?;
        let name = name(u32::from(kind)).unwrap_or("unknown");
        if matches!(kind, 9..=11) {
            let opaque = self.u8(at + 4)?;
            let id = self.u24(at + 5)?;
            put!(self, "\n\t    ", name, " LSA (", kind, "), Opaque-Type ");
            put!(
                self,
                opaque::name(opaque),
                " LSA (",
                opaque,
                "), Opaque-ID ",
                id
            );
        } else {
            let id = self.v4(at + 4)?;
            put!(self, "\n\t    ", name, " LSA (", kind, "), LSA-ID: ", id);
        }
        let options = flags(u32::from(self.u8(at + 2)?), &OPTIONS);
        put!(self, "\n\t    Options: [", options, "]");
        Ok(Some(length))
    }

    /// An advertisement; answers where the next one starts. One whose length cannot be ends the packet.
    pub(super) fn ospf_advertisement(&mut self, at: usize) -> Read<usize> {
        let length = self.ospf_advertisement_header(at)?.ok_or(Cut)?;
        let end = at + length;
        let (body, octets) = (at + ADVERTISEMENT_HEADER, length - ADVERTISEMENT_HEADER);
        let whole = match self.u8(at + 3)? {
            ROUTER => self.ospf_links(body)?,
            NETWORK => {
                put!(self, "\n\t    Mask ", self.v4(body)?);
                put!(self, "\n\t    Connected Routers:");
                for router in (body + 4..end).step_by(4) {
                    put!(self, "\n\t      ", self.v4(router)?);
                }
                true
            }
            kind @ (SUMMARY | BORDER_SUMMARY) => {
                if kind == SUMMARY {
                    put!(self, "\n\t    Mask ", self.v4(body)?);
                }
                self.bytes.slice(body + 4, 4)?;
                for place in (body + 4..end).step_by(4) {
                    let metric = self.u32(place)?;
                    self.ospf_topology(metric >> 24 & 0x7f);
                    put!(self, " metric ", metric & 0xff_ffff);
                }
                true
            }
            EXTERNAL | STUBBY => {
                put!(self, "\n\t    Mask ", self.v4(body)?);
                self.bytes.slice(body + 4, 4)?;
                for place in (body + 4..end).step_by(12) {
                    self.ospf_external(place)?;
                }
                true
            }
            GROUP => {
                for place in (body..end).step_by(8) {
                    match self.u32(place)? {
                        1 => put!(self, "\n\t    Router Router-ID ", self.v4(place + 4)?),
                        2 => {
                            let router = self.v4(place + 4)?;
                            put!(self, "\n\t    Network Designated Router ", router);
                        }
                        kind => put!(self, "\n\t    unknown VertexType (", kind, ")"),
                    }
                }
                true
            }
            9..=11 => {
                let kind = self.u8(at + 4)?;
                self.ospf_opaque(kind, body, octets)?
            }
            _ => true,
        };
        if whole && self.options.verbosity > 1 {
            self.unknown_data("\n\t    ", body, octets);
        }
        Ok(end)
    }

    fn ospf_topology(&mut self, topology: u32) {
        let name = match topology {
            0 => "default",
            1 => "multicast",
            2 => "management",
            _ => "Unknown",
        };
        put!(self, "\n\t\ttopology ", name, " (", topology, ")");
    }

    /// A router's links; answers false at one of a kind not known.
    fn ospf_links(&mut self, at: usize) -> Read<bool> {
        let options = flags(u32::from(self.u8(at)?), &ROUTER_FLAGS);
        put!(self, "\n\t    Router LSA Options: [", options, "]");
        let count = self.u16(at + 2)?;
        let mut link = at + 4;
        self.bytes.slice(link, 12)?;
        for _ in 0..count {
            self.bytes.slice(link, 12)?;
            let (first, second) = match self.u8(link + 8)? {
                1 => ("\n\t      Neighbor Router-ID: ", ", Interface Address: "),
                2 => ("\n\t      Neighbor Network-ID: ", ", Interface Address: "),
                3 => ("\n\t      Stub Network: ", ", Mask: "),
                4 => (
                    "\n\t      Virtual Link: Neighbor Router-ID: ",
                    ", Interface Address: ",
                ),
                kind => {
                    put!(self, "\n\t      Unknown Router Link Type (", kind, ")");
                    return Ok(false);
                }
            };
            put!(self, first, self.v4(link)?, second, self.v4(link + 4)?);
            let more = usize::from(self.u8(link + 9)?);
            for n in 0..=more {
                let place = link + 8 + n * 4;
                let kind = self.u8(place)?;
                let metric = self.u16(place + 2)?;
                // What the first one has there is the link's kind.
                self.ospf_topology(if n == 0 { 0 } else { u32::from(kind) });
                put!(self, ", metric ", metric);
            }
            link += 12 + more * 4;
        }
        Ok(true)
    }

    fn ospf_external(&mut self, at: usize) -> Read<()> {
        let metric = self.u32(at)?;
        self.ospf_topology(metric >> 24 & 0x7f);
        let kind = if metric >> 31 != 0 { 2u8 } else { 1 };
        put!(self, ", type ", kind, ", metric");
        match metric & 0xff_ffff {
            0xff_ffff => put!(self, " infinite"),
            metric => put!(self, " ", metric),
        }
        if self.u32(at + 4)? != 0 {
            put!(self, ", forward ", self.v4(at + 4)?);
        }
        if self.u32(at + 8)? != 0 {
            put!(self, ", tag ", self.v4(at + 8)?);
        }
        Ok(())
    }
}

pub(super) fn name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        1 => "Router",
        2 => "Network",
        3 => "Summary",
        4 => "ASBR Summary",
        5 => "External",
        6 => "Multicast Group",
        7 => "NSSA",
        9 => "Link Local Opaque",
        10 => "Area Local Opaque",
        11 => "Domain Wide Opaque",
        _ => return None,
    })
}
