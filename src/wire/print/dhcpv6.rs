//! DHCP for IPv6 (RFC 8415).

use super::dissector::Dissector;
use super::text::{Hex, HexString, HexZeros, put};
use crate::wire::bytes::Read;

/// Octets of an option's code and length.
const OPTION_HEADER: usize = 4;
/// Octets of a value that are shown in hexadecimal at most.
const SHOWN: usize = 10;

/// Why the printing of an option ends.
enum Printed {
    /// It was printed.
    Whole,
    /// Something in it is cut: all options end.
    Cut,
}

impl Dissector<'_> {
    pub(super) fn dhcpv6(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "dhcp6";
        put!(self, "dhcp6");
        if !self.enter() {
            return Ok(());
        }
        let end = self.bytes.end().min(at + length as usize);
        if !self.has(at, 4) {
            self.truncated();
            return Ok(());
        }
        let kind = self.u8(at)?;
        match message_name(kind) {
            Some(name) => put!(self, " ", name),
            None => put!(self, " msgtype-", kind),
        }
        if !self.verbose() {
            return Ok(());
        }
        put!(self, " (");
        if matches!(kind, 12 | 13) {
            put!(self, "linkaddr=", self.v6(at + 2)?);
            put!(self, " peeraddr=", self.v6(at + 18)?);
            self.dhcpv6_options(at + 34, end)?;
        } else {
            put!(self, "xid=", Hex(self.u24(at + 1)?));
            self.dhcpv6_options(at + 4, end)?;
        }
        put!(self, ")");
        Ok(())
    }

    fn dhcpv6_options(&mut self, at: usize, end: usize) -> Read<()> {
        let mut at = at;
        while at < end {
            if end < at + OPTION_HEADER || !self.has(at, OPTION_HEADER) {
                self.truncated();
                return Ok(());
            }
            let code = self.u16(at)?;
            let length = usize::from(self.u16(at + 2)?);
            let value = at + OPTION_HEADER;
            if end < value + length {
                self.truncated();
                return Ok(());
            }
            match option_name(code) {
                Some(name) => put!(self, " (", name),
                None => put!(self, " (opt_", code),
            }
            if !self.has(value, length) {
                self.truncated();
                return Ok(());
            }
            if let Printed::Cut = self.dhcpv6_option(code, value, length)? {
                self.truncated();
                return Ok(());
            }
            put!(self, ")");
            at = value + length;
        }
        Ok(())
    }

    /// Prints a value that is there whole, up to the closing parenthesis.
    fn dhcpv6_option(&mut self, code: u16, at: usize, length: usize) -> Read<Printed> {
        let least = match code {
            1 | 2 | 13 => 2,
            5 => 24,
            11 => 11,
            3 | 25 => 12,
            4 | 37 | 56 => 4,
            26 => 25,
            44 => 17,
            47 => 16,
            64 => 3,
            41 | 42 | 112 => 5,
            _ => 0,
        };
        let fits = match code {
            6 | 43 => length.is_multiple_of(2),
            7 | 19 => length == 1,
            8 => length == 2,
            32 | 46 => length == 4,
            22 | 23 | 27 | 28 | 31 | 34 | 40 | 48 => length.is_multiple_of(16),
            _ => length >= least,
        };
        if !fits {
            put!(self, " ?");
            return Ok(Printed::Whole);
        }
        let end = at + length;
        match code {
            1 | 2 => self.dhcpv6_identifier(at, length)?,
            5 => {
                let (preferred, valid) = (self.u32(at + 16)?, self.u32(at + 20)?);
                put!(
                    self,
                    " ",
                    self.v6(at)?,
                    " pltime:",
                    preferred,
                    " vltime:",
                    valid
                );
                self.dhcpv6_options(at + 24, end)?;
            }
            6 | 43 => {
                for place in (at..end).step_by(2) {
                    let wanted = self.u16(place)?;
                    match option_name(wanted) {
                        Some(name) => put!(self, " ", name),
                        None => put!(self, " opt_", wanted),
                    }
                }
            }
            7 => put!(self, " ", self.u8(at)?),
            8 => put!(self, " ", self.u16(at)?),
            9 => {
                put!(self, " (");
                let before = self.bytes.narrow(at, length);
                self.dhcpv6(at, length as u32)?;
                self.bytes.set_end(before);
            }
            11 => self.dhcpv6_authentication(at, length)?,
            18 | 38 => {
                let shown = self.bytes.slice(at, length.min(SHOWN))?;
                put!(self, " ", HexString(shown), "...");
            }
            19 => match self.u8(at)? {
                5 => put!(self, " for renew"),
                11 => put!(self, " for inf-req"),
                kind => put!(self, " for ???(", HexZeros::<2>(u32::from(kind)), ")"),
            },
            22 | 23 | 27 | 28 | 31 | 34 | 40 | 48 => {
                for place in (at..end).step_by(16) {
                    put!(self, " ", self.v6(place)?);
                }
            }
            21 | 24 => {
                let mut place = at;
                while place < end {
                    put!(self, " ");
                    match self.dns_name(place, end)? {
                        Some(next) => place = next,
                        None => return Ok(Printed::Cut),
                    }
                }
            }
            13 => {
                let status = self.u16(at)?;
                match status_name(status) {
                    Some(name) => put!(self, " ", name),
                    None if status > 255 => put!(self, " INVALID code"),
                    None => put!(self, " code", status),
                }
            }
            3 | 25 => {
                let (renew, rebind) = (self.u32(at + 4)?, self.u32(at + 8)?);
                put!(self, " IAID:", self.u32(at)?, " T1:", renew, " T2:", rebind);
                self.dhcpv6_options(at + 12, end)?;
            }
            4 => {
                put!(self, " IAID:", self.u32(at)?);
                self.dhcpv6_options(at + 4, end)?;
            }
            26 => {
                let (preferred, valid) = (self.u32(at)?, self.u32(at + 4)?);
                put!(self, " ", self.v6(at + 9)?, "/", self.u8(at + 8)?);
                put!(self, " pltime:", preferred, " vltime:", valid);
                self.dhcpv6_options(at + 25, end)?;
            }
            32 | 46 => put!(self, " ", self.u32(at)?),
            37 => {
                put!(self, " ", self.u32(at)?, " ");
                let shown = self.bytes.slice(at + 4, (length - 4).min(SHOWN))?;
                put!(self, HexString(shown), "...");
            }
            44 => {
                match self.u8(at)? {
                    1 => put!(self, " by-address"),
                    2 => put!(self, " by-clientID"),
                    kind => put!(self, " type_", kind),
                }
                put!(self, " ", self.v6(at + 1)?);
                self.dhcpv6_options(at + 17, end)?;
            }
            45 => self.dhcpv6_options(at, end)?,
            47 => {
                let shown = self.bytes.slice(at + 16, (length - 16).min(SHOWN))?;
                put!(self, " ", self.v6(at)?, " ", HexString(shown), "...");
            }
            56 => return self.dhcpv6_time_servers(at, end),
            64 => self.dhcpv6_tunnel_name(at, length)?,
            41 | 42 | 112 => {
                put!(self, " ");
                self.padded_name(at, length)?;
            }
            _ => {}
        }
        Ok(Printed::Whole)
    }

    /// A DUID (RFC 8415 section 11).
    fn dhcpv6_identifier(&mut self, at: usize, length: usize) -> Read<()> {
        match self.u16(at)? {
            1 if length >= 8 => {
                let (kind, time) = (self.u16(at + 2)?, self.u32(at + 4)?);
                let address = HexString(self.bytes.slice(at + 8, length - 8)?);
                put!(
                    self,
                    " hwaddr/time type ",
                    kind,
                    " time ",
                    time,
                    " ",
                    address
                );
            }
            2 if length >= 10 => {
                put!(self, " vid ", HexString(self.bytes.slice(at + 2, 8)?));
            }
            3 if length >= 4 => {
                let address = HexString(self.bytes.slice(at + 4, length - 4)?);
                put!(self, " hwaddr type ", self.u16(at + 2)?, " ", address);
            }
            1..=3 => put!(self, " ?"),
            kind => put!(self, " type ", kind),
        }
        Ok(())
    }

    /// RFC 8415 section 21.11.
    fn dhcpv6_authentication(&mut self, at: usize, length: usize) -> Read<()> {
        let protocol = self.u8(at)?;
        match protocol {
            2 => put!(self, " proto: delayed"),
            3 => put!(self, " proto: reconfigure"),
            _ => put!(self, " proto: ", protocol),
        }
        match self.u8(at + 1)? {
            1 => put!(self, ", alg: HMAC-MD5"),
            algorithm => put!(self, ", alg: ", algorithm),
        }
        match self.u8(at + 2)? {
            0 => put!(self, ", RDM: mono"),
            method => put!(self, ", RDM: ", method),
        }
        put!(self, ", RD:");
        for place in (at + 3..at + 11).step_by(2) {
            put!(self, " ", HexZeros::<4>(u32::from(self.u16(place)?)));
        }
        let information = at + 11;
        let left = length - 11;
        match protocol {
            2 if left == 0 => {}
            2 if left >= 20 => {
                let realm = left - 20;
                if realm > 0 {
                    let realm = HexString(self.bytes.slice(information, realm)?);
                    put!(self, ", realm: ", realm);
                }
                let key = information + realm;
                put!(self, ", key ID: ", HexZeros::<8>(self.u32(key)?));
                put!(self, ", HMAC-MD5:");
                self.dhcpv6_words(key + 4)?;
            }
            3 if left == 17 => {
                match self.u8(information)? {
                    1 => put!(self, " reconfig-key"),
                    2 => put!(self, " type: HMAC-MD5"),
                    _ => put!(self, " type: ??"),
                }
                put!(self, " value:");
                self.dhcpv6_words(information + 1)?;
            }
            _ => put!(self, " ??"),
        }
        Ok(())
    }

    fn dhcpv6_words(&mut self, at: usize) -> Read<()> {
        for place in (at..at + 16).step_by(4) {
            put!(self, " ", HexZeros::<8>(self.u32(place)?));
        }
        Ok(())
    }

    /// RFC 5908 section 4.
    fn dhcpv6_time_servers(&mut self, at: usize, end: usize) -> Read<Printed> {
        let mut place = at;
        while place + 4 < end {
            let code = self.u16(place)?;
            let length = usize::from(self.u16(place + 2)?);
            place += 4;
            if place + length > end {
                return Ok(Printed::Cut);
            }
            put!(self, " subopt:", code);
            match code {
                1 | 2 if length == 16 => put!(self, " ", self.v6(place)?),
                3 => {
                    put!(self, " ");
                    if self.dns_name(place, place + length)?.is_none() {
                        return Ok(Printed::Cut);
                    }
                }
                _ => put!(self, " ?"),
            }
            place += length;
        }
        Ok(Printed::Whole)
    }

    /// RFC 6334 section 3.
    fn dhcpv6_tunnel_name(&mut self, at: usize, length: usize) -> Read<()> {
        put!(self, " ");
        let mut place = at;
        let mut left = length;
        while left > 0 {
            let label = usize::from(self.u8(place)?);
            if label == 0 {
                break;
            }
            place += 1;
            if label >= left - 1 {
                put!(self, " ?");
                break;
            }
            self.padded_name(place, label)?;
            place += label;
            left -= label + 1;
            if self.u8(place)? != 0 {
                put!(self, ".");
            }
        }
        Ok(())
    }
}

fn message_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "solicit",
        2 => "advertise",
        3 => "request",
        4 => "confirm",
        5 => "renew",
        6 => "rebind",
        7 => "reply",
        8 => "release",
        9 => "decline",
        10 => "reconfigure",
        11 => "inf-req",
        12 => "relay-fwd",
        13 => "relay-reply",
        14 => "leasequery",
        15 => "leasequery-reply",
        _ => return None,
    })
}

fn option_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "client-ID",
        2 => "server-ID",
        3 => "IA_NA",
        4 => "IA_TA",
        5 => "IA_ADDR",
        6 => "option-request",
        7 => "preference",
        8 => "elapsed-time",
        9 => "relay-message",
        11 => "authentication",
        12 => "server-unicast",
        13 => "status-code",
        14 => "rapid-commit",
        15 => "user-class",
        16 => "vendor-class",
        17 => "vendor-specific-info",
        18 => "interface-ID",
        19 => "reconfigure-message",
        20 => "reconfigure-accept",
        21 => "SIP-servers-domain",
        22 => "SIP-servers-address",
        23 => "DNS-server",
        24 => "DNS-search-list",
        25 => "IA_PD",
        26 => "IA_PD-prefix",
        27 => "NIS-server",
        28 => "NIS+-server",
        29 => "NIS-domain-name",
        30 => "NIS+-domain-name",
        31 => "SNTP-servers",
        32 => "lifetime",
        33 => "BCMCS-domain-name",
        34 => "BCMCS-server",
        36 => "Geoconf-Civic",
        37 => "Remote-ID",
        38 => "Subscriber-ID",
        39 => "Client-FQDN",
        40 => "PANA-agent",
        41 => "POSIX-timezone",
        42 => "POSIX-tz-database",
        43 => "Echo-request-option",
        44 => "Lease-query",
        45 => "LQ-client-data",
        46 => "Clt-time",
        47 => "LQ-relay-data",
        48 => "LQ-client-link",
        56 => "NTP-server",
        64 => "AFTR-Name",
        112 => "MUD-URL",
        _ => return None,
    })
}

fn status_name(status: u16) -> Option<&'static str> {
    Some(match status {
        0 => "Success",
        1 => "UnspecFail",
        2 => "NoAddrsAvail",
        3 => "NoBinding",
        4 => "NotOnLink",
        5 => "UseMulticast",
        6 => "NoPrefixAvail",
        7 => "UnknownQueryType",
        8 => "MalformedQuery",
        9 => "NotConfigured",
        10 => "NotAllowed",
        _ => return None,
    })
}
