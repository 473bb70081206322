//! DHCP's options (RFC 2132 and what came after).

mod form;

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, Put, put};
use form::{Form, option_form, option_name};

const PAD: u8 = 0;
const END: u8 = 255;

/// A value in an option that is not all there.
struct Short;

impl Dissector<'_> {
    /// All options; ends with the capture.
    pub(super) fn dhcp_options(&mut self, at: usize) -> Read<()> {
        put!(self, "\n\t  Vendor-rfc1048 Extensions");
        put!(
            self,
            "\n\t    Magic Cookie 0x",
            HexZeros::<8>(self.u32(at)?)
        );
        let mut at = at + 4;
        while self.has(at, 1) {
            let tag = self.u8(at)?;
            at += 1;
            if self.options.verbosity < 3 {
                match tag {
                    PAD => continue,
                    END => return Ok(()),
                    _ => {}
                }
            }
            let length = if matches!(tag, PAD | END) {
                0
            } else {
                let length = usize::from(self.u8(at)?);
                at += 1;
                length
            };
            put!(
                self,
                "\n\t    ",
                option_name(tag),
                " (",
                tag,
                "), length ",
                length
            );
            put!(self, if length > 0 { ": " } else { "" });
            if tag == PAD {
                let more = self
                    .bytes
                    .rest(at, usize::MAX)
                    .iter()
                    .take_while(|&&octet| octet == PAD)
                    .count();
                at += more;
                if more > 0 {
                    put!(self, ", occurs ", more + 1);
                }
            }
            if !self.has(at, length) {
                self.truncated();
                return Ok(());
            }
            self.dhcp_option(tag, at, length)?;
            at += length;
        }
        Ok(())
    }

    /// Prints a value that is there whole.
    fn dhcp_option(&mut self, tag: u8, at: usize, length: usize) -> Read<()> {
        match (tag, length) {
            (53, 1) => {
                let kind = self.u8(at)?;
                match message_name(kind) {
                    Some(name) => put!(self, name),
                    None => put!(self, "Unknown (", kind, ")"),
                }
                return Ok(());
            }
            (55, _) => {
                for (n, &wanted) in self.bytes.slice(at, length)?.iter().enumerate() {
                    put!(self, if n % 4 == 0 { "\n\t      " } else { ", " });
                    put!(self, option_name(wanted), " (", wanted, ")");
                }
                return Ok(());
            }
            _ => {}
        }
        let form = option_form(tag).map_or_else(
            || {
                if length & 1 != 0 {
                    Form::Octets
                } else if length & 2 != 0 {
                    Form::Shorts
                } else {
                    Form::Words
                }
            },
            |(form, _)| form,
        );
        let octets = self.bytes.slice(at, length)?;
        let left = match form {
            Form::Text => {
                self.quoted(octets);
                0
            }
            Form::Addresses | Form::Words | Form::SignedWords => {
                for (n, place) in (at..at + length / 4 * 4).step_by(4).enumerate() {
                    put!(self, if n > 0 { "," } else { "" });
                    match form {
                        Form::Addresses => put!(self, self.v4(place)?),
                        Form::Words => put!(self, self.u32(place)?),
                        _ => put!(self, i64::from(self.u32(place)? as i32)),
                    }
                }
                length % 4
            }
            Form::AddressPairs => {
                for (n, place) in (at..at + length / 8 * 8).step_by(8).enumerate() {
                    put!(self, if n > 0 { "," } else { "" });
                    put!(self, "(", self.v4(place)?, ":", self.v4(place + 4)?, ")");
                }
                length % 8
            }
            Form::Shorts => {
                for (n, place) in (at..at + length / 2 * 2).step_by(2).enumerate() {
                    put!(self, if n > 0 { "," } else { "" }, self.u16(place)?);
                }
                length % 2
            }
            Form::Flags => {
                for (n, &flag) in octets.iter().enumerate() {
                    put!(self, if n > 0 { "," } else { "" });
                    match flag {
                        0 => put!(self, "N"),
                        1 => put!(self, "Y"),
                        _ => put!(self, flag, "?"),
                    }
                }
                0
            }
            Form::Octets => {
                for (n, &octet) in octets.iter().enumerate() {
                    put!(self, if n > 0 { "." } else { "" }, octet);
                }
                0
            }
            Form::Special => self.dhcp_special(tag, at, length)?,
        };
        if left > 0 {
            put!(self, "\n\t  trailing data length ", left);
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8]) {
        put!(self, "\"");
        self.escaped(text);
        put!(self, "\"");
    }

    /// Answers how many octets are left over.
    fn dhcp_special(&mut self, tag: u8, at: usize, length: usize) -> Read<usize> {
        let octets = self.bytes.slice(at, length)?;
        match (tag, octets) {
            (46 | 52 | 61, []) => put!(self, "[ERROR: length < 1 bytes]"),
            (46 | 52, [kind, rest @ ..]) => {
                let name = match (tag, *kind) {
                    (46, 1) => "b-node",
                    (46, 2) => "p-node",
                    (46, 4) => "m-node",
                    (46, 8) => "h-node",
                    (52, 1) => "file",
                    (52, 2) => "sname",
                    (52, 3) => "file+sname",
                    _ => "",
                };
                if name.is_empty() {
                    put!(self, "#", *kind);
                } else {
                    put!(self, name);
                }
                return Ok(rest.len());
            }
            (61, [0, text @ ..]) => self.quoted(text),
            (61, [kind, address @ ..]) => {
                match hardware_name(*kind) {
                    Some(name) => put!(self, name, " "),
                    None => put!(self, "hardware-type ", *kind, ", "),
                }
                super::super::text::HexColons(address).put(self.out);
            }
            (81, [flags, first, second, name @ ..]) => {
                if flags & 0xf0 != 0 {
                    put!(
                        self,
                        "[ERROR: MBZ nibble 0x",
                        super::Hex(u32::from(flags >> 4)),
                        " != 0] "
                    );
                }
                if flags & 0x0f != 0 {
                    let names = super::Bits {
                        value: u32::from(*flags),
                        names: &[(1, "S"), (2, "O"), (4, "E"), (8, "N")],
                        separator: "",
                        none: "",
                    };
                    put!(self, "[", names, "] ");
                }
                if *first != 0 || *second != 0 {
                    put!(self, *first, "/", *second, " ");
                }
                self.quoted(name);
            }
            (81, _) => put!(self, "[ERROR: length < 3 bytes]"),
            (82, _) => return Ok(self.dhcp_relay_agent(at, octets)),
            (77, [_, _, ..]) => {
                if let Err(Short) = self.dhcp_user_class(octets) {
                    return Ok(0);
                }
            }
            (77, _) => put!(self, "[ERROR: length < 2 bytes]"),
            (121 | 249, [_, _, _, _, _, ..]) => self.dhcp_routes(octets),
            (121 | 249, _) => put!(self, "[ERROR: length < 5 bytes]"),
            _ => put!(self, "[unknown special tag ", tag, ", size ", length, "]"),
        }
        Ok(0)
    }

    /// RFC 3046 section 2.0.
    fn dhcp_relay_agent(&mut self, at: usize, octets: &[u8]) -> usize {
        let mut place = at;
        let mut rest = octets;
        while let [kind, size, value @ ..] = rest {
            let size = usize::from(*size);
            let name = match kind {
                1 => "Circuit-ID",
                2 => "Remote-ID",
                6 => "Subscriber-ID",
                _ => "Unknown",
            };
            put!(
                self,
                "\n\t      ",
                name,
                " SubOption ",
                *kind,
                ", length ",
                size,
                ": "
            );
            let Some((text, behind)) = value.split_at_checked(size) else {
                put!(self, "length goes past end of option");
                return 0;
            };
            if matches!(kind, 1 | 2 | 6) {
                self.escaped(text);
            } else {
                self.unknown_data("\n\t\t", place + 2, size);
            }
            place += 2 + size;
            rest = behind;
        }
        rest.len()
    }

    /// RFC 3004 section 4.
    fn dhcp_user_class(&mut self, octets: &[u8]) -> Result<(), Short> {
        let mut rest = octets;
        let mut number = 0u32;
        while let [size, value @ ..] = rest {
            number += 1;
            put!(self, "\n\t      instance#", number, ": ");
            if *size == 0 {
                put!(self, "[ERROR: suboption length must be non-zero]");
                return Err(Short);
            }
            let Some((text, behind)) = value.split_at_checked(usize::from(*size)) else {
                put!(self, "[ERROR: invalid option]");
                return Err(Short);
            };
            self.quoted(text);
            put!(self, ", length ", *size);
            rest = behind;
        }
        Ok(())
    }

    /// RFC 3442.
    fn dhcp_routes(&mut self, octets: &[u8]) {
        let mut rest = octets;
        let mut first = true;
        while let [width, behind @ ..] = rest {
            if !first {
                put!(self, ",");
            }
            first = false;
            if *width > 32 {
                put!(self, "[ERROR: Mask width (", *width, ") > 32]");
                return;
            }
            let significant = usize::from(*width).div_ceil(8);
            let Some((destination, behind)) = behind.split_at_checked(significant) else {
                self.dhcp_short_route(behind.len(), significant);
                return;
            };
            let Some((router, behind)) = behind.split_first_chunk::<4>() else {
                self.dhcp_short_route(significant + behind.len(), significant);
                return;
            };
            put!(self, "(");
            if *width == 0 {
                put!(self, "default");
            } else {
                let padded = destination.iter().chain(&[0; 4]).take(4);
                for (n, &octet) in padded.enumerate() {
                    put!(self, if n > 0 { "." } else { "" }, octet);
                }
                put!(self, "/", *width);
            }
            put!(self, ":", super::super::text::V4(*router), ")");
            rest = behind;
        }
    }

    fn dhcp_short_route(&mut self, left: usize, significant: usize) {
        let wanted = significant + 4;
        put!(
            self,
            "[ERROR: Remaining length (",
            left,
            ") < ",
            wanted,
            " bytes]"
        );
    }
}

fn message_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Discover",
        2 => "Offer",
        3 => "Request",
        4 => "Decline",
        5 => "ACK",
        6 => "NACK",
        7 => "Release",
        8 => "Inform",
        10 => "LeaseQuery",
        11 => "LeaseUnassigned",
        12 => "LeaseUnknown",
        13 => "LeaseActive",
        _ => return None,
    })
}

fn hardware_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "ether",
        6 => "ieee802",
        7 => "arcnet",
        15 => "frelay",
        23 => "strip",
        24 => "ieee1394",
        _ => return None,
    })
}
