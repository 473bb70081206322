//! PPP (RFC 1661), as PPTP's GRE and PPPoE carry it.

mod authentication;
mod control;
mod option;

use super::dissector::Dissector;
use super::text::{Bits, HexZeros, put};
use crate::wire::bytes::Read;

const LCP: u16 = 0xc021;
const IPCP: u16 = 0x8021;
const IPV6CP: u16 = 0x8057;
const CCP: u16 = 0x80fd;
const BACP: u16 = 0xc02b;
const PAP: u16 = 0xc023;
const CHAP: u16 = 0xc223;

impl Dissector<'_> {
    pub(super) fn ppp(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ppp";
        if length < 2 {
            self.truncated();
            return Ok(());
        }
        if !self.enter() {
            return Ok(());
        }
        let (mut place, mut left) = (at, length);
        let direction = match self.u16(at)? {
            0x0003 => Some("In  "),
            0x0103 => Some("Out "),
            0xff03 => Some(""),
            _ => None,
        };
        if let Some(direction) = direction {
            if self.options.link_header {
                put!(self, direction);
            }
            place += 2;
            left -= 2;
        }
        if left < 2 {
            self.truncated();
            return Ok(());
        }
        // An odd octet is the second half of a number whose first half is left out (RFC 1661 section 6.5).
        let first = self.u8(place)?;
        let (protocol, octets) = if first % 2 == 1 {
            (u16::from(first), 1)
        } else {
            (self.u16(place)?, 2)
        };
        if self.options.link_header {
            let name = protocol_name(protocol);
            put!(
                self,
                name.unwrap_or("unknown"),
                " (0x",
                HexZeros::<4>(u32::from(protocol)),
                "), length ",
                length
            );
            if name.is_none() {
                return Ok(());
            }
            put!(self, ": ");
        }
        self.ppp_payload(protocol, place + octets, left - octets as u32)
    }

    fn ppp_payload(&mut self, protocol: u16, at: usize, length: u32) -> Read<()> {
        match protocol {
            LCP | IPCP | 0x8023 | 0x8281 | IPV6CP | CCP | BACP => {
                self.ppp_control(protocol, at, length)
            }
            0x003d => self.ppp_multilink(at, length),
            CHAP => self.ppp_challenge(at, length),
            PAP => self.ppp_password(at, length),
            // Bandwidth allocation: tcpdump prints nothing of it.
            0xc02d => Ok(()),
            0x0800 | 0x002f | 0x0021 => self.ipv4(at, length),
            0x86dd | 0x0057 => self.ipv6(at, length),
            0x0023 => self.osi(at, length),
            0x0281 | 0x0283 => self.mpls(at, length),
            0x00fd => {
                put!(self, "compressed PPP data");
                Ok(())
            }
            _ => {
                match protocol_name(protocol) {
                    Some(name) => put!(self, name, " "),
                    None => {
                        let number = HexZeros::<4>(u32::from(protocol));
                        put!(self, "unknown PPP protocol (0x", number, ") ");
                    }
                }
                self.unknown_data("\n\t", at, length as usize);
                Ok(())
            }
        }
    }

    /// A part of a frame that several links share (RFC 1990).
    fn ppp_multilink(&mut self, at: usize, length: u32) -> Read<()> {
        if !self.options.link_header {
            put!(self, "MLPPP, ");
        }
        if length < 2 || !self.has(at, 2) {
            put!(self, "[|mlppp]");
            return Ok(());
        }
        let head = u32::from(self.u16(at)?);
        let flags = Bits {
            value: head >> 8 & 0xc0,
            names: &[(0x80, "begin"), (0x40, "end")],
            separator: ", ",
            none: "none",
        };
        let sequence = HexZeros::<3>(head & 0xfff);
        put!(
            self,
            "seq 0x",
            sequence,
            ", Flags [",
            flags,
            "], length ",
            length
        );
        Ok(())
    }
}

fn protocol_name(protocol: u16) -> Option<&'static str> {
    Some(match protocol {
        0x0021 => "IP",
        0x0023 => "OSI",
        0x0025 => "NS",
        0x0027 => "DECNET",
        0x0029 => "APPLE",
        0x002b => "IPX",
        0x002d => "VJC IP",
        0x002f => "VJNC IP",
        0x0031 => "BRPDU",
        0x0033 => "STII",
        0x0035 => "VINES",
        0x003d => "MLPPP",
        0x0057 => "IP6",
        0x00fd => "Compressed",
        0x0201 => "HELLO",
        0x0231 => "LUXCOM",
        0x0233 => "SNS",
        0x0281 | 0x0283 => "MPLS",
        IPCP => "IPCP",
        0x8023 => "OSICP",
        0x8025 => "NSCP",
        0x8027 => "DECNETCP",
        0x8029 => "APPLECP",
        0x802b => "IPXCP",
        0x8033 => "STIICP",
        0x8035 => "VINESCP",
        IPV6CP => "IP6CP",
        CCP => "CCP",
        0x8281 => "MPLSCP",
        LCP => "LCP",
        PAP => "PAP",
        0xc025 => "LQM",
        0xc027 => "SPAP",
        BACP => "BACP",
        0xc02d => "BAP",
        0xc03d => "MLPPP-CP",
        0xc123 => "Old-SPAP",
        CHAP => "CHAP",
        0xc227 => "EAP",
        _ => return None,
    })
}
