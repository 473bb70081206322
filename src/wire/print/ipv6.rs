//! IPv6 headers with extension headers (RFC 8200, RFC 2675, RFC 8754).

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{Hex, HexZeros, put};
use crate::wire::bytes::{Cut, Read};
use crate::wire::ip::{Protocol, v4, v6};

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

    fn ipv6_options_header(
        &mut self,
        protocol: &'static str,
        at: usize,
        jumbo: &mut bool,
        payload_length: &mut u32,
    ) -> Read<Next> {
        self.protocol = protocol;
        let length = (usize::from(self.u8(at + 1)?) + 1) * 8;
        if !self.has(at, length) {
            self.truncated();
            return Ok(Next::Stop);
        }
        put!(self, "HBH ");
        if self
            .ipv6_options(at + 2, length - 2, Some((jumbo, payload_length)))?
            .is_err()
        {
            self.truncated();
            return Ok(Next::Stop);
        }
        Ok(Next::After(length))
    }

    fn ipv6_destination_options(&mut self, at: usize) -> Read<Next> {
        self.protocol = "dstopt";
        let length = (usize::from(self.u8(at + 1)?) + 1) * 8;
        if !self.has(at, length) {
            self.truncated();
            return Ok(Next::Stop);
        }
        put!(self, "DSTOPT ");
        if self.verbose() && self.ipv6_options(at + 2, length - 2, None)?.is_err() {
            self.truncated();
            return Ok(Next::Stop);
        }
        Ok(Next::After(length))
    }

    /// Prints options; a jumbo one counts only where `hop_by_hop` is given.
    fn ipv6_options(
        &mut self,
        at: usize,
        length: usize,
        mut hop_by_hop: Option<(&mut bool, &mut u32)>,
    ) -> Read<Read<()>> {
        let verbose = self.verbose();
        let mut seen_jumbo = false;
        let mut place = 0;
        while place < length {
            let option = at + place;
            let kind = self.u8(option)?;
            let option_length = if kind == 0 {
                1
            } else if place + 1 < length {
                usize::from(self.u8(option + 1)?) + 2
            } else {
                return Ok(Err(Cut));
            };
            if place + option_length > length {
                return Ok(Err(Cut));
            }
            let left = length - place;
            match kind {
                0 if verbose => put!(self, "(pad1)"),
                1 if verbose => put!(self, "(padn)"),
                0 | 1 => {}
                // Router alert, RFC 2711.
                5 => {
                    if left < 4 {
                        put!(self, "(rtalert: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length != 4 {
                        put!(self, "(rtalert: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    if verbose {
                        let value = HexZeros::<4>(u32::from(self.u16(option + 2)?));
                        put!(self, "(rtalert: 0x", value, ") ");
                    }
                }
                // Jumbo payload, RFC 2675.
                0xc2 => {
                    if left < 6 {
                        put!(self, "(jumbo: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length != 6 {
                        put!(self, "(jumbo: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    let size = self.u32(option + 2)?;
                    let remark = if seen_jumbo {
                        " - already seen"
                    } else {
                        seen_jumbo = true;
                        match &mut hop_by_hop {
                            None => " - not a hop-by-hop option",
                            Some((_, payload_length)) if **payload_length != 0 => {
                                " - payload len != 0"
                            }
                            Some(_) if size < 65536 => " - < 65536",
                            Some((found, payload_length)) => {
                                **found = true;
                                **payload_length = size;
                                ""
                            }
                        }
                    };
                    if verbose {
                        put!(self, "(jumbo: ", size, remark, ") ");
                    }
                }
                // Home address, RFC 6275 section 6.3.
                0xc9 => {
                    if left < 18 {
                        put!(self, "(homeaddr: trunc)");
                        return Ok(Err(Cut));
                    }
                    if option_length < 18 {
                        put!(self, "(homeaddr: invalid len ", option_length - 2, ")");
                        return Ok(Err(Cut));
                    }
                    if verbose {
                        put!(self, "(homeaddr: ", self.v6(option + 2)?);
                        if self
                            .ipv6_sub_options(option + 18, option_length - 18)?
                            .is_err()
                        {
                            return Ok(Err(Cut));
                        }
                        put!(self, ")");
                    }
                }
                _ if verbose => put!(
                    self,
                    "(opt_type 0x",
                    HexZeros::<2>(u32::from(kind)),
                    ": len=",
                    option_length - 2,
                    ")"
                ),
                _ => {}
            }
            place += option_length;
        }
        if verbose {
            put!(self, " ");
        }
        Ok(Ok(()))
    }

    fn ipv6_sub_options(&mut self, at: usize, length: usize) -> Read<Read<()>> {
        let mut place = 0;
        while place < length {
            let kind = self.u8(at + place)?;
            let option_length = if kind == 0 {
                1
            } else if place + 1 < length {
                usize::from(self.u8(at + place + 1)?) + 2
            } else {
                return Ok(Err(Cut));
            };
            if place + option_length > length {
                return Ok(Err(Cut));
            }
            match kind {
                0 => put!(self, ", pad1"),
                1 => put!(self, ", padn"),
                _ => put!(
                    self,
                    ", sopt_type 0x",
                    HexZeros::<2>(u32::from(kind)),
                    ": len=",
                    option_length - 2
                ),
            }
            place += option_length;
        }
        Ok(Ok(()))
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

    fn ipv6_routing(&mut self, at: usize) -> Read<Next> {
        self.protocol = "rt6";
        put!(self, "RT6");
        let units = self.u8(at + 1)?;
        put!(self, " (len=", units);
        let kind = self.u8(at + 2)?;
        put!(self, ", type=", kind);
        if kind == 0 {
            put!(self, " [Deprecated]");
        }
        put!(self, ", segleft=", self.u8(at + 3)?);
        match kind {
            0 | 2 => {
                let reserved = self.u32(at + 4)?;
                if reserved != 0 || self.verbose() {
                    put!(self, ", rsv=0x", Hex(reserved));
                }
            }
            4 => {
                put!(self, ", last-entry=", self.u8(at + 4)?);
                let flags = self.u8(at + 5)?;
                if flags != 0 || self.verbose() {
                    put!(self, ", flags=0x", Hex(u32::from(flags)));
                }
                put!(self, ", tag=", Hex(u32::from(self.u16(at + 6)?)));
            }
            _ => {
                put!(self, " (unknown type)");
                self.invalid();
                return Ok(Next::Stop);
            }
        }
        if units % 2 == 1 {
            put!(self, " (invalid length ", units, ")");
            self.invalid();
            return Ok(Next::Stop);
        }
        for segment in 0..usize::from(units / 2) {
            let address = self.v6(at + 8 + segment * 16)?;
            put!(self, ", [", segment, "]", address);
        }
        put!(self, ") ");
        Ok(Next::After((usize::from(units) + 1) * 8))
    }

    /// The destination that counts for checksums: behind a routing header, the last stop of the route.
    pub(super) fn ipv6_final_destination(&self, at: usize) -> Read<[u8; 16]> {
        let destination = self.bytes.array(at + v6::DESTINATION)?;
        Ok(self.ipv6_last_segment(at)?.unwrap_or(destination))
    }

    fn ipv6_last_segment(&self, at: usize) -> Read<Option<[u8; 16]>> {
        let mut next = Protocol(self.u8(at + v6::NEXT_HEADER)?);
        let mut place = at;
        let mut advance = v6::HEADER_LENGTH;
        while place < self.bytes.end() {
            place += advance;
            match next {
                Protocol::HOP_BY_HOP
                | Protocol::DESTINATION_OPTIONS
                | Protocol(62)
                | Protocol::MOBILITY => {
                    advance = (usize::from(self.u8(place + 1)?) + 1) * 8;
                    next = Protocol(self.u8(place)?);
                }
                Protocol::FRAGMENT => {
                    advance = FRAGMENT_LENGTH;
                    next = Protocol(self.u8(place)?);
                }
                Protocol::ROUTING => {
                    if !self.has(place, 4) {
                        return Ok(None);
                    }
                    let units = self.u8(place + 1)?;
                    if units % 2 == 1 {
                        return Ok(None);
                    }
                    return Ok(match self.u8(place + 2)? {
                        0 | 2 => (0..usize::from(units / 2))
                            .map_while(|segment| self.bytes.array(place + 8 + segment * 16).ok())
                            .last(),
                        // The route stands in reverse, its last stop first.
                        4 => self.bytes.array(place + 8).ok(),
                        _ => None,
                    });
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// As [`Dissector::ipv6_final_destination`], behind IPv4's source route options.
    pub(super) fn ipv4_final_destination(&self, at: usize) -> Read<[u8; 4]> {
        let destination = self.bytes.array(at + v4::DESTINATION)?;
        let header_length = usize::from(self.u8(at)? & 15) * 4;
        let end = at + header_length;
        let mut place = at + v4::OPTIONS;
        while place < end {
            let kind = self.u8(place)?;
            let length = match kind {
                0 => break,
                1 => 1,
                _ => usize::from(self.u8(place + 1)?),
            };
            if length == 0 || kind != 1 && length < 2 || length > end - place {
                break;
            }
            if !self.has(place, length) {
                break;
            }
            if matches!(kind, 131 | 137) && length >= 7 {
                return self.bytes.array(place + length - 4);
            }
            place += length;
        }
        Ok(destination)
    }
}
