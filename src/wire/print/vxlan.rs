//! VXLAN (RFC 7348) with the inner frame on a line of its own.

use super::dissector::Dissector;
use super::phrase::Phrase;
use super::text::{HexZeros, put};
use crate::wire::bytes::{Cut, Read};
use crate::wire::packet::vxlan;

impl Dissector<'_> {
    pub(super) fn vxlan(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "vxlan";
        if length >= vxlan::HEADER_LENGTH as u32
            && let Ok([vxlan::FLAG_VNI, _, _, _, a, b, c, _]) =
                self.bytes.array::<{ vxlan::HEADER_LENGTH }>(at)
        {
            let mut phrase = Phrase::<64>::new(self.out);
            phrase.literal(b"VXLAN, flags [I] (0x08), vni ");
            phrase.number(u32::from_be_bytes([0, a, b, c]));
            phrase.put();
            return self.vxlan_inner(at, length);
        }
        put!(self, "VXLAN");
        if length < vxlan::HEADER_LENGTH as u32 {
            self.invalid();
            return Ok(());
        }
        let flags = self.u8(at)?;
        let valid = if flags & vxlan::FLAG_VNI != 0 {
            "I"
        } else {
            "invalid"
        };
        put!(
            self,
            ", flags [",
            valid,
            "] (0x",
            HexZeros::<2>(u32::from(flags)),
            "), "
        );
        put!(self, "vni ", self.u24(at + vxlan::VNI)?);
        self.vxlan_inner(at, length)
    }

    fn vxlan_inner(&mut self, at: usize, length: u32) -> Read<()> {
        self.out.push(b'\n');
        if !self.options.inner_indent.is_empty() {
            put!(self, self.options.inner_indent);
        }
        if !self.has(at + vxlan::HEADER_LENGTH - 1, 1) {
            return Err(Cut);
        }
        let inner = at + vxlan::HEADER_LENGTH;
        let captured = self.bytes.available(inner) as u32;
        self.ethernet(inner, length - vxlan::HEADER_LENGTH as u32, captured)?;
        Ok(())
    }
}
