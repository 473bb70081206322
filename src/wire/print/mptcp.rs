//! Multipath TCP's option (RFC 8684 section 3).

use super::dissector::Dissector;
use super::text::{Hex, HexString, Put, put};
use crate::wire::bytes::Read;
use crate::wire::tcp::flag;

/// 64 bits in hexadecimal without leading zeros.
struct Hex64(u64);

impl Put for Hex64 {
    fn put(self, out: &mut Vec<u8>) {
        let octets = self.0.to_be_bytes();
        let zeros = (self.0.leading_zeros() / 8) as usize;
        let significant = octets.get(zeros.min(7)..).unwrap_or_default();
        if let Some((first, rest)) = significant.split_first() {
            Hex(u32::from(*first)).put(out);
            HexString(rest).put(out);
        }
    }
}

impl Dissector<'_> {
    /// Prints the option of `length` octets at `at`; answers false if it cannot be what it says.
    pub(super) fn mptcp(&mut self, at: usize, length: usize, flags: u8) -> Read<bool> {
        let before = self.bytes.narrow(at, length);
        let result = self.mptcp_option(at, length, flags);
        self.bytes.set_end(before);
        result
    }

    fn mptcp_option(&mut self, at: usize, length: usize, flags: u8) -> Read<bool> {
        self.protocol = "mptcp";
        if length < 3 {
            return Ok(false);
        }
        let subtype = self.u8(at + 2)? >> 4;
        let name = match subtype {
            0 => "capable",
            1 => "join",
            2 => "dss",
            3 => "add-addr",
            4 => "rem-addr",
            5 => "prio",
            6 => "fail",
            7 => "fast-close",
            _ => "unknown",
        };
        put!(self, " ", length, " ", name);
        match subtype {
            0 => self.mptcp_capable(at, length, flags),
            1 => self.mptcp_join(at, length, flags),
            2 => self.mptcp_dss(at, length, flags),
            3 => self.mptcp_add_address(at, length),
            4 => {
                if length < 4 {
                    return Ok(false);
                }
                put!(self, " id");
                for place in 3..length {
                    put!(self, " ", self.u8(at + place)?);
                }
                Ok(true)
            }
            5 => {
                if length != 3 && length != 4 {
                    return Ok(false);
                }
                let backup = self.u8(at + 2)? & 1 != 0;
                put!(self, if backup { " backup" } else { " non-backup" });
                if length == 4 {
                    put!(self, " id ", self.u8(at + 3)?);
                }
                Ok(true)
            }
            6 if length == 12 => {
                put!(self, " seq ", self.bytes.u64(at + 4)?);
                Ok(true)
            }
            7 if length == 12 => {
                put!(self, " key 0x", Hex64(self.bytes.u64(at + 4)?));
                Ok(true)
            }
            6 | 7 => Ok(false),
            _ => Ok(true),
        }
    }

    fn mptcp_capable(&mut self, at: usize, length: usize, flags: u8) -> Read<bool> {
        let synchronise = flags & flag::SYN != 0;
        let only_acknowledge = flags & (flag::SYN | flag::ACK) == flag::ACK;
        if !(matches!(length, 4 | 12) && synchronise
            || matches!(length, 20 | 22) && only_acknowledge)
        {
            return Ok(false);
        }
        let version = self.u8(at + 2)? & 15;
        if version > 1 {
            put!(self, " Unknown Version (", version, ")");
            return Ok(true);
        }
        put!(self, " v", version);
        if self.u8(at + 3)? & 0x80 != 0 {
            put!(self, " csum");
        }
        if length >= 12 {
            put!(self, " {0x", Hex64(self.bytes.u64(at + 4)?));
            if length >= 20 {
                put!(self, ",0x", Hex64(self.bytes.u64(at + 12)?));
            }
            put!(self, "}");
        }
        Ok(true)
    }

    fn mptcp_join(&mut self, at: usize, length: usize, flags: u8) -> Read<bool> {
        let both = flag::SYN | flag::ACK;
        let fits = match length {
            12 => flags & flag::SYN != 0,
            16 => flags & both == both,
            24 => flags & flag::ACK != 0,
            _ => false,
        };
        if !fits {
            return Ok(false);
        }
        if length == 24 {
            put!(self, " hmac 0x", HexString(self.bytes.slice(at + 4, 20)?));
            return Ok(true);
        }
        if self.u8(at + 2)? & 1 != 0 {
            put!(self, " backup");
        }
        put!(self, " id ", self.u8(at + 3)?);
        if length == 12 {
            put!(
                self,
                " token 0x",
                Hex(self.u32(at + 4)?),
                " nonce 0x",
                Hex(self.u32(at + 8)?)
            );
        } else {
            let code = Hex64(self.bytes.u64(at + 4)?);
            put!(self, " hmac 0x", code, " nonce 0x", Hex(self.u32(at + 12)?));
        }
        Ok(true)
    }

    /// Prints a number of 8 or 4 octets and moves past it; answers false if it does not fit.
    fn mptcp_number(&mut self, at: &mut usize, left: &mut usize, wide: bool) -> Read<bool> {
        let octets = if wide { 8 } else { 4 };
        if *left < octets {
            return Ok(false);
        }
        if wide {
            put!(self, self.bytes.u64(*at)?);
        } else {
            put!(self, self.u32(*at)?);
        }
        *at += octets;
        *left -= octets;
        Ok(true)
    }

    fn mptcp_dss(&mut self, at: usize, length: usize, flags: u8) -> Read<bool> {
        if length < 4 || flags & flag::SYN != 0 {
            return Ok(false);
        }
        let present = self.u8(at + 3)?;
        if present & 0x10 != 0 {
            put!(self, " fin");
        }
        let mut at = at + 4;
        let mut left = length - 4;
        if present & 0x01 != 0 {
            put!(self, " ack ");
            if !self.mptcp_number(&mut at, &mut left, present & 0x02 != 0)? {
                return Ok(false);
            }
        }
        if present & 0x04 != 0 {
            put!(self, " seq ");
            if !self.mptcp_number(&mut at, &mut left, present & 0x08 != 0)? || left < 4 {
                return Ok(false);
            }
            put!(self, " subseq ", self.u32(at)?);
            if left < 6 {
                return Ok(false);
            }
            put!(self, " len ", self.u16(at + 4)?);
            at += 6;
            left -= 6;
            if left >= 2 {
                put!(self, " csum 0x", Hex(u32::from(self.u16(at)?)));
                left -= 2;
            }
        }
        Ok(left == 0)
    }

    fn mptcp_add_address(&mut self, at: usize, length: usize) -> Read<bool> {
        if !matches!(length, 8 | 10 | 16 | 18 | 20 | 22 | 28 | 30) {
            return Ok(false);
        }
        let version = match self.u8(at + 2)? & 15 {
            6 => "v0-ip6",
            4 => "v0-ip4",
            1 => "v1-echo",
            0 => "v1",
            _ => "[bad version/echo]",
        };
        put!(self, " ", version);
        put!(self, " id ", self.u8(at + 3)?);
        let mut place = at + 4;
        if length <= 18 {
            put!(self, " ", self.v4(place)?);
            place += 4;
        } else {
            put!(self, " ", self.v6(place)?);
            place += 16;
        }
        if matches!(length, 10 | 18 | 22 | 30) {
            put!(self, ":", self.u16(place)?);
            place += 2;
        }
        if matches!(length, 16 | 18 | 28 | 30) {
            put!(self, " hmac 0x", Hex64(self.bytes.u64(place)?));
        }
        Ok(true)
    }
}
