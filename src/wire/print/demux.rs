//! From an IP header to what it carries.

use super::dissector::Dissector;
use super::ipv4::IpHeader;
use super::text::put;
use crate::wire::bytes::Read;
use crate::wire::ip::Protocol;

impl Dissector<'_> {
    /// IPv4 or IPv6, by the version in the first octet.
    pub(super) fn ip_any(&mut self, at: usize, length: u32) -> Read<()> {
        self.protocol = "ipn";
        if length < 1 {
            put!(self, "truncated-ip ", length);
            return Ok(());
        }
        match self.u8(at)? >> 4 {
            4 => self.ipv4(at, length),
            6 => self.ipv6(at, length),
            version => {
                put!(self, "unknown ip ", version);
                Ok(())
            }
        }
    }

    /// Prints `length` octets of payload.
    pub(super) fn ip_payload(
        &mut self,
        at: usize,
        length: u32,
        header: IpHeader,
        protocol: Protocol,
    ) -> Read<()> {
        let (mut at, mut length, mut protocol) = (at, length, protocol);
        while protocol == Protocol::AH {
            if !self.has(at, 1) {
                self.protocol = "ah";
                self.truncated();
                return Ok(());
            }
            protocol = Protocol(self.u8(at)?);
            let header_length = self.ah(at)?;
            at += header_length;
            length = length.wrapping_sub(header_length as u32);
        }
        match (protocol, header.version) {
            (Protocol::TCP, _) => self.tcp(at, length, header),
            (Protocol::UDP, _) => self.udp(at, length, header),
            (Protocol::ICMP, 4) => self.icmp(at, length, header),
            (Protocol::ICMPV6, 6) => self.icmpv6(at, length, header),
            (Protocol::IGMP, 4) => self.igmp(at, length),
            (Protocol::IPV4, _) => self.ipv4(at, length),
            (Protocol::IPV6, _) => self.ipv6(at, length),
            (Protocol::GRE, _) => self.gre(at, length),
            (Protocol::ESP, _) => self.esp(at, length),
            (Protocol::IPCOMP, _) => self.ipcomp(at),
            (Protocol::SCTP, _) => self.sctp(at, length, header),
            (Protocol::PIM, _) => self.pim(at, length, header),
            (Protocol::OSPF, 6) => self.ospf_v3(at, length),
            (Protocol::OSPF, _) => self.ospf(at, length),
            (Protocol::VRRP, _) => self.vrrp(at, length, header),
            (Protocol::ETHERNET, 6) => {
                let captured = self.bytes.available(at) as u32;
                self.ethernet(at, length, captured).map(drop)
            }
            (Protocol::ICMP | Protocol::IGMP, _) => {
                self.requires_ip(protocol, 4);
                Ok(())
            }
            (Protocol::ICMPV6 | Protocol::ETHERNET, _) => {
                self.requires_ip(protocol, 6);
                Ok(())
            }
            (Protocol(77), _) => {
                put!(self, " nd ", length);
                Ok(())
            }
            (Protocol::NONE, _) => {
                put!(self, "no next header");
                Ok(())
            }
            _ => {
                self.ip_protocol(protocol);
                put!(self, " ", length);
                Ok(())
            }
        }
    }

    fn requires_ip(&mut self, protocol: Protocol, version: u8) {
        let name = protocol.name().unwrap_or("unknown");
        put!(self, "[", name, " requires IPv", version, "]");
        self.invalid();
    }
}
