//! What OLSR's messages hold.

use super::{Family, seconds, validity};
use crate::wire::bytes::Read;
use crate::wire::print::dissector::Dissector;
use crate::wire::print::text::{Fixed, HexZeros, put};

const HELLO: u8 = 1;
const TOPOLOGY: u8 = 2;

/// What a gateway has, in the order of its bits.
const GATEWAY_FLAGS: [&str; 5] = [" LINKSPEED", " IPV4", " IPV4-NAT", " IPV6", " IPv6-PREFIX"];
const GATEWAY_HAS_SPEED: u8 = 1;
/// The code for the highest speed, and that speed in kbit/s.
const HIGHEST_SPEED: (u8, u32) = (0xff, 320_000_000);

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) at: usize,
    pub(super) left: usize,
}

impl Rest {
    /// The next octets' place, if both the message and the capture reach that far.
    fn take(&mut self, dissector: &Dissector<'_>, octets: usize) -> Option<usize> {
        if self.left < octets || !dissector.has(self.at, octets) {
            return None;
        }
        let at = self.at;
        self.at += octets;
        self.left -= octets;
        Some(at)
    }
}

impl Dissector<'_> {
    /// Answers nothing if the message is cut.
    pub(super) fn olsr_body(
        &mut self,
        kind: u8,
        mut rest: Rest,
        family: Family,
    ) -> Read<Option<()>> {
        match kind {
            HELLO | 201 => self.olsr_hello(kind, &mut rest, family),
            TOPOLOGY | 202 => {
                let Some(at) = rest.take(self, 4) else {
                    return Ok(None);
                };
                let sequence = HexZeros::<4>(u32::from(self.u16(at)?));
                put!(self, "\n\t    advertised neighbor seq 0x", sequence);
                if kind == TOPOLOGY {
                    self.olsr_neighbours(rest)
                } else {
                    self.olsr_neighbours_with_quality(rest, family)
                }
            }
            3 => {
                while rest.left >= family.octets() {
                    let Some(at) = rest.take(self, family.octets()) else {
                        return Ok(None);
                    };
                    put!(self, "\n\t  interface address ");
                    self.olsr_address(at, family)?;
                }
                Ok(Some(()))
            }
            4 => self.olsr_networks(rest, family),
            130 => self.olsr_names(rest, family),
            _ => {
                self.unknown_data("\n\t    ", rest.at, rest.left);
                Ok(Some(()))
            }
        }
    }

    fn olsr_hello(&mut self, kind: u8, rest: &mut Rest, family: Family) -> Read<Option<()>> {
        let Some(at) = rest.take(self, 4) else {
            return Ok(None);
        };
        put!(
            self,
            "\n\t  hello-time ",
            seconds(self.u8(at + 2)?),
            "s, MPR willingness ",
            self.u8(at + 3)?
        );
        while rest.left >= 4 {
            if !self.has(rest.at, 4) {
                return Ok(None);
            }
            let code = self.u8(rest.at)?;
            let length = usize::from(self.u16(rest.at + 2)?);
            let is_valid = (4..=rest.left).contains(&length);
            let link = ["Unspecified", "Asymmetric", "Symmetric", "Lost"];
            let link = link.get(usize::from(code & 3)).copied();
            let neighbour = match code >> 2 {
                0 => "Not-Neighbor",
                1 => "Symmetric",
                2 => "Symmetric-MPR",
                _ => "Unknown",
            };
            put!(
                self,
                "\n\t    link-type ",
                link,
                ", neighbor-type ",
                neighbour,
                ", len ",
                length,
                validity(is_valid)
            );
            if !is_valid {
                break;
            }
            rest.at += 4;
            rest.left -= 4;
            let Some(at) = rest.take(self, length - 4) else {
                return Ok(None);
            };
            let neighbours = Rest {
                at,
                left: length - 4,
            };
            let whole = if kind == HELLO {
                self.olsr_neighbours(neighbours)?
            } else {
                self.olsr_neighbours_with_quality(neighbours, family)?
            };
            if whole.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Neighbours, which tcpdump takes for IPv4's in either version.
    fn olsr_neighbours(&mut self, rest: Rest) -> Read<Option<()>> {
        put!(self, "\n\t      neighbor\n\t\t");
        for n in 0..rest.left / 4 {
            put!(self, self.v4(rest.at + n * 4)?, " ");
        }
        Ok(Some(()))
    }

    fn olsr_neighbours_with_quality(&mut self, mut rest: Rest, family: Family) -> Read<Option<()>> {
        let octets = family.octets() + 4;
        while rest.left >= octets {
            let Some(at) = rest.take(self, octets) else {
                return Ok(None);
            };
            put!(self, "\n\t      neighbor ");
            self.olsr_address(at, family)?;
            let quality = at + family.octets();
            put!(
                self,
                ", link-quality ",
                percent(self.u8(quality)?),
                "%, neighbor-link-quality ",
                percent(self.u8(quality + 1)?),
                "%"
            );
        }
        Ok(Some(()))
    }

    fn olsr_networks(&mut self, mut rest: Rest, family: Family) -> Read<Option<()>> {
        let octets = 2 * family.octets();
        let total = rest.left / octets;
        put!(self, "\n\t  Advertised networks (total ", total, ")");
        for n in 0..total {
            let Some(at) = rest.take(self, octets) else {
                return Ok(None);
            };
            if family.v6 {
                let mask = self.bytes.array::<16>(at + 16)?;
                put!(self, "\n\t    #0: ", self.v6(at)?, "/", bits_of_v6(mask));
                continue;
            }
            put!(self, if n % 4 == 0 { "\n\t    " } else { ", " });
            let [pad, flags, up, down] = self.bytes.array(at + 4)?;
            if self.u32(at)? == 0 && pad == 0 && flags != 0 {
                self.olsr_gateway(flags, up, down);
                continue;
            }
            let mask = self.u32(at + 4)?;
            put!(self, self.v4(at)?, "/");
            if mask.leading_ones() == mask.count_ones() {
                put!(self, mask.count_ones());
            } else {
                // Not a prefix: tcpdump's search ends at -1, which it prints as unsigned.
                put!(self, u32::MAX);
            }
        }
        Ok(Some(()))
    }

    fn olsr_gateway(&mut self, flags: u8, up: u8, down: u8) {
        put!(self, "Smart-Gateway:");
        for (bit, name) in GATEWAY_FLAGS.into_iter().enumerate() {
            put!(self, if flags >> bit & 1 != 0 { name } else { "" });
        }
        let kilobits = |code| {
            if flags & GATEWAY_HAS_SPEED != 0 {
                speed(code)
            } else {
                0
            }
        };
        put!(self, " ", kilobits(up), "/", kilobits(down));
    }

    fn olsr_names(&mut self, rest: Rest, family: Family) -> Read<Option<()>> {
        let (mut at, mut left) = (rest.at, rest.left);
        if left < 4 {
            return Ok(None);
        }
        let entries = self.u16(at + 2)?;
        let octets = usize::from(entries) * (4 + family.octets());
        let is_valid = entries > 0 && octets <= left;
        put!(
            self,
            "\n\t  Version ",
            self.u16(at)?,
            ", Entries ",
            entries,
            validity(is_valid)
        );
        if !is_valid {
            return Ok(Some(()));
        }
        at += 4;
        left -= 4;
        for entry in 0..entries {
            if left < 4 {
                break;
            }
            let kind = u32::from(self.u16(at)?);
            let length = usize::from(self.u16(at + 2)?);
            at += 4;
            left -= 4;
            let is_valid = length > 0 && family.octets() + length <= left;
            put!(self, "\n\t    #", entry, ": type ");
            // C's `%#06x` has no prefix for zero.
            if kind == 0 {
                put!(self, "000000");
            } else {
                put!(self, "0x", HexZeros::<4>(kind));
            }
            put!(self, ", length ", length, validity(is_valid));
            if !is_valid {
                break;
            }
            let octets = family.octets() + length.next_multiple_of(4);
            if left < octets || !self.has(at, octets) {
                return Ok(None);
            }
            put!(self, ", address ");
            self.olsr_address(at, family)?;
            put!(self, ", name \"");
            let name = self.bytes.slice(at + family.octets(), length)?;
            self.escaped(name);
            put!(self, "\"");
            at += octets;
            left -= octets;
        }
        Ok(Some(()))
    }
}

/// A share of 255 in percent.
fn percent(share: u8) -> Fixed<2> {
    Fixed {
        numerator: u64::from(share) * 100,
        denominator: 255,
    }
}

/// A speed of five bits of mantissa and three of exponent.
fn speed(code: u8) -> u32 {
    match code {
        0 => 0,
        code if code == HIGHEST_SPEED.0 => HIGHEST_SPEED.1,
        _ => (u32::from(code >> 3) + 1) * 10u32.pow(u32::from(code & 7)),
    }
}

/// The length of a mask's prefix, octet by octet: one that is no mask counts nothing.
fn bits_of_v6(mask: [u8; 16]) -> u32 {
    let mut bits = 0;
    for octet in mask {
        if octet.leading_ones() == octet.count_ones() {
            bits += octet.count_ones();
        }
        if octet != 0xff {
            break;
        }
    }
    bits
}
