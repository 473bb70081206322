//! UDP (RFC 768), and what it is taken to carry.

use super::UdpPayload;
use super::bfd;
use super::dissector::Dissector;
use super::dns::Carrier;
use super::ipv4::IpHeader;
use super::phrase::Phrase;
use super::ports::Ports;
use super::text::{HexZeros, put};
use super::text_protocol;
use crate::wire::bytes::Read;
use crate::wire::checksum::{self, Sum};
use crate::wire::ip::{Protocol, v4, v6};
use crate::wire::port;
use crate::wire::tcp::udp;

impl Dissector<'_> {
    pub(super) fn udp(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        self.protocol = "udp";
        if !self.has(at, 4) {
            self.udp_addresses(header, None)?;
            self.truncated();
            return Ok(());
        }
        let source = self.u16(at)?;
        let destination = self.u16(at + 2)?;
        self.udp_addresses(header, Some((source, destination)))?;
        self.udp_behind_ports(at, length, header)
    }

    /// What follows the addresses and ports.
    pub(super) fn udp_behind_ports(
        &mut self,
        at: usize,
        length: u32,
        header: IpHeader,
    ) -> Read<()> {
        self.protocol = "udp";
        if length < udp::HEADER_LENGTH as u32 {
            put!(self, "truncated-udp ", length);
            return Ok(());
        }
        if !self.has(at + udp::LENGTH, 2) {
            self.truncated();
            return Ok(());
        }
        let mut udp_length = u32::from(self.u16(at + udp::LENGTH)?);
        if udp_length == 0 && length > 65535 {
            // A jumbogram (RFC 2675).
            udp_length = length;
        }
        if udp_length < udp::HEADER_LENGTH as u32 {
            put!(self, "truncated-udplength ", udp_length);
            return Ok(());
        }
        let said = udp_length - udp::HEADER_LENGTH as u32;
        let length = said.min(length - udp::HEADER_LENGTH as u32);
        let payload = at + udp::HEADER_LENGTH;
        if payload > self.bytes.end() {
            self.truncated();
            return Ok(());
        }
        if self.options.udp == UdpPayload::Vxlan {
            return self.vxlan(payload, length);
        }
        if self.verbose() && !self.options.skip_checksums && !header.fragmented {
            self.udp_checksum(at, length, header)?;
        }
        if self.options.quiet == 0 {
            if self.is_vxlan(at, payload, length)? {
                return self.vxlan(payload, length);
            }
            let (source, destination) = (self.u16(at)?, self.u16(at + 2)?);
            if (MEANT.has(source) || MEANT.has(destination))
                && self.udp_payload(payload, length, (source, destination), header)?
            {
                return Ok(());
            }
        }
        if said > length && !header.fragmented {
            put!(self, "UDP, bad length ", said, " > ", length);
        } else {
            put!(self, "UDP, length ", said);
        }
        Ok(())
    }

    /// Prints the payload by its port; answers false, having printed nothing, if the port means nothing.
    #[inline(never)]
    fn udp_payload(
        &mut self,
        at: usize,
        length: u32,
        (source, destination): (u16, u16),
        header: IpHeader,
    ) -> Read<bool> {
        match Payload::between(source, destination) {
            Payload::Dns => self.dns(at, length, Carrier::Udp),
            Payload::MulticastDns => self.dns(at, length, Carrier::Multicast),
            Payload::Bootp => self.bootp(at, length),
            Payload::Rip => self.rip(at, length),
            Payload::EspInUdp => return self.esp_in_udp(at, length),
            Payload::Snmp => self.snmp(at, length),
            Payload::Ntp => self.ntp(at, length),
            Payload::Ripng => self.ripng(at, length),
            Payload::Dhcpv6 => self.dhcpv6(at, length),
            Payload::Hsrp => self.hsrp(at, length),
            Payload::Ldp => self.ldp(at, length),
            Payload::Olsr => self.olsr(at, length, header.version),
            Payload::LineInterface => self.line_interface(at, length),
            Payload::Bfd(kind) => self.bfd(at, length, kind),
            Payload::Sflow => self.sflow(at, length),
            Payload::Sip => self.text_protocol(&text_protocol::SIP, at, length),
            Payload::Syslog => self.syslog(at, length),
            Payload::Otv => self.otv(at, length),
            Payload::Vxlan => self.vxlan(at, length),
            Payload::Geneve => self.geneve(at, length),
            Payload::VxlanGpe => self.vxlan_gpe(at, length),
            Payload::Mpls => self.mpls(at, length),
            Payload::Someip => self.someip(at, length),
            Payload::Unknown => return Ok(false),
        }?;
        Ok(true)
    }

    /// Whether a datagram's `length` octets of payload are taken for VXLAN whatever tcpdump takes its port for.
    pub(super) fn is_vxlan(&self, datagram: usize, payload: usize, length: u32) -> Read<bool> {
        Ok(match &self.options.udp {
            UdpPayload::TcpdumpPorts => false,
            UdpPayload::Vxlan => true,
            UdpPayload::Overlay(ports) => ports.is_vxlan(
                self.u16(datagram)?,
                self.u16(datagram + 2)?,
                self.bytes.rest(payload, length as usize),
            ),
        })
    }

    fn udp_addresses(&mut self, header: IpHeader, ports: Option<(u16, u16)>) -> Read<()> {
        self.transport_addresses(header, Protocol::UDP, ports)
    }

    /// `10.0.0.1.68 > 10.0.0.2.67: `, without addresses where another header came between.
    pub(super) fn transport_addresses(
        &mut self,
        header: IpHeader,
        protocol: Protocol,
        ports: Option<(u16, u16)>,
    ) -> Read<()> {
        let at = header.at;
        let follows = if header.version == 6 {
            self.u8(at + v6::NEXT_HEADER)?
        } else {
            self.u8(at + v4::PROTOCOL)?
        } == protocol.0;
        match ports {
            None if follows && header.version == 6 => put!(
                self,
                self.v6(at + v6::SOURCE)?,
                " > ",
                self.v6(at + v6::DESTINATION)?
            ),
            None if follows => put!(
                self,
                self.v4(at + v4::SOURCE)?,
                " > ",
                self.v4(at + v4::DESTINATION)?
            ),
            None => return Ok(()),
            Some((source, destination))
                if follows && header.version == 4 && self.options.numeric =>
            {
                let mut phrase = Phrase::<64>::new(self.out);
                phrase.v4(self.bytes.array(at + v4::SOURCE)?);
                phrase.literal(b".");
                phrase.number(source);
                phrase.literal(b" > ");
                phrase.v4(self.bytes.array(at + v4::DESTINATION)?);
                phrase.literal(b".");
                phrase.number(destination);
                phrase.literal(b": ");
                phrase.put();
                return Ok(());
            }
            Some((source, destination)) => {
                if follows {
                    if header.version == 6 {
                        put!(self, self.v6(at + v6::SOURCE)?, ".");
                    } else {
                        put!(self, self.v4(at + v4::SOURCE)?, ".");
                    }
                }
                self.transport_port(protocol, source);
                put!(self, " > ");
                if follows {
                    if header.version == 6 {
                        put!(self, self.v6(at + v6::DESTINATION)?, ".");
                    } else {
                        put!(self, self.v4(at + v4::DESTINATION)?, ".");
                    }
                }
                self.transport_port(protocol, destination);
            }
        }
        put!(self, ": ");
        Ok(())
    }

    fn transport_port(&mut self, protocol: Protocol, port: u16) {
        if protocol == Protocol::TCP {
            self.tcp_port(port);
        } else {
            self.udp_port(port);
        }
    }

    pub(super) fn udp_port(&mut self, port: u16) {
        let name = (!self.options.numeric)
            .then(|| self.names.services().udp(port))
            .flatten();
        match name {
            Some(name) => put!(self, name),
            None => put!(self, port),
        }
    }

    fn udp_checksum(&mut self, at: usize, length: u32, header: IpHeader) -> Read<()> {
        if header.version == 4 && self.options.verbosity < 2 {
            return Ok(());
        }
        let field = self.u16(at + udp::CHECKSUM)?;
        if header.version == 4 && field == 0 {
            put!(self, "[no cksum] ");
            return Ok(());
        }
        let covered = length as usize + udp::HEADER_LENGTH;
        if !self.has(at + udp::HEADER_LENGTH, length as usize) {
            return Ok(());
        }
        let sum = self.transport_sum(header, Protocol::UDP, covered as u32)?;
        let sum = sum.octets(self.bytes.slice(at, covered)?).finish();
        if sum == 0 {
            put!(self, "[udp sum ok] ");
        } else {
            let right = checksum::should_be(field, sum);
            put!(
                self,
                "[bad udp cksum 0x",
                HexZeros::<4>(u32::from(field)),
                " -> 0x",
                HexZeros::<4>(u32::from(right)),
                "!] "
            );
        }
        Ok(())
    }

    /// The sum over the pseudo header (RFC 768, RFC 8200 section 8.1).
    pub(super) fn transport_sum(
        &self,
        header: IpHeader,
        protocol: Protocol,
        length: u32,
    ) -> Read<Sum> {
        let at = header.at;
        let sum = Sum::default()
            .word(u16::from(protocol.0))
            .word(length as u16)
            .word((length >> 16) as u16);
        if header.version == 4 {
            // The length is 16 bits wide in IPv4's pseudo header.
            let sum = Sum::default()
                .word(u16::from(protocol.0))
                .word(length as u16);
            return Ok(sum
                .octets(self.bytes.slice(at + v4::SOURCE, 4)?)
                .octets(&self.ipv4_final_destination(at)?));
        }
        Ok(sum
            .octets(self.bytes.slice(at + v6::SOURCE, 16)?)
            .octets(&self.ipv6_final_destination(at)?))
    }
}

/// What a datagram is taken to carry, in the order in which tcpdump asks: of its ports' meanings the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Payload {
    Dns,
    MulticastDns,
    Bootp,
    Rip,
    EspInUdp,
    Snmp,
    Ntp,
    Ripng,
    Dhcpv6,
    Hsrp,
    Ldp,
    Olsr,
    LineInterface,
    Bfd(bfd::Kind),
    Sflow,
    Sip,
    Syslog,
    Otv,
    Vxlan,
    Geneve,
    VxlanGpe,
    Mpls,
    Someip,
    Unknown,
}

/// Ports that mean something, be it on one side only.
static MEANT: Ports = Ports::of(&[
    port::DNS,
    port::BOOTPS,
    port::BOOTPC,
    port::NTP,
    port::SNMP,
    port::SNMP_TRAP,
    port::SYSLOG,
    port::RIP,
    port::RIPNG,
    port::DHCPV6_CLIENT,
    port::DHCPV6_SERVER,
    port::LDP,
    port::OLSR,
    port::HSRP,
    port::BFD_CONTROL,
    port::BFD_ECHO,
    port::ESP,
    port::BFD_MULTIHOP,
    port::VXLAN,
    port::VXLAN_GPE,
    port::SIP,
    port::MDNS,
    port::GENEVE,
    port::SFLOW,
    port::MPLS,
    port::WEAVE,
    port::VXLAN_LINUX,
    port::SOMEIP,
    port::LINE_INTERFACE,
]);

impl Payload {
    fn between(source: u16, destination: u16) -> Self {
        let either = Self::of(source).min(Self::of(destination));
        let one = match (source, destination) {
            (port::LINE_INTERFACE, _) => Self::LineInterface,
            (_, port::HSRP) => Self::Hsrp,
            (_, port::BFD_CONTROL) => Self::Bfd(bfd::Kind::Control),
            (_, port::BFD_MULTIHOP) => Self::Bfd(bfd::Kind::Multihop),
            (_, port::WEAVE) => Self::Bfd(bfd::Kind::Lag),
            (_, port::BFD_ECHO) => Self::Bfd(bfd::Kind::Echo),
            _ => Self::Unknown,
        };
        either.min(one)
    }

    /// What a port means whichever side has it.
    fn of(port: u16) -> Self {
        match port {
            port::DNS => Self::Dns,
            port::MDNS => Self::MulticastDns,
            port::BOOTPC | port::BOOTPS => Self::Bootp,
            port::RIP => Self::Rip,
            port::RIPNG => Self::Ripng,
            port::ESP => Self::EspInUdp,
            port::SNMP | port::SNMP_TRAP => Self::Snmp,
            port::NTP => Self::Ntp,
            port::DHCPV6_SERVER | port::DHCPV6_CLIENT => Self::Dhcpv6,
            port::LDP => Self::Ldp,
            port::OLSR => Self::Olsr,
            port::SFLOW => Self::Sflow,
            port::SIP => Self::Sip,
            port::SYSLOG => Self::Syslog,
            port::VXLAN_LINUX => Self::Otv,
            port::VXLAN => Self::Vxlan,
            port::GENEVE => Self::Geneve,
            port::VXLAN_GPE => Self::VxlanGpe,
            port::MPLS => Self::Mpls,
            port::SOMEIP => Self::Someip,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_with_a_meaning_is_looked_at() {
        for port in 0..=u16::MAX {
            let means = Payload::between(port, 1) != Payload::Unknown
                || Payload::between(1, port) != Payload::Unknown;
            assert_eq!(MEANT.has(port), means, "{port}");
        }
    }

    #[test]
    fn the_first_meaning_counts_whichever_port_has_it() {
        assert_eq!(Payload::between(53, 4789), Payload::Dns);
        assert_eq!(Payload::between(4789, 53), Payload::Dns);
        assert_eq!(Payload::between(49152, 4789), Payload::LineInterface);
        assert_eq!(Payload::between(4789, 49152), Payload::Vxlan);
        assert_eq!(Payload::between(3784, 40000), Payload::Unknown);
        assert_eq!(Payload::between(40000, 3785), Payload::Bfd(bfd::Kind::Echo));
    }
}
