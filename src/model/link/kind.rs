//! What kind of device it is, and the settings of each kind.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::number::{IfIndex, TableId, Vni};

/// What kind of device it is. Kinds without settings that matter here have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum LinkKind {
    /// The loopback.
    Loopback,
    /// No kind: hardware, or what looks like it.
    Device,
    /// One end of a pair.
    Veth,
    /// A switch.
    Bridge(Bridge),
    /// Ethernet in UDP (RFC 7348).
    Vxlan(Vxlan),
    /// A second MAC on a device.
    Macvlan(Macvlan),
    /// The same, read by a program.
    Macvtap(Macvlan),
    /// A second IP stack on a device's MAC.
    Ipvlan(Ipvlan),
    /// A tagged network on a device.
    Vlan(Vlan),
    /// Several devices as one.
    Bond(Bond),
    /// A routing table of its own for its ports.
    Vrf {
        /// That table.
        table: TableId,
    },
    /// WireGuard; its peers are not told to those without the key.
    Wireguard,
    /// Ethernet in UDP (RFC 8926).
    Geneve(Geneve),
    /// IP in IP, GRE, SIT, VTI and their IPv6 kinds.
    Tunnel(Tunnel),
    /// One end of a pair with BPF programs between.
    Netkit(Netkit),
    /// A device read and written by a program.
    Tun,
    /// Where ingress is shaped.
    Ifb,
    /// Goes nowhere.
    Dummy,
    /// Any other.
    Other {
        /// The kernel's name for it.
        name: String,
    },
}

impl LinkKind {
    /// The kernel's name for the kind; a device without one is `device`.
    pub fn name(&self) -> &str {
        match self {
            Self::Loopback => "loopback",
            Self::Device => "device",
            Self::Veth => "veth",
            Self::Bridge(_) => "bridge",
            Self::Vxlan(_) => "vxlan",
            Self::Macvlan(_) => "macvlan",
            Self::Macvtap(_) => "macvtap",
            Self::Ipvlan(_) => "ipvlan",
            Self::Vlan(_) => "vlan",
            Self::Bond(_) => "bond",
            Self::Vrf { .. } => "vrf",
            Self::Wireguard => "wireguard",
            Self::Geneve(_) => "geneve",
            Self::Tunnel(tunnel) => &tunnel.name,
            Self::Netkit(_) => "netkit",
            Self::Tun => "tun",
            Self::Ifb => "ifb",
            Self::Dummy => "dummy",
            Self::Other { name } => name,
        }
    }
}

/// A bridge's settings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bridge {
    /// Spanning tree: 0 off, 1 the kernel's, 2 a program's.
    pub stp: u32,
    /// Whether it looks at VLAN tags.
    pub vlan_filtering: bool,
    /// Which tags it looks at, if the kernel told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan_protocol: Option<VlanProtocol>,
    /// The VLAN of untagged frames.
    pub default_pvid: u16,
    /// Seconds that a learned MAC stays.
    pub ageing_s: f64,
    /// Whether it follows IGMP and MLD.
    pub multicast_snooping: bool,
    /// Whether it asks who listens.
    pub multicast_querier: bool,
    /// Whether bridged IPv4 frames go through iptables (besides the sysctl).
    pub nf_call_iptables: bool,
    /// Whether bridged IPv6 frames go through ip6tables (besides the sysctl).
    pub nf_call_ip6tables: bool,
    /// Link-local groups that it forwards although it should not (bit mask).
    pub group_fwd_mask: u16,
    /// How many MACs it has learned.
    pub learned: Option<u32>,
    /// How many it may learn; 0 is no limit.
    pub max_learned: Option<u32>,
}

/// A VXLAN device's settings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Vxlan {
    /// The network identifier; of no meaning with `collect_metadata`.
    pub vni: Vni,
    /// The UDP port it listens on and sends to.
    pub port: u16,
    /// The source address of the wrapped packets.
    pub local: Option<IpAddr>,
    /// The multicast group, or the only tunnel end, of frames for unknown MACs.
    pub remote: Option<IpAddr>,
    /// The device the wrapped packets must leave by.
    pub underlay: Option<IfIndex>,
    /// The range of UDP source ports; 0 to 0 is the node's ephemeral range.
    pub source_ports: (u16, u16),
    /// Learns tunnel ends from what arrives.
    pub learning: bool,
    /// Seconds a learned tunnel end stays.
    pub ageing_s: u32,
    /// How many it may learn; 0 is no limit.
    pub max_learned: u32,
    /// Answers ARP itself.
    pub proxy: bool,
    /// Routes short cuts.
    pub rsc: bool,
    /// Tells of unknown MACs.
    pub l2miss: bool,
    /// Tells of unknown neighbours.
    pub l3miss: bool,
    /// VNI and tunnel end come with each packet (route encap, BPF, OVS), not from this device.
    pub collect_metadata: bool,
    /// Wrapped packets carry a UDP checksum.
    pub udp_csum: bool,
    /// Wrapped IPv6 packets go without UDP checksum.
    pub udp_zero_csum6_tx: bool,
    /// Wrapped IPv6 packets without UDP checksum are taken.
    pub udp_zero_csum6_rx: bool,
    /// Group based policy extension.
    pub gbp: bool,
    /// Generic protocol extension.
    pub gpe: bool,
    /// The hop limit of wrapped packets; 0 is the node's default.
    pub ttl: u8,
    /// The type of service of wrapped packets; 1 is "as inside".
    pub tos: u8,
    /// Don't-fragment of wrapped packets.
    pub df: DontFragment,
    /// Only VNIs on a list are taken.
    pub vni_filter: bool,
}

/// How the outer don't-fragment bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DontFragment {
    /// Never.
    #[default]
    Unset,
    /// Always.
    Set,
    /// As inside.
    Inherit,
}

/// A macvlan's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Macvlan {
    /// `private`, `vepa`, `bridge`, `passthru` or `source`.
    pub mode: String,
}

/// An ipvlan's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ipvlan {
    /// `l2`, `l3` or `l3s`.
    pub mode: String,
    /// `bridge`, `private` or `vepa`.
    pub isolation: String,
}

/// A VLAN device's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Vlan {
    /// The tag.
    pub id: u16,
    /// What its tag looks like.
    pub protocol: VlanProtocol,
}

/// The kinds of VLAN tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum VlanProtocol {
    /// A customer's tag: EtherType 8100.
    #[default]
    #[serde(rename = "802.1Q")]
    Customer,
    /// A provider's tag: EtherType 88a8.
    #[serde(rename = "802.1ad")]
    Service,
}

impl VlanProtocol {
    /// The word of `ip link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "802.1Q",
            Self::Service => "802.1ad",
        }
    }
}

/// A bond's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Bond {
    /// `balance-rr`, `active-backup`, `802.3ad` …
    pub mode: String,
    /// The port in use, in modes that use one.
    pub active: Option<IfIndex>,
    /// Milliseconds between looks at the links; 0 is never.
    pub miimon_ms: u32,
    /// What the port is chosen by.
    pub hash_policy: String,
}

/// A Geneve device's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Geneve {
    /// The network identifier.
    pub vni: Vni,
    /// The UDP port.
    pub port: u16,
    /// The tunnel end.
    pub remote: Option<IpAddr>,
    /// Identifier and tunnel end come with each packet.
    pub collect_metadata: bool,
    /// The hop limit of wrapped packets; 0 is the node's default.
    pub ttl: u8,
    /// Don't-fragment of wrapped packets.
    pub df: DontFragment,
}

/// An IP tunnel's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tunnel {
    /// The kernel's name of the kind: `ipip`, `sit`, `gre`, `gretap`, `ip6tnl`, `ip6gre`, `vti` …
    pub name: String,
    /// The source of wrapped packets.
    pub local: Option<IpAddr>,
    /// The tunnel end.
    pub remote: Option<IpAddr>,
    /// The hop limit of wrapped packets; 0 is "as inside".
    pub ttl: u8,
    /// The type of service of wrapped packets.
    pub tos: u8,
    /// Whether wrapped packets must not be fragmented.
    pub path_mtu_discovery: bool,
    /// The key expected inside (GRE, VTI).
    pub input_key: Option<u32>,
    /// The key that is sent.
    pub output_key: Option<u32>,
    /// The tunnel end comes with each packet.
    pub collect_metadata: bool,
    /// The protocol inside; 0 is any.
    pub protocol: u8,
    /// `fou` or `gue`, when the packets go in UDP besides.
    pub encapsulation: Option<String>,
    /// The UDP port for that.
    pub encapsulation_port: Option<u16>,
    /// The mark that the wrapped packets get for their own route lookup.
    pub fwmark: Option<u32>,
}

/// A netkit device's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Netkit {
    /// `l2` or `l3`.
    pub mode: String,
    /// Whether this is the end that may attach programs.
    pub primary: bool,
    /// What happens to packets without a program: `forward` or `blackhole`.
    pub policy: String,
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_carries_its_settings() {
        let kind = LinkKind::Vxlan(Vxlan {
            vni: Vni(4096),
            port: 4789,
            ..Vxlan::default()
        });
        let value = serde_json::to_value(&kind).unwrap();
        assert_eq!(value["type"], "vxlan");
        assert_eq!(value["vni"], 4096);
        assert_eq!(serde_json::from_value::<LinkKind>(value).unwrap(), kind);
    }
}
