//! What OSPF version 3's routers advertise: links, networks and prefixes (RFC 5340 appendix A.4).

use super::version3::OPTIONS;
use super::{ADVERTISEMENT_HEADER, flags};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, V6, put};

const ROUTER_FLAGS: [(u32, &str); 5] = [
    (0x01, "ABR"),
    (0x02, "External"),
    (0x04, "Virtual-Link Endpoint"),
    (0x08, "Deprecated"),
    (0x10, "NSSA Translator"),
];
const EXTERNAL_FLAGS: [(u32, &str); 3] = [
    (0x8000_0000, "External Type 2"),
    (0x0200_0000, "Forwarding"),
    (0x0100_0000, "Tag"),
];
const PREFIX_OPTIONS: [(u32, &str); 6] = [
    (0x01, "No Unicast"),
    (0x02, "Local address"),
    (0x04, "Deprecated"),
    (0x08, "Propagate"),
    (0x10, "Down"),
    (0x20, "N-bit"),
];

/// What is left of an advertisement.
struct Rest {
    at: usize,
    left: usize,
}

impl Rest {
    /// The next octets' place, if the advertisement is that long, whether they were captured or not.
    fn take(&mut self, octets: usize) -> Option<usize> {
        self.left = self.left.checked_sub(octets)?;
        let at = self.at;
        self.at += octets;
        Some(at)
    }
}

impl Dissector<'_> {
    /// Answers false if the advertisement is cut.
    pub(super) fn ospf_v3_advertisement(&mut self, at: usize, end: usize) -> Read<bool> {
        if !self.ospf_v3_header(at, end)? {
            return Ok(false);
        }
        let length = usize::from(self.u16(at + 18)?);
        if length < ADVERTISEMENT_HEADER || at + length > end {
            return Ok(false);
        }
        let mut rest = Rest {
            at: at + ADVERTISEMENT_HEADER,
            left: length - ADVERTISEMENT_HEADER,
        };
        Ok(match self.u16(at + 2)? {
            0x2001 => self.ospf_v3_links(&mut rest)?,
            0x2002 => self.ospf_v3_network(&mut rest)?,
            0x2003 => self.ospf_v3_between_areas(&mut rest)?,
            0x4005 => self.ospf_v3_external(&mut rest)?,
            0x0008 => self.ospf_v3_link(&mut rest)?,
            0x2009 => self.ospf_v3_inside_area(&mut rest)?,
            0x000a => self.ospf_engineering(rest.at, rest.left)?.then_some(()),
            0x000b => self.ospf_restart(rest.at, rest.left)?.then_some(()),
            _ => {
                self.unknown_data("\n\t      ", rest.at, rest.left);
                Some(())
            }
        }
        .is_some())
    }

    fn ospf_v3_options(&mut self, rest: &mut Rest) -> Read<Option<usize>> {
        let Some(at) = rest.take(4) else {
            return Ok(None);
        };
        let options = flags(self.u32(at)?, &OPTIONS);
        put!(self, "\n\t      Options [", options, "]");
        Ok(Some(at))
    }

    fn ospf_v3_links(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let Some(at) = self.ospf_v3_options(rest)? else {
            return Ok(None);
        };
        let named = flags(u32::from(self.u8(at)?), &ROUTER_FLAGS);
        put!(self, ", RLA-Flags [", named, "]");
        while rest.left > 0 {
            let Some(link) = rest.take(16).filter(|&link| self.has(link, 16)) else {
                return Ok(None);
            };
            let title = match self.u8(link)? {
                1 => "\n\t      Neighbor Router-ID ",
                2 => "\n\t      Neighbor Network-ID ",
                4 => "\n\t      Virtual Link: Neighbor Router-ID ",
                kind => {
                    let digits = HexZeros::<2>(u32::from(kind));
                    put!(self, "\n\t      Unknown Router Links Type 0x", digits);
                    return Ok(Some(()));
                }
            };
            put!(
                self,
                title,
                self.v4(link + 12)?,
                "\n\t      Neighbor Interface-ID ",
                self.v4(link + 8)?,
                ", Interface ",
                self.v4(link + 4)?,
                ", metric ",
                self.u16(link + 2)?
            );
        }
        Ok(Some(()))
    }

    fn ospf_v3_network(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if self.ospf_v3_options(rest)?.is_none() {
            return Ok(None);
        }
        put!(self, "\n\t      Connected Routers:");
        while rest.left > 0 {
            let Some(router) = rest.take(4) else {
                return Ok(None);
            };
            put!(self, "\n\t\t", self.v4(router)?);
        }
        Ok(Some(()))
    }

    fn ospf_v3_between_areas(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let Some(at) = rest.take(4) else {
            return Ok(None);
        };
        put!(self, ", metric ", self.u32(at)? & 0xff_ffff);
        while rest.left > 0 {
            if self.ospf_v3_prefix(rest)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn ospf_v3_external(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let Some(at) = rest.take(4) else {
            return Ok(None);
        };
        let metric = self.u32(at)?;
        let named = flags(metric, &EXTERNAL_FLAGS);
        put!(self, "\n\t     Flags [", named, "]");
        put!(self, " metric ", metric & 0xff_ffff);
        let prefix = rest.at;
        if self.ospf_v3_prefix(rest)?.is_none() {
            return Ok(None);
        }
        if metric & 0x0200_0000 != 0 {
            let Some(at) = rest.take(16) else {
                return Ok(None);
            };
            put!(self, " forward ", self.v6(at)?);
        }
        let has_tag = metric & 0x0100_0000 != 0;
        // tcpdump looks at the first octet of the number that says whether another advertisement is meant.
        let has_other = self.u8(prefix + 2)? != 0;
        for (title, is_there) in [(" tag ", has_tag), (" RefLSID: ", has_other)] {
            if is_there {
                let Some(at) = rest.take(4) else {
                    return Ok(None);
                };
                put!(self, title, self.v4(at)?);
            }
        }
        Ok(Some(()))
    }

    fn ospf_v3_link(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        if rest.left >= 4 && !self.has(rest.at, 4) {
            return Ok(None);
        }
        let Some(priority) = self.ospf_v3_options(rest)? else {
            return Ok(None);
        };
        let Some(at) = rest.take(20) else {
            return Ok(None);
        };
        let prefixes = self.u32(at + 16)?;
        put!(
            self,
            "\n\t      Priority ",
            self.u8(priority)?,
            ", Link-local address ",
            self.v6(at)?,
            ", Prefixes ",
            prefixes,
            ":"
        );
        self.ospf_v3_prefixes(rest, prefixes)
    }

    fn ospf_v3_inside_area(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let at = rest.at;
        // tcpdump counts no more than the number of prefixes and who is meant.
        if rest.left < 4 || !self.has(at + 8, 4) {
            return Ok(None);
        }
        self.ospf_v3_kind(at + 2, at + 4)?;
        if rest.left < 6 {
            return Ok(None);
        }
        let prefixes = u32::from(self.u16(at)?);
        put!(self, "\n\t      Prefixes ", prefixes, ":");
        rest.left -= 6;
        rest.at += 12;
        self.ospf_v3_prefixes(rest, prefixes)
    }

    fn ospf_v3_prefixes(&mut self, rest: &mut Rest, count: u32) -> Read<Option<()>> {
        for _ in 0..count {
            if self.ospf_v3_prefix(rest)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn ospf_v3_prefix(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        let Some(at) = rest.take(4).filter(|&at| self.has(at, 4)) else {
            return Ok(None);
        };
        let bits = self.u8(at)?;
        let octets = usize::from(bits).div_ceil(32) * 4;
        if octets > 16 {
            put!(self, " bogus prefixlen /", bits);
            return Ok(None);
        }
        let Some(place) = rest.take(octets) else {
            return Ok(None);
        };
        let mut prefix = [0; 16];
        let said = self.bytes.slice(place, octets)?;
        for (octet, &said) in prefix.iter_mut().zip(said) {
            *octet = said;
        }
        put!(self, "\n\t\t", V6(prefix), "/", bits);
        let options = u32::from(self.u8(at + 1)?);
        if options != 0 {
            let named = flags(options, &PREFIX_OPTIONS);
            put!(self, ", Options [", named, "]");
        }
        put!(self, ", metric ", self.u16(at + 2)?);
        Ok(Some(()))
    }
}
