//! Multicast listener discovery (RFC 2710, RFC 3810).

use super::super::dissector::Dissector;
use super::super::igmp::record_name;
use super::super::text::put;
use crate::wire::bytes::Read;

impl Dissector<'_> {
    pub(super) fn listener_v1(&mut self, at: usize) -> Read<bool> {
        if self.has(at, 24) {
            put!(self, "max resp delay: ", self.u16(at + 4)?, " ");
            put!(self, "addr: ", self.v6(at + 8)?);
        }
        Ok(true)
    }

    fn listener_sources(&mut self, at: usize, count: u32) -> Read<()> {
        put!(self, " {");
        for source in 0..count as usize {
            put!(self, " ", self.v6(at + source * 16)?);
        }
        put!(self, " }");
        Ok(())
    }

    pub(super) fn listener_query_v2(&mut self, at: usize, length: u32) -> Read<bool> {
        let code = u32::from(self.u16(at + 4)?);
        if self.verbose() {
            // RFC 3810 section 5.1.3: a small floating point number.
            let milliseconds = if code < 0x8000 {
                code
            } else {
                (code & 0xfff | 0x1000) << ((code >> 12 & 7) + 3)
            };
            put!(self, " [max resp delay=", milliseconds, "]");
        }
        put!(self, " [gaddr ", self.v6(at + 8)?);
        if self.verbose() {
            let flags = self.u8(at + 24)?;
            if flags & 8 != 0 {
                put!(self, " sflag");
            }
            if flags & 7 != 0 {
                put!(self, " robustness=", flags & 7);
            }
            let code = u32::from(self.u8(at + 25)?);
            let seconds = if code < 128 {
                code
            } else {
                (code & 0xf | 0x10) << ((code >> 4 & 7) + 3)
            };
            put!(self, " qqi=", seconds);
        }
        let sources = u32::from(self.u16(at + 26)?);
        if sources > 0 {
            if length < 28 + sources * 16 {
                put!(self, " [invalid number of sources]");
            } else if self.options.verbosity > 1 {
                self.listener_sources(at + 28, sources)?;
            } else {
                put!(self, ", ", sources, " source(s)");
            }
        }
        put!(self, "]");
        Ok(true)
    }

    pub(super) fn listener_report_v2(&mut self, at: usize, length: u32) -> Read<bool> {
        if length < 8 {
            put!(self, " [invalid len ", length, "]");
            return Ok(true);
        }
        let groups = self.u16(at + 6)?;
        put!(self, ", ", groups, " group record(s)");
        if !self.verbose() {
            return Ok(true);
        }
        let mut place = 8;
        for _ in 0..groups {
            if length < place + 20 {
                put!(self, " [invalid number of groups]");
                return Ok(true);
            }
            let group = at + place as usize;
            put!(self, " [gaddr ", self.v6(group + 4)?);
            let kind = self.u8(group)?;
            match record_name(kind) {
                Some(name) => put!(self, " ", name),
                None => put!(self, "  [v2-report-#", kind, "]"),
            }
            let sources = u32::from(self.u16(group + 2)?);
            if length < place + 20 + sources * 16 {
                put!(self, " [invalid number of sources ", sources, "]");
                return Ok(true);
            }
            if self.options.verbosity == 1 {
                put!(self, ", ", sources, " source(s)");
            } else {
                self.listener_sources(group + 20, sources)?;
            }
            place += 20 + sources * 16;
            put!(self, "]");
        }
        Ok(true)
    }
}
