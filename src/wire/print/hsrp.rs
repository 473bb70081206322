//! Hot standby of routers (RFC 2281).

use super::dissector::Dissector;
use super::text::put;
use crate::wire::bytes::Read;

impl Dissector<'_> {
    pub(super) fn hsrp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "hsrp";
        let version = self.u8(at)?;
        put!(self, "HSRPv", version);
        if version != 0 {
            return Ok(());
        }
        put!(self, "-");
        match self.u8(at + 1)? {
            0 => put!(self, "hello "),
            1 => put!(self, "coup "),
            2 => put!(self, "resign "),
            code => put!(self, "unknown (", code, ") "),
        }
        put!(self, length, ": ");
        match self.u8(at + 2)? {
            0 => put!(self, "state=initial "),
            1 => put!(self, "state=learn "),
            2 => put!(self, "state=listen "),
            4 => put!(self, "state=speak "),
            8 => put!(self, "state=standby "),
            16 => put!(self, "state=active "),
            state => put!(self, "state=Unknown (", state, ") "),
        }
        put!(self, "group=", self.u8(at + 6)?, " ");
        let reserved = self.u8(at + 7)?;
        if reserved != 0 {
            put!(self, "[reserved=", reserved, "!] ");
        }
        put!(self, "addr=", self.v4(at + 16)?);
        if self.verbose() {
            for (title, place) in [(" hellotime=", at + 3), (" holdtime=", at + 4)] {
                put!(self, title);
                let seconds = u32::from(self.u8(place)?);
                self.duration(seconds);
            }
            put!(self, " priority=", self.u8(at + 5)?, " auth=\"");
            self.text_up_to_zero(at + 8, 8)?;
            put!(self, "\"");
        }
        Ok(())
    }
}
