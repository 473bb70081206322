//! What the ends of a link agree on: LCP (RFC 1661 section 5) and the protocols like it.

use super::protocol_name;
use crate::wire::bytes::Read;
use crate::wire::oui;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{HexZeros, put};

const CODES: [&str; 16] = [
    "Vendor-Extension",
    "Conf-Request",
    "Conf-Ack",
    "Conf-Nack",
    "Conf-Reject",
    "Term-Request",
    "Term-Ack",
    "Code-Reject",
    "Prot-Reject",
    "Echo-Request",
    "Echo-Reply",
    "Disc-Req",
    "Ident",
    "Time-Rem",
    "Reset-Req",
    "Reset-Ack",
];

impl Dissector<'_> {
    pub(super) fn ppp_control(&mut self, protocol: u16, at: usize, length: u32) -> Read<()> {
        let name = protocol_name(protocol).unwrap_or_default();
        put!(self, name, ", ");
        if length < 4 || !self.has(at, 2) {
            put!(self, "[|", name, "]");
            return Ok(());
        }
        let code = self.u8(at)?;
        let code_name = CODES.get(usize::from(code)).copied();
        put!(
            self,
            code_name.unwrap_or("Unknown Opcode"),
            " (0x",
            HexZeros::<2>(u32::from(code)),
            "), id ",
            self.u8(at + 1)?,
            ", length ",
            length.wrapping_add(2)
        );
        if !self.verbose() {
            return Ok(());
        }
        let said = u32::from(self.u16(at + 2)?);
        put!(self, "\n\tencoded length ", said);
        if said < 4 {
            put!(self, " (< 4))");
            return Ok(());
        }
        if said > length {
            put!(self, " (> packet length ", length, "))");
            return Ok(());
        }
        put!(self, " (=Option(s) length ", said - 4, ")");
        if said == 4 {
            return Ok(());
        }
        if self.options.verbosity > 1 {
            self.unknown_data("\n\t", at - 2, 6);
        }
        if !self.ppp_control_body(protocol, code, at, said)? {
            put!(self, "[|", name, "]");
        }
        Ok(())
    }

    /// What follows the head, whose length is `said`; answers false if it is cut.
    fn ppp_control_body(&mut self, protocol: u16, code: u8, at: usize, said: u32) -> Read<bool> {
        let body = at + 4;
        let least = match code {
            0 => 11,
            8 => 6,
            9..=12 => 8,
            13 => 12,
            _ => 0,
        };
        if said < least {
            return Ok(true);
        }
        match code {
            1..=4 => self.ppp_options(protocol, body, said)?,
            5..=7 => {}
            8 => {
                let rejected = self.u16(body)?;
                put!(
                    self,
                    "\n\t  Rejected ",
                    protocol_name(rejected).unwrap_or("unknown"),
                    " Protocol (0x",
                    HexZeros::<4>(u32::from(rejected)),
                    ")"
                );
                if said > 6 {
                    put!(self, "\n\t  Rejected Packet");
                    self.unknown_data("\n\t    ", body + 2, said as usize - 2);
                }
            }
            0 | 9..=13 => {
                put!(self, "\n\t  Magic-Num 0x", HexZeros::<8>(self.u32(body)?));
                return self.ppp_behind_number(code, body + 4, said);
            }
            _ if self.options.verbosity <= 1 => {
                self.unknown_data("\n\t  ", at - 2, said as usize + 2);
            }
            _ => {}
        }
        Ok(true)
    }

    fn ppp_behind_number(&mut self, code: u8, at: usize, said: u32) -> Read<bool> {
        match code {
            0 => {
                let vendor = self.u24(at)?;
                let name = oui::name(vendor).unwrap_or("Unknown");
                put!(self, " Vendor: ", name, " (", vendor, ")");
            }
            13 => put!(self, ", Seconds-Remaining ", self.u32(at)?, "s"),
            _ if said <= 8 => {}
            12 => {
                put!(self, "\n\t  Message\n\t    ");
                // tcpdump counts the number, which has been shown, once more.
                let octets = said as usize - 4;
                let text = self.bytes.rest(at, octets);
                self.escaped(text);
                return Ok(text.len() == octets);
            }
            _ => {
                put!(self, "\n\t  -----trailing data-----");
                let octets = said as usize - 8;
                if !self.has(at, octets) {
                    return Ok(false);
                }
                self.unknown_data("\n\t  ", at, octets);
            }
        }
        Ok(true)
    }

    /// Options, each of which may be as long as all of them: so tcpdump has it.
    fn ppp_options(&mut self, protocol: u16, at: usize, said: u32) -> Read<()> {
        let (mut at, mut left) = (at, said - 4);
        loop {
            let octets = self.ppp_option(protocol, at, said)?;
            if octets == 0 {
                break;
            }
            if left < octets {
                put!(
                    self,
                    " [remaining options length ",
                    left,
                    " < ",
                    octets,
                    "]"
                );
                self.invalid();
                break;
            }
            left -= octets;
            at += octets as usize;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}
