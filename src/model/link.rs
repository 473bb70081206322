//! Network devices.

mod conf;
mod kind;
mod port;

use std::fmt;

use plugin_core::mac::Mac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use conf::{Inet6Conf, InetConf};
pub use kind::{
    Bond, Bridge, DontFragment, Geneve, Ipvlan, LinkKind, Macvlan, Netkit, Tunnel, Vlan,
    VlanProtocol, Vxlan,
};
pub use port::{BridgePort, Port, PortState};

use super::number::{IfIndex, NetnsId, Nsid};

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
    /// That program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xdp_program: Option<Program>,
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

/// A BPF program of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its number, as `bpftool prog show id` takes it.
    pub id: u32,
    /// Its name, at most 15 octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}, id {}", self.id),
            None => write!(f, "id {}", self.id),
        }
    }
}

impl Link {
    /// An Ethernet device that is down and of which nothing more is known.
    pub fn new(index: IfIndex, name: String, kind: LinkKind) -> Self {
        Self {
            index,
            name,
            alternative_names: Vec::new(),
            alias: None,
            kind,
            port: None,
            hardware_type: 1,
            mac: None,
            permanent_mac: None,
            flags: LinkFlags::default(),
            oper_state: OperState::Unknown,
            mtu: 0,
            master: None,
            lower: None,
            qdisc: None,
            tx_queue_len: None,
            group: 0,
            promiscuity: 0,
            gso_max_size: None,
            carrier_changes: None,
            xdp: None,
            xdp_program: None,
            inet: None,
            inet6: None,
            features: None,
            stats: LinkStats::default(),
        }
    }

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
}
