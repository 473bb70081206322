//! RIP for IPv4, versions 1 (RFC 1058) and 2 (RFC 2453, RFC 4822), and for IPv6 (RFC 2080).

use super::dissector::Dissector;
use super::link::bsd_family;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;

/// Octets in front of the routes.
const HEADER: u32 = 4;
/// Octets of a route, or of what proves who speaks.
const ROUTE: u32 = 20;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
const IPV4: u16 = 2;
const AUTHENTICATION: u16 = 0xffff;
/// Hops to where no route leads.
const INFINITY: u8 = 16;

impl Dissector<'_> {
    pub(super) fn rip(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "rip";
        let whole = length;
        let length = length.min(self.bytes.available(at) as u32);
        if length < HEADER {
            self.truncated();
            return Ok(());
        }
        let version = self.u8(at + 1)?;
        let lead = if self.verbose() { "\n\t" } else { "" };
        put!(self, lead, "RIPv", version);
        if version == 0 {
            self.unknown_data("\n\t", at, whole as usize);
            return Ok(());
        }
        let command = self.u8(at)?;
        match command_name(command) {
            Some(name) => put!(self, ", ", name, ", length: ", whole),
            None => put!(self, ", unknown command (", command, "), length: ", whole),
        }
        if !self.verbose() {
            return Ok(());
        }
        match (command, version) {
            (REQUEST | RESPONSE, 1 | 2) => {
                put!(self, ", routes: ", whole / ROUTE);
                put!(self, if version == 2 { " or less" } else { "" });
                self.rip_entries(at + HEADER as usize, length - HEADER, version)?;
            }
            (REQUEST | RESPONSE, _) => put!(self, ", unknown version"),
            (4..=6, _) => {}
            _ if self.options.verbosity <= 1 => self.unknown_data("\n\t", at, whole as usize),
            _ => {}
        }
        if self.options.verbosity > 1 {
            self.unknown_data("\n\t", at, whole as usize);
        }
        Ok(())
    }

    fn rip_entries(&mut self, at: usize, length: u32, version: u8) -> Read<()> {
        let (mut at, mut left) = (at, length);
        while left > 0 {
            let entry = if version == 1 {
                self.rip_entry_1(at, left)?
            } else {
                self.rip_entry_2(at, left)?
            };
            let Some(octets) = entry else {
                self.truncated();
                break;
            };
            if left < octets {
                put!(
                    self,
                    " [remaining entries length ",
                    left,
                    " < ",
                    octets,
                    "]"
                );
                self.invalid();
                break;
            }
            at += octets as usize;
            left -= octets;
        }
        Ok(())
    }

    fn rip_family(&mut self, lead: &'static str, family: u16) {
        match bsd_family(u32::from(family)) {
            Some(name) => put!(self, lead, "AFI ", name),
            None => put!(self, lead, "AFI Unknown (", family, ")"),
        }
    }

    /// Answers the entry's octets, or nothing if it is cut.
    fn rip_entry_1(&mut self, at: usize, left: u32) -> Read<Option<u32>> {
        if left < ROUTE || !self.has(at, ROUTE as usize) {
            return Ok(None);
        }
        let family = self.u16(at)?;
        if family != IPV4 && family != 0 {
            self.rip_family("\n\t ", family);
            put!(self, ", ");
            self.unknown_data("\n\t  ", at + 4, ROUTE as usize - 4);
        } else if self.u16(at + 2)? != 0 || self.u32(at + 8)? != 0 || self.u32(at + 12)? != 0 {
            // Not zero where it must be.
            self.unknown_data("\n\t  ", at, ROUTE as usize);
        } else {
            let lead = if family == 0 {
                "\n\t  AFI 0, "
            } else {
                "\n\t  "
            };
            put!(
                self,
                lead,
                self.v4(at + 4)?,
                ", metric: ",
                self.u32(at + 16)?
            );
        }
        Ok(Some(ROUTE))
    }

    /// Answers the entry's octets, or nothing if it is cut.
    fn rip_entry_2(&mut self, at: usize, left: u32) -> Read<Option<u32>> {
        if left < 4 || !self.has(at, 4) {
            return Ok(None);
        }
        let family = self.u16(at)?;
        if family == AUTHENTICATION {
            return self.rip_authentication(at, left);
        }
        if family != IPV4 && family != 0 {
            self.rip_family("\n\t  ", family);
            self.unknown_data("\n\t  ", at + 4, ROUTE as usize - 4);
            return Ok(Some(ROUTE));
        }
        if left < ROUTE || !self.has(at, ROUTE as usize) {
            return Ok(None);
        }
        put!(self, "\n\t  AFI ");
        put!(self, if family == 0 { "0" } else { "IPv4" }, ", ");
        // The address in 15 columns, its prefix's length in two.
        let start = self.out.len();
        put!(self, self.v4(at + 4)?);
        for _ in self.out.len()..start + 15 {
            self.out.insert(start, b' ');
        }
        put!(self, "/");
        let mask = self.u32(at + 8)?;
        if mask.leading_ones() == mask.count_ones() {
            let pad = if mask.count_ones() < 10 { " " } else { "" };
            put!(self, mask.count_ones(), pad);
        } else {
            put!(self, "-1");
        }
        put!(
            self,
            ", tag 0x",
            HexZeros::<4>(u32::from(self.u16(at + 2)?)),
            ", metric: ",
            self.u32(at + 16)?,
            ", next-hop: "
        );
        if self.u32(at + 12)? == 0 {
            put!(self, "self");
        } else {
            put!(self, self.v4(at + 12)?);
        }
        Ok(Some(ROUTE))
    }

    fn rip_authentication(&mut self, at: usize, left: u32) -> Read<Option<u32>> {
        let kind = self.u16(at + 2)?;
        let data = at + 4;
        match kind {
            2 => {
                put!(self, "\n\t  Simple Text Authentication data: ");
                self.text_up_to_zero(data, 16)?;
            }
            3 => {
                if left < ROUTE || !self.has(data, 16) {
                    return Ok(None);
                }
                put!(self, "\n\t  Auth header: Packet Len ", self.u16(data)?);
                put!(self, ", Key-ID ", self.u8(data + 2)?);
                put!(self, ", Auth Data Len ", self.u8(data + 3)?);
                put!(self, ", SeqNo ", self.u32(data + 4)?);
                put!(self, ", MBZ ", self.u32(data + 8)?);
                put!(self, ", MBZ ", self.u32(data + 12)?);
            }
            _ => {
                if kind == 1 {
                    put!(self, "\n\t  Auth trailer:");
                } else {
                    put!(self, "\n\t  Unknown (", kind, ") Authentication data:");
                }
                self.unknown_data("\n\t  ", data, left as usize - 4);
                return Ok(Some(left));
            }
        }
        Ok(Some(ROUTE))
    }

    /// Text that may end in zeros before its place ends.
    pub(super) fn text_up_to_zero(&mut self, at: usize, most: usize) -> Read<()> {
        for place in at..at + most {
            match self.u8(place)? {
                0 => break,
                octet => self.escaped(&[octet]),
            }
        }
        Ok(())
    }

    /// RIP for IPv6.
    pub(super) fn ripng(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ripng";
        let version = self.u8(at + 1)?;
        if version != 1 {
            put!(self, " [vers ", version, "]");
            self.invalid();
            return Ok(());
        }
        let command = self.u8(at)?;
        let name = match command {
            REQUEST => " ripng-req ",
            RESPONSE => " ripng-resp ",
            _ => {
                put!(self, " ripng-", command, " ?? ", length);
                self.invalid();
                return Ok(());
            }
        };
        if length < HEADER {
            self.invalid();
            return Ok(());
        }
        let (count, rest) = ((length - HEADER) / ROUTE, (length - HEADER) % ROUTE);
        let first = at + HEADER as usize;
        if command == REQUEST
            && count == 1
            && self.u8(first + 19)? == INFINITY
            && self.bytes.array::<16>(first)? == [0; 16]
        {
            put!(self, " ripng-req dump");
            return Ok(());
        }
        put!(self, name, count);
        if rest != 0 {
            put!(self, "[", length, "]");
        }
        put!(self, ":");
        for n in 0..count as usize {
            let several_lines = self.options.verbosity > 1;
            put!(self, if several_lines { "\n\t" } else { " " });
            let route = first + n * ROUTE as usize;
            put!(self, self.v6(route)?, "/", self.u8(route + 18)?);
            let tag = self.u16(route + 16)?;
            if tag != 0 {
                put!(self, " [", tag, "]");
            }
            let metric = self.u8(route + 19)?;
            if metric != 0 && command == RESPONSE {
                put!(self, " (", metric, ")");
            }
        }
        if rest != 0 {
            self.invalid();
        }
        Ok(())
    }
}

fn command_name(command: u8) -> Option<&'static str> {
    Some(match command {
        REQUEST => "Request",
        RESPONSE => "Response",
        3 => "Trace on",
        4 => "Trace off",
        5 => "Poll",
        6 => "Poll Entry",
        _ => return None,
    })
}
