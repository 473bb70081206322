//! Distance vector multicast routing (RFC 1075, draft-ietf-idmr-dvmrp-v3), which travels in IGMP.

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{V4, put};

/// Octets of the IGMP header in front of the message.
const HEADER: usize = 8;

/// What a neighbour of the newer form is reached by (draft-ietf-idmr-dvmrp-v3 appendix B).
const NEIGHBOUR_FLAGS: [(u8, &str); 5] = [
    (0x01, "/tunnel"),
    (0x02, "/srcrt"),
    (0x40, "/querier"),
    (0x20, "/disabled"),
    (0x10, "/down"),
];

impl Dissector<'_> {
    pub(super) fn dvmrp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "dvmrp";
        if length < HEADER as u32 {
            put!(self, " [length ", length, " < 8]");
            self.invalid();
            return Ok(());
        }
        let kind = self.u8(at + 1)?;
        match type_name(kind) {
            Some(name) => put!(self, " ", name),
            None => put!(self, " [type ", kind, "]"),
        }
        let (body, left) = (at + HEADER, length as usize - HEADER);
        match kind {
            1 if self.verbose() => self.dvmrp_probe(body, left),
            2 if self.options.verbosity > 1 => self.dvmrp_report(body, left),
            4 => self.dvmrp_neighbours(body, left, 7),
            6 => {
                // The version lies where IGMP has the group's address.
                put!(self, " (v ", self.u8(at + 7)?, ".", self.u8(at + 6)?, "):");
                self.dvmrp_neighbours(body, left, 8)
            }
            7 => {
                self.dvmrp_pair(body)?;
                put!(self, " timer ");
                let seconds = self.u32(body + 8)?;
                self.duration(seconds);
                Ok(())
            }
            8 | 9 => self.dvmrp_pair(body),
            _ => Ok(()),
        }
    }

    fn dvmrp_pair(&mut self, at: usize) -> Read<()> {
        put!(self, " src ", self.v4(at)?, " grp ", self.v4(at + 4)?);
        Ok(())
    }

    fn dvmrp_probe(&mut self, at: usize, length: usize) -> Read<()> {
        if length < 4 {
            put!(self, " [full length ", length, " < 4]");
            self.invalid();
            return Ok(());
        }
        let several_lines = self.options.verbosity > 1;
        put!(self, if several_lines { "\n\t" } else { " " });
        put!(self, "genid ", self.u32(at)?);
        if !several_lines {
            return Ok(());
        }
        for place in (4..length).step_by(4) {
            if length - place < 4 {
                put!(self, "[remaining length ", length - place, " < 4]");
                self.invalid();
                return Ok(());
            }
            put!(self, "\n\tneighbor ", self.v4(at + place)?);
        }
        Ok(())
    }

    /// Routes by their masks: an address has as many octets as its mask has that are not zero.
    fn dvmrp_report(&mut self, at: usize, length: usize) -> Read<()> {
        let mut place = 0;
        while place < length {
            if length - place < 3 {
                put!(self, " [length ", length - place, " < 3]");
                self.invalid();
                return Ok(());
            }
            let mask @ [second, third, fourth] = self.bytes.array::<3>(at + place)?;
            let width = match (second, third, fourth) {
                (_, _, 1..) => 4,
                (_, 1.., _) => 3,
                (1.., ..) => 2,
                _ => 1,
            };
            put!(self, "\n\tMask ", V4([0xff, mask[0], mask[1], mask[2]]));
            place += 3;
            loop {
                if length - place < width + 1 {
                    put!(self, "\n\t  [Truncated Report]");
                    self.invalid();
                    return Ok(());
                }
                let mut origin = [0; 4];
                for (octet, offset) in origin.iter_mut().zip(0..width) {
                    *octet = self.u8(at + place + offset)?;
                }
                let metric = self.u8(at + place + width)?;
                put!(self, "\n\t  ", V4(origin), " metric ", metric & 0x7f);
                place += width + 1;
                if metric & 0x80 != 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Neighbours by the router's own addresses, each of which has a head of 7 octets, or of 8 with flags.
    fn dvmrp_neighbours(&mut self, at: usize, length: usize, head: usize) -> Read<()> {
        let has_flags = head == 8;
        let mut place = 0;
        while place < length {
            let left = length - place;
            if left < head {
                put!(self, " [length ", left, " < ", head, "]");
                self.invalid();
                return Ok(());
            }
            let own = at + place;
            let (metric, threshold) = (self.u8(own + 4)?, self.u8(own + 5)?);
            let flags = if has_flags { self.u8(own + 6)? } else { 0 };
            let count = self.u8(own + head - 1)?;
            place += head;
            for _ in 0..count {
                let left = length - place;
                if has_flags && left == 0 {
                    put!(self, " [invalid ncount]");
                    self.invalid();
                    return Ok(());
                }
                if left < 4 {
                    put!(self, " [length ", left, " < 4]");
                    self.invalid();
                    return Ok(());
                }
                let arrow = if has_flags { " -> " } else { " ->" };
                put!(self, " [", self.v4(own)?, arrow);
                let to = self.v4(at + place)?;
                if has_flags {
                    put!(self, to, " (", metric, "/", threshold);
                    for (flag, name) in NEIGHBOUR_FLAGS {
                        put!(self, if flags & flag != 0 { name } else { "" });
                    }
                    put!(self, ")]");
                } else {
                    put!(self, " ", to, ", (", metric, "/", threshold, ")]");
                }
                place += 4;
            }
        }
        Ok(())
    }
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Probe",
        2 => "Report",
        3 => "Ask-neighbors(old)",
        4 => "Neighbors(old)",
        5 => "Ask-neighbors2",
        6 => "Neighbors2",
        7 => "Prune",
        8 => "Graft",
        9 => "Graft-ACK",
        _ => return None,
    })
}
