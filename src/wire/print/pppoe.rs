//! PPP over Ethernet (RFC 2516): how a session is found, and the session's frames.

use super::dissector::Dissector;
use super::text::{Hex, put};
use crate::wire::bytes::Read;

/// Octets of the header: version and type, code, session, length.
const HEADER: u32 = 6;
const INITIATION: u8 = 0x09;
/// The most octets that an initiation may have behind its header.
const INITIATION_MAX: u32 = 1484 - HEADER;
/// Characters of a tag shown at most.
const TAG_MAX: usize = 79;

impl Dissector<'_> {
    pub(super) fn pppoe(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "pppoe";
        if length < HEADER {
            put!(self, " (length ", length, " < ", HEADER, ")");
            self.invalid();
            return Ok(());
        }
        let available = length - HEADER;
        self.bytes.slice(at, HEADER as usize)?;
        let first = self.u8(at)?;
        let code = self.u8(at + 1)?;
        let session = u32::from(self.u16(at + 2)?);
        let mut length = u32::from(self.u16(at + 4)?);
        if first >> 4 != 1 {
            put!(self, " [ver ", first >> 4, "]");
        }
        if first & 15 != 1 {
            put!(self, " [type ", first & 15, "]");
        }
        match code_name(code) {
            Some(name) => put!(self, "PPPoE ", name),
            None => put!(self, "PPPoE PAD-", Hex(u32::from(code))),
        }
        if code == INITIATION && length > INITIATION_MAX {
            put!(self, " [len ", length, "!]");
        }
        if length > available {
            put!(self, " [len ", length, " > ", available, "!]");
            length = available;
        }
        if session != 0 {
            put!(self, " [ses 0x", Hex(session), "]");
        }
        let body = at + HEADER as usize;
        if code == 0 {
            put!(self, " ");
            return self.ppp(body, length);
        }
        self.pppoe_tags(body, body + length as usize)
    }

    fn pppoe_tags(&mut self, at: usize, end: usize) -> Read<()> {
        let mut place = at;
        while place < end {
            let kind = self.u16(place)?;
            let length = usize::from(self.u16(place + 2)?);
            let value = self.bytes.slice(place + 4, length)?;
            let number = Hex(u32::from(kind));
            put!(self, " [");
            match tag_name(kind) {
                Some(name) => put!(self, name),
                None => put!(self, "TAG-0x", number),
            }
            let shown = value.get(..TAG_MAX).unwrap_or(value);
            let is_text = |octet: &u8| (0x20..0x7f).contains(octet);
            let characters = shown.iter().filter(|octet| is_text(octet)).count();
            if length == 0 {
                put!(self, "]");
            } else if characters > shown.len() - characters {
                put!(self, " \"");
                self.out.extend(
                    shown
                        .iter()
                        .map(|octet| if is_text(octet) { *octet } else { b'.' }),
                );
                put!(self, "\"]");
            } else {
                put!(self, " 0x");
                for &octet in value {
                    self.out.extend_from_slice(&upper_digits(octet));
                }
                put!(self, "]");
            }
            place += 4 + length;
            if kind == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn upper_digits(octet: u8) -> [u8; 2] {
    super::text::hex_pair(octet).map(|digit| digit.to_ascii_uppercase())
}

fn code_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "",
        0x07 => "PADO",
        INITIATION => "PADI",
        0x19 => "PADR",
        0x65 => "PADS",
        0xa7 => "PADT",
        _ => return None,
    })
}

fn tag_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0000 => "EOL",
        0x0101 => "Service-Name",
        0x0102 => "AC-Name",
        0x0103 => "Host-Uniq",
        0x0104 => "AC-Cookie",
        0x0105 => "Vendor-Specific",
        0x0110 => "Relay-Session-ID",
        0x0120 => "PPP-Max-Payload",
        0x0201 => "Service-Name-Error",
        0x0202 => "AC-System-Error",
        0x0203 => "Generic-Error",
        _ => return None,
    })
}
