//! Link layer discovery (IEEE 802.1AB): what a switch or host tells its neighbour.

mod bridging;
mod endpoint;
mod physical;

use super::address_family;
use super::dissector::Dissector;
use super::text::{Bits, HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::oui;

const CAPABILITIES: [(u32, &str); 8] = [
    (0x01, "Other"),
    (0x02, "Repeater"),
    (0x04, "Bridge"),
    (0x08, "WLAN AP"),
    (0x10, "Router"),
    (0x20, "Telephone"),
    (0x40, "Docsis"),
    (0x80, "Station Only"),
];

/// What became of an element's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// Printed, or not worth printing.
    Done,
    /// Not understood: it is shown in hexadecimal.
    Unknown,
    /// Shorter than it must be: the frame ends here.
    Short,
}

impl Dissector<'_> {
    pub(super) fn lldp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "lldp";
        put!(self, "LLDP, length ", length);
        let mut at = at;
        let mut left = length as usize;
        let verbose = self.verbose();
        while left >= 2 {
            if !self.has(at, 2) {
                self.truncated();
                return Ok(());
            }
            let head = self.u16(at)?;
            let kind = head >> 9;
            let size = usize::from(head & 0x1ff);
            at += 2;
            left -= 2;
            if verbose {
                let name = element_name(kind).unwrap_or("Unknown");
                put!(self, "\n\t", name, " TLV (", kind, "), length ", size);
            }
            if kind == 0 || size == 0 {
                break;
            }
            if !self.has(at, size) || left < size {
                self.truncated();
                return Ok(());
            }
            let value = if verbose {
                self.lldp_element(kind, at, size)?
            } else {
                if kind == 5 {
                    put!(self, ": ");
                    self.padded_name(at, size)?;
                }
                Value::Done
            };
            match value {
                Value::Short => {
                    self.truncated();
                    return Ok(());
                }
                Value::Done if self.options.verbosity < 2 => {}
                Value::Done | Value::Unknown => self.unknown_data("\n\t  ", at, size),
            }
            at += size;
            left -= size;
        }
        Ok(())
    }

    fn lldp_element(&mut self, kind: u16, at: usize, size: usize) -> Read<Value> {
        match kind {
            1 | 2 => return self.lldp_identifier(kind, at, size),
            3 if size < 2 => return Ok(Value::Short),
            3 => put!(self, ": TTL ", self.u16(at)?, "s"),
            4 | 5 => {
                put!(self, ": ");
                self.padded_name(at, size)?;
            }
            6 => {
                put!(self, "\n\t  ");
                self.padded_name(at, size)?;
            }
            7 if size < 4 => return Ok(Value::Short),
            7 => {
                for (title, place) in [
                    ("\n\t  System  Capabilities [", at),
                    ("\n\t  Enabled Capabilities [", at + 2),
                ] {
                    let value = u32::from(self.u16(place)?);
                    let names = Bits {
                        value,
                        names: &CAPABILITIES,
                        separator: ", ",
                        none: "none",
                    };
                    put!(self, title, names, "] (0x", HexZeros::<4>(value), ")");
                }
            }
            8 => return self.lldp_management_address(at, size),
            127 if size < 3 => return Ok(Value::Short),
            127 => {
                let organisation = self.u24(at)?;
                let name = oui::name(organisation).unwrap_or("Unknown");
                put!(
                    self,
                    ": OUI ",
                    name,
                    " (0x",
                    HexZeros::<6>(organisation),
                    ")"
                );
                return match organisation {
                    0x00_80c2 => self.lldp_bridging(at, size),
                    0x00_120f => self.lldp_physical(at, size),
                    0x00_005e => self.lldp_iana(at, size),
                    0x00_12bb => self.lldp_endpoint(at, size),
                    _ => Ok(Value::Unknown),
                };
            }
            _ => return Ok(Value::Unknown),
        }
        Ok(Value::Done)
    }

    /// A chassis or a port.
    fn lldp_identifier(&mut self, kind: u16, at: usize, size: usize) -> Read<Value> {
        if size < 2 {
            return Ok(Value::Short);
        }
        let subtype = self.u8(at)?;
        let name = if kind == 1 {
            match subtype {
                1 => "Chassis component",
                2 => "Interface alias",
                3 => "Port component",
                4 => "MAC address",
                5 => "Network address",
                6 => "Interface name",
                7 => "Local",
                _ => "Unknown",
            }
        } else {
            match subtype {
                1 => "Interface alias",
                2 => "Port component",
                3 => "MAC address",
                4 => "Network Address",
                5 => "Interface Name",
                6 => "Agent circuit ID",
                7 => "Local",
                _ => "Unknown",
            }
        };
        put!(self, "\n\t  Subtype ", name, " (", subtype, "): ");
        // The two lists have the same meanings under different numbers.
        let (mac, network) = if kind == 1 { (4, 5) } else { (3, 4) };
        if subtype == mac {
            if size < 7 {
                return Ok(Value::Short);
            }
            put!(self, self.mac(at + 1)?);
        } else if subtype == network {
            if !self.lldp_network_address("", at + 1, size - 1)? {
                return Ok(Value::Short);
            }
        } else if (1..=7).contains(&subtype) {
            self.padded_name(at + 1, size - 1)?;
        } else {
            return Ok(Value::Unknown);
        }
        Ok(Value::Done)
    }

    /// An address behind its family number; answers false if it is too short.
    fn lldp_network_address(&mut self, lead: &'static str, at: usize, size: usize) -> Read<bool> {
        let Some(size) = size.checked_sub(1) else {
            return Ok(false);
        };
        let family = self.u8(at)?;
        let name = address_family::name(u16::from(family)).unwrap_or("Unknown");
        let address = at + 1;
        match family {
            1 if size < 4 => return Ok(false),
            1 => put!(
                self,
                lead,
                "AFI ",
                name,
                " (",
                family,
                "): ",
                self.v4(address)?
            ),
            2 if size < 16 => return Ok(false),
            2 => put!(
                self,
                lead,
                "AFI ",
                name,
                " (",
                family,
                "): ",
                self.v6(address)?
            ),
            6 if size < 6 => return Ok(false),
            6 => put!(
                self,
                lead,
                "AFI ",
                name,
                " (",
                family,
                "): ",
                self.mac(address)?
            ),
            _ => put!(self, lead, "AFI ", name, " (", family, "), no AF printer !"),
        }
        Ok(true)
    }

    fn lldp_management_address(&mut self, at: usize, size: usize) -> Read<Value> {
        let length = usize::from(self.u8(at)?);
        let Some(left) = (size - 1).checked_sub(length) else {
            return Ok(Value::Short);
        };
        let start = self.out.len();
        put!(self, "\n\t  Management Address length ", length, ", ");
        if !self.lldp_network_address("", at + 1, length)? {
            self.out.truncate(start);
            return Ok(Value::Short);
        }
        let numbering = at + 1 + length;
        let Some(left) = left.checked_sub(5) else {
            return Ok(Value::Short);
        };
        let subtype = self.u8(numbering)?;
        let name = match subtype {
            2 => "Interface Index",
            3 => "System Port Number",
            _ => "Unknown",
        };
        let number = self.u32(numbering + 1)?;
        put!(
            self,
            "\n\t  ",
            name,
            " Interface Numbering (",
            subtype,
            "): ",
            number
        );
        if left > 0 {
            let object = numbering + 5;
            let length = usize::from(self.u8(object)?);
            if left < 1 + length {
                return Ok(Value::Short);
            }
            if length > 0 {
                put!(self, "\n\t  OID length ", length);
                self.padded_name(object + 1, length)?;
            }
        }
        Ok(Value::Done)
    }

    /// The one element IANA has defined (RFC 8520 section 11).
    fn lldp_iana(&mut self, at: usize, size: usize) -> Read<Value> {
        if size < 8 {
            return Ok(Value::Done);
        }
        let subtype = self.u8(at + 3)?;
        if subtype != 1 {
            put!(self, "\n\t  unknown Subtype (", subtype, ")");
            return Ok(Value::Unknown);
        }
        put!(self, "\n\t  MUD-URL Subtype (", subtype, ")\n\t  MUD-URL=");
        let url = self.bytes.slice(at + 4, size - 4)?;
        self.escaped(url);
        Ok(Value::Done)
    }
}

fn element_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0 => "End",
        1 => "Chassis ID",
        2 => "Port ID",
        3 => "Time to Live",
        4 => "Port Description",
        5 => "System Name",
        6 => "System Description",
        7 => "System Capabilities",
        8 => "Management Address",
        127 => "Organization specific",
        _ => return None,
    })
}
