//! Routes and nexthop objects.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use plugin_core::mac::Mac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{IfIndex, TableId};

/// One route of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The table it stands in.
    pub table: TableId,
    /// What it is for; the default route is for `0.0.0.0/0` or `::/0`.
    pub destination: IpNet,
    /// Only for packets from here (IPv6 subtrees).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpNet>,
    /// Only for packets of this type of service; 0 is any.
    #[serde(default, skip_serializing_if = "is_zero_u8")]
    pub tos: u8,
    /// What is done with the packets.
    pub kind: RouteKind,
    /// How far the destination is.
    pub scope: Scope,
    /// Who put it there.
    pub protocol: Protocol,
    /// Lower is better among routes to one destination.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub metric: u32,
    /// The source address that the node's own packets get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefsrc: Option<IpAddr>,
    /// Where the packets go. None for a blackhole and its like; several for multipath.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nexthops: Vec<NextHop>,
    /// The nexthop object from which `nexthops` was filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nexthop_id: Option<u32>,
    /// The path MTU, octets, that the route sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The path MTU is not to be changed by what routers say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mtu_locked: bool,
    /// The largest TCP segment that is announced, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    /// IPv6 router preference: 0 medium, 1 high, 3 low.
    #[serde(default, skip_serializing_if = "is_zero_u8")]
    pub preference: u8,
    /// Seconds until it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u32>,
    /// The kernel forwards it by hardware (`RTM_F_OFFLOAD`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offloaded: bool,
}

fn is_zero_u8(value: &u8) -> bool {
    *value == 0
}

fn is_zero_u32(value: &u32) -> bool {
    *value == 0
}

impl Route {
    /// A unicast route of the main table with nothing said beside its destination; it leads nowhere yet.
    pub fn to(destination: IpNet) -> Self {
        Self {
            table: TableId::MAIN,
            destination,
            source: None,
            tos: 0,
            kind: RouteKind::Unicast,
            scope: Scope::UNIVERSE,
            protocol: Protocol::BOOT,
            metric: 0,
            prefsrc: None,
            nexthops: Vec::new(),
            nexthop_id: None,
            mtu: None,
            mtu_locked: false,
            advmss: None,
            preference: 0,
            expires_s: None,
            offloaded: false,
        }
    }

    /// Whether it is for everything.
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }

    /// Whether it leads out of `device`.
    pub fn leaves_by(&self, device: IfIndex) -> bool {
        self.nexthops.iter().any(|hop| hop.device == Some(device))
    }
}

/// One way a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextHop {
    /// The router; `None` when the destination is on the link. It may be of the other family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<IfIndex>,
    /// Its share, at least 1.
    pub weight: u16,
    /// The router is on the link although no route says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onlink: bool,
    /// It is not used: its device is down (`RTNH_F_DEAD`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
    /// Its device has no carrier (`RTNH_F_LINKDOWN`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linkdown: bool,
    /// How packets are wrapped on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encap: Option<Encap>,
}

impl NextHop {
    /// A way straight out of a device.
    pub fn device(device: IfIndex) -> Self {
        Self {
            gateway: None,
            device: Some(device),
            weight: 1,
            onlink: false,
            dead: false,
            linkdown: false,
            encap: None,
        }
    }
}

/// Lightweight-tunnel encapsulation of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Encap {
    /// Metadata for a tunnel device (`encap ip`, `encap ip6`).
    Ip {
        /// The identifier (a VNI for VXLAN).
        id: u64,
        /// The tunnel end.
        dst: Option<IpAddr>,
        /// The outer source.
        src: Option<IpAddr>,
        /// The outer hop limit; 0 is the default.
        ttl: u8,
        /// The outer type of service.
        tos: u8,
    },
    /// MPLS labels, outermost first.
    Mpls {
        /// The labels.
        labels: Vec<u32>,
    },
    /// An IPv6 segment list.
    Seg6 {
        /// The segments.
        segments: Vec<IpAddr>,
    },
    /// Another kind, which is not decoded.
    Other {
        /// The kernel's name for it.
        name: String,
    },
}

/// What a route does with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Sends them on.
    Unicast,
    /// Takes them.
    Local,
    /// Takes them, and sends as broadcast.
    Broadcast,
    /// Takes them (IPv6 anycast).
    Anycast,
    /// Sends to a group.
    Multicast,
    /// Drops without a word.
    Blackhole,
    /// Drops and says that the host is unreachable.
    Unreachable,
    /// Drops and says that it is prohibited.
    Prohibit,
    /// Leaves this table for the next rule.
    Throw,
    /// Something else.
    Other,
}

impl RouteKind {
    /// The word of `ip route`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Local => "local",
            Self::Broadcast => "broadcast",
            Self::Anycast => "anycast",
            Self::Multicast => "multicast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
            Self::Throw => "throw",
            Self::Other => "other",
        }
    }
}

/// A number of the kernel that iproute2 has names for; JSON has the name, or the number if there is none.
macro_rules! named_number {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $what:literal, { $($(#[$cdoc:meta])* $const:ident = $value:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            $($(#[$cdoc])* pub const $const: Self = Self($value);)*

            /// iproute2's word for it, if there is one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => self.0.fmt(f),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                match text.as_ref() {
                    $($text => Ok(Self($value)),)*
                    other => other
                        .parse()
                        .map(Self)
                        .map_err(|_| serde::de::Error::custom(format!("unknown {} '{other}'", $what))),
                }
            }
        }
    };
}

named_number! {
    /// How far away something is (`RT_SCOPE_*`); larger is nearer.
    Scope, u8, "scope", {
        /// Anywhere.
        UNIVERSE = 0 "global",
        /// In the site (IPv6, historic).
        SITE = 200 "site",
        /// On the link.
        LINK = 253 "link",
        /// This node.
        HOST = 254 "host",
        /// Nowhere.
        NOWHERE = 255 "nowhere",
    }
}

named_number! {
    /// Who put a route or rule there (`RTPROT_*`).
    Protocol, u8, "protocol", {
        /// Nobody said.
        UNSPEC = 0 "unspec",
        /// An ICMP redirect.
        REDIRECT = 1 "redirect",
        /// The kernel itself.
        KERNEL = 2 "kernel",
        /// What `ip route add` says unless told otherwise.
        BOOT = 3 "boot",
        /// An administrator.
        STATIC = 4 "static",
        /// Router discovery.
        RA = 9 "ra",
        /// Zebra, FRR.
        ZEBRA = 11 "zebra",
        /// BIRD, and so Calico in BGP mode.
        BIRD = 12 "bird",
        /// A DHCP client.
        DHCP = 16 "dhcp",
        /// BGP (FRR).
        BGP = 186 "bgp",
    }
}

/// A nexthop object (`ip nexthop`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextHopObject {
    /// Its number.
    pub id: u32,
    /// Where it leads, unless it is a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<NextHop>,
    /// Its members and their weights, if it is a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<(u32, u16)>,
    /// Drops everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blackhole: bool,
    /// Of tunnel ends, for fdb entries, not of routers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fdb: bool,
    /// A resilient group: members are not reshuffled when one goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resilient: bool,
    /// Who put it there.
    pub protocol: Protocol,
}

/// A VLAN that a bridge port carries (`bridge vlan`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortVlan {
    /// The port, or the bridge itself.
    pub device: IfIndex,
    /// The tag.
    pub vlan: u16,
    /// Untagged frames that arrive belong to it.
    pub pvid: bool,
    /// Frames leave without the tag.
    pub untagged: bool,
}

/// A multicast group member of a bridge (`bridge mdb`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdbEntry {
    /// The bridge.
    pub bridge: IfIndex,
    /// The port behind which somebody listens.
    pub port: IfIndex,
    /// The group, by address …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<IpAddr>,
    /// … or by MAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Set by hand.
    pub permanent: bool,
    /// The VLAN; 0 is none.
    pub vlan: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_iproute2() {
        assert_eq!(Protocol(80).to_string(), "80");
        assert_eq!(Protocol::BIRD.to_string(), "bird");
        assert_eq!(serde_json::to_string(&Scope::LINK).unwrap(), "\"link\"");
        let back: Protocol = serde_json::from_str("\"80\"").unwrap();
        assert_eq!(back, Protocol(80));
        assert!(serde_json::from_str::<Scope>("\"far\"").is_err());
    }
}
