//! Telnet's commands (RFC 854, RFC 855), as long as nothing else comes between.

use super::Dump;
use super::dissector::Dissector;
use super::text::{Hex, put};
use crate::wire::bytes::Read;

const COMMAND: u8 = 255;
const SUBOPTION: u8 = 250;
const SUBOPTION_END: u8 = 240;
const AUTHENTICATION: u8 = 37;
const ENCRYPTION: u8 = 38;
const FIRST_COMMAND: u8 = 236;

const COMMANDS: [&str; 20] = [
    "EOF", "SUSP", "ABORT", "EOR", "SE", "NOP", "DMARK", "BRK", "IP", "AO", "AYT", "EC", "EL",
    "GA", "SB", "WILL", "WONT", "DO", "DONT", "IAC",
];
const OPTIONS: [&str; 40] = [
    "BINARY",
    "ECHO",
    "RCP",
    "SUPPRESS GO AHEAD",
    "NAME",
    "STATUS",
    "TIMING MARK",
    "RCTE",
    "NAOL",
    "NAOP",
    "NAOCRD",
    "NAOHTS",
    "NAOHTD",
    "NAOFFD",
    "NAOVTS",
    "NAOVTD",
    "NAOLFD",
    "EXTEND ASCII",
    "LOGOUT",
    "BYTE MACRO",
    "DATA ENTRY TERMINAL",
    "SUPDUP",
    "SUPDUP OUTPUT",
    "SEND LOCATION",
    "TERMINAL TYPE",
    "END OF RECORD",
    "TACACS UID",
    "OUTPUT MARKING",
    "TTYLOC",
    "3270 REGIME",
    "X.3 PAD",
    "NAWS",
    "TSPEED",
    "LFLOW",
    "LINEMODE",
    "XDISPLOC",
    "OLD-ENVIRON",
    "AUTHENTICATION",
    "ENCRYPT",
    "NEW-ENVIRON",
];
/// What is meant by a suboption's first octet; empty where tcpdump has no name.
const QUALIFIERS: &[&str] = &["IS", "SEND", "INFO"];
/// The same of authentication (RFC 2941), and its kinds.
const AUTHENTICATIONS: [&[&str]; 2] = [
    &["IS", "SEND", "REPLY", "NAME"],
    &[
        "NULL",
        "KERBEROS_V4",
        "KERBEROS_V5",
        "SPX",
        "MINK",
        "SRP",
        "RSA",
        "SSL",
        "",
        "",
        "LOKI",
        "SSA",
        "KEA_SJ",
        "KEA_SJ_INTEG",
        "DSS",
        "NTLM",
    ],
];
/// The same of encryption (RFC 2946), and its kinds.
const ENCRYPTIONS: [&[&str]; 2] = [
    &[
        "IS",
        "SUPPORT",
        "REPLY",
        "START",
        "END",
        "REQUEST-START",
        "REQUEST-END",
        "END_KEYID",
        "DEC_KEYID",
    ],
    &[
        "NULL",
        "DES_CFB64",
        "DES_OFB64",
        "DES3_CFB64",
        "DES3_OFB64",
        "",
        "CAST5_40_CFB64",
        "CAST5_40_OFB64",
        "CAST128_CFB64",
        "CAST128_OFB64",
    ],
];

impl Dissector<'_> {
    pub(super) fn telnet(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "telnet";
        let with_octets =
            self.options.verbosity > 2 && matches!(self.options.dump, Dump::HexAscii { .. });
        let (mut place, mut left) = (at, length);
        let mut is_first = true;
        while left > 0 && self.u8(place)? == COMMAND {
            let Some(octets) = self.telnet_length(place, left as usize)? else {
                break;
            };
            if with_octets {
                put!(self, if is_first { "\nTelnet:" } else { "" });
                self.hex_from("\n", place, octets, place - at)?;
                if octets > 8 {
                    put!(self, "\n\t\t\t\t");
                } else {
                    for _ in octets..8 {
                        put!(self, "   ");
                    }
                    put!(self, "\t");
                }
            } else {
                put!(self, if is_first { " [telnet " } else { ", " });
            }
            self.telnet_command(place, octets)?;
            is_first = false;
            place += octets;
            // A suboption without its end leaves less than nothing, which tcpdump takes for plenty.
            left = left.wrapping_sub(octets as u32);
        }
        if !is_first {
            put!(self, if with_octets { "\n" } else { "]" });
        }
        Ok(())
    }

    /// How many octets a command has, if it is there as a whole.
    fn telnet_length(&self, at: usize, left: usize) -> Read<Option<usize>> {
        if left < 2 {
            return Ok(None);
        }
        let command = self.u8(at + 1)?;
        match command {
            COMMAND => Ok(Some(2)),
            0..FIRST_COMMAND => Ok(None),
            SUBOPTION..COMMAND => {
                if left < 3 {
                    return Ok(None);
                }
                self.u8(at + 2)?;
                if command != SUBOPTION {
                    return Ok(Some(3));
                }
                let mut end = at + 3;
                while left - 3 > end + 1 - (at + 3) {
                    if self.u8(end)? == COMMAND && self.u8(end + 1)? == SUBOPTION_END {
                        break;
                    }
                    end += 1;
                }
                if self.u8(end)? != COMMAND {
                    return Ok(None);
                }
                // tcpdump passes the end's two octets whether both are there or not.
                Ok(Some(end + 2 - at))
            }
            _ => Ok(Some(2)),
        }
    }

    /// A command of that many octets.
    fn telnet_command(&mut self, at: usize, octets: usize) -> Read<()> {
        let command = self.u8(at + 1)?;
        if command == COMMAND {
            put!(self, "IAC IAC");
            return Ok(());
        }
        let name = command.checked_sub(FIRST_COMMAND);
        let name = name.and_then(|n| COMMANDS.get(usize::from(n))).copied();
        put!(self, name.unwrap_or_default());
        if octets < 3 {
            return Ok(());
        }
        let option = self.u8(at + 2)?;
        self.telnet_named(option, &OPTIONS);
        if command != SUBOPTION {
            return Ok(());
        }
        let tables: &[&[&str]] = match option {
            AUTHENTICATION => &AUTHENTICATIONS,
            ENCRYPTION => &ENCRYPTIONS,
            _ => &[QUALIFIERS],
        };
        for (n, place) in (at + 3..at + octets - 2).enumerate() {
            let octet = self.u8(place)?;
            self.telnet_named(octet, tables.get(n).copied().unwrap_or_default());
        }
        put!(self, " SE");
        Ok(())
    }

    fn telnet_named(&mut self, octet: u8, names: &[&'static str]) {
        match names.get(usize::from(octet)).copied() {
            Some(name) if !name.is_empty() => put!(self, " ", name),
            _ if octet == 0 => put!(self, " 0"),
            _ => put!(self, " 0x", Hex(u32::from(octet))),
        }
    }
}
