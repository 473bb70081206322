//! What OSPF carries for others in opaque advertisements: restarts (RFC 3623) and routers' capabilities
//! (RFC 7770).

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Bits, put};

const ENGINEERING: u8 = 1;
const RESTART: u8 = 3;
const ROUTER_INFORMATION: u8 = 4;

const CAPABILITIES: [(u32, &str); 10] = [
    (1, "Reserved"),
    (2, "Reserved"),
    (4, "Reserved"),
    (8, "Reserved"),
    (16, "graceful restart capable"),
    (32, "graceful restart helper"),
    (64, "Stub router support"),
    (128, "Traffic engineering"),
    (256, "p2p over LAN"),
    (512, "path computation server"),
];

pub(super) fn name(kind: u8) -> &'static str {
    match kind {
        ENGINEERING => "Traffic Engineering",
        RESTART => "Graceful restart",
        ROUTER_INFORMATION => "Router Information",
        _ => "unknown",
    }
}

impl Dissector<'_> {
    /// Answers false if it could not be read to its end.
    pub(super) fn ospf_opaque(&mut self, kind: u8, at: usize, length: usize) -> Read<bool> {
        match kind {
            ENGINEERING => self.ospf_engineering(at, length),
            RESTART => self.ospf_restart(at, length),
            ROUTER_INFORMATION => self.ospf_router_information(at, length),
            _ => {
                if self.options.verbosity <= 1 {
                    self.unknown_data("\n\t    ", at, length);
                }
                Ok(true)
            }
        }
    }

    fn ospf_router_information(&mut self, at: usize, length: usize) -> Read<bool> {
        let (mut at, mut left) = (at, length);
        while left > 0 {
            // What is missing here ends the packet, in a restart only the advertisement.
            self.bytes.slice(at, 4)?;
            if left < 4 {
                put!(self, "\n\t    Remaining LS length ", left, " < 4");
                return Ok(false);
            }
            let (kind, octets) = (self.u16(at)?, usize::from(self.u16(at + 2)?));
            at += 4;
            left -= 4;
            let is_known = kind == 1;
            let name = if is_known {
                "Router Capabilities"
            } else {
                "unknown"
            };
            put!(
                self,
                "\n\t    ",
                name,
                " TLV (",
                kind,
                "), length: ",
                octets
            );
            put!(self, ", value: ");
            if octets > left {
                put!(
                    self,
                    "\n\t    Bogus length ",
                    octets,
                    " > remaining LS length ",
                    left
                );
                return Ok(false);
            }
            self.bytes.slice(at, octets)?;
            if is_known {
                if octets != 4 {
                    put!(self, "\n\t    Bogus length ", octets, " != 4");
                    return Ok(false);
                }
                let named = Bits {
                    value: self.u32(at)?,
                    names: &CAPABILITIES,
                    separator: ", ",
                    none: "Unknown",
                };
                put!(self, "Capabilities: ", named);
            } else if self.options.verbosity <= 1 {
                self.unknown_data("\n\t      ", at, octets);
            }
            at += octets;
            left -= octets;
        }
        Ok(true)
    }

    /// Answers false if it could not be read to its end.
    pub(super) fn ospf_restart(&mut self, at: usize, length: usize) -> Read<bool> {
        let (mut at, mut left) = (at, length);
        while left > 0 {
            if !self.has(at, 4) {
                return Ok(false);
            }
            if left < 4 {
                put!(self, "\n\t    Remaining LS length ", left, " < 4");
                return Ok(false);
            }
            let (kind, octets) = (self.u16(at)?, usize::from(self.u16(at + 2)?));
            at += 4;
            left -= 4;
            let (name, expected) = match kind {
                1 => ("Grace Period", 4),
                2 => ("Graceful restart Reason", 1),
                3 => ("IPv4 interface address", 4),
                _ => ("unknown", octets),
            };
            put!(self, "\n\t    ", name, " TLV (", kind, "), length ", octets);
            put!(self, ", value: ");
            if octets > left {
                put!(self, "\n\t    Bogus length ", octets, " > ", left);
                return Ok(false);
            }
            if kind == 0 || octets == 0 || !self.has(at, octets) {
                return Ok(false);
            }
            if octets != expected {
                put!(self, "\n\t    Bogus length ", octets, " != ", expected);
                return Ok(false);
            }
            match kind {
                1 => put!(self, self.u32(at)?, "s"),
                2 => {
                    let reason = self.u8(at)?;
                    let name = match reason {
                        1 => "Software Restart",
                        2 => "Software Reload/Upgrade",
                        3 => "Control Processor Switch",
                        _ => "Unknown",
                    };
                    put!(self, name, " (", reason, ")");
                }
                3 => put!(self, self.v4(at)?),
                _ if self.options.verbosity <= 1 => self.unknown_data("\n\t      ", at, octets),
                _ => {}
            }
            let padded = octets.next_multiple_of(4);
            at += padded;
            // tcpdump's count wraps where the padding is missing.
            left = (left as u32).wrapping_sub(padded as u32) as usize;
        }
        Ok(true)
    }
}
