//! Broadcom's line interface shim, which tcpdump takes every datagram from port 49152 for. Linux sends VXLAN from
//! that port too, one flow of some 28,000: its range for source ports begins at 32768.

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::{Cut, Read};

/// Octets of the shim.
const LENGTH: u32 = 4;

impl Dissector<'_> {
    pub(super) fn line_interface(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "bcm_li";
        if length < LENGTH {
            put!(self, " (length ", length, " < ", LENGTH, ")");
            self.invalid();
            return Ok(());
        }
        let shim = self.u32(at)?;
        let direction = match shim >> 29 {
            1 => "unused",
            2 => "egress",
            3 => "ingress",
            _ => "unknown",
        };
        let kind = shim >> 25 & 15;
        let kind_name = match kind {
            4 => "undecided",
            5 => "ipv4",
            6 => "ipv6",
            7 => "ethernet",
            _ => "unknown",
        };
        let tags = match shim >> 22 & 7 {
            1 => "single VLAN tag",
            2 => "double VLAN tag",
            3 => "untagged",
            _ => "unknown",
        };
        let line = if self.verbose() { "\n    " } else { "" };
        put!(self, line, "BCM-LI-SHIM: direction ", direction);
        put!(self, ", pkt-type ", kind_name, ", pkt-subtype ", tags);
        put!(self, ", li-id ", shim & 0x003f_ffff, line);
        let (at, length) = (at + LENGTH as usize, length - LENGTH);
        if !self.verbose() {
            return if self.has(at, length as usize) {
                Ok(())
            } else {
                Err(Cut)
            };
        }
        match kind {
            4 => match self.u8(at)? >> 4 {
                4 => self.ipv4(at, length),
                6 => self.ipv6(at, length),
                _ => {
                    put!(self, "unknown payload");
                    Ok(())
                }
            },
            5 => self.ipv4(at, length),
            6 => self.ipv6(at, length),
            7 => {
                let captured = self.bytes.available(at) as u32;
                self.ethernet(at, length, captured).map(drop)
            }
            _ => {
                self.invalid();
                Ok(())
            }
        }
    }
}
