//! System messages (RFC 3164, RFC 5424).

use super::dissector::Dissector;
use super::text::{Named, put};
use crate::wire::bytes::{Cut, Read};

/// Digits of a priority that are looked at.
const MAX_DIGITS: usize = 3;

const SEVERITIES: [&str; 8] = [
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "info",
    "debug",
];

const FACILITIES: [&str; 24] = [
    "kernel", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
    "authpriv", "ftp", "ntp", "security", "console", "cron", "local0", "local1", "local2",
    "local3", "local4", "local5", "local6", "local7",
];

impl Dissector<'_> {
    pub(super) fn syslog(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "syslog";
        if self.u8(at)? != b'<' {
            self.invalid();
            return Ok(());
        }
        let mut priority = 0;
        let mut place = 1;
        while place <= MAX_DIGITS {
            let octet = self.u8(at + place)?;
            if !octet.is_ascii_digit() {
                break;
            }
            priority = priority * 10 + u32::from(octet - b'0');
            place += 1;
        }
        if self.u8(at + place)? != b'>' {
            self.invalid();
            return Ok(());
        }
        place += 1;
        let (facility, severity) = (priority >> 3 & 0x7f, priority & 7);
        let severity_name = SEVERITIES.get(severity as usize).copied();
        let facility_name = || {
            let name = FACILITIES.get(facility as usize).copied();
            Named(name, ("unknown (", facility, ")"))
        };
        put!(self, "SYSLOG");
        if !self.verbose() {
            put!(
                self,
                " ",
                facility_name(),
                ".",
                severity_name,
                ", length: ",
                length
            );
            return Ok(());
        }
        put!(self, ", length: ", length, "\n\tFacility ");
        put!(self, facility_name(), " (", facility, "), Severity ");
        put!(self, severity_name, " (", severity, ")\n\tMsg: ");
        let wanted = (length as usize).saturating_sub(place);
        let message = self.bytes.rest(at + place, wanted);
        self.escaped(message);
        if message.len() < wanted {
            return Err(Cut);
        }
        if self.options.verbosity > 1 {
            self.unknown_data("\n\t", at, length as usize);
        }
        Ok(())
    }
}
