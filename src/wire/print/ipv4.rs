//! IPv4 headers with options and fragments (RFC 791).

use super::dissector::Dissector;
use super::phrase::Phrase;
use super::text::{Bits, Hex, put};
use crate::wire::bytes::{Cut, Read};
use crate::wire::checksum;
use crate::wire::ip::{Protocol, v4};

/// Where the IP header lies that a transport header belongs to: TCP and UDP print its addresses and sum
/// them up.
#[derive(Debug, Clone, Copy)]
pub(super) struct IpHeader {
    /// Offset of the first octet.
    pub(super) at: usize,
    /// 4 or 6.
    pub(super) version: u8,
    /// Whether more of the packet is in other fragments.
    pub(super) fragmented: bool,
}

const FRAGMENT_BITS: [(u32, &str); 3] = [
    (v4::MORE_FRAGMENTS as u32, "+"),
    (v4::DONT_FRAGMENT as u32, "DF"),
    (v4::RESERVED as u32, "rsvd"),
];

impl Dissector<'_> {
    /// Prints a packet of `length` octets, as the header before says.
    pub(super) fn ipv4(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ip";
        let version_and_length = self.u8(at)?;
        let version = version_and_length >> 4;
        if version != 4 {
            if version == 6 {
                put!(self, "IP6, wrong link-layer encapsulation");
            } else {
                put!(self, "IP", version);
            }
            self.invalid();
            return Ok(());
        }
        if !self.options.link_header {
            put!(self, "IP ");
        }
        if !self.has(at, v4::HEADER_LENGTH) {
            self.truncated();
            return Ok(());
        }
        if length < v4::HEADER_LENGTH as u32 {
            put!(self, "truncated-ip ", length);
            return Ok(());
        }
        let header_length = u32::from(version_and_length & 15) * 4;
        if header_length < v4::HEADER_LENGTH as u32 {
            put!(self, "bad-hlen ", header_length);
            return Ok(());
        }
        let total = u32::from(self.u16(at + v4::TOTAL_LENGTH)?);
        if length < total {
            put!(self, "truncated-ip - ", total - length, " bytes missing! ");
        }
        if total < header_length {
            put!(self, "bad-len ", total);
            return Ok(());
        }
        if !self.enter() {
            return Ok(());
        }
        let before = self.bytes.narrow(at, total as usize);
        let payload = total.wrapping_sub(header_length);
        let fragment = self.u16(at + v4::FRAGMENT)?;
        let protocol = Protocol(self.u8(at + v4::PROTOCOL)?);
        let mut options_cut = false;
        if self.verbose() {
            options_cut = self.ipv4_details(at, header_length as usize, fragment, protocol)?;
        }
        if options_cut {
            self.ipv4_addresses(at, b": ")?;
            self.truncated();
        } else if fragment & v4::OFFSET_MASK == 0 {
            if !matches!(
                protocol,
                Protocol::TCP | Protocol::UDP | Protocol::SCTP | Protocol::DCCP
            ) {
                self.ipv4_addresses(at, b": ")?;
            }
            if !self.has(at, header_length as usize) {
                let captured = self.bytes.available(at);
                put!(
                    self,
                    " [remaining caplen(",
                    captured,
                    ") < header length(",
                    header_length,
                    ")]"
                );
                return Err(Cut);
            }
            let header = IpHeader {
                at,
                version: 4,
                fragmented: fragment & v4::MORE_FRAGMENTS != 0,
            };
            self.ip_payload(at + header_length as usize, payload, header, protocol)?;
        } else if self.options.quiet < 2 {
            self.ipv4_addresses(at, b":")?;
            self.ip_protocol(protocol);
        }
        self.bytes.set_end(before);
        Ok(())
    }

    /// Both addresses and what stands behind them.
    pub(super) fn ipv4_addresses<const N: usize>(
        &mut self,
        at: usize,
        behind: &[u8; N],
    ) -> Read<()> {
        let mut phrase = Phrase::<64>::new(self.out);
        phrase.v4(self.bytes.array(at + v4::SOURCE)?);
        phrase.literal(b" > ");
        phrase.v4(self.bytes.array(at + v4::DESTINATION)?);
        phrase.literal(behind);
        phrase.put();
        Ok(())
    }

    /// ` ip-proto-253`, or ` ospf`.
    pub(super) fn ip_protocol(&mut self, protocol: Protocol) {
        match protocol.keyword() {
            Some(name) if !self.options.numeric => put!(self, " ", name),
            _ => put!(self, " ip-proto-", protocol.0),
        }
    }

    /// What `-v` adds: the fields between the lengths and the addresses. Answers whether an option was cut
    /// off.
    fn ipv4_details(
        &mut self,
        at: usize,
        header_length: usize,
        fragment: u16,
        protocol: Protocol,
    ) -> Read<bool> {
        let tos = self.u8(at + v4::TOS)?;
        let congestion = match tos & 3 {
            1 => ",ECT(1)",
            2 => ",ECT(0)",
            3 => ",CE",
            _ => "",
        };
        put!(self, "(tos 0x", Hex(u32::from(tos)), congestion);
        let ttl = self.u8(at + v4::TTL)?;
        if ttl >= 1 {
            put!(self, ", ttl ", ttl);
        }
        put!(
            self,
            ", id ",
            self.u16(at + v4::ID)?,
            ", offset ",
            u32::from(fragment & v4::OFFSET_MASK) * 8,
            ", flags [",
            Bits {
                value: u32::from(fragment & !v4::OFFSET_MASK),
                names: &FRAGMENT_BITS,
                separator: ", ",
                none: "none",
            },
            "], proto ",
            protocol.name().unwrap_or("unknown"),
            " (",
            protocol.0,
            ")"
        );
        put!(self, ", length ", self.u16(at + v4::TOTAL_LENGTH)?);
        let mut cut = false;
        if header_length > v4::HEADER_LENGTH {
            put!(self, ", options (");
            let options_length = header_length - v4::HEADER_LENGTH;
            if self
                .ipv4_options(at + v4::OPTIONS, options_length)?
                .is_err()
            {
                put!(self, " [truncated-option]");
                cut = true;
            }
            put!(self, ")");
        }
        if !self.options.skip_checksums
            && let Ok(header) = self.bytes.slice(at, header_length)
        {
            let sum = checksum::of(header);
            if sum != 0 {
                let field = self.u16(at + v4::CHECKSUM)?;
                let right = checksum::should_be(field, sum);
                put!(
                    self,
                    ", bad cksum ",
                    Hex(u32::from(field)),
                    " (->",
                    Hex(u32::from(right)),
                    ")!"
                );
            }
        }
        put!(self, ")\n    ");
        Ok(cut)
    }

    /// The outer result ends the packet, the inner one the options.
    fn ipv4_options(&mut self, start: usize, length: usize) -> Read<Read<()>> {
        let mut at = start;
        let mut left = length;
        while left > 0 {
            if at != start {
                put!(self, ",");
            }
            let code = self.u8(at)?;
            match option_name(code) {
                Some(name) => put!(self, name),
                None => put!(self, "unknown ", code),
            }
            let option_length = if code <= 1 {
                1
            } else {
                let option_length = usize::from(self.u8(at + 1)?);
                if option_length < 2 {
                    put!(self, " [bad length ", option_length, "]");
                    return Ok(Ok(()));
                }
                option_length
            };
            if option_length > left {
                put!(self, " [bad length ", option_length, "]");
                return Ok(Ok(()));
            }
            if !self.has(at, option_length) {
                return Ok(Err(Cut));
            }
            match code {
                0 => return Ok(Ok(())),
                // These two may reach behind the option; all else of it is known to be there.
                68 if self.ipv4_timestamps(at, option_length).is_err() => return Ok(Err(Cut)),
                7 | 131 | 137 if self.ipv4_route(at, option_length).is_err() => {
                    return Ok(Err(Cut));
                }
                148 if option_length < 4 => put!(self, " [bad length ", option_length, "]"),
                148 => {
                    let value = self.u16(at + 2)?;
                    if value != 0 {
                        put!(self, " value ", value);
                    }
                }
                _ => {}
            }
            at += option_length;
            left -= option_length;
        }
        Ok(Ok(()))
    }

    /// A recorded or prescribed route. The option is known to be there whole.
    fn ipv4_route(&mut self, at: usize, length: usize) -> Read<()> {
        if length < 3 {
            put!(self, " [bad length ", length, "]");
            return Ok(());
        }
        if (length + 1) & 3 != 0 {
            put!(self, " [bad length ", length, "]");
        }
        let pointer = self.u8(at + 2)?;
        let next = u32::from(pointer).wrapping_sub(1);
        // A pointer of 0 wraps around, and back.
        if next < 3 || next.wrapping_add(1) & 3 != 0 || next > length as u32 + 1 {
            put!(self, " [bad ptr ", pointer, "]");
        }
        for place in (3..length).step_by(4) {
            // An address may lie half behind the option, in what follows it.
            put!(self, " ", self.v4(at + place)?);
            if next > place as u32 {
                put!(self, ",");
            }
        }
        Ok(())
    }

    fn ipv4_timestamps(&mut self, at: usize, length: usize) -> Read<()> {
        if length < 4 {
            put!(self, "[bad length ", length, "]");
            return Ok(());
        }
        put!(self, " TS{");
        let overflow_and_kind = self.u8(at + 3)?;
        let kind = overflow_and_kind & 15;
        let hop = if kind == 0 { 4 } else { 8 };
        if (length - 4) & (hop - 1) != 0 {
            put!(self, "[bad length ", length, "]");
        }
        let pointer = self.u8(at + 2)?;
        let next = u32::from(pointer).wrapping_sub(1);
        if next < 4 || (next - 4) & (hop as u32 - 1) != 0 || next > length as u32 + 1 {
            put!(self, "[bad ptr ", pointer, "]");
        }
        let mut place = 0;
        match kind {
            0 => put!(self, "TSONLY"),
            1 => put!(self, "TS+ADDR"),
            3 => put!(self, "PRESPEC"),
            _ => put!(self, "[bad ts type ", kind, "]"),
        }
        if matches!(kind, 0 | 1 | 3) {
            place = 4;
            while place < length {
                let mark = if next == place as u32 { " ^ " } else { " " };
                let address = if hop == 8 {
                    Some(self.v4(at + place)?)
                } else {
                    None
                };
                put!(self, mark, self.u32(at + place + hop - 4)?, "@", address);
                place += hop;
            }
        }
        if next == place as u32 {
            put!(self, " ^ ");
        }
        let missed = overflow_and_kind >> 4;
        if missed != 0 {
            put!(self, " [", missed, " hops not recorded]} ");
        } else {
            put!(self, "}");
        }
        Ok(())
    }
}

fn option_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "EOL",
        1 => "NOP",
        7 => "RR",
        68 => "timestamp",
        82 => "traceroute",
        130 => "security",
        131 => "LSRR",
        137 => "SSRR",
        148 => "RA",
        _ => return None,
    })
}
