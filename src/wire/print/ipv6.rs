//! IPv6 headers with extension headers (RFC 8200, RFC 2675, RFC 8754).

mod option;
mod routing;

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::ip::{Protocol, v6};

/// A fragment header's length.
const FRAGMENT_LENGTH: usize = 8;
/// Bits of the fragment header's offset.
const FRAGMENT_OFFSET: u16 = 0xfff8;

/// What an extension header says about going on behind it.
enum Next {
    /// Go on after that many octets.
    After(usize),
    /// The packet ends here; what was printed stands.
    Stop,
}

impl Dissector<'_> {
    /// Prints a packet of `length` octets, as the header before says.
    pub(super) fn ipv6(&mut self, at: usize, length: u32) -> Read<()> {
        const HEADER: u32 = v6::HEADER_LENGTH as u32;
        self.protocol = "ip6";
        if !self.has(at, v6::HEADER_LENGTH) {
            self.truncated();
            return Ok(());
        }
        if length < HEADER {
            put!(self, "truncated-ip6 ", length);
            return Ok(());
        }
        if !self.options.link_header {
            put!(self, "IP6 ");
        }
        let flow = self.u32(at + v6::FLOW)?;
        if flow >> 28 != 6 {
            put!(self, "version error: ", flow >> 28, " != 6");
            return Ok(());
        }
        let mut payload_length = u32::from(self.u16(at + v6::PAYLOAD_LENGTH)?);
        // A payload length of 0 announces a jumbo option, which may come later; until then all that is
        // left counts.
        let mut left = if payload_length != 0 {
            let total = payload_length + HEADER;
            if length < total {
                put!(self, "truncated-ip6 - ", total - length, " bytes missing!");
            }
            total
        } else {
            length.wrapping_add(HEADER)
        };
        let mut next = Protocol(self.u8(at + v6::NEXT_HEADER)?);
        if self.verbose() {
            put!(self, "(");
            if flow & 0x0ff0_0000 != 0 {
                put!(self, "class 0x", HexZeros::<2>(flow >> 20 & 0xff), ", ");
            }
            if flow & 0x000f_ffff != 0 {
                put!(
                    self,
                    "flowlabel 0x",
                    HexZeros::<5>(flow & 0x000f_ffff),
                    ", "
                );
            }
            put!(
                self,
                "hlim ",
                self.u8(at + v6::HOP_LIMIT)?,
                ", next-header ",
                next.name().unwrap_or("unknown"),
                " (",
                next.0,
                ") payload length: ",
                payload_length,
                ") "
            );
        }
        if !self.enter() {
            return Ok(());
        }
        let before = self.bytes.narrow(at, left as usize);
        let mut place = at;
        let mut advance = v6::HEADER_LENGTH;
        let mut passed = 0u32;
        let mut previous = None;
        let mut extended = false;
        let mut jumbo = false;
        let mut hop_by_hop = false;
        let mut fragmented = false;
        while place < self.bytes.end() && advance > 0 {
            if left < advance as u32 {
                self.truncated();
                return Ok(());
            }
            place += advance;
            left -= advance as u32;
            passed = passed.wrapping_add(advance as u32);
            if place == at + v6::HEADER_LENGTH
                && !matches!(
                    next,
                    Protocol::TCP | Protocol::UDP | Protocol::DCCP | Protocol::SCTP
                )
            {
                put!(
                    self,
                    self.v6(at + v6::SOURCE)?,
                    " > ",
                    self.v6(at + v6::DESTINATION)?,
                    ": "
                );
            }
            let step = match next {
                Protocol::HOP_BY_HOP => {
                    if hop_by_hop {
                        put!(self, "[The Hop-by-Hop Options header was already found]");
                        self.invalid();
                        return Ok(());
                    }
                    if previous.is_some() {
                        put!(
                            self,
                            "[The Hop-by-Hop Options header don't follow the IPv6 header]"
                        );
                        self.invalid();
                        return Ok(());
                    }
                    let step =
                        self.ipv6_options_header("hbhopt", place, &mut jumbo, &mut payload_length)?;
                    if payload_length == 0 && !jumbo {
                        put!(self, "[No valid Jumbo Payload Hop-by-Hop option found]");
                        self.invalid();
                        return Ok(());
                    }
                    hop_by_hop = true;
                    step
                }
                Protocol::DESTINATION_OPTIONS => self.ipv6_destination_options(place)?,
                Protocol::FRAGMENT => {
                    let step = self.ipv6_fragment(place, at)?;
                    if self.bytes.end() <= place + FRAGMENT_LENGTH {
                        Next::Stop
                    } else {
                        fragmented = true;
                        step
                    }
                }
                Protocol::MOBILITY | Protocol::MOBILITY_OLD => {
                    self.mobility(place)?;
                    Next::Stop
                }
                Protocol::ROUTING => {
                    if !self.has(place, 1) {
                        self.truncated();
                        return Ok(());
                    }
                    self.ipv6_routing(place)?
                }
                _ => {
                    if jumbo {
                        left = payload_length.wrapping_add(HEADER);
                        if left < passed {
                            self.truncated();
                            return Ok(());
                        }
                        if length < left {
                            put!(self, "truncated-ip6 - ", left - length, " bytes missing!");
                        }
                        self.bytes.set_end(before);
                        self.bytes.narrow(at, left as usize);
                        left -= passed;
                    } else if payload_length == 0 {
                        if extended {
                            self.truncated();
                            return Ok(());
                        }
                        self.bytes.set_end(before);
                        self.bytes.narrow(at, v6::HEADER_LENGTH);
                        left = HEADER.wrapping_sub(passed);
                    }
                    let header = IpHeader {
                        at,
                        version: 6,
                        fragmented,
                    };
                    self.ip_payload(place, left, header, next)?;
                    self.bytes.set_end(before);
                    return Ok(());
                }
            };
            match step {
                Next::Stop => break,
                Next::After(octets) => advance = octets,
            }
            extended = true;
            previous = Some(next);
            next = Protocol(self.u8(place)?);
            self.protocol = "ip6";
        }
        self.bytes.set_end(before);
        Ok(())
    }

    fn ipv6_fragment(&mut self, at: usize, packet: usize) -> Read<Next> {
        self.protocol = "frag6";
        let offset = self.u16(at + 2)? & FRAGMENT_OFFSET;
        // Counted in 64 bits, as the lengths may contradict each other.
        let octets = (v6::HEADER_LENGTH as u64 + u64::from(self.u16(packet + v6::PAYLOAD_LENGTH)?))
            .wrapping_sub((at - packet) as u64)
            .wrapping_sub(FRAGMENT_LENGTH as u64);
        if self.verbose() {
            let id = HexZeros::<8>(self.u32(at + 4)?);
            put!(self, "frag (0x", id, ":", offset, "|", octets, ")");
        } else {
            put!(self, "frag (", offset, "|", octets, ")");
        }
        if offset != 0 {
            return Ok(Next::Stop);
        }
        put!(self, " ");
        Ok(Next::After(FRAGMENT_LENGTH))
    }
}
