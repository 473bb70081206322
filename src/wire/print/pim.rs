//! Protocol independent multicast, version 2: greetings and joins (RFC 7761 section 4.9).

mod message;
mod version1;

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::checksum;
use crate::wire::ip::Protocol;

const HELLO: u8 = 0;
const REGISTER: u8 = 1;
const JOIN_PRUNE: u8 = 3;
const GRAFT: u8 = 6;
const GRAFT_ACKNOWLEDGEMENT: u8 = 7;

/// What an encoded address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoded {
    Unicast,
    Group,
    Source,
}

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
struct Rest {
    at: usize,
    left: usize,
    /// Octets of an address without its family in front; 0 where it has one.
    address: usize,
}

impl Rest {
    /// The next octets' place, if both the length and the capture reach that far.
    fn take(&mut self, dissector: &Dissector<'_>, octets: usize) -> Option<usize> {
        if self.left < octets || !dissector.has(self.at, octets) {
            return None;
        }
        let at = self.at;
        self.at += octets;
        self.left -= octets;
        Some(at)
    }

    /// Passes octets that were read without asking whether the length reaches that far; where it does not,
    /// tcpdump takes what is left for nearly endless, and only the capture's end counts.
    fn skip_unchecked(&mut self, octets: usize) {
        self.at += octets;
        self.left = (self.left as u32).wrapping_sub(octets as u32) as usize;
    }
}

impl Dissector<'_> {
    pub(super) fn pim(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "pim";
        let first = self.u8(at)?;
        let version = first >> 4;
        let kind = first & 15;
        let name = type_name(kind).unwrap_or("Unknown Type");
        if version != 2 {
            put!(self, "PIMv", version, ", length ", length);
            return Ok(());
        }
        if !self.verbose() {
            put!(self, "PIMv2, ", name, ", length ", length);
            return Ok(());
        }
        put!(self, "PIMv2, length ", length, "\n\t", name);
        self.protocol = "pimv2";
        if length < 2 {
            put!(self, "[length ", length, " < 2]");
            self.invalid();
            return Ok(());
        }
        let address = self.u8(at + 1)? & 15;
        if address != 0 {
            put!(self, ", RFC2117-encoding");
        }
        if length < 4 {
            put!(self, "[length ", length, " < 4]");
            self.invalid();
            return Ok(());
        }
        self.pim_checksum(at, length, kind, header)?;
        let mut rest = Rest {
            at: at + 4,
            left: length as usize - 4,
            address: usize::from(address),
        };
        let whole = match kind {
            HELLO => self.pim_hello(&mut rest)?,
            JOIN_PRUNE | GRAFT | GRAFT_ACKNOWLEDGEMENT => self.pim_join_prune(&mut rest, kind)?,
            REGISTER => self.pim_register(&mut rest)?,
            2 => self.pim_group_and_source(&mut rest, " source=")?,
            4 => self.pim_bootstrap(&mut rest)?,
            5 => self.pim_assert(&mut rest)?,
            8 => self.pim_candidate(&mut rest)?,
            9 => self.pim_prune_refresh(&mut rest)?,
            10 => {
                let subtype = self.u8(at + 1)? >> 4;
                self.pim_forwarder_election(&mut rest, subtype)?
            }
            _ => {
                put!(self, " [type ", kind, "]");
                Some(())
            }
        };
        if whole.is_none() {
            self.truncated();
        }
        Ok(())
    }

    fn pim_checksum(&mut self, at: usize, length: u32, kind: u8, header: IpHeader) -> Read<()> {
        let field = self.u16(at + 2)?;
        put!(self, ", cksum 0x", HexZeros::<4>(u32::from(field)), " ");
        let check = |length: u32| -> Read<Option<bool>> {
            let Ok(message) = self.bytes.slice(at, length as usize) else {
                return Ok(None);
            };
            let sum = if header.version == 4 {
                checksum::of(message)
            } else {
                self.transport_sum(header, Protocol::PIM, length)?
                    .octets(message)
                    .finish()
            };
            Ok(Some(sum == 0))
        };
        let verdict = if field == 0 {
            None
        } else if kind == REGISTER {
            // Only the header is summed, or (RFC 7761 section 4.9.3) everything.
            match check(8)? {
                Some(false) => check(length)?,
                other => other,
            }
        } else {
            check(length)?
        };
        put!(
            self,
            match verdict {
                Some(true) => "(correct)",
                Some(false) => "(incorrect)",
                None => "(unverified)",
            }
        );
        Ok(())
    }

    /// Answers nothing if the message is cut.
    fn pim_hello(&mut self, rest: &mut Rest) -> Read<Option<()>> {
        while rest.left > 0 {
            if rest.left < 4 {
                return Ok(None);
            }
            let option = self.u16(rest.at)?;
            let length = usize::from(self.u16(rest.at + 2)?);
            let name = option_name(option).unwrap_or("Unknown");
            put!(
                self,
                "\n\t  ",
                name,
                " Option (",
                option,
                "), length ",
                length,
                ", Value: "
            );
            rest.at += 4;
            rest.left -= 4;
            let Some(at) = rest.take(self, length) else {
                return Ok(None);
            };
            let expected = match option {
                1 => Some(2),
                2 | 20 | 21 => Some(4),
                18 | 19 if length != 0 => Some(4),
                _ => None,
            };
            if let Some(expected) = expected
                && length != expected
            {
                put!(self, "[option length ", length, " != ", expected, "]");
                self.invalid();
                return Ok(Some(()));
            }
            match option {
                1 => {
                    let seconds = u32::from(self.u16(at)?);
                    self.duration(seconds);
                }
                2 => {
                    let delay = self.u16(at)?;
                    put!(
                        self,
                        "\n\t    T-bit=",
                        delay >> 15,
                        ", LAN delay ",
                        delay & 0x7fff
                    );
                    put!(self, "ms, Override interval ", self.u16(at + 2)?, "ms");
                }
                18 | 19 if length == 0 => put!(self, "Bi-Directional Capability (Old)"),
                18 | 19 => put!(self, self.u32(at)?),
                20 => put!(self, "0x", HexZeros::<8>(self.u32(at)?)),
                21 => {
                    put!(self, "v", self.u8(at)?);
                    let interval = self.u8(at + 1)?;
                    if interval != 0 {
                        put!(self, ", interval ");
                        self.duration(u32::from(interval));
                    }
                    let reserved = u32::from(self.u16(at + 2)?);
                    if reserved != 0 {
                        put!(self, " ?0x", HexZeros::<4>(reserved), "?");
                    }
                }
                22 => {}
                24 | 65001 => {
                    let mut list = Rest {
                        at,
                        left: length + rest.left,
                        address: rest.address,
                    };
                    while self.options.verbosity > 1 && list.at < at + length {
                        put!(self, "\n\t    ");
                        if self.pim_address(&mut list, Encoded::Unicast)?.is_none() {
                            return Ok(None);
                        }
                    }
                }
                _ if self.options.verbosity <= 1 => self.unknown_data("\n\t    ", at, length),
                _ => {}
            }
            if self.options.verbosity > 1 {
                self.unknown_data("\n\t    ", at, length);
            }
        }
        Ok(Some(()))
    }

    /// Answers nothing if the message is cut.
    fn pim_join_prune(&mut self, rest: &mut Rest, kind: u8) -> Read<Option<()>> {
        if kind != GRAFT_ACKNOWLEDGEMENT {
            put!(self, ", upstream-neighbor: ");
            if self.pim_address(rest, Encoded::Unicast)?.is_none() {
                return Ok(None);
            }
        }
        let Some(at) = rest.take(self, 4) else {
            return Ok(None);
        };
        let groups = self.u8(at + 1)?;
        put!(self, "\n\t  ", groups, " group(s)");
        if kind != GRAFT_ACKNOWLEDGEMENT {
            put!(self, ", holdtime: ");
            match self.u16(at + 2)? {
                0xffff => put!(self, "infinite"),
                seconds => self.duration(u32::from(seconds)),
            }
        }
        for group in 1..=groups {
            put!(self, "\n\t    group #", group, ": ");
            if self.pim_address(rest, Encoded::Group)?.is_none() {
                return Ok(None);
            }
            let Some(at) = rest.take(self, 4) else {
                return Ok(None);
            };
            let (joined, pruned) = (self.u16(at)?, self.u16(at + 2)?);
            put!(
                self,
                ", joined sources: ",
                joined,
                ", pruned sources: ",
                pruned
            );
            for (title, count) in [
                ("\n\t      joined source #", joined),
                ("\n\t      pruned source #", pruned),
            ] {
                for source in 1..=u32::from(count) {
                    put!(self, title, source, ": ");
                    if self.pim_address(rest, Encoded::Source)?.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(()))
    }

    /// Answers nothing if the address is cut, or of no known family.
    fn pim_address(&mut self, rest: &mut Rest, encoded: Encoded) -> Read<Option<()>> {
        let octets = if rest.address == 0 {
            if rest.left < 2 {
                return Ok(None);
            }
            let octets = match self.u8(rest.at)? {
                1 => 4,
                2 => 16,
                _ => return Ok(None),
            };
            if self.u8(rest.at + 1)? != 0 {
                return Ok(None);
            }
            rest.at += 2;
            rest.left -= 2;
            octets
        } else {
            rest.address
        };
        if octets != 4 && octets != 16 {
            return Ok(None);
        }
        let lead = if encoded == Encoded::Unicast { 0 } else { 2 };
        let Some(at) = rest.take(self, lead + octets) else {
            return Ok(None);
        };
        if octets == 4 {
            put!(self, self.v4(at + lead)?);
        } else {
            put!(self, self.v6(at + lead)?);
        }
        if encoded == Encoded::Unicast {
            return Ok(Some(()));
        }
        let bits = self.u8(at + 1)?;
        if usize::from(bits) != octets * 8 {
            put!(self, "/", bits);
        }
        let flags = self.u8(at)?;
        if flags != 0 && encoded == Encoded::Group {
            put!(self, "(0x", HexZeros::<2>(u32::from(flags)), ")");
        } else if flags != 0 {
            put!(self, "(");
            for (flag, name) in [(4, "S"), (2, "W"), (1, "R")] {
                put!(self, if flags & flag != 0 { name } else { "" });
            }
            if flags & 0xf8 != 0 {
                put!(self, "+0x", HexZeros::<2>(u32::from(flags & 0xf8)));
            }
            put!(self, ")");
        }
        Ok(Some(()))
    }
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        HELLO => "Hello",
        REGISTER => "Register",
        2 => "Register Stop",
        JOIN_PRUNE => "Join / Prune",
        4 => "Bootstrap",
        5 => "Assert",
        GRAFT => "Graft",
        GRAFT_ACKNOWLEDGEMENT => "Graft Acknowledgement",
        8 => "Candidate RP Advertisement",
        9 => "Prune Refresh",
        10 => "DF Election",
        11 => "ECMP Redirect",
        _ => return None,
    })
}

fn option_name(option: u16) -> Option<&'static str> {
    Some(match option {
        1 => "Hold Time",
        2 => "LAN Prune Delay",
        18 => "DR Priority (Old)",
        19 => "DR Priority",
        20 => "Generation ID",
        21 => "State Refresh Capability",
        22 => "Bi-Directional Capability",
        24 => "Address List",
        65001 => "Address List (Old)",
        _ => return None,
    })
}
