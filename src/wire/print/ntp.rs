//! Network time (RFC 5905), and its control messages (RFC 9327).

use super::dissector::Dissector;
use super::text::{Hex, HexString, HexZeros, Zeros, put};
use super::time::Utc;
use crate::wire::bytes::Read;

/// Octets of a message about time without what may follow.
const TIME_LENGTH: usize = 48;
/// Octets of a control message without data.
const CONTROL_LENGTH: usize = 12;
/// Where the 64-bit times begin: the last setting of the clock, then the three of the exchange.
const REFERENCE: usize = 16;
const ORIGINATE: usize = 24;
const RECEIVE: usize = 32;
const TRANSMIT: usize = 40;
/// Octets of a key's identifier.
const KEY_LENGTH: usize = 4;
/// Seconds from 1900, where network time begins, to 1970.
const EPOCH: i64 = 2_208_988_800;
/// Strata that tcpdump takes for questions of implementations.
const INFO_QUERY: u8 = 62;
const INFO_REPLY: u8 = 63;

impl Dissector<'_> {
    pub(super) fn ntp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ntp";
        let first = self.u8(at)?;
        let mode = first & 7;
        let name = match mode {
            0 => "unspecified",
            1 => "symmetric active",
            2 => "symmetric passive",
            3 => "Client",
            4 => "Server",
            5 => "Broadcast",
            6 => "Control Message",
            _ => "Reserved",
        };
        put!(
            self,
            "NTPv",
            first >> 3 & 7,
            ", ",
            name,
            ", length ",
            length
        );
        if !self.verbose() {
            return Ok(());
        }
        let leap = first & 0xc0;
        let name = match leap {
            0 => "",
            0x40 => "+1s",
            0x80 => "-1s",
            _ => "clock unsynchronized",
        };
        put!(self, "\n\tLeap indicator: ", name, " (", leap, ")");
        match mode {
            0..=5 => self.ntp_time(at, length as usize),
            6 => self.ntp_control(at, length as usize),
            _ => Ok(()),
        }
    }

    fn ntp_time(&mut self, at: usize, length: usize) -> Read<()> {
        if length < TIME_LENGTH {
            self.ntp_invalid(at, length);
            return Ok(());
        }
        let stratum = self.u8(at + 1)?;
        let name = match stratum {
            0 => "unspecified",
            1 => "primary reference",
            2..=15 => "secondary reference",
            _ => "reserved",
        };
        put!(self, ", Stratum ", stratum, " (", name, ")");
        let poll = self.u8(at + 2)? as i8;
        put!(self, ", poll ", i64::from(poll));
        match poll {
            0..32 => put!(self, " (", 1u32 << poll, "s)"),
            -31..0 => put!(self, " (1/", 1u32 << -poll, "s)"),
            _ => {}
        }
        put!(self, ", precision ", i64::from(self.u8(at + 3)? as i8));
        for (place, lead) in [(4, "\n\tRoot Delay: "), (8, ", Root dispersion: ")] {
            if !self.has(at + place, 4) {
                self.truncated();
                return Ok(());
            }
            let fraction = u32::from(self.u16(at + place + 2)?);
            let millionths = ((u64::from(fraction) * 1_000_000) >> 16) as u32;
            put!(
                self,
                lead,
                self.u16(at + place)?,
                ".",
                Zeros::<6>(millionths)
            );
        }
        let Ok(reference) = self.bytes.array::<4>(at + 12) else {
            self.truncated();
            return Ok(());
        };
        put!(self, ", Reference-ID: ");
        match stratum {
            0 => put!(self, "(unspec)"),
            1 => self.escaped(&reference),
            INFO_QUERY | INFO_REPLY => {
                let kind = if stratum == INFO_QUERY {
                    " INFO_QUERY"
                } else {
                    " INFO_REPLY"
                };
                put!(self, self.v4(at + 12)?, kind);
                return Ok(());
            }
            _ => put!(self, "0x", HexZeros::<8>(u32::from_be_bytes(reference))),
        }
        for (place, lead) in [
            (REFERENCE, "\n\t  Reference Timestamp:  "),
            (ORIGINATE, "\n\t  Originator Timestamp: "),
            (RECEIVE, "\n\t  Receive Timestamp:    "),
            (TRANSMIT, "\n\t  Transmit Timestamp:   "),
        ] {
            let Ok(time) = self.bytes.u64(at + place) else {
                self.truncated();
                return Ok(());
            };
            put!(self, lead);
            self.ntp_moment(time);
        }
        put!(self, "\n\t    Originator - Receive Timestamp:  ");
        self.ntp_since(at + ORIGINATE, at + RECEIVE)?;
        put!(self, "\n\t    Originator - Transmit Timestamp: ");
        self.ntp_since(at + ORIGINATE, at + TRANSMIT)?;
        let key = at + TIME_LENGTH;
        match length - TIME_LENGTH {
            0 => {}
            KEY_LENGTH => put!(self, "\n\tKey id: ", self.u32(key)?),
            // A digest of 128 or 160 bits.
            more @ (20 | 24) => {
                put!(self, "\n\tKey id: ", self.u32(key)?);
                match self.bytes.slice(key + KEY_LENGTH, more - KEY_LENGTH) {
                    Ok(digest) => put!(self, "\n\tAuthentication: ", HexString(digest)),
                    Err(_) => self.truncated(),
                }
            }
            more => put!(self, "\n\t(", more, " more bytes after the header)"),
        }
        Ok(())
    }

    fn ntp_control(&mut self, at: usize, length: usize) -> Read<()> {
        if length < CONTROL_LENGTH {
            self.ntp_invalid(at, length);
            return Ok(());
        }
        let control = self.u8(at + 1)?;
        let word = |mask, set, unset| if control & mask != 0 { set } else { unset };
        put!(
            self,
            word(0x80, ", Response", ", Request"),
            word(0x40, ", Error", ", OK"),
            word(0x20, ", More", ", Last"),
            ", OpCode=",
            control & 0x1f,
            "\n"
        );
        put!(self, "\tSequence=", self.u16(at + 2)?);
        let status = u32::from(self.u16(at + 4)?);
        let lead = if status == 0 { "" } else { "0x" };
        put!(self, ", Status=", lead, Hex(status));
        put!(self, ", Assoc.=", self.u16(at + 6)?);
        put!(self, ", Offset=", self.u16(at + 8)?);
        let count = usize::from(self.u16(at + 10)?);
        put!(self, ", Count=", count);
        if CONTROL_LENGTH + count > length {
            self.ntp_invalid(at, length);
        } else if count > 0 {
            if self.has(at + CONTROL_LENGTH, count) {
                put!(self, "\n\tTO-BE-DONE: data not interpreted");
            } else {
                self.truncated();
            }
        }
        Ok(())
    }

    /// A message whose length cannot be, cut or not.
    fn ntp_invalid(&mut self, at: usize, length: usize) {
        self.invalid();
        if !self.has(at, length) {
            self.truncated();
        }
    }

    /// Seconds since 1900 with their fraction, and the date unless there is none.
    fn ntp_moment(&mut self, time: u64) {
        let (seconds, fraction) = ((time >> 32) as u32, time as u32);
        put!(self, seconds, ".", Zeros::<9>(billionths(fraction)));
        if seconds != 0 {
            put!(self, " (", Utc(i64::from(seconds) - EPOCH), ")");
        }
    }

    /// How much later the second of two times is; itself if the first is not set.
    fn ntp_since(&mut self, first: usize, second: usize) -> Read<()> {
        let (first, second) = (self.bytes.u64(first)?, self.bytes.u64(second)?);
        if first == 0 {
            self.ntp_moment(second);
            return Ok(());
        }
        let (sign, difference) = if second > first {
            ("+", second - first)
        } else {
            ("-", first - second)
        };
        put!(
            self,
            sign,
            (difference >> 32) as u32,
            ".",
            Zeros::<9>(billionths(difference as u32))
        );
        Ok(())
    }
}

/// A fraction of 32 bits in billionths, rounded as tcpdump rounds it.
fn billionths(fraction: u32) -> u32 {
    (f64::from(fraction) / 4_294_967_296.0 * 1e9) as u32
}
