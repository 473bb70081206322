//! Optimised link state routing (RFC 3626), with the extensions of olsr.org.

mod message;

use super::dissector::Dissector;
use super::text::{Fixed, HexZeros, put};
use crate::wire::bytes::Read;

/// Octets of a packet's head: length and sequence number.
const HEADER: usize = 4;

/// Addresses of one version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Family {
    v6: bool,
}

impl Family {
    /// Octets of an address.
    fn octets(self) -> usize {
        if self.v6 { 16 } else { 4 }
    }

    /// Octets of a message's head.
    fn header(self) -> usize {
        8 + self.octets()
    }
}

impl Dissector<'_> {
    pub(super) fn olsr(&mut self, at: usize, length: u32, version: u8) -> Read<()> {
        self.protocol = "olsr";
        let family = Family { v6: version == 6 };
        put!(self, "OLSRv", if family.v6 { 6u8 } else { 4 });
        if (length as usize) < HEADER || !self.has(at, HEADER) {
            self.truncated();
            return Ok(());
        }
        let length = length.min(u32::from(self.u16(at)?));
        put!(
            self,
            ", seq 0x",
            HexZeros::<4>(u32::from(self.u16(at + 2)?)),
            ", length ",
            length
        );
        if !self.verbose() {
            return Ok(());
        }
        let length = length as usize;
        let mut place = HEADER;
        while place < length {
            match self.olsr_message(at + place, length, family)? {
                Next::At(octets) => place += octets,
                Next::Nothing => break,
                Next::Cut => {
                    self.truncated();
                    break;
                }
            }
        }
        Ok(())
    }

    fn olsr_message(&mut self, at: usize, packet: usize, family: Family) -> Read<Next> {
        let header = family.header();
        if !self.has(at, header) {
            return Ok(Next::Cut);
        }
        let kind = self.u8(at)?;
        let length = usize::from(self.u16(at + 2)?);
        if kind == 0 || length == 0 {
            return Ok(Next::Nothing);
        }
        let is_valid = (header..=packet).contains(&length);
        let name = message_name(kind).unwrap_or("Unknown");
        let number = HexZeros::<2>(u32::from(kind));
        put!(self, "\n\t", name, " Message (0x", number, "), originator ");
        self.olsr_address(at + 4, family)?;
        let behind = at + 4 + family.octets();
        put!(
            self,
            ", ttl ",
            self.u8(behind)?,
            ", hop ",
            self.u8(behind + 1)?,
            "\n\t  vtime ",
            seconds(self.u8(at + 1)?),
            "s, msg-seq 0x",
            HexZeros::<4>(u32::from(self.u16(behind + 2)?)),
            ", length ",
            length,
            validity(is_valid)
        );
        if !is_valid {
            return Ok(Next::Nothing);
        }
        let body = message::Rest {
            at: at + header,
            left: length - header,
        };
        match self.olsr_body(kind, body, family)? {
            Some(()) => Ok(Next::At(length)),
            None => Ok(Next::Cut),
        }
    }

    fn olsr_address(&mut self, at: usize, family: Family) -> Read<()> {
        if family.v6 {
            put!(self, self.v6(at)?);
        } else {
            put!(self, self.v4(at)?);
        }
        Ok(())
    }
}

/// What follows a message.
enum Next {
    /// Another one behind so many octets.
    At(usize),
    /// Nothing that could be read.
    Nothing,
    /// Nothing, as the message is cut.
    Cut,
}

fn validity(is_valid: bool) -> &'static str {
    if is_valid { "" } else { " (invalid)" }
}

/// A time of four bits of mantissa and four of exponent (RFC 3626 section 18.3), in units of 1/16 of a second.
fn seconds(code: u8) -> Fixed<3> {
    let sixteenths_of_sixteenths = (16 + u64::from(code >> 4)) << (code & 15);
    Fixed {
        numerator: sixteenths_of_sixteenths,
        denominator: 256,
    }
}

fn message_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Hello",
        2 => "TC",
        3 => "MID",
        4 => "HNA",
        128 => "Powerinfo",
        130 => "Nameservice",
        201 => "Hello-LQ",
        202 => "TC-LQ",
        _ => return None,
    })
}
