//! IGMP (RFC 1112, RFC 2236, RFC 3376) and multicast traceroute.

mod dvmrp;

use super::dissector::Dissector;
use super::text::{Hex, put};
use crate::wire::bytes::Read;
use crate::wire::checksum;

impl Dissector<'_> {
    pub(super) fn igmp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "igmp";
        if self.options.quiet > 0 {
            put!(self, "igmp");
            return Ok(());
        }
        match self.u8(at)? {
            0x11 => {
                put!(self, "igmp query");
                if length >= 12 {
                    self.igmp_query_v3(at, length)?;
                } else {
                    self.igmp_query(at, length)?;
                }
            }
            0x12 => {
                put!(self, "igmp v1 report ", self.v4(at + 4)?);
                if length != 8 {
                    put!(self, " [len ", length, "]");
                }
            }
            0x16 => put!(self, "igmp v2 report ", self.v4(at + 4)?),
            0x22 => {
                put!(self, "igmp v3 report");
                self.igmp_report_v3(at, length)?;
            }
            0x17 => put!(self, "igmp leave ", self.v4(at + 4)?),
            0x13 => {
                put!(self, "igmp dvmrp");
                if length < 8 {
                    put!(self, " [len ", length, "]");
                } else {
                    self.dvmrp(at, length)?;
                }
            }
            0x14 => {
                put!(self, "igmp pimv1");
                self.pim_v1(at, length)?;
            }
            0x1e => self.multicast_traceroute("mresp", at, length)?,
            0x1f => self.multicast_traceroute("mtrace", at, length)?,
            kind => put!(self, "igmp-", kind),
        }
        if self.verbose()
            && length >= 4
            && let Ok(message) = self.bytes.slice(at, length as usize)
            && checksum::of(message) != 0
        {
            put!(
                self,
                " bad igmp cksum ",
                Hex(u32::from(self.u16(at + 2)?)),
                "!"
            );
        }
        Ok(())
    }

    fn igmp_query(&mut self, at: usize, length: u32) -> Read<()> {
        match self.u8(at + 1)? {
            0 => put!(self, " v1"),
            100 => put!(self, " v2"),
            time => put!(self, " v2 [max resp time ", time, "]"),
        }
        if self.u32(at + 4)? != 0 {
            put!(self, " [gaddr ", self.v4(at + 4)?, "]");
        }
        if length != 8 {
            put!(self, " [len ", length, "]");
        }
        Ok(())
    }

    fn igmp_query_v3(&mut self, at: usize, length: u32) -> Read<()> {
        put!(self, " v3");
        if length < 12 || length & 3 != 0 {
            put!(self, " [invalid len ", length, "]");
            return Ok(());
        }
        let code = u32::from(self.u8(at + 1)?);
        // RFC 3376 section 4.1.1: a small floating point number, in tenths of a second.
        let tenths = if code < 128 {
            code
        } else {
            (code & 0xf | 0x10) << ((code >> 4 & 7) + 3)
        };
        if code != 100 {
            put!(self, " [max resp time ");
            if tenths < 600 {
                put!(self, tenths / 10, ".", tenths % 10, "s");
            } else {
                self.duration(tenths / 10);
            }
            put!(self, "]");
        }
        if self.u32(at + 4)? == 0 {
            return Ok(());
        }
        put!(self, " [gaddr ", self.v4(at + 4)?);
        let sources = u32::from(self.u16(at + 10)?);
        if sources > 0 {
            if length < 12 + sources * 4 {
                put!(self, " [invalid number of sources]");
            } else if self.options.verbosity > 1 {
                self.igmp_sources(at + 12, sources)?;
            } else {
                put!(self, ", ", sources, " source(s)");
            }
        }
        put!(self, "]");
        Ok(())
    }

    fn igmp_sources(&mut self, at: usize, count: u32) -> Read<()> {
        put!(self, " {");
        for source in 0..count as usize {
            put!(self, " ", self.v4(at + source * 4)?);
        }
        put!(self, " }");
        Ok(())
    }

    fn igmp_report_v3(&mut self, at: usize, length: u32) -> Read<()> {
        if length < 16 || length & 3 != 0 {
            put!(self, " [invalid len ", length, "]");
            return Ok(());
        }
        let groups = self.u16(at + 6)?;
        put!(self, ", ", groups, " group record(s)");
        if !self.verbose() {
            return Ok(());
        }
        let mut place = 8;
        for _ in 0..groups {
            if length < place + 8 {
                put!(self, " [invalid number of groups]");
                return Ok(());
            }
            let group = at + place as usize;
            put!(self, " [gaddr ", self.v4(group + 4)?);
            let kind = self.u8(group)?;
            match record_name(kind) {
                Some(name) => put!(self, " ", name),
                None => put!(self, "  [v3-report-#", kind, "]"),
            }
            let sources = u32::from(self.u16(group + 2)?);
            if length < place + 8 + sources * 4 {
                put!(self, " [invalid number of sources ", sources, "]");
                return Ok(());
            }
            if self.options.verbosity == 1 {
                put!(self, ", ", sources, " source(s)");
            } else {
                self.igmp_sources(group + 8, sources)?;
            }
            place += 8 + sources * 4;
            put!(self, "]");
        }
        Ok(())
    }

    fn multicast_traceroute(&mut self, name: &'static str, at: usize, length: u32) -> Read<()> {
        /// Octets of the IGMP header and the query.
        const QUERY: u32 = 24;
        if length < QUERY {
            put!(self, " [invalid len ", length, "]");
            return Ok(());
        }
        let query = at + 8;
        put!(
            self,
            name,
            " ",
            self.u24(query + 13)?,
            ": ",
            self.v4(query)?,
            " to ",
            self.v4(query + 4)?,
            " reply-to ",
            self.v4(query + 8)?
        );
        if self.u8(query + 8)? >> 4 == 0xe {
            put!(self, " with-ttl ", self.u8(query + 12)?);
        }
        Ok(())
    }

    /// Seconds as `1w2d3h4m5s`.
    pub(super) fn duration(&mut self, seconds: u32) {
        const UNITS: [(u32, &str); 6] = [
            (31_536_000, "y"),
            (604_800, "w"),
            (86_400, "d"),
            (3600, "h"),
            (60, "m"),
            (1, "s"),
        ];
        if seconds == 0 {
            put!(self, "0s");
        }
        let mut left = seconds;
        for (unit, name) in UNITS {
            if left >= unit {
                put!(self, left / unit, name);
                left %= unit;
            }
        }
    }
}

/// What a group record says (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12).
pub(super) fn record_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "is_in",
        2 => "is_ex",
        3 => "to_in",
        4 => "to_ex",
        5 => "allow",
        6 => "block",
        _ => return None,
    })
}
