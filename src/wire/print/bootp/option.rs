//! DHCP's options (RFC 2132 and what came after).

use super::super::dissector::Dissector;
use super::super::text::{HexZeros, Put, put};
use crate::wire::bytes::Read;

/// How an option's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Text in quotes.
    Text,
    /// IPv4 addresses.
    Addresses,
    /// Pairs of IPv4 addresses.
    AddressPairs,
    /// 32-bit numbers.
    Words,
    /// 32-bit numbers with a sign.
    SignedWords,
    /// 16-bit numbers.
    Shorts,
    /// Octets in decimal.
    Octets,
    /// `Y` or `N`.
    Flags,
    /// In a way of its own.
    Special,
}

const PAD: u8 = 0;
const END: u8 = 255;

/// An option's form and name; those that are not known are written by their length.
fn option_form(tag: u8) -> Option<(Form, &'static str)> {
    Some(match tag {
        0 => (Form::Octets, "PAD"),
        1 => (Form::Addresses, "Subnet-Mask"),
        2 => (Form::SignedWords, "Time-Zone"),
        3 => (Form::Addresses, "Default-Gateway"),
        4 => (Form::Addresses, "Time-Server"),
        5 => (Form::Addresses, "IEN-Name-Server"),
        6 => (Form::Addresses, "Domain-Name-Server"),
        7 => (Form::Addresses, "LOG"),
        8 => (Form::Addresses, "CS"),
        9 => (Form::Addresses, "LPR-Server"),
        10 => (Form::Addresses, "IM"),
        11 => (Form::Addresses, "RL"),
        12 => (Form::Text, "Hostname"),
        13 => (Form::Shorts, "BS"),
        14 => (Form::Text, "DP"),
        15 => (Form::Text, "Domain-Name"),
        16 => (Form::Addresses, "SS"),
        17 => (Form::Text, "RP"),
        18 => (Form::Text, "EP"),
        19 => (Form::Flags, "IPF"),
        20 => (Form::Flags, "SRT"),
        21 => (Form::AddressPairs, "PF"),
        22 => (Form::Shorts, "RSZ"),
        23 => (Form::Octets, "TTL"),
        24 => (Form::Words, "MTU-Timeout"),
        25 => (Form::Shorts, "MTU-Table"),
        26 => (Form::Shorts, "MTU"),
        27 => (Form::Flags, "LSN"),
        28 => (Form::Addresses, "BR"),
        29 => (Form::Flags, "MD"),
        30 => (Form::Flags, "MS"),
        31 => (Form::Flags, "Router-Discovery"),
        32 => (Form::Addresses, "RSA"),
        33 => (Form::AddressPairs, "Static-Route"),
        34 => (Form::Flags, "UT"),
        35 => (Form::Words, "AT"),
        36 => (Form::Flags, "IE"),
        37 => (Form::Octets, "TT"),
        38 => (Form::Words, "KI"),
        39 => (Form::Flags, "KG"),
        40 => (Form::Text, "YD"),
        41 => (Form::Addresses, "YS"),
        42 => (Form::Addresses, "NTP"),
        43 => (Form::Octets, "Vendor-Option"),
        44 => (Form::Addresses, "Netbios-Name-Server"),
        45 => (Form::Addresses, "WDD"),
        46 => (Form::Special, "Netbios-Node"),
        47 => (Form::Text, "Netbios-Scope"),
        48 => (Form::Addresses, "XFS"),
        49 => (Form::Addresses, "XDM"),
        50 => (Form::Addresses, "Requested-IP"),
        51 => (Form::Words, "Lease-Time"),
        52 => (Form::Special, "OO"),
        53 => (Form::Octets, "DHCP-Message"),
        54 => (Form::Addresses, "Server-ID"),
        55 => (Form::Octets, "Parameter-Request"),
        56 => (Form::Text, "MSG"),
        57 => (Form::Shorts, "MSZ"),
        58 => (Form::Words, "RN"),
        59 => (Form::Words, "RB"),
        60 => (Form::Text, "Vendor-Class"),
        61 => (Form::Special, "Client-ID"),
        64 => (Form::Shorts, "N+D"),
        65 => (Form::Addresses, "N+S"),
        66 => (Form::Text, "TFTP"),
        67 => (Form::Text, "BF"),
        68 => (Form::Addresses, "MH"),
        69 => (Form::Addresses, "SMTP"),
        70 => (Form::Addresses, "POP3"),
        71 => (Form::Addresses, "NNTP"),
        72 => (Form::Addresses, "WWW"),
        73 => (Form::Addresses, "FG"),
        74 => (Form::Addresses, "IRC"),
        75 => (Form::Addresses, "STS"),
        76 => (Form::Addresses, "STDA"),
        77 => (Form::Special, "User-Class"),
        78 => (Form::Octets, "SLP-DA"),
        79 => (Form::Octets, "SLP-SCOPE"),
        80 => (Form::Text, "SLP-NA"),
        81 => (Form::Special, "FQDN"),
        82 => (Form::Special, "Agent-Information"),
        83 => (Form::Octets, "ARMT"),
        88 => (Form::Text, "TZSTR"),
        89 => (Form::Octets, "FQDNS"),
        90 => (Form::Octets, "AUTH"),
        91 => (Form::SignedWords, "Last-Transaction-Time"),
        92 => (Form::Addresses, "Associated-IP"),
        93 => (Form::Shorts, "ARCH"),
        94 => (Form::Octets, "NDI"),
        95 => (Form::Text, "LDAP"),
        97 => (Form::Octets, "GUID"),
        98 => (Form::Text, "UAP"),
        100 => (Form::Text, "POSIX-TZ"),
        101 => (Form::Text, "TZ-Name"),
        112 => (Form::Addresses, "NI"),
        113 => (Form::Text, "NITAG"),
        114 => (Form::Text, "URL"),
        116 => (Form::Flags, "NOAUTO"),
        117 => (Form::Shorts, "NSSEARCH"),
        118 => (Form::Addresses, "SUBNET"),
        121 => (Form::Special, "Classless-Static-Route"),
        150 => (Form::Addresses, "TFTP-Server-Address"),
        161 => (Form::Text, "MUD-URL"),
        249 => (Form::Special, "Classless-Static-Route-Microsoft"),
        255 => (Form::Octets, "END"),
        _ => return None,
    })
}

fn option_name(tag: u8) -> &'static str {
    option_form(tag).map_or("Unknown", |(_, name)| name)
}

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
