//! Parameters of LDP's messages (RFC 5036 section 3.4, RFC 3479, RFC 3988, RFC 4906).

use super::unknown;
use crate::wire::bytes::{Cut, Read};
use crate::wire::print::address_family;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Bits, HexZeros, V4, V6, put};

/// Octets of a parameter's head: type and length.
const HEADER: usize = 4;
const IPV4: u16 = 1;
const IPV6: u16 = 2;

const CONTROL_CHANNELS: [(u32, &str); 3] = [
    (0x01, "PWE3 control word"),
    (0x02, "MPLS Router Alert Label"),
    (0x04, "MPLS inner label TTL = 1"),
];
const VERIFICATIONS: [(u32, &str); 3] = [(0x01, "ICMP Ping"), (0x02, "LSP Ping"), (0x04, "BFD")];

/// A parameter is too short for what it is: what it should have has been said.
struct Short;

/// What is left of a parameter.
#[derive(Clone, Copy)]
struct Rest {
    at: usize,
    left: usize,
}

impl Dissector<'_> {
    pub(super) fn ldp_parameters(&mut self, at: usize, length: usize) -> Read<()> {
        let (mut at, mut left) = (at, length);
        while left >= HEADER {
            self.bytes.slice(at, HEADER)?;
            let first = self.u16(at)?;
            let length = usize::from(self.u16(at + 2)?);
            if length + HEADER > left {
                put!(self, "\n\t\t TLV contents go past end of message");
                break;
            }
            let kind = first & 0x3fff;
            put!(
                self,
                "\n\t    ",
                name(kind).unwrap_or("Unknown"),
                " TLV (0x",
                HexZeros::<4>(u32::from(kind)),
                "), length: ",
                length,
                ", Flags: [",
                unknown(first),
                " and ",
                if first & 0x4000 != 0 { "do" } else { "don't" },
                " forward if unknown]"
            );
            let value = Rest {
                at: at + HEADER,
                left: length,
            };
            if self.ldp_value(kind, value)?.is_err() {
                self.invalid();
            }
            at += HEADER + length;
            left -= HEADER + length;
        }
        Ok(())
    }

    fn ldp_needs(&mut self, rest: Rest, wanted: usize) -> Result<(), Short> {
        if rest.left < wanted {
            put!(self, " [tlv length ", rest.left, " < ", wanted, "]");
            return Err(Short);
        }
        Ok(())
    }

    fn ldp_value(&mut self, kind: u16, rest: Rest) -> Read<Result<(), Short>> {
        let at = rest.at;
        let wanted = match kind {
            0x0400 | 0x0401 | 0x0402 | 0x0200 => 4,
            0x0403 => 16,
            0x0101 | 0x0601 => 2,
            0x0500 | 0x0300 => 8,
            0x0100 => 1,
            0x0503 => 12,
            _ => 0,
        };
        if self.ldp_needs(rest, wanted).is_err() {
            return Ok(Err(Short));
        }
        match kind {
            0x0100 => return self.ldp_class(rest),
            0x0101 => self.ldp_addresses(rest)?,
            0x0200 => put!(self, "\n\t      Label: ", self.u32(at)? & 0xf_ffff),
            0x0300 => self.ldp_status(at)?,
            0x0400 => {
                let flags = self.u16(at + 2)?;
                put!(
                    self,
                    "\n\t      Hold Time: ",
                    self.u16(at)?,
                    "s, Flags: [",
                    if flags & 0x8000 != 0 {
                        "Targeted"
                    } else {
                        "Link"
                    },
                    " Hello",
                    if flags & 0x4000 != 0 {
                        ", Request for targeted Hellos"
                    } else {
                        ""
                    },
                    "]"
                );
            }
            0x0401 => put!(self, "\n\t      IPv4 Transport Address: ", self.v4(at)?),
            0x0402 => put!(self, "\n\t      Sequence Number: ", self.u32(at)?),
            0x0403 => put!(self, "\n\t      IPv6 Transport Address: ", self.v6(at)?),
            0x0500 => {
                let flags = self.u16(at + 6)?;
                let asked = flags & 0x8000 != 0;
                put!(
                    self,
                    "\n\t      Version: ",
                    self.u16(at)?,
                    ", Keepalive: ",
                    self.u16(at + 2)?,
                    "s, Flags: [Downstream ",
                    if asked { "On Demand" } else { "Unsolicited" },
                    ", Loop Detection ",
                    if flags & 0x4000 != 0 {
                        "Enabled"
                    } else {
                        "Disabled"
                    },
                    "]"
                );
            }
            0x0503 => self.ldp_fault_tolerance(at)?,
            0x0601 => put!(self, "\n\t      MTU: ", self.u16(at)?),
            _ if self.options.verbosity <= 1 => self.unknown_data("\n\t      ", at, rest.left),
            _ => {}
        }
        Ok(Ok(()))
    }

    fn ldp_addresses(&mut self, rest: Rest) -> Read<()> {
        let family = self.u16(rest.at)?;
        put!(self, "\n\t      Address Family: ");
        match address_family::name(family) {
            Some(name) => put!(self, name),
            None => put!(self, "Unknown (", family, ")"),
        }
        put!(self, ", addresses");
        let (first, octets) = (rest.at + 2, rest.left - 2);
        match family {
            IPV4 => {
                for n in 0..octets / 4 {
                    put!(self, " ", self.v4(first + n * 4)?);
                }
            }
            IPV6 => {
                for n in 0..octets / 16 {
                    put!(self, " ", self.v6(first + n * 16)?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ldp_status(&mut self, at: usize) -> Read<()> {
        let status = self.u32(at)?;
        put!(
            self,
            "\n\t      Status: 0x",
            HexZeros::<2>(status & 0x3fff_ffff),
            ", Flags: [",
            if status & 0x8000_0000 != 0 {
                "Fatal error"
            } else {
                "Advisory Notification"
            },
            " and ",
            if status & 0x4000_0000 != 0 {
                "do"
            } else {
                "don't"
            },
            " forward]"
        );
        let cause = self.u32(at + 4)?;
        if cause != 0 {
            put!(self, ", causing Message ID: 0x", HexZeros::<8>(cause));
        }
        Ok(())
    }

    fn ldp_fault_tolerance(&mut self, at: usize) -> Read<()> {
        let flags = self.u16(at)?;
        let no = |flag: u16, word| if flags & flag != 0 { "" } else { word };
        put!(
            self,
            "\n\t      Flags: [",
            no(0x8000, "No "),
            "Reconnect, ",
            no(8, "Don't "),
            "Save State, ",
            no(4, "No "),
            "All-Label Protection, ",
            if flags & 2 != 0 {
                "Sequence Numbered Label"
            } else {
                "All Labels"
            },
            " Checkpoint, ",
            no(1, "Don't "),
            "Re-Learn State]"
        );
        for (title, place) in [
            (", Reconnect Timeout: ", at + 4),
            (", Recovery Time: ", at + 8),
        ] {
            let milliseconds = self.u32(place)?;
            if milliseconds != 0 {
                put!(self, title, milliseconds, "ms");
            }
        }
        Ok(())
    }

    /// What gets a label: a class of packets.
    fn ldp_class(&mut self, rest: Rest) -> Read<Result<(), Short>> {
        let kind = self.u8(rest.at)?;
        let name = match kind {
            1 => "Wildcard",
            2 => "Prefix",
            3 => "Host address",
            0x80 => "Martini VC",
            _ => "Unknown",
        };
        let number = HexZeros::<2>(u32::from(kind));
        put!(self, "\n\t      ", name, " FEC (0x", number, ")");
        let rest = Rest {
            at: rest.at + 1,
            left: rest.left - 1,
        };
        match kind {
            2 => self.ldp_prefix(rest),
            0x80 => self.ldp_virtual_circuit(rest),
            _ => Ok(Ok(())),
        }
    }

    fn ldp_prefix(&mut self, rest: Rest) -> Read<Result<(), Short>> {
        if self.ldp_needs(rest, 2).is_err() {
            return Ok(Err(Short));
        }
        let family = self.u16(rest.at)?;
        let (at, left) = (rest.at + 2, rest.left - 2);
        match family {
            IPV4 => match self.ldp_prefix_of::<4>(at, left)? {
                Some((address, bits)) => put!(self, ": IPv4 prefix ", V4(address), "/", bits),
                None => put!(self, ": IPv4 prefix (invalid length)"),
            },
            IPV6 => match self.ldp_prefix_of::<16>(at, left)? {
                Some((address, bits)) => put!(self, ": IPv6 prefix ", V6(address), "/", bits),
                None => put!(self, ": IPv6 prefix (invalid length)"),
            },
            _ => put!(self, ": Address family ", family, " prefix"),
        }
        Ok(Ok(()))
    }

    /// A prefix of up to `N` octets and its length in bits; nothing if that is too long. One that is cut,
    /// or goes past its parameter's end, ends the packet.
    fn ldp_prefix_of<const N: usize>(&self, at: usize, left: usize) -> Read<Option<([u8; N], u8)>> {
        if left < 1 {
            return Err(Cut);
        }
        let bits = self.u8(at)?;
        if usize::from(bits) > N * 8 {
            return Ok(None);
        }
        let octets = usize::from(bits).div_ceil(8);
        if left - 1 < octets {
            return Err(Cut);
        }
        let mut address = [0; N];
        let said = self.bytes.slice(at + 1, octets)?;
        for (octet, &said) in address.iter_mut().zip(said) {
            *octet = said;
        }
        let last = octets.checked_sub(1).and_then(|n| address.get_mut(n));
        if let (rest @ 1.., Some(octet)) = (bits % 8, last) {
            *octet &= !(0xff >> rest);
        }
        Ok(Some((address, bits)))
    }

    /// A circuit of another kind of network (RFC 4906 section 5).
    fn ldp_virtual_circuit(&mut self, rest: Rest) -> Read<Result<(), Short>> {
        if self.ldp_needs(rest, 7).is_err() {
            return Ok(Err(Short));
        }
        let at = rest.at;
        let kind = self.u16(at)?;
        let length = usize::from(self.u8(at + 2)?);
        if length != 0 && self.ldp_needs(rest, 11).is_err() {
            return Ok(Err(Short));
        }
        let number = if length == 0 {
            None
        } else {
            Some(self.u32(at + 7)?)
        };
        put!(
            self,
            ": ",
            circuit_name(kind & 0x7fff).unwrap_or("Unknown"),
            if kind & 0x8000 != 0 { ", " } else { ", no " },
            "control word, group-ID ",
            self.u32(at + 3)?,
            number.map(|number| (", VC-ID ", number)),
            ", VC-info-length: ",
            length
        );
        match length {
            0 => return Ok(Ok(())),
            1..4 => {
                put!(self, " (invalid, < 4");
                return Ok(Ok(()));
            }
            _ => {}
        }
        // The circuit's number is counted too.
        let mut left = length - 4;
        let rest = Rest {
            at: at + 11,
            left: rest.left - 11,
        };
        if self.ldp_needs(rest, left).is_err() {
            return Ok(Err(Short));
        }
        let mut at = rest.at;
        while left > 2 {
            let octets = usize::from(self.u8(at + 1)?);
            if octets < 2 || left < octets {
                break;
            }
            self.ldp_interface(at, octets)?;
            at += octets;
            left -= octets;
        }
        Ok(Ok(()))
    }

    fn ldp_interface(&mut self, at: usize, octets: usize) -> Read<()> {
        let kind = self.u8(at)?;
        let name = match kind {
            0x01 => "MTU",
            0x03 => "Description",
            0x0c => "VCCV",
            _ => "Unknown",
        };
        put!(
            self,
            "\n\t\tInterface Parameter: ",
            name,
            " (0x",
            HexZeros::<2>(u32::from(kind)),
            "), len ",
            octets
        );
        match kind {
            0x01 => put!(self, ": ", self.u16(at + 2)?),
            0x03 => {
                put!(self, ": ");
                let text = self.bytes.rest(at + 2, octets - 2);
                self.escaped(text);
                self.bytes.slice(at + 2, octets - 2)?;
            }
            0x0c => {
                for (title, place, names) in [
                    ("\n\t\t  Control Channels (0x", at + 2, &CONTROL_CHANNELS),
                    ("\n\t\t  CV Types (0x", at + 3, &VERIFICATIONS),
                ] {
                    let value = u32::from(self.u8(place)?);
                    let named = Bits {
                        value,
                        names,
                        separator: ", ",
                        none: "none",
                    };
                    put!(self, title, HexZeros::<2>(value), ") = [", named, "]");
                }
            }
            _ => self.unknown_data("\n\t\t  ", at + 2, octets - 2),
        }
        Ok(())
    }
}

fn name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0100 => "FEC",
        0x0101 => "Address List",
        0x0103 => "Hop Count",
        0x0104 => "Path Vector",
        0x0200 => "Generic Label",
        0x0201 => "ATM Label",
        0x0202 => "Frame-Relay Label",
        0x0300 => "Status",
        0x0301 => "Extended Status",
        0x0302 => "Returned PDU",
        0x0303 => "Returned Message",
        0x0400 => "Common Hello Parameters",
        0x0401 => "IPv4 Transport Address",
        0x0402 => "Configuration Sequence Number",
        0x0403 => "IPv6 Transport Address",
        0x0500 => "Common Session Parameters",
        0x0501 => "ATM Session Parameters",
        0x0502 => "Frame-Relay Session Parameters",
        0x0503 => "Fault-Tolerant Session Parameters",
        0x0600 => "Label Request Message ID",
        0x0601 => "MTU",
        _ => return None,
    })
}

/// Kinds of circuits that pass through MPLS (IANA, MPLS pseudowire types).
fn circuit_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0000 => "Reserved",
        0x0001 => "Frame Relay DLCI (Martini Mode)",
        0x0002 => "ATM AAL5 SDU VCC transport",
        0x0003 => "ATM transparent cell transport",
        0x0004 => "Ethernet VLAN",
        0x0005 => "Ethernet",
        0x0006 => "Cisco-HDLC",
        0x0007 => "PPP",
        0x0008 => "SONET/SDH Circuit Emulation Service over MPLS",
        0x0009 => "ATM n-to-one VCC cell transport",
        0x000a => "ATM n-to-one VPC cell transport",
        0x000b => "IP Layer2 Transport",
        0x000c => "ATM one-to-one VCC Cell Mode",
        0x000d => "ATM one-to-one VPC Cell Mode",
        0x000e => "ATM AAL5 PDU VCC transport",
        0x000f => "Frame-Relay Port mode",
        0x0010 => "SONET/SDH Circuit Emulation over Packet",
        0x0011 => "Structure-agnostic E1 over Packet",
        0x0012 => "Structure-agnostic T1 (DS1) over Packet",
        0x0013 => "Structure-agnostic E3 over Packet",
        0x0014 => "Structure-agnostic T3 (DS3) over Packet",
        0x0015 => "CESoPSN basic mode",
        0x0016 => "TDMoIP basic mode",
        0x0017 => "CESoPSN TDM with CAS",
        0x0018 => "TDMoIP TDM with CAS",
        0x0019 => "Frame Relay DLCI",
        0x0040 => "IP-interworking",
        _ => return None,
    })
}
