//! MPLS label stacks (RFC 3032).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::{Cut, Read};

const LABEL_LENGTH: u32 = 4;
const BOTTOM_OF_STACK: u32 = 0x100;

impl Dissector<'_> {
    pub(super) fn mpls(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "mpls";
        put!(self, "MPLS");
        if !self.enter() {
            return Ok(());
        }
        let mut place = at;
        let mut left = length;
        let label = loop {
            if left < LABEL_LENGTH {
                self.invalid();
                return if self.has(place, left as usize) {
                    Ok(())
                } else {
                    Err(Cut)
                };
            }
            let entry = self.u32(place)?;
            let label = entry >> 12;
            let lead = if place != at && self.verbose() {
                "\n\t"
            } else {
                " "
            };
            put!(self, lead, "(label ", label);
            if self.verbose() {
                put!(self, special_label(label));
            }
            put!(self, ", tc ", entry >> 9 & 7);
            if entry & BOTTOM_OF_STACK != 0 {
                put!(self, ", [S]");
            }
            put!(self, ", ttl ", entry & 0xff, ")");
            place += LABEL_LENGTH as usize;
            left -= LABEL_LENGTH;
            if entry & BOTTOM_OF_STACK != 0 {
                break label;
            }
        };
        // Only two labels say what they carry; otherwise the first octet must tell.
        let version = match label {
            0 | 3 => 4,
            2 => 6,
            _ if left < 1 => return Ok(()),
            _ => match self.u8(place)? {
                0x45..=0x4f => 4,
                0x60..=0x6f => 6,
                0x81..=0x83 => 8,
                _ => return self.payload(place, left as usize),
            },
        };
        put!(self, if self.verbose() { "\n\t" } else { " " });
        match version {
            4 => self.ipv4(place, left),
            6 => self.ipv6(place, left),
            _ => self.osi(place, left),
        }
    }
}

fn special_label(label: u32) -> Option<&'static str> {
    Some(match label {
        0 => " (IPv4 explicit NULL)",
        1 => " (router alert)",
        2 => " (IPv6 explicit NULL)",
        3 => " (implicit NULL)",
        4..=15 => " (rsvd)",
        _ => return None,
    })
}
