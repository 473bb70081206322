//! Neighbor discovery (RFC 4861, RFC 8106, RFC 4191): what routers say of themselves, and options.

use super::super::dissector::Dissector;
use super::super::text::{Bits, HexColons, Put, V6, put};
use crate::wire::bytes::Read;

const ADVERTISEMENT_FLAGS: [(u32, &str); 4] = [
    (0x80, "managed"),
    (0x40, "other stateful"),
    (0x20, "home agent"),
    (0x02, "ipv6 only"),
];

const NEIGHBOR_FLAGS: [(u32, &str); 3] = [
    (0x8000_0000, "router"),
    (0x4000_0000, "solicited"),
    (0x2000_0000, "override"),
];

const PREFIX_FLAGS: [(u32, &str); 3] = [(0x80, "onlink"), (0x40, "auto"), (0x20, "router")];

/// Seconds, all ones of which never end.
struct Lifetime(u32);

impl Put for Lifetime {
    fn put(self, out: &mut Vec<u8>) {
        if self.0 == u32::MAX {
            "infinity".put(out);
        } else {
            (self.0, "s").put(out);
        }
    }
}

/// RFC 4191 section 2.1.
fn preference(flags: u8) -> &'static str {
    match flags >> 3 & 3 {
        1 => "high",
        2 => "rsv",
        3 => "low",
        _ => "medium",
    }
}

impl Dissector<'_> {
    pub(super) fn router_advertisement(&mut self, at: usize) -> Read<()> {
        let flags = self.u8(at + 5)?;
        let names = Bits {
            value: u32::from(flags),
            names: &ADVERTISEMENT_FLAGS,
            separator: ", ",
            none: "none",
        };
        let lifetime = self.u16(at + 6)?;
        let reachable = self.u32(at + 8)?;
        let retransmit = self.u32(at + 12)?;
        put!(
            self,
            "\n\thop limit ",
            self.u8(at + 4)?,
            ", Flags [",
            names,
            "]"
        );
        put!(
            self,
            ", pref ",
            preference(flags),
            ", router lifetime ",
            lifetime,
            "s, reachable time ",
            reachable,
            "ms, retrans timer ",
            retransmit,
            "ms"
        );
        Ok(())
    }

    pub(super) fn neighbor_flags(&mut self, at: usize) -> Read<()> {
        let names = Bits {
            value: self.u32(at + 4)?,
            names: &NEIGHBOR_FLAGS,
            separator: ", ",
            none: "none",
        };
        put!(self, ", Flags [", names, "]");
        Ok(())
    }

    /// Answers false if an option is cut off, or has no length.
    pub(super) fn discovery_options(&mut self, start: usize, left: i64) -> Read<bool> {
        let mut at = start;
        let mut left = left;
        while at < self.bytes.end() {
            if !self.has(at, 2) {
                return Ok(false);
            }
            if left <= 0 {
                return Ok(true);
            }
            let kind = self.u8(at)?;
            let units = self.u8(at + 1)?;
            let length = usize::from(units) * 8;
            if length == 0 || !self.has(at, length) {
                return Ok(false);
            }
            let name = option_name(kind).unwrap_or("unknown");
            put!(
                self,
                "\n\t  ",
                name,
                " option (",
                kind,
                "), length ",
                length,
                " (",
                units,
                "): "
            );
            match kind {
                1 | 2 => {
                    let address = HexColons(self.bytes.slice(at + 2, length - 2)?);
                    put!(self, address);
                }
                3 => self.prefix_option(at, units)?,
                4 => self.unknown_data("\n\t    ", start, length),
                5 => {
                    let remark = if units == 1 { "" } else { "bad option length" };
                    put!(self, " ", self.u32(at + 4)?, remark);
                }
                7 => put!(self, " ", self.u32(at + 4)?, "ms"),
                8 => {
                    let (rank, lifetime) = (self.u16(at + 4)?, self.u16(at + 6)?);
                    put!(self, " preference ", rank, ", lifetime ", lifetime);
                }
                24 if self.route_option(at, units)? => {}
                24 => return Ok(false),
                25 => {
                    put!(self, " lifetime ", self.u32(at + 4)?, "s,");
                    for server in 0..usize::from((units - 1) / 2) {
                        put!(self, " addr: ", self.v6(at + 8 + server * 16)?);
                    }
                }
                31 => {
                    put!(self, " lifetime ", self.u32(at + 4)?, "s, domain(s):");
                    let mut domain = at + 8;
                    while domain < at + length && self.u8(domain)? != 0 {
                        put!(self, " ");
                        match self.dns_name(domain, start)? {
                            Some(next) => domain = next,
                            None => return Ok(false),
                        }
                    }
                }
                _ if self.options.verbosity <= 1 => {
                    self.unknown_data("\n\t  ", at + 2, length - 2);
                    return Ok(true);
                }
                _ => {}
            }
            if self.options.verbosity > 1 {
                self.unknown_data("\n\t    ", at + 2, length - 2);
            }
            at += length;
            left -= length as i64;
        }
        Ok(true)
    }

    fn prefix_option(&mut self, at: usize, units: u8) -> Read<()> {
        let prefix = self.v6(at + 16)?;
        let names = Bits {
            value: u32::from(self.u8(at + 3)?),
            names: &PREFIX_FLAGS,
            separator: ", ",
            none: "none",
        };
        let valid = Lifetime(self.u32(at + 4)?);
        let remark = if units == 4 { "" } else { "badlen" };
        let bits = self.u8(at + 2)?;
        put!(
            self,
            prefix,
            "/",
            bits,
            remark,
            ", Flags [",
            names,
            "], valid time ",
            valid
        );
        put!(self, ", pref. time ", Lifetime(self.u32(at + 8)?));
        Ok(())
    }

    fn route_option(&mut self, at: usize, units: u8) -> Read<bool> {
        let mut prefix = [0; 16];
        let octets = match units {
            1 => 0,
            2 => 8,
            3 => 16,
            _ => return Ok(false),
        };
        for (to, &from) in prefix.iter_mut().zip(self.bytes.slice(at + 8, octets)?) {
            *to = from;
        }
        put!(self, " ", V6(prefix), "/", self.u8(at + 2)?);
        put!(self, ", pref=", preference(self.u8(at + 3)?));
        put!(self, ", lifetime=", Lifetime(self.u32(at + 4)?));
        Ok(true)
    }
}

fn option_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "source link-address",
        2 => "destination link-address",
        3 => "prefix info",
        4 => "redirected header",
        5 => "mtu",
        7 => "advertisement interval",
        8 => "homeagent information",
        24 => "route info",
        25 => "rdnss",
        31 => "dnssl",
        _ => return None,
    })
}
