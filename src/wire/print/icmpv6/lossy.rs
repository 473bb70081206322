//! Routing for low-power and lossy networks, RPL (RFC 6550 section 6).

use super::Dissector;
use crate::wire::bytes::Read;
use crate::wire::print::text::{HexZeros, Named, put};

/// Octets of an identifier of a graph.
const GRAPH_ID: usize = 16;
/// Octets of an information object without options.
const INFORMATION: u32 = 24;
/// Octets of an advertisement, or of the answer to one, without the graph's identifier.
const ADVERTISEMENT: u32 = 4;
/// Octets of an option's type and length.
const OPTION_HEADER: u32 = 2;

impl Dissector<'_> {
    /// A message's `length` octets behind the checksum.
    pub(super) fn routing_for_lossy_networks(
        &mut self,
        at: usize,
        length: u32,
        code: u8,
    ) -> Read<()> {
        if code & 0x80 != 0 {
            put!(self, ", (SEC) [worktodo]");
            return Ok(());
        }
        put!(self, ", (CLR)");
        match code {
            0 => put!(self, "DODAG Information Solicitation"),
            1 => put!(self, "DODAG Information Object"),
            2 => put!(self, "Destination Advertisement Object"),
            3 => put!(self, "Destination Advertisement Object Ack"),
            _ => put!(self, "RPL message, unknown code ", code),
        }
        match code {
            1 if self.verbose() => self.lossy_information(at, length),
            2 | 3 if self.verbose() => self.lossy_advertisement(at, length, code == 3),
            _ => Ok(()),
        }
    }

    fn lossy_information(&mut self, at: usize, length: u32) -> Read<()> {
        if length < INFORMATION {
            put!(self, " [length ", length, " < ", INFORMATION, "]");
            self.invalid();
            return Ok(());
        }
        let graph = self.v6(at + 8)?;
        let (trigger, instance) = (self.u8(at + 5)?, self.u8(at)?);
        let (rank, mode) = (self.u16(at + 2)?, self.u8(at + 4)?);
        let grounded = if mode & 0x80 == 0 { "" } else { "grounded," };
        let operation = mode >> 3 & 7;
        let name = match operation {
            0 => Some("nonstoring"),
            1 => Some("storing"),
            2 => Some("nonstoring-multicast"),
            3 => Some("storing-multicast"),
            _ => None,
        };
        put!(self, " [dagid:", graph, ",seq:", trigger);
        put!(self, ",instance:", instance, ",rank:", rank, ",", grounded);
        let name = Named(name, ("mop", u32::from(operation), ""));
        put!(self, "mop:", name, ",prf:", mode & 7, "]");
        if self.options.verbosity > 1 {
            self.lossy_options(at + INFORMATION as usize, length - INFORMATION)?;
        }
        Ok(())
    }

    /// A destination advertisement, or the answer to one.
    fn lossy_advertisement(&mut self, at: usize, length: u32, answer: bool) -> Read<()> {
        // Of an advertisement tcpdump wants room for the identifier, whether it is there or not.
        let wanted = if answer {
            ADVERTISEMENT as usize
        } else {
            ADVERTISEMENT as usize + GRAPH_ID
        };
        if !self.has(at, wanted) {
            self.truncated();
            return Ok(());
        }
        let too_short = if answer {
            " [|dao-length too short]"
        } else {
            " [|length too short]"
        };
        if length < ADVERTISEMENT {
            put!(self, too_short);
            return Ok(());
        }
        let flags = self.u8(at + 1)?;
        let identified = flags & if answer { 0x80 } else { 0x40 } != 0;
        let (mut options, mut left) = (at + ADVERTISEMENT as usize, length - ADVERTISEMENT);
        let mut graph = None;
        if identified {
            if !self.has(options, GRAPH_ID) {
                self.truncated();
                return Ok(());
            }
            if left < GRAPH_ID as u32 {
                put!(self, too_short);
                return Ok(());
            }
            graph = Some(self.v6(options)?);
            options += GRAPH_ID;
            left -= GRAPH_ID as u32;
        }
        put!(self, " [dagid:");
        match graph {
            Some(graph) => put!(self, graph),
            None => put!(self, "<elided>"),
        }
        let (sequence, status) = if answer { (2, 3) } else { (3, 2) };
        put!(self, ",seq:", self.u8(at + sequence)?);
        put!(self, ",instance:", self.u8(at)?);
        if answer {
            put!(self, ",status:", self.u8(at + status)?, "]");
        } else {
            let wants_answer = if flags & 0x80 == 0 { "" } else { ",acK" };
            let named = if identified { ",Dagid" } else { "" };
            let flags = HexZeros::<2>(u32::from(flags));
            put!(self, wants_answer, named, ",", flags, "]");
        }
        if self.options.verbosity > 1 {
            self.lossy_options(options, left)?;
        }
        Ok(())
    }

    fn lossy_options(&mut self, at: usize, length: u32) -> Read<()> {
        let (mut at, mut left) = (at, length);
        while left > 0 {
            let kind = self.u8(at)?;
            if kind == 0 {
                put!(self, " opt:pad1");
                at += 1;
                left -= 1;
                continue;
            }
            if left < OPTION_HEADER {
                self.truncated();
                return Ok(());
            }
            let octets = u32::from(self.u8(at + 1)?) + OPTION_HEADER;
            let name = option_name(kind);
            let name = Named(name, ("subopt:", u32::from(kind), ""));
            put!(self, " opt:", name, " len:", octets, " ");
            if !self.has(at, octets as usize) || left < octets {
                self.truncated();
                return Ok(());
            }
            if self.options.verbosity > 2 {
                let header = OPTION_HEADER as usize;
                self.hex(" ", at + header, octets as usize - header)?;
            }
            at += octets as usize;
            left -= octets;
        }
        Ok(())
    }
}

fn option_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "padN",
        2 => "metrics",
        3 => "routinginfo",
        4 => "config",
        5 => "rpltarget",
        6 => "transitinfo",
        8 => "destprefix",
        9 => "rpltargetdesc",
        _ => return None,
    })
}
