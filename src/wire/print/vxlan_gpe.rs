//! The generic protocol extension for VXLAN (draft-ietf-nvo3-vxlan-gpe), and OTV, which has VXLAN's shape.

use super::dissector::Dissector;
use super::text::{Bits, HexZeros, put};
use crate::wire::bytes::{Cut, Read};

const HEADER_LENGTH: u32 = 8;

const FLAG_NAMES: [(u32, &str); 4] = [(0x08, "I"), (0x04, "P"), (0x02, "B"), (0x01, "O")];

impl Dissector<'_> {
    pub(super) fn vxlan_gpe(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "vxlan_gpe";
        put!(self, "VXLAN-GPE, ");
        if length < HEADER_LENGTH {
            put!(self, " (len ", length, " < 8)");
            self.invalid();
            return Ok(());
        }
        let flags = Bits {
            value: u32::from(self.u8(at)?),
            names: &FLAG_NAMES,
            separator: "",
            none: "none",
        };
        put!(self, "flags [", flags, "], ");
        let next = self.u8(at + 3)?;
        let vni = self.u24(at + 4)?;
        if !self.has(at + 7, 1) {
            return Err(Cut);
        }
        put!(
            self,
            "vni ",
            vni,
            if self.verbose() { "\n    " } else { ": " }
        );
        let inner = at + HEADER_LENGTH as usize;
        let left = length - HEADER_LENGTH;
        match next {
            1 => self.ipv4(inner, left),
            2 => self.ipv6(inner, left),
            3 => {
                let captured = self.bytes.available(inner) as u32;
                self.ethernet(inner, left, captured).map(drop)
            }
            4 => self.nsh(inner, left),
            _ => {
                put!(self, "ERROR: unknown-next-protocol");
                self.invalid();
                Ok(())
            }
        }
    }

    /// What tcpdump takes UDP port 8472 for. On Linux it is VXLAN more often than not.
    pub(super) fn otv(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "otv";
        put!(self, "OTV, ");
        if length < HEADER_LENGTH {
            put!(self, "[length ", length, " < 8]");
            self.invalid();
            return if self.has(at, length as usize) {
                Ok(())
            } else {
                Err(Cut)
            };
        }
        let flags = self.u8(at)?;
        let valid = if flags & 0x08 != 0 { "I" } else { "." };
        put!(
            self,
            "flags [",
            valid,
            "] (0x",
            HexZeros::<2>(u32::from(flags)),
            "), "
        );
        put!(self, "overlay ", self.u24(at + 1)?, ", ");
        put!(self, "instance ", self.u24(at + 4)?, "\n");
        if !self.has(at + 7, 1) {
            return Err(Cut);
        }
        let inner = at + HEADER_LENGTH as usize;
        let captured = self.bytes.available(inner) as u32;
        self.ethernet(inner, length - HEADER_LENGTH, captured)
            .map(drop)
    }
}
