//! The mobility header of IPv6 (RFC 6275 section 6.1).

use super::dissector::Dissector;
use super::text::{Bits, Hex, HexZeros, put};
use crate::wire::bytes::Read;

/// Octets up to a message's data.
const FIXED: usize = 8;
/// Octets of each kind of message without options, by its type.
const LENGTHS: [usize; 8] = [8, 16, 16, 24, 24, 12, 12, 24];
const NAMES: [&str; 8] = ["BRR", "HoTI", "CoTI", "HoT", "CoT", "BU", "BA", "BE"];

const UPDATE_FLAGS: [(u32, &str); 4] = [(8, "A"), (4, "H"), (2, "L"), (1, "K")];

impl Dissector<'_> {
    pub(super) fn mobility(&mut self, at: usize) -> Read<()> {
        self.protocol = "mobility";
        if !self.has(at + 1, 1) {
            self.truncated();
            return Ok(());
        }
        let length = (usize::from(self.u8(at + 1)?) + 1) * 8;
        let kind = self.u8(at + 2)?;
        let Some(&least) = LENGTHS.get(usize::from(kind)) else {
            put!(self, "mobility: type-#", kind);
            put!(self, " len=", self.u8(at + 1)?);
            return Ok(());
        };
        if length < least {
            put!(self, "(header length ", length);
            put!(self, " is too small for type ", kind, ")");
            self.truncated();
            return Ok(());
        }
        put!(self, "mobility: ", NAMES.get(usize::from(kind)).copied());
        match kind {
            1..=4 => {
                let title = if kind % 2 == 1 { " Home" } else { " Care-of" };
                if kind > 2 {
                    put!(self, " nonce id=0x", Hex(self.u16(at + 6)?.into()));
                }
                if self.verbose() {
                    self.mobility_pair(title, " Init Cookie=", at + FIXED)?;
                    if kind > 2 {
                        self.mobility_pair(title, " Keygen Token=", at + FIXED + 8)?;
                    }
                }
            }
            5 => {
                put!(self, " seq#=", self.u16(at + 6)?);
                if !self.has(at + FIXED, 2) {
                    self.truncated();
                    return Ok(());
                }
                let flags = u32::from(self.u8(at + FIXED)? >> 4);
                if flags != 0 {
                    let names = Bits {
                        value: flags,
                        names: &UPDATE_FLAGS,
                        separator: "",
                        none: "",
                    };
                    put!(self, " ", names);
                }
                self.mobility_lifetime(at + FIXED + 2)?;
            }
            6 => {
                put!(self, " status=", self.u8(at + 6)?);
                if self.u8(at + 7)? & 0x80 != 0 {
                    put!(self, " K");
                }
                put!(self, " seq#=", self.u16(at + FIXED)?);
                self.mobility_lifetime(at + FIXED + 2)?;
            }
            7 => {
                put!(self, " status=", self.u8(at + 6)?);
                put!(self, " homeaddr ", self.v6(at + FIXED)?);
            }
            _ => {}
        }
        if self.verbose() && self.mobility_options(at + least, length - least)?.is_none() {
            self.truncated();
        }
        Ok(())
    }

    fn mobility_pair(&mut self, title: &str, name: &str, at: usize) -> Read<()> {
        let (high, low) = (self.u32(at)?, self.u32(at + 4)?);
        put!(
            self,
            title,
            name,
            HexZeros::<8>(high),
            ":",
            HexZeros::<8>(low)
        );
        Ok(())
    }

    /// A lifetime in units of four seconds.
    fn mobility_lifetime(&mut self, at: usize) -> Read<()> {
        put!(self, " lifetime=", u32::from(self.u16(at)?) * 4);
        Ok(())
    }

    /// Answers nothing if the options are cut.
    fn mobility_options(&mut self, at: usize, length: usize) -> Read<Option<()>> {
        let mut done = 0;
        while done < length {
            let place = at + done;
            let left = length - done;
            let kind = self.u8(place)?;
            let octets = match kind {
                0 => 1,
                _ if left < 2 => return Ok(None),
                _ => usize::from(self.u8(place + 1)?) + 2,
            };
            // tcpdump wants an octet behind each option too.
            if octets > left || !self.has(place + octets, 1) {
                return Ok(None);
            }
            let (least, cut) = match kind {
                2 => (4, "(refresh: trunc)"),
                3 => (18, "(altcoa: trunc)"),
                4 => (6, "(ni: trunc)"),
                5 => (12, "(auth: trunc)"),
                _ => (0, ""),
            };
            if left < least {
                put!(self, cut);
                return Ok(None);
            }
            match kind {
                0 => put!(self, "(pad1)"),
                1 => put!(self, "(padn)"),
                2 => put!(self, "(refresh: ", u32::from(self.u16(place + 2)?) * 4, ")"),
                3 => put!(self, "(alt-CoA: ", self.v6(place + 2)?, ")"),
                4 => {
                    let home = HexZeros::<4>(self.u16(place + 2)?.into());
                    let care_of = HexZeros::<4>(self.u16(place + 4)?.into());
                    put!(self, "(ni: ho=0x", home, " co=0x", care_of, ")");
                }
                5 => put!(self, "(auth)"),
                _ => {
                    let kind = HexZeros::<2>(kind.into());
                    put!(self, "(type-0x", kind, ": len=", self.u8(place + 1)?, ")");
                }
            }
            done += octets;
        }
        Ok(Some(()))
    }
}
