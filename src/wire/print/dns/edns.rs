//! Options of EDNS (RFC 6891).

use super::super::dissector::Dissector;
use super::super::text::{HexString, Put, V4, V6, put};
use crate::wire::bytes::Read;

impl Dissector<'_> {
    /// Answers nothing if an option is cut.
    pub(super) fn edns_options(&mut self, at: usize, length: usize) -> Read<Option<()>> {
        if length == 0 {
            return Ok(Some(()));
        }
        let end = at + length;
        let mut place = at;
        put!(self, " [");
        while place < end {
            if !self.has(place, 2) {
                return Ok(None);
            }
            let code = self.u16(place)?;
            match option_name(code) {
                Some(name) => put!(self, name),
                None => put!(self, "Opt", code),
            }
            if !self.has(place + 2, 2) {
                return Ok(None);
            }
            let octets = usize::from(self.u16(place + 2)?);
            place += 4;
            if !self.has(place, octets) {
                return Ok(None);
            }
            if octets > 0 {
                put!(self, " ");
                self.edns_option(code, place, octets)?;
            }
            place += octets;
            if place < end {
                put!(self, ",");
            }
        }
        put!(self, "]");
        Ok(Some(()))
    }

    /// The option is known to be there whole.
    fn edns_option(&mut self, code: u16, at: usize, length: usize) -> Read<()> {
        let octets = self.bytes.slice(at, length)?;
        match (code, octets) {
            (8, _) => self.edns_client_subnet(octets),
            (10, _) => match octets.split_at_checked(8) {
                Some((client, [])) => put!(self, HexString(client)),
                Some((client, server)) if (8..=32).contains(&server.len()) => {
                    put!(self, HexString(client), " ", HexString(server));
                }
                _ => self.invalid(),
            },
            // In tenths of a second.
            (11, &[high, low]) => {
                let tenths = u16::from_be_bytes([high, low]);
                put!(self, tenths / 10, ".", tenths % 10, " sec");
            }
            (9, &[a, b, c, d]) => put!(self, u32::from_be_bytes([a, b, c, d]), " sec"),
            (9 | 11, _) => self.invalid(),
            (12, _) => put!(self, "(", length, ")"),
            (14, _) if !length.is_multiple_of(2) => self.invalid(),
            (14, _) => {
                for (n, pair) in octets.chunks_exact(2).enumerate() {
                    let tag = pair
                        .iter()
                        .fold(0u16, |tag, &octet| tag << 8 | u16::from(octet));
                    put!(self, if n > 0 { " " } else { "" }, tag);
                }
            }
            (5..=7, _) => {
                for (n, &algorithm) in octets.iter().enumerate() {
                    put!(self, if n > 0 { " " } else { "" });
                    match algorithm_name(code, algorithm) {
                        Some(name) => put!(self, name),
                        None => put!(self, "Alg_", algorithm),
                    }
                }
            }
            (13, _) => {
                // tcpdump counts a compressed name from behind the option, where no pointer leads.
                self.dns_name(at, at + length)?;
            }
            _ => HexString(octets).put(self.out),
        }
        Ok(())
    }

    /// RFC 7871 section 6.
    fn edns_client_subnet(&mut self, octets: &[u8]) {
        let [high, low, source, scope, prefix @ ..] = octets else {
            self.invalid();
            return;
        };
        let bits = match u16::from_be_bytes([*high, *low]) {
            1 => 32,
            2 => 128,
            _ => {
                self.invalid();
                return;
            }
        };
        let octets_of_source = usize::from(*source).div_ceil(8);
        if *source > bits || *scope > bits || octets_of_source != prefix.len() {
            self.invalid();
            return;
        }
        let mut padded = [0; 16];
        for (to, &from) in padded.iter_mut().zip(prefix) {
            *to = from;
        }
        if bits == 32 {
            let [a, b, c, d, ..] = padded;
            put!(self, V4([a, b, c, d]));
        } else {
            put!(self, V6(padded));
        }
        put!(self, "/", *source, "/", *scope);
    }
}

fn option_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "LLQ",
        2 => "UL",
        3 => "NSID",
        5 => "DAU",
        6 => "DHU",
        7 => "N3U",
        8 => "ECS",
        9 => "EXPIRE",
        10 => "COOKIE",
        11 => "KEEPALIVE",
        12 => "PADDING",
        13 => "CHAIN",
        14 => "KEY-TAG",
        16 => "CLIENT-TAG",
        17 => "SERVER-TAG",
        _ => return None,
    })
}

/// Names of what a resolver understands: signature algorithms, digests, hashes (RFC 6975).
fn algorithm_name(code: u16, algorithm: u8) -> Option<&'static str> {
    Some(match (code, algorithm) {
        (5, 0) => "DELETE",
        (5, 1) => "RSAMD5",
        (5, 2) => "DH",
        (5, 3) => "DS",
        (5, 5) => "RSASHA1",
        (5, 6) => "DSA-NSEC3-SHA1",
        (5, 7) => "RSASHA1-NSEC3-SHA1",
        (5, 8) => "RSASHA256",
        (5, 10) => "RSASHA512",
        (5, 12) => "ECC-GOST",
        (5, 13) => "ECDSAP256SHA256",
        (5, 14) => "ECDSAP384SHA384",
        (5, 15) => "ED25519",
        (5, 16) => "ED448",
        (5, 252) => "INDIRECT",
        (5, 253) => "PRIVATEDNS",
        (5, 254) => "PRIVATEOID",
        (6 | 7, 1) => "SHA-1",
        (6, 2) => "SHA-256",
        (6, 3) => "GOST_R_34.11-94",
        (6, 4) => "SHA-384",
        _ => return None,
    })
}
