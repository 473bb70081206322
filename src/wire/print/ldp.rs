//! Label distribution (RFC 5036), over UDP and TCP.

mod parameter;

use super::dissector::Dissector;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;

/// Octets of a packet's head: version, length, and who speaks for which labels.
const HEADER: usize = 10;
/// Octets of a message's head: type, length, and number.
const MESSAGE_HEADER: usize = 8;
/// Octets of a head that its length does not count: the type (or version) and the length itself.
const UNCOUNTED: usize = 4;

impl Dissector<'_> {
    pub(super) fn ldp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ldp";
        let (mut at, mut left) = (at, length as usize);
        while left > HEADER + MESSAGE_HEADER {
            let Some(passed) = self.ldp_packet(at)? else {
                break;
            };
            if left < passed {
                put!(self, " [remaining length ", left, " < ", passed, "]");
                self.invalid();
                break;
            }
            at += passed;
            left -= passed;
        }
        Ok(())
    }

    /// One packet; answers its octets if another may follow.
    fn ldp_packet(&mut self, at: usize) -> Read<Option<usize>> {
        self.bytes.slice(at, HEADER)?;
        let lead = if self.verbose() { "\n\t" } else { "" };
        let version = self.u16(at)?;
        if version != 1 {
            put!(self, lead, "LDP version ", version, " packet not supported");
            return Ok(None);
        }
        let length = self.u16(at + 2)?;
        let own = (HEADER - UNCOUNTED) as u16;
        put!(self, lead, "LDP, ");
        if length < own {
            put!(self, "pdu-length: ", length, " (too short, < ", own, ")");
            return Ok(None);
        }
        put!(
            self,
            "Label-Space-ID: ",
            self.v4(at + 4)?,
            ":",
            self.u16(at + 8)?,
            ", pdu-length: ",
            length
        );
        if !self.verbose() {
            return Ok(None);
        }
        // Messages that go past the end of their packet are gone through as tcpdump does, whose count of
        // what is left has 16 bits.
        let mut left = length - own;
        let mut place = at + HEADER;
        while left > 0 {
            let Some(passed) = self.ldp_message(place)? else {
                return Ok(None);
            };
            place += passed;
            left = left.wrapping_sub(passed as u16);
        }
        Ok(Some(usize::from(length) + UNCOUNTED))
    }

    /// One message; answers its octets unless it is too short to be one.
    fn ldp_message(&mut self, at: usize) -> Read<Option<usize>> {
        self.bytes.slice(at, MESSAGE_HEADER)?;
        let first = self.u16(at)?;
        let kind = first & 0x7fff;
        let length = self.u16(at + 2)?;
        let own = (MESSAGE_HEADER - UNCOUNTED) as u16;
        put!(
            self,
            "\n\t  ",
            message_name(kind).unwrap_or("Unknown"),
            " Message (0x",
            HexZeros::<4>(u32::from(kind)),
            "), length: ",
            length
        );
        if length < own {
            put!(self, " (too short, < ", own, ")");
            return Ok(None);
        }
        put!(
            self,
            ", Message ID: 0x",
            HexZeros::<8>(self.u32(at + 4)?),
            ", Flags: [",
            unknown(first),
            " if unknown]"
        );
        self.bytes.slice(at, usize::from(length))?;
        let parameters = at + MESSAGE_HEADER;
        let octets = usize::from(length - own);
        match kind {
            1 | 0x100 | 0x200 | 0x201 | 0x300 | 0x301 | 0x400 | 0x402 => {
                self.ldp_parameters(parameters, octets)?;
            }
            _ if self.options.verbosity <= 1 => self.unknown_data("\n\t  ", parameters, octets),
            _ => {}
        }
        if self.options.verbosity > 1 {
            self.unknown_data("\n\t  ", parameters, usize::from(length));
        }
        Ok(Some(usize::from(length) + UNCOUNTED))
    }
}

/// What is to become of a message or a parameter that is not known.
fn unknown(kind: u16) -> &'static str {
    if kind & 0x8000 != 0 {
        "continue processing"
    } else {
        "ignore"
    }
}

fn message_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0001 => "Notification",
        0x0100 => "Hello",
        0x0200 => "Initialization",
        0x0201 => "Keepalive",
        0x0300 => "Address",
        0x0301 => "Address Withdraw",
        0x0400 => "Label Mapping",
        0x0401 => "Label Request",
        0x0402 => "Label Withdraw",
        0x0403 => "Label Release",
        0x0404 => "Label Abort Request",
        _ => return None,
    })
}
