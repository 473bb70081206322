//! Who is there: CHAP (RFC 1994) and PAP (RFC 1334).

use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Escaped, HexZeros, put};

impl Dissector<'_> {
    /// Code, number and length; nothing if they are cut, which has then been said.
    fn ppp_head(
        &mut self,
        at: usize,
        length: u32,
        names: (&'static str, &'static str),
        codes: &[&'static str],
    ) -> Read<Option<(u8, u32)>> {
        let (small, capital) = names;
        if length < 1 {
            put!(self, "[|", small, "]");
            return Ok(None);
        }
        let code = self.u8(at)?;
        let number = HexZeros::<2>(u32::from(code));
        if length < 4 {
            put!(self, "[|", small, " 0x", number, "]");
            return Ok(None);
        }
        let name = usize::from(code).checked_sub(1).and_then(|n| codes.get(n));
        let name = name.copied().unwrap_or("unknown");
        put!(self, capital, ", ", name, " (0x", number, ")");
        put!(self, ", id ", self.u8(at + 1)?);
        Ok(Some((code, u32::from(self.u16(at + 2)?))))
    }

    pub(super) fn ppp_challenge(&mut self, at: usize, length: u32) -> Read<()> {
        let codes = ["Challenge", "Response", "Success", "Fail"];
        let Some((code, said)) = self.ppp_head(at, length, ("chap", "CHAP"), &codes)? else {
            return Ok(());
        };
        match code {
            1 | 2 => {
                if length < 5 {
                    return Ok(());
                }
                let size = u32::from(self.u8(at + 4)?);
                if length - 5 < size {
                    return Ok(());
                }
                put!(self, ", Value ");
                let name = at + 5 + size as usize;
                for place in at + 5..name {
                    put!(self, HexZeros::<2>(u32::from(self.u8(place)?)));
                }
                put!(self, ", Name ");
                self.ppp_text(name, said.wrapping_sub(5 + size))
            }
            3 | 4 => {
                put!(self, ", Msg ");
                self.ppp_text(at + 4, said.wrapping_sub(4))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ppp_password(&mut self, at: usize, length: u32) -> Read<()> {
        let codes = ["Auth-Req", "Auth-ACK", "Auth-NACK"];
        let Some((code, said)) = self.ppp_head(at, length, ("pap", "PAP"), &codes)? else {
            return Ok(());
        };
        if said > length {
            put!(self, ", length ", said, " > packet size");
            return Ok(());
        }
        if said < 4 {
            put!(self, ", length ", said, " < PAP header length");
            return Ok(());
        }
        let (titles, least): (&[&str], u32) = match code {
            1 => (&[", Peer ", ", Name "], 6),
            2 | 3 => (&[", Msg "], 5),
            _ => return Ok(()),
        };
        if said < least {
            put!(self, "[|pap]");
            return Ok(());
        }
        let (mut place, mut left) = (at + 4, said - 4);
        for &title in titles {
            if left < 1 {
                break;
            }
            let size = u32::from(self.u8(place)?);
            if left - 1 < size {
                break;
            }
            put!(self, title);
            self.ppp_text(place + 1, size)?;
            place += 1 + size as usize;
            left -= 1 + size;
        }
        Ok(())
    }

    /// Characters up to the end, or up to where the capture ends.
    fn ppp_text(&mut self, at: usize, length: u32) -> Read<()> {
        for place in 0..length as usize {
            put!(self, Escaped(self.u8(at + place)?));
        }
        Ok(())
    }
}
