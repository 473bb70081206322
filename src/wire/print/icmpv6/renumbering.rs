//! Router renumbering (RFC 2894).

use super::super::dissector::Dissector;
use super::super::text::{Bits, Hex, put};
use crate::wire::bytes::Read;

const FLAGS: [(u32, &str); 5] = [
    (0x80, "T"),
    (0x40, "R"),
    (0x20, "A"),
    (0x10, "S"),
    (0x08, "P"),
];

impl Dissector<'_> {
    pub(super) fn router_renumbering(&mut self, at: usize) -> Read<bool> {
        if !self.has(at + 12, 4) {
            return Ok(false);
        }
        let code = self.u8(at + 1)?;
        match code {
            0 => put!(self, ", command"),
            1 => put!(self, ", result"),
            255 => put!(self, ", sequence number reset"),
            _ => put!(self, ", code-#", code),
        }
        put!(self, ", seq=", self.u32(at + 4)?);
        let verbose = self.verbose();
        if verbose {
            let flags = self.u8(at + 9)?;
            put!(self, "[");
            if flags != 0 {
                let names = Bits {
                    value: u32::from(flags),
                    names: &FLAGS,
                    separator: "",
                    none: "",
                };
                put!(self, names, ",");
            }
            put!(
                self,
                "seg=",
                self.u8(at + 8)?,
                ",maxdelay=",
                self.u16(at + 10)?
            );
            let reserved = self.u32(at + 12)?;
            if reserved != 0 {
                put!(self, "rsvd=0x", Hex(reserved));
            }
            put!(self, "]");
        }
        if code != 0 {
            return Ok(true);
        }
        let matching = at + 16;
        if !self.has(matching + 8, 16) {
            return Ok(false);
        }
        let lead = if self.options.verbosity > 1 {
            "\n\t"
        } else {
            " "
        };
        put!(self, lead, "match(");
        match self.u8(matching)? {
            1 => put!(self, "add"),
            2 => put!(self, "change"),
            3 => put!(self, "setglobal"),
            other => put!(self, "#", other),
        }
        if verbose {
            put!(self, ",ord=", self.u8(matching + 2)?);
            put!(self, ",min=", self.u8(matching + 4)?);
            put!(self, ",max=", self.u8(matching + 5)?);
        }
        put!(
            self,
            ",",
            self.v6(matching + 8)?,
            "/",
            self.u8(matching + 3)?,
            ")"
        );
        // The length counts words, three of them for this part and four for each that follows.
        let words = i32::from(self.u8(matching + 1)?) - 3;
        if words % 4 != 0 {
            return Ok(false);
        }
        for part in 0..words / 4 {
            let usage = matching + 24 + part.unsigned_abs() as usize * 32;
            if !self.has(usage + 16, 16) {
                return Ok(false);
            }
            put!(self, lead, "use(");
            self.renumbering_use(usage)?;
            put!(self, ")");
        }
        Ok(true)
    }

    fn renumbering_use(&mut self, at: usize) -> Read<()> {
        let flags = self.u8(at + 12)?;
        if flags != 0 {
            let names = Bits {
                value: u32::from(flags),
                names: &[(0x80, "V"), (0x40, "P")],
                separator: "",
                none: "",
            };
            put!(self, names, ",");
        }
        if self.verbose() {
            put!(self, "mask=0x", Hex(u32::from(self.u8(at + 2)?)), ",");
            put!(self, "raflags=0x", Hex(u32::from(self.u8(at + 3)?)), ",");
            for (name, place) in [("vltime=", at + 4), ("pltime=", at + 8)] {
                match self.u32(place)? {
                    u32::MAX => put!(self, name, "infty,"),
                    seconds => put!(self, name, seconds, ","),
                }
            }
        }
        put!(
            self,
            self.v6(at + 16)?,
            "/",
            self.u8(at)?,
            "/",
            self.u8(at + 1)?
        );
        Ok(())
    }
}
