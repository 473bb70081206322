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
            && let Ok(header) = self.bytes.array::<{ vxlan::HEADER_LENGTH }>(at)
            && header[vxlan::FLAGS] == vxlan::FLAG_VNI
        {
            self.vxlan_line(header);
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
        self.vxlan_line_end();
        self.vxlan_inner(at, length)
    }

    /// The usual header, and the start of the next line.
    #[inline(always)]
    pub(super) fn vxlan_line(&mut self, header: [u8; vxlan::HEADER_LENGTH]) {
        let [_, _, _, _, a, b, c, _] = header;
        let mut phrase = Phrase::<64>::new(self.out);
        phrase.literal(b"VXLAN, flags [I] (0x08), vni ");
        phrase.number(u32::from_be_bytes([0, a, b, c]));
        phrase.put();
        self.vxlan_line_end();
    }

    #[inline(always)]
    fn vxlan_line_end(&mut self) {
        put!(self, "\n");
        if !self.options.inner_indent.is_empty() {
            put!(self, self.options.inner_indent);
        }
    }

    fn vxlan_inner(&mut self, at: usize, length: u32) -> Read<()> {
        if !self.has(at + vxlan::HEADER_LENGTH - 1, 1) {
            return Err(Cut);
        }
        let inner = at + vxlan::HEADER_LENGTH;
        let captured = self.bytes.available(inner) as u32;
        self.ethernet(inner, length - vxlan::HEADER_LENGTH as u32, captured)?;
        Ok(())
    }
}
