//! What a layer of a frame is.

/// What a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Linux cooked header, version 1.
    LinuxSll,
    /// Linux cooked header, version 2.
    LinuxSll2,
    /// BSD loopback header.
    Null,
    /// Ethernet header, 802.1Q tags not included.
    Ethernet,
    /// One 802.1Q tag: tag control and the next type.
    Vlan,
    /// ARP.
    Arp,
    /// IPv4 header with options.
    Ipv4,
    /// IPv6 fixed header.
    Ipv6,
    /// One IPv6 extension header.
    Ipv6Extension,
    /// ICMP message.
    Icmp,
    /// ICMPv6 message.
    Icmpv6,
    /// IGMP message.
    Igmp,
    /// UDP header.
    Udp,
    /// TCP header with options.
    Tcp,
    /// SCTP common header.
    Sctp,
    /// VXLAN header.
    Vxlan,
    /// VXLAN-GPE header.
    VxlanGpe,
    /// Geneve header with options.
    Geneve,
    /// GRE header.
    Gre,
    /// One MPLS label.
    Mpls,
    /// Network service header.
    Nsh,
    /// Encapsulating security payload; what is inside cannot be seen.
    Esp,
    /// Authentication header.
    Ah,
    /// Octets that are no header known here.
    Payload,
    /// The capture, or a length field, ends where a header should be.
    Cut,
}

impl Kind {
    /// A short lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinuxSll => "sll",
            Self::LinuxSll2 => "sll2",
            Self::Null => "null",
            Self::Ethernet => "ethernet",
            Self::Vlan => "vlan",
            Self::Arp => "arp",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ipv6Extension => "ipv6-extension",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::Igmp => "igmp",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Sctp => "sctp",
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan-gpe",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Mpls => "mpls",
            Self::Nsh => "nsh",
            Self::Esp => "esp",
            Self::Ah => "ah",
            Self::Payload => "payload",
            Self::Cut => "cut",
        }
    }

    /// Whether what follows travels inside a tunnel that this header makes.
    pub fn is_tunnel(self) -> bool {
        matches!(
            self,
            Self::Vxlan | Self::VxlanGpe | Self::Geneve | Self::Gre
        )
    }
}
