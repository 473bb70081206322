//! A packet, as it is asked about.

use std::net::IpAddr;

use serde::Serialize;

use crate::walk::flow::Flow;

/// A packet, as it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Packet {
    /// From.
    pub source: IpAddr,
    /// To.
    pub destination: IpAddr,
    /// What it carries.
    pub protocol: Protocol,
    /// Its length with its IP header, octets.
    pub size: u32,
    /// It must not be fragmented. IPv6 routers never do.
    pub dont_fragment: bool,
    /// The firewall mark it is sent with.
    pub mark: u32,
    /// The hop limit it is sent with.
    pub ttl: u8,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// An ICMP or ICMPv6 echo request.
    EchoRequest,
    /// Its reply.
    EchoReply,
    /// IPv6's question who has an address on a link.
    NeighbourSolicitation,
    /// Its answer.
    NeighbourAdvertisement,
    /// A UDP datagram.
    Udp {
        /// From.
        source_port: u16,
        /// To.
        destination_port: u16,
    },
    /// A TCP segment.
    Tcp {
        /// From.
        source_port: u16,
        /// To.
        destination_port: u16,
    },
    /// A packet in a packet: IPIP, GRE and their like.
    Tunnel {
        /// The protocol's number.
        number: u8,
    },
}

impl Protocol {
    /// Its number in the IP header.
    pub fn number(self, v6: bool) -> u8 {
        match self {
            Self::EchoRequest | Self::EchoReply if v6 => 58,
            Self::EchoRequest | Self::EchoReply => 1,
            Self::NeighbourSolicitation | Self::NeighbourAdvertisement => 58,
            Self::Udp { .. } => 17,
            Self::Tcp { .. } => 6,
            Self::Tunnel { number } => number,
        }
    }

    /// Octets before the data, the IP header's too, as far as none has options.
    pub fn headers(self, v6: bool) -> u32 {
        let ip = if v6 { 40 } else { 20 };
        match self {
            Self::Tcp { .. } => ip + 20,
            _ => ip + 8,
        }
    }

    /// Source and destination port.
    pub fn ports(self) -> Option<(u16, u16)> {
        match self {
            Self::Udp {
                source_port,
                destination_port,
            }
            | Self::Tcp {
                source_port,
                destination_port,
            } => Some((source_port, destination_port)),
            Self::EchoRequest
            | Self::EchoReply
            | Self::NeighbourSolicitation
            | Self::NeighbourAdvertisement
            | Self::Tunnel { .. } => None,
        }
    }

    /// The same with other ports; an echo has none.
    #[must_use]
    pub fn with_ports(self, source_port: u16, destination_port: u16) -> Self {
        match self {
            Self::Udp { .. } => Self::Udp {
                source_port,
                destination_port,
            },
            Self::Tcp { .. } => Self::Tcp {
                source_port,
                destination_port,
            },
            echo => echo,
        }
    }

    /// What answers it.
    #[must_use]
    pub fn answered(self) -> Self {
        match (self, self.ports()) {
            (_, Some((source, destination))) => self.with_ports(destination, source),
            (Self::EchoReply, None) => Self::EchoRequest,
            (Self::EchoRequest, None) => Self::EchoReply,
            (Self::NeighbourSolicitation, None) => Self::NeighbourAdvertisement,
            (other, None) => other,
        }
    }

    /// The word of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::EchoRequest
            | Self::EchoReply
            | Self::NeighbourSolicitation
            | Self::NeighbourAdvertisement => "icmp",
            Self::Udp { .. } => "udp",
            Self::Tcp { .. } => "tcp",
            Self::Tunnel { .. } => "tunnel",
        }
    }
}

impl Packet {
    /// The hop limit that the kernel sends with unless told otherwise (`net.ipv4.ip_default_ttl`).
    pub const TTL: u8 = 64;

    /// A ping of `ping`'s usual size: 56 octets of data.
    pub fn echo(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            protocol: Protocol::EchoRequest,
            size: if source.is_ipv4() { 84 } else { 104 },
            dont_fragment: false,
            mark: 0,
            ttl: Self::TTL,
        }
    }

    /// The packet that answers this one.
    #[must_use]
    pub fn reply(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol.answered(),
            mark: 0,
            ttl: Self::TTL,
            ..*self
        }
    }

    /// What routing looks at, for a packet that is sent here.
    pub fn flow(&self) -> Flow {
        Flow {
            mark: self.mark,
            protocol: Some(self.protocol.number(self.destination.is_ipv6())),
            ports: self.protocol.ports(),
            ..Flow::to(self.destination).from(self.source)
        }
    }
}
