//! ICMPv6 (RFC 4443). Each family of messages has a file of its own below.

mod discovery;
mod listener;
mod lossy;
mod node_information;
mod renumbering;

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::{HexZeros, put};
use crate::wire::bytes::Read;
use crate::wire::checksum;
use crate::wire::ip::{Protocol, v6};

/// Octets of the header that all messages have.
const HEADER_LENGTH: usize = 8;

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;
const HOME_AGENT_REPLY: u8 = 145;
const MOBILE_ADVERTISEMENT: u8 = 147;

impl Dissector<'_> {
    pub(super) fn icmpv6(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "icmp6";
        if length == 0 {
            put!(self, "ICMP6, length 0");
            self.invalid();
            return Ok(());
        }
        if self.verbose() && !header.fragmented {
            self.icmpv6_checksum(at, length, header)?;
        }
        let kind = self.u8(at)?;
        match type_name(kind) {
            Some(name) => put!(self, "ICMP6, ", name),
            None => put!(self, "ICMP6, unknown icmp6 type (", kind, ")"),
        }
        let verbose = self.verbose();
        // Where the details follow on lines of their own, the length stands before them.
        if verbose
            && matches!(
                kind,
                ROUTER_SOLICITATION..=REDIRECT | HOME_AGENT_REPLY | MOBILE_ADVERTISEMENT
            )
        {
            put!(self, ", length ", length);
        }
        let code = self.u8(at + 1)?;
        let options_left = |fixed: u32| i64::from(length) - i64::from(fixed);
        let whole = match kind {
            1 => match self.icmpv6_unreachable(at, length, code)? {
                Some(whole) => whole,
                None => return Ok(()),
            },
            2 => {
                put!(self, ", mtu ", self.u32(at + 4)?);
                true
            }
            3 => {
                match code {
                    0 => put!(
                        self,
                        " for ",
                        self.v6(at + HEADER_LENGTH + v6::DESTINATION)?
                    ),
                    1 => put!(self, " (reassembly)"),
                    _ => put!(self, ", unknown code (", code, ")"),
                }
                true
            }
            4 => self.icmpv6_parameter_problem(at, code)?,
            128 | 129 => {
                put!(
                    self,
                    ", id ",
                    self.u16(at + 4)?,
                    ", seq ",
                    self.u16(at + 6)?
                );
                true
            }
            130 if length == 24 => self.listener_v1(at)?,
            130 if length >= 28 => {
                put!(self, " v2");
                self.listener_query_v2(at, length)?
            }
            130 => {
                put!(self, " unknown-version (len ", length, ") ");
                true
            }
            131 | 132 => self.listener_v1(at)?,
            ROUTER_SOLICITATION if verbose => self.discovery_options(at + 8, options_left(8))?,
            ROUTER_ADVERTISEMENT if verbose => {
                self.router_advertisement(at)?;
                self.discovery_options(at + 16, options_left(16))?
            }
            NEIGHBOR_SOLICITATION => {
                put!(self, ", who has ", self.v6(at + 8)?);
                !verbose || self.discovery_options(at + 24, options_left(24))?
            }
            NEIGHBOR_ADVERTISEMENT => {
                put!(self, ", tgt is ", self.v6(at + 8)?);
                if verbose {
                    self.neighbor_flags(at)?;
                }
                !verbose || self.discovery_options(at + 24, options_left(24))?
            }
            REDIRECT => {
                put!(self, ", ", self.v6(at + 24)?);
                put!(self, " to ", self.v6(at + 8)?);
                !verbose || self.discovery_options(at + 40, options_left(40))?
            }
            138..=140 => {
                let whole = match kind {
                    138 => self.router_renumbering(at)?,
                    139 => self.node_query(at)?,
                    _ => self.node_reply(at, length)?,
                };
                // The length follows whatever is missing.
                if !whole {
                    self.truncated();
                }
                true
            }
            143 => self.listener_report_v2(at, length)?,
            144 | 146 => {
                put!(self, ", id 0x", HexZeros::<4>(u32::from(self.u16(at + 4)?)));
                true
            }
            HOME_AGENT_REPLY if verbose => {
                put!(self, ", id 0x", HexZeros::<4>(u32::from(self.u16(at + 4)?)));
                for agent in (HEADER_LENGTH..length as usize).step_by(16) {
                    put!(self, ", ", self.v6(at + agent)?);
                }
                true
            }
            MOBILE_ADVERTISEMENT if verbose => {
                put!(self, ", id 0x", HexZeros::<4>(u32::from(self.u16(at + 4)?)));
                put!(
                    self,
                    match self.u16(at + 6)? & 0xc000 {
                        0xc000 => " MO",
                        0x8000 => " M",
                        0x4000 => " O",
                        _ => "",
                    }
                );
                self.discovery_options(at + 8, options_left(8))?
            }
            ROUTER_SOLICITATION | ROUTER_ADVERTISEMENT | 141 | 142 | HOME_AGENT_REPLY
            | MOBILE_ADVERTISEMENT => true,
            155 => {
                self.routing_for_lossy_networks(at + 4, length.wrapping_sub(4), code)?;
                true
            }
            _ => {
                put!(self, ", length ", length);
                if self.options.verbosity <= 1 {
                    self.unknown_data("\n\t", at, length as usize);
                }
                return Ok(());
            }
        };
        if !whole {
            self.truncated();
        } else if !verbose {
            put!(self, ", length ", length);
        }
        Ok(())
    }

    fn icmpv6_checksum(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        let Ok(message) = self.bytes.slice(at, length as usize) else {
            return Ok(());
        };
        let field = self.u16(at + 2)?;
        let sum = self
            .transport_sum(header, Protocol::ICMPV6, length)?
            .octets(message)
            .finish();
        if sum == 0 {
            put!(self, "[icmp6 sum ok] ");
        } else {
            let right = checksum::should_be(field, sum);
            put!(
                self,
                "[bad icmp6 cksum 0x",
                HexZeros::<4>(u32::from(field)),
                " -> 0x",
                HexZeros::<4>(u32::from(right)),
                "!] "
            );
        }
        Ok(())
    }

    /// Answers whether the quoted packet reaches far enough; nothing where the message ends here.
    fn icmpv6_unreachable(&mut self, at: usize, length: u32, code: u8) -> Read<Option<bool>> {
        let quoted = at + HEADER_LENGTH;
        match code {
            0 => put!(self, ", unreachable route"),
            1 => put!(self, ",  unreachable prohibited"),
            2 => put!(self, ", beyond scope"),
            3 => put!(self, ", unreachable address"),
            4 => put!(self, ", unreachable port"),
            _ => put!(self, ", unknown unreach code (", code, ")"),
        }
        match code {
            0 | 1 | 3 => put!(self, " ", self.v6(quoted + v6::DESTINATION)?),
            2 => put!(
                self,
                " ",
                self.v6(quoted + v6::DESTINATION)?,
                ", source address ",
                self.v6(quoted + v6::SOURCE)?
            ),
            4 => {
                let Some((transport, protocol)) = self.quoted_transport(quoted) else {
                    return Ok(Some(false));
                };
                let port = self.u16(transport + 2)?;
                put!(self, ", ", self.v6(quoted + v6::DESTINATION)?);
                if protocol == Protocol::TCP {
                    put!(self, " tcp port ");
                    self.tcp_port(port);
                } else {
                    put!(self, " udp port ");
                    self.udp_port(port);
                }
            }
            _ if self.options.verbosity <= 1 => {
                self.unknown_data("\n\t", at, length as usize);
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some(true))
    }

    fn icmpv6_parameter_problem(&mut self, at: usize, code: u8) -> Read<bool> {
        if !self.has(at + HEADER_LENGTH + v6::DESTINATION, 16) {
            return Ok(false);
        }
        let what = match code {
            0 => ", erroneous - octet ",
            1 => ", next header - octet ",
            2 => ", option - octet ",
            3 => ", incomplete header chain - octet ",
            _ => {
                put!(self, ", code-#", code);
                return Ok(true);
            }
        };
        put!(self, what, self.u32(at + 4)?);
        Ok(true)
    }

    /// Where the TCP or UDP header of a quoted packet lies, if its ports were captured.
    fn quoted_transport(&self, packet: usize) -> Option<(usize, Protocol)> {
        let mut next = Protocol(self.u8(packet + v6::NEXT_HEADER).ok()?);
        let mut at = packet;
        let mut length = v6::HEADER_LENGTH;
        while at < self.bytes.end() {
            at += length;
            match next {
                Protocol::UDP | Protocol::TCP => {
                    return self.has(at + 2, 2).then_some((at, next));
                }
                Protocol::HOP_BY_HOP | Protocol::DESTINATION_OPTIONS | Protocol::ROUTING => {
                    length = (usize::from(self.u8(at + 1).ok()?) + 1) * 8;
                }
                Protocol::FRAGMENT => {
                    if self.u16(at + 2).ok()? & 0xfff8 != 0 {
                        return None;
                    }
                    length = 8;
                }
                Protocol::AH => length = (usize::from(self.u8(at + 1).ok()?) + 2) * 4,
                _ => return None,
            }
            next = Protocol(self.u8(at).ok()?);
        }
        None
    }
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded in-transit",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        138 => "router renumbering",
        139 => "who-are-you request",
        140 => "who-are-you reply",
        141 => "inverse neighbor solicitation",
        142 => "inverse neighbor advertisement",
        143 => "multicast listener report v2",
        144 => "ha discovery request",
        145 => "ha discovery reply",
        146 => "mobile router solicitation",
        147 => "mobile router advertisement",
        155 => "RPL",
        200 => "mtrace response",
        201 => "mtrace message",
        _ => return None,
    })
}
