//! Questions and resource records.

use super::super::dissector::Dissector;
use super::super::text::{V6, put};
use super::Message;
use crate::wire::bytes::Read;

const IN: u16 = 1;
/// In a multicast question: answer by unicast. In an answer: forget what is cached.
const MULTICAST_BIT: u16 = 0x8000;

impl Dissector<'_> {
    pub(super) fn dns_question(&mut self, at: usize, message: Message) -> Read<Option<usize>> {
        let Some(behind) = self.dns_skip_name(at) else {
            return Ok(None);
        };
        if !self.has(behind, 4) {
            return Ok(None);
        }
        self.dns_type(self.u16(behind)?);
        let class = self.u16(behind + 2)?;
        if message.multicast {
            self.dns_class(class & !MULTICAST_BIT);
            put!(
                self,
                if class & MULTICAST_BIT != 0 {
                    " (QU)"
                } else {
                    " (QM)"
                }
            );
        } else {
            self.dns_class(class);
        }
        put!(self, "? ");
        Ok(self.dns_name(at, message.start)?.map(|end| end + 4))
    }

    fn dns_type(&mut self, kind: u16) {
        match type_name(kind) {
            Some(name) => put!(self, " ", name),
            None => put!(self, " Type", kind),
        }
    }

    fn dns_class(&mut self, class: u16) {
        match class {
            IN => {}
            3 => put!(self, " CHAOS"),
            4 => put!(self, " HS"),
            255 => put!(self, " ANY"),
            _ => put!(self, " (Class ", class, ")"),
        }
    }

    pub(super) fn dns_record(&mut self, at: usize, message: Message) -> Read<Option<usize>> {
        let behind = if self.verbose() {
            put!(self, " ");
            match self.dns_name(at, message.start)? {
                Some(behind) => Some(behind),
                None => return Ok(None),
            }
        } else {
            self.dns_skip_name(at)
        };
        let Some(at) = behind.filter(|&behind| self.has(behind, 10)) else {
            return Ok(Some(self.bytes.end()));
        };
        let kind = self.u16(at)?;
        let full_class = self.u16(at + 2)?;
        let class = if message.multicast {
            full_class & !MULTICAST_BIT
        } else {
            full_class
        };
        if kind != super::OPT {
            self.dns_class(class);
        }
        if message.multicast && full_class & MULTICAST_BIT != 0 {
            put!(self, " (Cache flush)");
        }
        if kind != super::OPT && self.options.verbosity > 2 {
            put!(self, " [");
            let lifetime = self.u32(at + 4)?;
            self.duration(lifetime);
            put!(self, "]");
        }
        let length = usize::from(self.u16(at + 8)?);
        let data = at + 10;
        self.dns_type(kind);
        if data + length > self.bytes.end() {
            return Ok(None);
        }
        let whole = match kind {
            super::OPT => {
                put!(self, " UDPsize=", class);
                if self.u16(at + 6)? & 0x8000 != 0 {
                    put!(self, " DO");
                }
                self.edns_options(data, length)?
            }
            _ => self.dns_data(kind, data, length, message)?,
        };
        Ok(whole.map(|()| data + length))
    }

    /// Answers nothing if the data is cut.
    fn dns_data(
        &mut self,
        kind: u16,
        at: usize,
        length: usize,
        message: Message,
    ) -> Read<Option<()>> {
        match kind {
            1 if self.has(at, 4) => put!(self, " ", self.v4(at)?),
            28 if self.has(at, 16) => put!(self, " ", self.v6(at)?),
            1 | 28 => return Ok(None),
            // NS, CNAME, PTR, DNAME
            2 | 5 | 12 | 39 => {
                put!(self, " ");
                return Ok(self.dns_name(at, message.start)?.map(drop));
            }
            6 if self.verbose() => return self.dns_authority(at, message),
            15 => {
                put!(self, " ");
                if !self.has(at, 2) || self.dns_name(at + 2, message.start)?.is_none() {
                    return Ok(None);
                }
                put!(self, " ", self.u16(at)?);
            }
            16 => {
                let mut place = at;
                while place < at + length {
                    put!(self, " \"");
                    if !self.has(place, 1) {
                        return Ok(None);
                    }
                    let octets = usize::from(self.u8(place)?);
                    let text = self.bytes.rest(place + 1, octets);
                    self.escaped(text);
                    if text.len() < octets {
                        return Ok(None);
                    }
                    put!(self, "\"");
                    place += 1 + octets;
                }
            }
            33 => {
                put!(self, " ");
                if !self.has(at, 6) || self.dns_name(at + 6, message.start)?.is_none() {
                    return Ok(None);
                }
                let (port, priority, weight) =
                    (self.u16(at + 4)?, self.u16(at)?, self.u16(at + 2)?);
                put!(self, ":", port, " ", priority, " ", weight);
            }
            38 => return self.dns_a6(at, message),
            104 => {
                let text = self.bytes.slice(at, length)?;
                self.escaped(text);
            }
            250 if self.verbose() => return self.dns_signature(at, message),
            256 => {
                put!(self, " ", self.u16(at)?, " ", self.u16(at + 2)?, " ");
                let octets = (length as u32).wrapping_sub(4) as usize;
                let text = self.bytes.rest(at + 4, octets);
                self.escaped(text);
                if text.len() < octets {
                    return Ok(None);
                }
            }
            _ => {}
        }
        Ok(Some(()))
    }

    fn dns_authority(&mut self, at: usize, message: Message) -> Read<Option<()>> {
        let mut place = at;
        for _ in 0..2 {
            put!(self, " ");
            match self.dns_name(place, message.start)? {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
        if !self.has(place, 20) {
            return Ok(None);
        }
        for number in (0..20).step_by(4) {
            put!(self, " ", self.u32(place + number)?);
        }
        Ok(Some(()))
    }

    fn dns_a6(&mut self, at: usize, message: Message) -> Read<Option<()>> {
        if !self.has(at, 1) {
            return Ok(None);
        }
        let bits = self.u8(at)?;
        if bits > 128 {
            put!(self, " ", bits, "(bad plen)");
            return Ok(Some(()));
        }
        let missing = usize::from(bits / 8);
        if bits < 128 {
            let mut address = [0; 16];
            let suffix = self.bytes.slice(at + 1, 16 - missing)?;
            for (to, &from) in address.iter_mut().skip(missing).zip(suffix) {
                *to = from;
            }
            put!(self, " ", bits, " ", V6(address));
        }
        if bits > 0 {
            put!(self, " ");
            return Ok(self.dns_name(at + 17 - missing, message.start)?.map(drop));
        }
        Ok(Some(()))
    }

    /// RFC 8945 section 4.2.
    fn dns_signature(&mut self, at: usize, message: Message) -> Read<Option<()>> {
        put!(self, " ");
        let Some(name_end) = self.dns_name(at, message.start)? else {
            return Ok(None);
        };
        let mut place = name_end + 6;
        for title in [" fudge=", " maclen=", " origid=", " error=", " otherlen="] {
            if !self.has(place, 2) {
                return Ok(None);
            }
            let value = self.u16(place)?;
            put!(self, title, value);
            place += 2;
            if title == " maclen=" {
                place += usize::from(value);
            }
        }
        Ok(Some(()))
    }
}

fn type_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "A",
        2 => "NS",
        3 => "MD",
        4 => "MF",
        5 => "CNAME",
        6 => "SOA",
        7 => "MB",
        8 => "MG",
        9 => "MR",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        14 => "MINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        19 => "X25",
        20 => "ISDN",
        21 => "RT",
        22 => "NSAP",
        23 => "NSAP_PTR",
        24 => "SIG",
        25 => "KEY",
        26 => "PX",
        27 => "GPOS",
        28 => "AAAA",
        29 => "LOC",
        30 => "NXT",
        31 => "EID",
        32 => "NIMLOC",
        33 => "SRV",
        34 => "ATMA",
        35 => "NAPTR",
        36 => "KX",
        37 => "CERT",
        38 => "A6",
        39 => "DNAME",
        40 => "SINK",
        41 => "OPT",
        42 => "APL",
        43 => "DS",
        44 => "SSHFP",
        45 => "IPSECKEY",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "UNSPECA",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        _ => return None,
    })
}
