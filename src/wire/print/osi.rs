//! OSI network protocols by their first octet (ISO/IEC TR 9577).

mod isis;

use super::dissector::Dissector;
use super::text::{HexString, HexZeros, put};
use crate::wire::bytes::Read;

impl Dissector<'_> {
    pub(super) fn osi(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "isoclns";
        let kind = self.u8(at)?;
        if self.options.link_header {
            let name = protocol_name(kind).unwrap_or("Unknown");
            put!(
                self,
                "OSI NLPID ",
                name,
                " (0x",
                HexZeros::<2>(u32::from(kind)),
                "): "
            );
        }
        let lead = if self.options.link_header { "" } else { ", " };
        match kind {
            0x83 => {
                if !self.isis(at, length)? {
                    self.unknown_data("\n\t", at, length as usize);
                }
            }
            0xcc => self.ipv4(at + 1, length.wrapping_sub(1))?,
            0x8e => self.ipv6(at + 1, length.wrapping_sub(1))?,
            0xcf => self.ppp(at + 1, length.wrapping_sub(1))?,
            0x00 => put!(self, lead, "length: ", length),
            _ => {
                if !self.options.link_header {
                    let digits = HexZeros::<2>(u32::from(kind));
                    put!(self, "OSI NLPID 0x", digits, " unknown");
                }
                put!(self, lead, "length: ", length);
                if length > 1 {
                    self.unknown_data("\n\t", at, length as usize);
                }
            }
        }
        Ok(())
    }

    /// A network address: two octets to a group after the first.
    fn osi_address(&mut self, at: usize, length: usize) -> Read<()> {
        const MAX_LENGTH: usize = 20;
        let octets = self.bytes.slice(at, length)?;
        if !(1..=MAX_LENGTH).contains(&length) {
            put!(self, "isonsap_string: illegal length");
            return Ok(());
        }
        for (n, &octet) in octets.iter().enumerate() {
            put!(self, if n % 2 == 1 { "." } else { "" }, HexString(&[octet]));
        }
        Ok(())
    }

    /// Says whether Fletcher's checksum is right (ISO 8473 annex C, RFC 1008 section 7).
    fn osi_checksum(&mut self, at: usize, field: u16, offset: usize, length: u32) {
        let octets = match self.bytes.slice(at, length as usize) {
            Ok(octets) if field != 0 && offset + 2 <= octets.len() => octets,
            _ => {
                put!(self, " (unverified)");
                return;
            }
        };
        let right = fletcher(octets, offset);
        if right == field {
            put!(self, " (correct)");
        } else {
            put!(
                self,
                " (incorrect should be 0x",
                HexZeros::<4>(u32::from(right)),
                ")"
            );
        }
    }
}

/// The checksum that the field at `offset` should hold. Where a difference becomes negative it is not the
/// standard's number but tcpdump's, whose arithmetic wraps around at 32 bits.
fn fletcher(octets: &[u8], offset: usize) -> u16 {
    let (mut c0, mut c1) = (0u32, 0u32);
    for (n, &octet) in octets.iter().enumerate() {
        if n != offset && n != offset + 1 {
            c0 = c0.wrapping_add(u32::from(octet));
        }
        c1 = c1.wrapping_add(c0);
    }
    let (c0, c1) = (c0 % 255, c1 % 255);
    let product = ((octets.len() - offset) as u32).wrapping_mul(c0);
    let mut x = product.wrapping_sub(c0).wrapping_sub(c1) as i32;
    let mut y = c1.wrapping_sub(product).wrapping_sub(1) as i32;
    if y >= 0 {
        y = y.wrapping_add(1);
    }
    if x < 0 {
        x = x.wrapping_sub(1);
    }
    x %= 255;
    y %= 255;
    if x == 0 {
        x = 255;
    }
    if y == 0 {
        y = 255;
    }
    (x << 8 | y & 0xff) as u16
}

fn protocol_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x00 => "NULL",
        0x08 => "Q.933",
        0x09 => "LMI",
        0x80 => "SNAP",
        0x81 => "CLNP",
        0x82 => "ES-IS",
        0x83 => "IS-IS",
        0x84 => "CONS",
        0x85 => "IDRP",
        0xb1 => "FRF.15",
        0xc1 => "ISIS_SPB",
        0xcc => "IPv4",
        0xcf => "PPP",
        0x8a => "X25 ES-IS",
        0x8e => "IPv6",
        _ => return None,
    })
}
