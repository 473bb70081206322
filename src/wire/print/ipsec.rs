//! Authentication headers (RFC 4302) and what can be seen of encrypted payload (RFC 4303, RFC 3173), in UDP too
//! (RFC 3948).

use super::dissector::Dissector;
use super::text::{Hex, HexZeros, put};
use crate::wire::bytes::Read;

impl Dissector<'_> {
    /// Prints the header and answers its octets.
    pub(super) fn ah(&mut self, at: usize) -> Read<usize> {
        /// Octets before the integrity check value.
        const FIXED: usize = 12;
        self.protocol = "ah";
        put!(self, "AH");
        let words = self.u8(at + 1)?;
        let length = (usize::from(words) + 2) * 4;
        put!(self, "(");
        if self.verbose() {
            put!(self, "length=", words, "(", length, "-bytes),");
        }
        let reserved = self.u16(at + 2)?;
        if reserved != 0 {
            put!(
                self,
                "reserved=0x",
                Hex(u32::from(reserved)),
                "[MustBeZero],"
            );
        }
        put!(self, "spi=0x", HexZeros::<8>(self.u32(at + 4)?), ",");
        put!(self, "seq=0x", Hex(self.u32(at + 8)?), ",");
        put!(self, "icv=0x");
        for place in FIXED..length {
            put!(self, HexZeros::<2>(u32::from(self.u8(at + place)?)));
        }
        put!(self, "): ");
        Ok(length)
    }

    pub(super) fn esp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "esp";
        // tcpdump wants an octet behind the header too.
        if !self.has(at, 9) {
            self.truncated();
            return Ok(());
        }
        let (spi, sequence) = (self.u32(at)?, self.u32(at + 4)?);
        put!(
            self,
            "ESP(spi=0x",
            HexZeros::<8>(spi),
            ",seq=0x",
            Hex(sequence),
            ")"
        );
        put!(self, ", length ", length);
        Ok(())
    }

    /// ESP in UDP (RFC 3948); answers false, having printed nothing, if it is IKE.
    pub(super) fn esp_in_udp(&mut self, at: usize, length: u32) -> Read<bool> {
        self.protocol = "isakmp_rfc3948";
        if length == 1 && self.u8(at)? == 0xff {
            put!(self, "isakmp-nat-keep-alive");
        } else if length < 4 {
            self.truncated();
        } else if self.u32(at)? == 0 {
            self.protocol = "udp";
            return Ok(false);
        } else {
            put!(self, "UDP-encap: ");
            self.esp(at, length)?;
        }
        Ok(true)
    }

    pub(super) fn ipcomp(&mut self, at: usize) -> Read<()> {
        self.protocol = "ipcomp";
        put!(
            self,
            "IPComp(cpi=0x",
            HexZeros::<4>(u32::from(self.u16(at + 2)?)),
            ")"
        );
        Ok(())
    }
}
