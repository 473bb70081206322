//! What OSPF says of links for traffic engineering (RFC 3630, RFC 4203, RFC 4124).

use std::io::Write;

use super::flags;
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

const PROTECTIONS: [(u32, &str); 8] = [
    (0x01, "Extra Traffic"),
    (0x02, "Unprotected"),
    (0x04, "Shared"),
    (0x08, "Dedicated 1:1"),
    (0x10, "Dedicated 1+1"),
    (0x20, "Enhanced"),
    (0x40, "Reserved"),
    (0x80, "Reserved"),
];
/// Classes of traffic, or priorities, of which each has a bandwidth.
const CLASSES: usize = 8;

impl Dissector<'_> {
    /// Answers false if it could not be read to its end.
    pub(super) fn ospf_engineering(&mut self, at: usize, length: usize) -> Read<bool> {
        let (mut at, mut left) = (at, length);
        while left != 0 {
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
            let name = match kind {
                1 => "Router Address",
                2 => "Link",
                _ => "unknown",
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
            if octets > left {
                put!(self, "\n\t    Bogus length ", octets, " > ", left);
                return Ok(false);
            }
            if kind == 0 || octets == 0 {
                return Ok(false);
            }
            match kind {
                1 if octets < 4 => {
                    put!(self, "\n\t    TLV length ", octets, " < 4");
                    return Ok(false);
                }
                1 => put!(self, ", ", self.v4(at)?),
                2 => {
                    let Some(end) = self.ospf_link(at, octets)? else {
                        return Ok(false);
                    };
                    // tcpdump does not count a link off what is left.
                    at = end;
                    continue;
                }
                _ if self.options.verbosity <= 1 => self.unknown_data("\n\t      ", at, octets),
                _ => {}
            }
            let padded = octets.next_multiple_of(4);
            if padded > left {
                put!(self, "\n\t    Bogus padded length ", padded, " > ", left);
                return Ok(false);
            }
            at += padded;
            left -= padded;
        }
        Ok(true)
    }

    /// A link's properties; answers where they end, or nothing if they could not be read.
    fn ospf_link(&mut self, at: usize, length: usize) -> Read<Option<usize>> {
        let (mut at, mut left) = (at, length);
        while left != 0 {
            if left < 4 {
                put!(self, "\n\t    Remaining TLV length ", left, " < 4");
                return Ok(None);
            }
            let (kind, octets) = (self.u16(at)?, usize::from(self.u16(at + 2)?));
            at += 4;
            left -= 4;
            if kind == 0 || octets == 0 {
                self.invalid();
                return Ok(None);
            }
            let name = property_name(kind).unwrap_or("unknown");
            put!(
                self,
                "\n\t      ",
                name,
                " subTLV (",
                kind,
                "), length: ",
                octets
            );
            if left < octets {
                put!(
                    self,
                    "\n\t    Remaining TLV length ",
                    left + 4,
                    " < ",
                    octets + 4
                );
                return Ok(None);
            }
            if !self.has(at, octets) {
                return Ok(None);
            }
            if !self.ospf_property(kind, at, octets)? {
                self.invalid();
                return Ok(None);
            }
            if kind == 16 {
                // tcpdump passes risks twice.
                at += octets;
            }
            let padded = octets.next_multiple_of(4);
            if left < padded {
                put!(
                    self,
                    "\n\t    Remaining TLV length ",
                    left + 4,
                    " < ",
                    padded + 4
                );
                return Ok(None);
            }
            at += padded;
            left -= padded;
        }
        Ok(Some(at))
    }

    /// Answers false if the length is not the property's.
    fn ospf_property(&mut self, kind: u16, at: usize, octets: usize) -> Read<bool> {
        let (is_right, complaint) = match kind {
            1 => (octets == 1, " != 1"),
            2 | 11 => (octets == 4 || octets == 8, " != 4 && != 8"),
            3..=7 | 9 | 14 => (octets == 4, " != 4"),
            8 => (octets == 32, " != 32"),
            15 => (octets >= 36, " < 36"),
            16 => (octets.is_multiple_of(4), " != N x 4"),
            17 => (octets >= 4, " < 4"),
            _ => (true, ""),
        };
        if !is_right {
            put!(self, complaint);
            return Ok(false);
        }
        match kind {
            1 => {
                let link = self.u8(at)?;
                let name = match link {
                    1 => "Point-to-point",
                    2 => "Multi-Access",
                    _ => "unknown",
                };
                put!(self, ", ", name, " (", link, ")");
            }
            2 | 11 => {
                for place in (at..at + octets).step_by(4) {
                    let digits = HexZeros::<8>(self.u32(place)?);
                    put!(self, ", ", self.v4(place)?, " (0x", digits, ")");
                }
            }
            3 | 4 => put!(self, ", ", self.v4(at)?),
            5 => put!(self, ", Metric ", self.u32(at)?),
            6 | 7 => {
                put!(self, ", ");
                self.ospf_bandwidth(at)?;
            }
            8 => self.ospf_bandwidths("\n\t\tTE-Class ", at, CLASSES)?,
            9 => put!(self, ", 0x", HexZeros::<8>(self.u32(at)?)),
            14 => put!(self, ", ", flags(u32::from(self.u8(at)?), &PROTECTIONS)),
            15 => {
                let switching = switching_name(self.u8(at)?).unwrap_or("Unknown");
                put!(self, "\n\t\tInterface Switching Capability: ", switching);
                let encoding = encoding_name(self.u8(at + 1)?).unwrap_or("Unknown");
                put!(
                    self,
                    "\n\t\tLSP Encoding: ",
                    encoding,
                    "\n\t\tMax LSP Bandwidth:"
                );
                self.ospf_bandwidths("\n\t\t  priority level ", at + 4, CLASSES)?;
            }
            16 => {
                for n in 0..octets / 4 {
                    let lead = if n == 0 {
                        "\n\t\t  Shared risk group: "
                    } else {
                        ", "
                    };
                    put!(self, lead, self.u32(at + n * 4)?);
                }
            }
            17 => return self.ospf_constraints(at, octets),
            _ if self.options.verbosity <= 1 => self.unknown_data("\n\t\t", at, octets),
            _ => {}
        }
        Ok(true)
    }

    fn ospf_constraints(&mut self, at: usize, octets: usize) -> Read<bool> {
        let model = self.u8(at)?;
        let name = match model {
            0 => "Russian dolls",
            1 => "Maximum allocation",
            254 => "Maximum allocation with E-LSP support",
            _ => "unknown",
        };
        put!(
            self,
            "\n\t\tBandwidth Constraints Model ID: ",
            name,
            " (",
            model,
            ")"
        );
        if !octets.is_multiple_of(4) {
            put!(self, "\n\t\tlength ", octets, " != N x 4");
            return Ok(false);
        }
        if octets > 36 {
            put!(self, "\n\t\tlength ", octets, " > 36");
            return Ok(false);
        }
        self.ospf_bandwidths("\n\t\t  Bandwidth constraint CT", at + 4, (octets - 4) / 4)?;
        Ok(true)
    }

    fn ospf_bandwidths(&mut self, title: &'static str, at: usize, count: usize) -> Read<()> {
        for n in 0..count {
            self.u32(at + n * 4)?;
            put!(self, title, n, ": ");
            self.ospf_bandwidth(at + n * 4)?;
        }
        Ok(())
    }

    /// Octets a second, as a floating point number of 32 bits, in bits.
    fn ospf_bandwidth(&mut self, at: usize) -> Read<()> {
        let octets = f32::from_bits(self.u32(at)?);
        let megabits = f64::from(octets * 8.0 / 1_000_000.0);
        if megabits.is_nan() {
            put!(
                self,
                if megabits.is_sign_negative() {
                    "-nan"
                } else {
                    "nan"
                }
            );
        } else {
            // Writing into memory does not fail.
            let _ = write!(self.out, "{megabits:.3}");
        }
        put!(self, " Mbps");
        Ok(())
    }
}

fn property_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "Link Type",
        2 => "Link ID",
        3 => "Local Interface IP address",
        4 => "Remote Interface IP address",
        5 => "Traffic Engineering Metric",
        6 => "Maximum Bandwidth",
        7 => "Maximum Reservable Bandwidth",
        8 => "Unreserved Bandwidth",
        9 => "Administrative Group",
        11 => "Link Local/Remote Identifier",
        14 => "Link Protection Type",
        15 => "Interface Switching Capability",
        16 => "Shared Risk Link Group",
        17 => "Bandwidth Constraints",
        _ => return None,
    })
}

/// What an interface switches (RFC 3471 section 3.1.1).
fn switching_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Packet-Switch Capable-1",
        2 => "Packet-Switch Capable-2",
        3 => "Packet-Switch Capable-3",
        4 => "Packet-Switch Capable-4",
        51 => "Layer-2 Switch Capable",
        100 => "Time-Division-Multiplex",
        150 => "Lambda-Switch Capable",
        200 => "Fiber-Switch Capable",
        _ => return None,
    })
}

fn encoding_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Packet",
        2 => "Ethernet V2/DIX",
        3 => "ANSI/ETSI PDH",
        4 | 6 | 10 => "Reserved",
        5 => "SDH ITU-T G.707/SONET ANSI T1.105",
        7 => "Digital Wrapper",
        8 => "Lambda (photonic)",
        9 => "Fiber",
        11 => "FiberChannel",
        _ => return None,
    })
}
