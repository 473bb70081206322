//! Ethernet II and 802.3 (IEEE 802.3 clause 3), 802.1Q tags (IEEE 802.1Q clause 9), Linux cooked headers.

/// Octets of a MAC address.
pub const ADDRESS_LENGTH: usize = 6;
/// Octets of destination, source and type.
pub const HEADER_LENGTH: usize = 14;
/// Offset of the destination address.
pub const DESTINATION: usize = 0;
/// Offset of the source address.
pub const SOURCE: usize = 6;
/// Offset of the type or length.
pub const TYPE: usize = 12;
/// Octets of an 802.1Q tag after the type that announces it: tag control and the next type.
pub const VLAN_TAG_LENGTH: usize = 4;
/// A type field up to this is a length, and LLC follows.
pub const MAX_LENGTH: u16 = 1500;

/// The Linux cooked header (`LINKTYPE_LINUX_SLL`), all fields in network order.
pub mod sll {
    /// Octets of the header.
    pub const LENGTH: usize = 16;
    /// Direction: see [`super::direction`].
    pub const PACKET_TYPE: usize = 0;
    /// ARPHRD_ number of the device.
    pub const HARDWARE: usize = 2;
    /// Octets of the link address.
    pub const ADDRESS_LENGTH: usize = 4;
    /// The sender's link address.
    pub const ADDRESS: usize = 6;
    /// Ethernet type of the payload.
    pub const PROTOCOL: usize = 14;
}

/// Version 2 of the Linux cooked header (`LINKTYPE_LINUX_SLL2`), all fields in network order.
pub mod sll2 {
    /// Octets of the header.
    pub const LENGTH: usize = 20;
    /// Ethernet type of the payload.
    pub const PROTOCOL: usize = 0;
    /// Interface index on the capturing host.
    pub const INTERFACE: usize = 4;
    /// ARPHRD_ number of the device.
    pub const HARDWARE: usize = 8;
    /// Direction: see [`super::direction`].
    pub const PACKET_TYPE: usize = 10;
    /// Octets of the link address.
    pub const ADDRESS_LENGTH: usize = 11;
    /// The sender's link address.
    pub const ADDRESS: usize = 12;
}

/// How tcpdump writes the direction of a cooked capture (`PACKET_HOST` … of `linux/if_packet.h`).
pub fn direction(packet_type: u16) -> &'static str {
    match packet_type {
        0 => "In",
        1 => "B",
        2 => "M",
        3 => "P",
        4 => "Out",
        _ => "?",
    }
}

/// An Ethernet type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EtherType(pub u16);

#[allow(missing_docs)]
impl EtherType {
    pub const IPV4: Self = Self(0x0800);
    pub const ARP: Self = Self(0x0806);
    pub const REVERSE_ARP: Self = Self(0x8035);
    pub const TRAIL: Self = Self(0x1000);
    pub const TRANSPARENT_BRIDGING: Self = Self(0x6558);
    pub const VLAN: Self = Self(0x8100);
    pub const QINQ: Self = Self(0x88a8);
    pub const VLAN_9100: Self = Self(0x9100);
    pub const VLAN_9200: Self = Self(0x9200);
    pub const IPV6: Self = Self(0x86dd);
    pub const MPLS: Self = Self(0x8847);
    pub const MPLS_MULTICAST: Self = Self(0x8848);
    pub const JUMBO_LLC: Self = Self(0x8870);
    pub const LLDP: Self = Self(0x88cc);
    pub const GRE_OSI: Self = Self(0x00fe);
    pub const PPP: Self = Self(0x880b);
    pub const PPPOE_DISCOVERY: Self = Self(0x8863);
    pub const PPPOE_SESSION: Self = Self(0x8864);
    pub const NSH: Self = Self(0x894f);
    pub const LOOPBACK: Self = Self(0x9000);
    pub const SLOW: Self = Self(0x8809);

    /// Whether an 802.1Q tag follows.
    pub fn is_vlan(self) -> bool {
        matches!(
            self,
            Self::VLAN | Self::QINQ | Self::VLAN_9100 | Self::VLAN_9200
        )
    }

    /// tcpdump's name.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0800 => "IPv4",
            0x8847 => "MPLS unicast",
            0x8848 => "MPLS multicast",
            0x86dd => "IPv6",
            0x8100 => "802.1Q",
            0x9100 => "802.1Q-9100",
            0x88a8 => "802.1Q-QinQ",
            0x9200 => "802.1Q-9200",
            0x88e5 => "802.1AE MACsec",
            0x0200 => "PUP",
            0x0806 => "ARP",
            0x8035 => "Reverse ARP",
            0x0600 => "NS",
            0x0500 => "Sprite",
            0x1000 => "Trail",
            0x6001 => "MOP DL",
            0x6002 => "MOP RC",
            0x6003 => "DN",
            0x6004 => "LAT",
            0x6007 => "SCA",
            0x6558 => "TEB",
            0x8038 => "Lanbridge",
            0x803c => "DEC DNS",
            0x803e => "DEC DTS",
            0x805b => "VEXP",
            0x805c => "VPROD",
            0x809b => "Appletalk",
            0x80f3 => "Appletalk ARP",
            0x8137 => "IPX",
            0x880b => "PPP",
            0x8808 => "MPCP",
            0x8809 => "Slow Protocols",
            0x8863 => "PPPoE D",
            0x8864 => "PPPoE S",
            0x888e => "EAPOL",
            0x8899 => "Realtek protocols",
            0x886f => "MS NLB heartbeat",
            0x8870 => "Jumbo",
            0x894f => "NSH",
            0x9000 => "Loopback",
            0xfefe => "OSI",
            0x00fe => "GRE-OSI",
            0xabcd => "CFM (old)",
            0x8902 => "CFM",
            0x893a => "IEEE1905.1",
            0x88cc => "LLDP",
            0x88ca => "TIPC",
            0x0707 => "GeoNet (old)",
            0x8947 => "GeoNet",
            0x1111 => "CALM FAST",
            0x88a2 => "AoE",
            0x88f7 => "PTP",
            0xd28b => "Arista Vendor Specific Protocol",
            _ => return None,
        })
    }
}
