//! Virtual router redundancy (RFC 3768, RFC 5798).

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{Hex, put};
use crate::wire::bytes::Read;
use crate::wire::checksum;
use crate::wire::ip::{Protocol, v4, v6};

impl Dissector<'_> {
    pub(super) fn vrrp(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "vrrp";
        put!(self, "VRRP");
        let first = self.u8(at)?;
        let (version, kind) = (first >> 4, first & 15);
        match kind {
            1 => put!(self, "v", version, ", Advertisement"),
            _ => put!(self, "v", version, ", unknown type (", kind, ")"),
        }
        let ttl = if header.version == 4 {
            self.u8(header.at + v4::TTL)?
        } else {
            self.u8(header.at + v6::HOP_LIMIT)?
        };
        if ttl != 255 {
            put!(self, ", (ttl ", ttl, ")");
        }
        if !(2..=3).contains(&version) || kind != 1 {
            return Ok(());
        }
        put!(
            self,
            ", vrid ",
            self.u8(at + 1)?,
            ", prio ",
            self.u8(at + 2)?
        );
        let mut authentication = 0;
        if version == 2 {
            authentication = self.u8(at + 4)?;
            match authentication {
                0 => put!(self, ", authtype none"),
                1 => put!(self, ", authtype simple"),
                2 => put!(self, ", authtype ah"),
                _ => put!(self, ", authtype #", authentication),
            }
            put!(self, ", intvl ", self.u8(at + 5)?, "s, length ", length);
        } else {
            put!(
                self,
                ", intvl ",
                self.u16(at + 4)? & 0x0fff,
                "cs, length ",
                length
            );
        }
        if !self.verbose() {
            return Ok(());
        }
        if let Ok(message) = self.bytes.slice(at, length as usize) {
            let sum = if version == 2 {
                checksum::of(message)
            } else {
                self.transport_sum(header, Protocol::VRRP, length)?
                    .octets(message)
                    .finish()
            };
            if sum != 0 {
                put!(
                    self,
                    ", (bad vrrp cksum ",
                    Hex(u32::from(self.u16(at + 6)?)),
                    ")"
                );
            }
        }
        let addresses = usize::from(self.u8(at + 3)?);
        put!(self, ", addrs");
        if addresses > 1 {
            put!(self, "(", addresses, ")");
        }
        put!(self, ":");
        let mut place = at + 8;
        for address in 0..addresses {
            let lead = if address == 0 { " " } else { "," };
            if header.version == 4 {
                put!(self, lead, self.v4(place)?);
                place += 4;
            } else {
                put!(self, lead, self.v6(place)?);
                place += 16;
            }
        }
        if version == 2 && authentication == 1 {
            put!(self, " auth \"");
            self.padded_name(place, 8)?;
            put!(self, "\"");
        }
        Ok(())
    }
}
