//! Network devices.

use std::fmt;
use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{IfIndex, NetnsId, Nsid, TableId, Vni};

/// One network device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its index, unique in its namespace.
    pub index: IfIndex,
    /// Its name, unique in its namespace.
    pub name: String,
    /// Other names it answers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternative_names: Vec<String>,
    /// A free text (`ip link set … alias`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What kind of device it is, with that kind's own settings.
    pub kind: LinkKind,
    /// Its place below another device, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// `ARPHRD_*`: 1 Ethernet, 772 loopback, 65534 none, 768 IPIP …
    pub hardware_type: u16,
    /// Its Ethernet address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The address it had when it was made by hardware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permanent_mac: Option<Mac>,
    /// What is switched on.
    pub flags: LinkFlags,
    /// Whether packets get through, as far as the device knows (RFC 2863).
    pub oper_state: OperState,
    /// The largest layer-3 packet, in octets.
    pub mtu: u32,
    /// The device of which this one is a port: a bridge, a bond, a VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<IfIndex>,
    /// The other end of a veth or netkit pair, or the device below (macvlan, ipvlan, vlan, vxlan, tunnels).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<Lower>,
    /// The queueing discipline at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qdisc: Option<String>,
    /// How many packets its queue holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_queue_len: Option<u32>,
    /// The device's group number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub group: u32,
    /// How many have asked for promiscuous mode.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub promiscuity: u32,
    /// The largest generic segmentation offload packet, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gso_max_size: Option<u32>,
    /// How often the carrier came or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier_changes: Option<u32>,
    /// An XDP program sees packets before the stack does: `native`, `generic`, `offload` or `multi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xdp: Option<String>,
    /// What IPv4 does with packets of this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inet: Option<InetConf>,
    /// What IPv6 does with packets of this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inet6: Option<Inet6Conf>,
    /// Offloads that are on, by ethtool's names; `None` if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// What went through.
    pub stats: LinkStats,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Link {
    /// Whether it is switched on.
    pub fn is_up(&self) -> bool {
        self.flags.has(LinkFlags::UP)
    }

    /// Whether it is on and has a carrier.
    pub fn is_running(&self) -> bool {
        self.flags.has(LinkFlags::UP) && self.flags.has(LinkFlags::LOWER_UP)
    }

    /// Whether it is the loopback.
    pub fn is_loopback(&self) -> bool {
        self.flags.has(LinkFlags::LOOPBACK)
    }

    /// The bridge port settings, if it is a bridge's port.
    pub fn bridge_port(&self) -> Option<&BridgePort> {
        match &self.port {
            Some(Port::Bridge(port)) => Some(port),
            _ => None,
        }
    }

    /// The other end of a pair (veth, netkit).
    pub fn peer(&self) -> Option<&Lower> {
        match self.kind {
            LinkKind::Veth | LinkKind::Netkit(_) => self.lower.as_ref(),
            _ => None,
        }
    }
}

/// A device that this one is bound to, which may be in another namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lower {
    /// Its index over there.
    pub index: IfIndex,
    /// Where *there* is, in the words of this namespace; `None` is this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsid: Option<Nsid>,
    /// Where *there* is, once that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<NetnsId>,
}

/// `IFF_*` of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LinkFlags(pub u32);

impl LinkFlags {
    /// Switched on.
    pub const UP: Self = Self(0x1);
    /// Broadcasts work.
    pub const BROADCAST: Self = Self(0x2);
    /// The loopback.
    pub const LOOPBACK: Self = Self(0x8);
    /// Point to point.
    pub const POINTOPOINT: Self = Self(0x10);
    /// No neighbour resolution.
    pub const NOARP: Self = Self(0x80);
    /// Takes every frame.
    pub const PROMISC: Self = Self(0x100);
    /// Takes every multicast frame.
    pub const ALLMULTI: Self = Self(0x200);
    /// Multicasts work.
    pub const MULTICAST: Self = Self(0x1000);
    /// Has a carrier.
    pub const LOWER_UP: Self = Self(0x1_0000);

    /// `ip link`'s names, in its order. `RUNNING` is left out as `ip` does.
    const NAMES: [(u32, &'static str); 17] = [
        (0x8, "LOOPBACK"),
        (0x2, "BROADCAST"),
        (0x10, "POINTOPOINT"),
        (0x1000, "MULTICAST"),
        (0x80, "NOARP"),
        (0x200, "ALLMULTI"),
        (0x100, "PROMISC"),
        (0x400, "MASTER"),
        (0x800, "SLAVE"),
        (0x4, "DEBUG"),
        (0x8000, "DYNAMIC"),
        (0x4000, "AUTOMEDIA"),
        (0x2000, "PORTSEL"),
        (0x20, "NOTRAILERS"),
        (0x1, "UP"),
        (0x1_0000, "LOWER_UP"),
        (0x2_0000, "DORMANT"),
    ];

    /// Whether all of `flags` are set.
    pub fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The names as `ip link` prints them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| name)
    }
}

impl Serialize for LinkFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for LinkFlags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(Self(
            Self::NAMES
                .into_iter()
                .filter(|(_, name)| names.iter().any(|n| n == name))
                .fold(0, |flags, (bit, _)| flags | bit),
        ))
    }
}

/// The operational state of RFC 2863.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OperState {
    /// The device does not tell (the loopback, most tunnels).
    #[default]
    Unknown,
    /// Something is missing.
    NotPresent,
    /// No packets get through.
    Down,
    /// The device below is down.
    LowerLayerDown,
    /// Being tested.
    Testing,
    /// Waiting for something, such as authentication.
    Dormant,
    /// Works.
    Up,
}

impl OperState {
    /// The word of `ip link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::NotPresent => "NOTPRESENT",
            Self::Down => "DOWN",
            Self::LowerLayerDown => "LOWERLAYERDOWN",
            Self::Testing => "TESTING",
            Self::Dormant => "DORMANT",
            Self::Up => "UP",
        }
    }
}

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

/// A bridge's settings for one port.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BridgePort {
    /// The spanning tree state.
    pub state: PortState,
    /// Frames may leave by the port they came from.
    pub hairpin: bool,
    /// Frames do not pass between isolated ports.
    pub isolated: bool,
    /// It learns source MACs.
    pub learning: bool,
    /// Frames for unknown MACs leave here too.
    pub unicast_flood: bool,
    /// Unknown multicasts leave here too.
    pub multicast_flood: bool,
    /// Broadcasts leave here too.
    pub broadcast_flood: bool,
    /// The bridge answers ARP for what is behind the port.
    pub proxy_arp: bool,
    /// The bridge answers ARP and ND for what it knows, and keeps the question off the port.
    pub neigh_suppress: bool,
    /// Only known source MACs may talk.
    pub locked: bool,
    /// BPDUs are dropped and the port closed (`guard`).
    pub bpdu_guard: bool,
    /// Spanning tree path cost.
    pub cost: u32,
    /// The port's number on the bridge.
    pub number: u16,
}

/// The spanning tree state of a bridge port; only `Forwarding` passes frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortState {
    /// Off.
    #[default]
    Disabled,
    /// Listens for BPDUs.
    Listening,
    /// Learns MACs, passes nothing.
    Learning,
    /// Passes frames.
    Forwarding,
    /// Kept closed against loops.
    Blocking,
}

impl PortState {
    /// The word of `bridge link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Listening => "listening",
            Self::Learning => "learning",
            Self::Forwarding => "forwarding",
            Self::Blocking => "blocking",
        }
    }
}

/// The place of a device below its master.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Port {
    /// A bridge's port.
    Bridge(BridgePort),
    /// A bond's port.
    Bond {
        /// Whether it carries traffic.
        active: bool,
        /// Whether the link monitor says it works.
        mii_up: bool,
        /// How often it failed.
        failures: u32,
    },
    /// Below a VRF.
    Vrf {
        /// The VRF's table.
        table: TableId,
    },
    /// Another kind.
    Other {
        /// The kernel's name for it.
        name: String,
    },
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
    /// `802.1Q` or `802.1ad`.
    pub protocol: String,
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

/// IPv4's settings of one device (`net.ipv4.conf.DEVICE.*`), the ones that decide where packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InetConf {
    /// Packets that arrive here may leave by another device.
    pub forwarding: i32,
    /// Reverse path filter; the kernel takes the maximum of this and `all`.
    pub rp_filter: i32,
    /// ARP questions for addresses that are reachable by another device are answered.
    pub proxy_arp: i32,
    /// Those reachable by the same device too.
    pub proxy_arp_pvlan: i32,
    /// Own addresses are taken as a source.
    pub accept_local: i32,
    /// 127/8 may be routed.
    pub route_localnet: i32,
    /// Which ARP questions are answered.
    pub arp_ignore: i32,
    /// Which source ARP questions have.
    pub arp_announce: i32,
    /// Whether ARP follows the source route.
    pub arp_filter: i32,
    /// Whether unasked ARP makes entries.
    pub arp_accept: i32,
    /// Whether the fwmark takes part in the reverse path lookup.
    pub src_valid_mark: i32,
    /// Whether redirects are sent.
    pub send_redirects: i32,
    /// Whether redirects are followed.
    pub accept_redirects: i32,
    /// Whether packets from impossible addresses are logged.
    pub log_martians: i32,
    /// Whether directed broadcasts are forwarded.
    pub bc_forwarding: i32,
    /// Whether routes by a device without carrier are passed over.
    pub ignore_routes_with_linkdown: i32,
}

/// IPv6's settings of one device (`net.ipv6.conf.DEVICE.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Inet6Conf {
    /// No IPv6 at all.
    pub disable_ipv6: i32,
    /// Packets that arrive here may leave by another device.
    pub forwarding: i32,
    /// The same, whatever `all` says.
    pub force_forwarding: i32,
    /// Neighbour questions are answered for the addresses of the proxy table.
    pub proxy_ndp: i32,
    /// Router advertisements are followed: 1 unless forwarding, 2 always.
    pub accept_ra: i32,
    /// Duplicate address detection: 0 off, 1 on, 2 on and switch IPv6 off on a clash.
    pub accept_dad: i32,
    /// The hop limit of own packets.
    pub hop_limit: i32,
    /// The largest IPv6 packet, octets.
    pub mtu: i32,
    /// Segment routing headers are accepted.
    pub seg6_enabled: i32,
    /// Whether routes by a device without carrier are passed over.
    pub ignore_routes_with_linkdown: i32,
}

/// What went through a device since it was made (`struct rtnl_link_stats64`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the kernel's own names; see linux/if_link.h")]
pub struct LinkStats {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub multicast: u64,
    pub collisions: u64,
    pub rx_length_errors: u64,
    pub rx_over_errors: u64,
    pub rx_crc_errors: u64,
    pub rx_frame_errors: u64,
    pub rx_fifo_errors: u64,
    pub rx_missed_errors: u64,
    pub tx_aborted_errors: u64,
    pub tx_carrier_errors: u64,
    pub tx_fifo_errors: u64,
    pub tx_heartbeat_errors: u64,
    pub tx_window_errors: u64,
    pub rx_nohandler: u64,
    pub rx_otherhost_dropped: u64,
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
    fn flags_are_the_words_of_ip_link() {
        let flags = LinkFlags(0x1_1043);
        let text = serde_json::to_string(&flags).unwrap();
        assert_eq!(text, r#"["BROADCAST","MULTICAST","UP","LOWER_UP"]"#);
        let back: LinkFlags = serde_json::from_str(&text).unwrap();
        assert!(back.has(LinkFlags::UP) && back.has(LinkFlags::LOWER_UP));
        assert!(!back.has(LinkFlags::NOARP));
    }

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
