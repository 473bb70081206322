//! DNS messages (RFC 1035), over UDP and TCP, and multicast DNS (RFC 6762).

mod edns;
mod name;
mod record;

use super::dissector::Dissector;
use super::text::{Hex, put};
use crate::wire::bytes::Read;

/// Octets of the header.
const HEADER_LENGTH: usize = 12;
/// The pseudo record of EDNS (RFC 6891).
const OPT: u16 = 41;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Udp,
    Tcp,
    Multicast,
}

/// A message being printed.
#[derive(Debug, Clone, Copy)]
struct Message {
    /// Where its header begins, which compressed names count from.
    start: usize,
    multicast: bool,
}

impl Dissector<'_> {
    pub(super) fn dns(&mut self, at: usize, length: u32, carrier: Carrier) -> Read<()> {
        self.protocol = "domain";
        let (mut at, mut length) = (at, length);
        if carrier == Carrier::Tcp {
            if length < 2 {
                put!(self, " [DNS over TCP: length ", length, " < 2]");
                self.invalid();
                return Ok(());
            }
            length -= 2;
            let prefix = self.u16(at)?;
            if u32::from(prefix) != length {
                put!(
                    self,
                    " [prefix length(",
                    prefix,
                    ") != length(",
                    length,
                    ")]"
                );
                self.invalid();
                return Ok(());
            }
            at += 2;
            put!(self, " ");
        }
        if length < HEADER_LENGTH as u32 {
            put!(self, "domain [length ", length, " < 12]");
            self.invalid();
            return Ok(());
        }
        if !self.has(at, HEADER_LENGTH) {
            self.truncated();
            return Ok(());
        }
        let message = Message {
            start: at,
            multicast: carrier == Carrier::Multicast,
        };
        let flags = self.u16(at + 2)?;
        let counts = [
            self.u16(at + 4)?,
            self.u16(at + 6)?,
            self.u16(at + 8)?,
            self.u16(at + 10)?,
        ];
        let whole = if flags & 0x8000 != 0 {
            self.dns_response(message, flags, counts)?
        } else {
            self.dns_request(message, flags, counts)?
        };
        if whole.is_some() {
            put!(self, " (", length, ")");
        } else {
            self.truncated();
        }
        Ok(())
    }

    fn dns_response(
        &mut self,
        message: Message,
        flags: u16,
        [questions, answers, authorities, additionals]: [u16; 4],
    ) -> Read<Option<()>> {
        let code = self.dns_response_code(
            message,
            flags,
            [questions, answers, authorities, additionals],
        )?;
        put!(self, self.u16(message.start)?, operation(flags));
        match response_name(code) {
            Some(name) => put!(self, name),
            None => put!(self, " Resp", code & 0xfff),
        }
        put!(
            self,
            if flags & 0x0400 != 0 { "*" } else { "" },
            if flags & 0x0080 != 0 { "" } else { "-" },
            if flags & 0x0200 != 0 { "|" } else { "" },
            if flags & 0x0020 != 0 { "$" } else { "" }
        );
        if questions != 1 {
            put!(self, " [", questions, "q]");
        }
        let mut at = message.start + HEADER_LENGTH;
        for question in 0..questions {
            if question != 0 {
                put!(self, ",");
            }
            let next = if self.options.verbosity > 1 {
                put!(self, " q:");
                self.dns_question(at, message)?
            } else {
                self.dns_skip_name(at).map(|at| at + 4)
            };
            match next {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        put!(self, " ", answers, "/", authorities, "/", additionals);
        let Some(mut at) = self.dns_section("", at, answers, message)? else {
            return Ok(None);
        };
        if self.options.verbosity > 1 {
            for (title, count) in [(" ns:", authorities), (" ar:", additionals)] {
                match self.dns_later_section(title, at, count, message)? {
                    Some(next) => at = next,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(()))
    }

    fn dns_request(
        &mut self,
        message: Message,
        flags: u16,
        [questions, answers, authorities, additionals]: [u16; 4],
    ) -> Read<Option<()>> {
        put!(
            self,
            self.u16(message.start)?,
            operation(flags),
            if flags & 0x0100 != 0 { "+" } else { "" },
            if flags & 0x0010 != 0 { "%" } else { "" }
        );
        if flags & 0x6cf != 0 {
            put!(self, " [b2&3=0x", Hex(u32::from(flags)), "]");
        }
        if flags >> 11 & 15 == 1 {
            // An inverse query asks with an answer.
            if questions != 0 {
                put!(self, " [", questions, "q]");
            }
            if answers != 1 {
                put!(self, " [", answers, "a]");
            }
        } else {
            if answers != 0 {
                put!(self, " [", answers, "a]");
            }
            if questions != 1 {
                put!(self, " [", questions, "q]");
            }
        }
        if authorities != 0 {
            put!(self, " [", authorities, "n]");
        }
        if additionals != 0 {
            put!(self, " [", additionals, "au]");
        }
        let mut at = message.start + HEADER_LENGTH;
        for question in 0..questions {
            if question > 0 && at >= self.bytes.end() {
                return Ok(None);
            }
            match self.dns_question(at, message)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        if self.options.verbosity > 1 {
            let Some(next) = self.dns_section("", at, answers, message)? else {
                return Ok(None);
            };
            at = next;
            for (title, count) in [(" ns:", authorities), (" ar:", additionals)] {
                match self.dns_later_section(title, at, count, message)? {
                    Some(next) => at = next,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(()))
    }

    /// Prints `count` records, the first of which is not looked for past the end.
    fn dns_section(
        &mut self,
        title: &'static str,
        at: usize,
        count: u16,
        message: Message,
    ) -> Read<Option<usize>> {
        let mut at = at;
        for record in 0..count {
            if record == 0 {
                put!(self, title);
            } else if at >= self.bytes.end() {
                return Ok(None);
            } else {
                put!(self, ",");
            }
            match self.dns_record(at, message)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn dns_later_section(
        &mut self,
        title: &'static str,
        at: usize,
        count: u16,
        message: Message,
    ) -> Read<Option<usize>> {
        if count > 0 && at >= self.bytes.end() {
            return Ok(None);
        }
        self.dns_section(title, at, count, message)
    }

    /// The response code, the upper bits of which an OPT record may hold.
    fn dns_response_code(
        &self,
        message: Message,
        flags: u16,
        [questions, answers, authorities, additionals]: [u16; 4],
    ) -> Read<u16> {
        let code = flags & 15;
        let end = self.bytes.end();
        let mut at = message.start + HEADER_LENGTH;
        for _ in 0..questions {
            match self.dns_skip_name(at) {
                Some(next) if next + 4 < end => at = next + 4,
                _ => return Ok(code),
            }
        }
        for _ in 0..u32::from(answers) + u32::from(authorities) {
            match self.dns_skip_name(at) {
                Some(next) if next + 10 <= end => {
                    at = next + 10 + usize::from(self.u16(next + 8)?);
                }
                _ => return Ok(code),
            }
            if at >= end {
                return Ok(code);
            }
        }
        for _ in 0..additionals {
            let Some(next) = self.dns_skip_name(at) else {
                return Ok(code);
            };
            if next + 5 > end {
                return Ok(code);
            }
            if self.u16(next)? == OPT {
                return Ok(code | u16::from(self.u8(next + 4)?) << 4);
            }
            if next + 10 > end {
                return Ok(code);
            }
            at = next + 10 + usize::from(self.u16(next + 8)?);
            if at >= end {
                return Ok(code);
            }
        }
        Ok(code)
    }
}

fn operation(flags: u16) -> &'static str {
    const NAMES: [&str; 16] = [
        "",
        " inv_q",
        " stat",
        " op3",
        " notify",
        " update",
        " op6",
        " op7",
        " op8",
        " updateA",
        " updateD",
        " updateDA",
        " updateM",
        " updateMA",
        " zoneInit",
        " zoneRef",
    ];
    NAMES
        .get(usize::from(flags >> 11 & 15))
        .copied()
        .unwrap_or_default()
}

fn response_name(code: u16) -> Option<&'static str> {
    // Two of tcpdump's names lack the blank before them.
    const NAMES: [&str; 24] = [
        "",
        " FormErr",
        " ServFail",
        " NXDomain",
        " NotImp",
        " Refused",
        " YXDomain",
        " YXRRSet",
        " NXRRSet",
        " NotAuth",
        " NotZone",
        " Resp11",
        " Resp12",
        " Resp13",
        " Resp14",
        " NoChange",
        " BadVers",
        "Resp17",
        " Resp18",
        " Resp19",
        " Resp20",
        "Resp21",
        " Resp22",
        " BadCookie",
    ];
    NAMES.get(usize::from(code)).copied()
}
