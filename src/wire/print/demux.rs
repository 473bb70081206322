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
        match protocol {
            Protocol::TCP => self.tcp(at, length, header),
            Protocol::UDP => self.udp(at, length, header),
            Protocol::ICMP if header.version == 4 => self.icmp(at, length, header),
            Protocol::IPV4 => self.ipv4(at, length),
            Protocol::IPV6 => self.ipv6(at, length),
            Protocol::ICMP => {
                self.requires_ip(protocol, 4);
                Ok(())
            }
            Protocol(77) => {
                put!(self, " nd ", length);
                Ok(())
            }
            Protocol::NONE => {
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
