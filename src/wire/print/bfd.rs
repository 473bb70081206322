//! Bidirectional forwarding detection (RFC 5880). tcpdump takes UDP port 6784 for it, where Weave Net has
//! its VXLAN.

use super::dissector::Dissector;
use super::text::{Bits, Blanks, HexString, HexZeros, put};
use crate::wire::bytes::{Cut, Read};

const HEADER_LENGTH: usize = 24;
/// The flag that says that an authentication section follows.
const AUTHENTICATED: u8 = 0x04;
/// Octets of a section with a password of 1 to 16.
const PASSWORD_LENGTHS: std::ops::RangeInclusive<u8> = 4..=19;

const FLAG_NAMES_0: [(u32, &str); 8] = [
    (0x80, "I Hear You"),
    (0x40, "Demand"),
    (0x20, "Poll"),
    (0x10, "Final"),
    (0x08, "Control Plane Independent"),
    (0x04, "Authentication Present"),
    (0x02, "Reserved"),
    (0x01, "Reserved"),
];

const FLAG_NAMES_1: [(u32, &str); 6] = [
    (0x20, "Poll"),
    (0x10, "Final"),
    (0x08, "Control Plane Independent"),
    (0x04, "Authentication Present"),
    (0x02, "Demand"),
    (0x01, "Multipoint"),
];

/// What a packet is by the port it is sent to (RFC 5881, RFC 5883, RFC 7130).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Control,
    Multihop,
    Lag,
    Echo,
}

impl Dissector<'_> {
    pub(super) fn bfd(&mut self, at: usize, length: u32, kind: Kind) -> Read<()> {
        self.protocol = "bfd";
        let kind = match kind {
            Kind::Control => "Control",
            Kind::Multihop => "Multihop",
            Kind::Lag => "Lag",
            Kind::Echo => {
                put!(self, "BFD, Echo, length: ", length);
                if self.verbose() {
                    self.unknown_data("\n\t", at, length as usize);
                }
                return Ok(());
            }
        };
        if !self.has(at, HEADER_LENGTH) {
            return Err(Cut);
        }
        let first = self.u8(at)?;
        let version = first >> 5;
        let flags = self.u8(at + 1)?;
        let lead = if self.verbose() { "\n\t" } else { ", " };
        match version {
            0 | 1 => {
                put!(self, "BFDv", version);
                if self.verbose() {
                    put!(self, ", length: ", length);
                }
                let names = if version == 0 {
                    put!(self, lead, "Control");
                    Bits {
                        value: u32::from(flags),
                        names: &FLAG_NAMES_0,
                        separator: ", ",
                        none: "none",
                    }
                } else {
                    let state = ["AdminDown", "Down", "Init", "Up"];
                    let state = state
                        .get(usize::from(flags >> 6))
                        .copied()
                        .unwrap_or_default();
                    put!(self, lead, kind, ", State ", state);
                    Bits {
                        value: u32::from(flags & 0x3f),
                        names: &FLAG_NAMES_1,
                        separator: ", ",
                        none: "none",
                    }
                };
                put!(self, ", Flags: [", names, "]");
                if !self.verbose() {
                    put!(self, ", length: ", length);
                    return Ok(());
                }
            }
            _ => {
                put!(self, "BFDv", version, ", Control, length: ", length);
                if self.verbose() {
                    self.unknown_data("\n\t", at, length as usize);
                }
                return Ok(());
            }
        }
        let diagnostic = first & 0x1f;
        let name = diagnostic_name(diagnostic);
        put!(
            self,
            ", Diagnostic: ",
            name,
            " (0x",
            HexZeros::<2>(u32::from(diagnostic)),
            ")"
        );
        let multiplier = u32::from(self.u8(at + 2)?);
        let send = self.u32(at + 12)?;
        put!(
            self,
            "\n\tDetection Timer Multiplier: ",
            multiplier,
            " (",
            multiplier.wrapping_mul(send) / 1000,
            " ms Detection time), BFD Length: ",
            self.u8(at + 3)?
        );
        put!(
            self,
            "\n\tMy Discriminator: 0x",
            HexZeros::<8>(self.u32(at + 4)?)
        );
        put!(
            self,
            ", Your Discriminator: 0x",
            HexZeros::<8>(self.u32(at + 8)?)
        );
        let milliseconds = |microseconds: u32| Blanks::<4>(u64::from(microseconds / 1000));
        put!(
            self,
            "\n\t  Desired min Tx Interval:    ",
            milliseconds(send),
            " ms"
        );
        let receive = milliseconds(self.u32(at + 16)?);
        put!(self, "\n\t  Required min Rx Interval:   ", receive, " ms");
        let echo = milliseconds(self.u32(at + 20)?);
        put!(self, "\n\t  Required min Echo Interval: ", echo, " ms");
        if flags & AUTHENTICATED != 0 {
            self.bfd_authentication(at + HEADER_LENGTH)?;
        }
        Ok(())
    }

    /// RFC 5880 sections 4.2 to 4.4.
    fn bfd_authentication(&mut self, at: usize) -> Read<()> {
        // tcpdump wants the octet behind the key's identifier too.
        let [kind, length, ..] = self.bytes.array::<4>(at)?;
        let name = match kind {
            1 => "Simple Password",
            2 => "Keyed MD5",
            3 => "Meticulous Keyed MD5",
            4 => "Keyed SHA1",
            5 => "Meticulous Keyed SHA1",
            _ => "Unknown",
        };
        put!(
            self,
            "\n\tAuthentication: ",
            name,
            " (",
            kind,
            "), length: ",
            length
        );
        put!(self, "\n\t  Auth Key ID: ", self.u8(at + 2)?);
        let (expected, title, octets) = match kind {
            1 => (PASSWORD_LENGTHS, "", 0),
            2 | 3 => (24..=24, "\n\t  Digest: ", 16),
            4 | 5 => (28..=28, "\n\t  Hash: ", 20),
            _ => return Ok(()),
        };
        if !expected.contains(&length) {
            put!(self, "[invalid length ", length, "]");
            return Ok(());
        }
        if kind == 1 {
            put!(self, ", Password: ");
            let wanted = usize::from(length) - 3;
            let password = self.bytes.rest(at + 3, wanted);
            self.escaped(password);
            return if password.len() < wanted {
                Err(Cut)
            } else {
                Ok(())
            };
        }
        let sequence = HexZeros::<8>(self.u32(at + 4)?);
        put!(self, ", Sequence Number: 0x", sequence);
        put!(self, title, HexString(self.bytes.slice(at + 8, octets)?));
        Ok(())
    }
}

fn diagnostic_name(diagnostic: u8) -> &'static str {
    match diagnostic {
        0 => "No Diagnostic",
        1 => "Control Detection Time Expired",
        2 => "Echo Function Failed",
        3 => "Neighbor Signaled Session Down",
        4 => "Forwarding Plane Reset",
        5 => "Path Down",
        6 => "Concatenated Path Down",
        7 => "Administratively Down",
        8 => "Reverse Concatenated Path Down",
        _ => "unknown",
    }
}
