//! What a walk says: the packet, every device it passes with the rows that sent it there, and how it ends.
//!
//! Plain values that own their text, so that they can be kept, sent and shown after the snapshot is gone.

mod cause;
mod note;
mod packet;

use std::fmt;
use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::Serialize;

use crate::model::number::{IfIndex, NetnsId, Vni};

pub use cause::{Cause, Drop, Unanswered};
pub use note::{Note, NoteKind};
pub use packet::{Packet, Protocol};

/// Where something is. An index is only meaningful in its namespace, so they travel together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// The node.
    pub node: String,
    /// The namespace on it.
    pub netns: NetnsId,
    /// What people call the namespace: `root`, or the pod.
    pub name: String,
    /// The device in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// A device of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Device {
    /// Its index there.
    pub index: IfIndex,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.node, self.name)?;
        if let Some(device) = &self.device {
            write!(f, " {}", device.name)?;
        }
        Ok(())
    }
}

/// A row that decided something, in the notation an operator knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Row {
    /// The table it stands in.
    pub table: RowTable,
    /// As `ip`, `bridge`, `sysctl`, `iptables` or `nft` print it.
    pub text: String,
    /// The command that takes it away, of a rule that changes packets.
    #[serde(skip)]
    pub undo: Option<String>,
}

impl Row {
    /// A row of a table.
    pub fn new(table: RowTable, text: impl Into<String>) -> Self {
        Self {
            table,
            text: text.into(),
            undo: None,
        }
    }
}

/// The tables that rows stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowTable {
    /// `ip rule`
    Rule,
    /// `ip route`
    Route,
    /// `ip neigh`
    Neighbour,
    /// `bridge fdb`
    Fdb,
    /// `bridge vlan`
    Vlan,
    /// `ip link`, `bridge link`
    Link,
    /// `ip address`
    Address,
    /// `sysctl`
    Sysctl,
    /// `iptables`, `nft`
    Netfilter,
    /// `ss`
    Socket,
}

impl RowTable {
    /// The word for it in a line of evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Route => "route",
            Self::Neighbour => "neighbour",
            Self::Fdb => "fdb",
            Self::Vlan => "vlan",
            Self::Link => "link",
            Self::Address => "address",
            Self::Sysctl => "sysctl",
            Self::Netfilter => "netfilter",
            Self::Socket => "socket",
        }
    }
}

/// Which way a packet passes a device, seen from the namespace the device is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The namespace gives it to the device.
    Out,
    /// The device gives it to the namespace.
    In,
}

/// What happened at a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A socket of the namespace sends it by this device.
    Send,
    /// It came in by this device.
    Receive,
    /// The namespace forwards it by this device.
    Forward,
    /// A bridge passes the frame on by this port.
    Switch,
    /// A bridge floods the frame; this is the port that leads on.
    Flood,
    /// A tunnel device puts it into another packet.
    Wrap,
    /// A tunnel device takes it out of another packet.
    Unwrap,
    /// A socket of the namespace, or the kernel, takes it.
    Deliver,
}

/// The addresses of the packet at a hop, after everything that hop changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Headers {
    /// The packet's source.
    pub source: IpAddr,
    /// The packet's destination.
    pub destination: IpAddr,
    /// The frame's destination, on a device that has frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The VLAN that the frame is tagged with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// What it is wrapped in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outer: Option<Outer>,
}

/// A packet around the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Outer {
    /// From.
    pub source: IpAddr,
    /// To.
    pub destination: IpAddr,
    /// How.
    pub kind: Wrapping,
}

/// How a packet is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrapping {
    /// RFC 7348.
    Vxlan {
        /// The network identifier.
        vni: Vni,
        /// The UDP destination port.
        port: u16,
    },
    /// An IP protocol that carries a packet: 4 (IPIP), 41 (IPv6), 47 (GRE).
    Ip {
        /// Its number.
        protocol: u8,
    },
}

impl Wrapping {
    /// The octets it adds between the outer IP header's start and the inner IP header's start.
    pub fn octets(self, outer_v6: bool) -> u32 {
        let header = if outer_v6 { 40 } else { 20 };
        match self {
            // UDP 8, VXLAN 8, inner Ethernet 14.
            Self::Vxlan { .. } => header + 30,
            Self::Ip { protocol: 47 } => header + 4,
            Self::Ip { .. } => header,
        }
    }
}

/// The underlay between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Wire {
    /// The address of the node it leaves, on the device it leaves by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// The address it goes to on that network: the next hop.
    pub to: IpAddr,
    /// No node is known to have that address: a router of the underlay takes it on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_router: bool,
}

/// A device that the packet passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Where; `device` is always there.
    pub at: Place,
    /// Which way.
    pub direction: Direction,
    /// What happens here.
    pub step: Step,
    /// The rows that decided it, the decisive one first.
    pub rows: Vec<Row>,
    /// The largest packet that gets through, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The packet's length here with all that it is wrapped in, octets from the outermost IP header.
    pub size: u32,
    /// Its addresses here.
    pub headers: Headers,
    /// The underlay it crosses next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<Wire>,
}

/// A place where the packet can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TapPoint {
    /// The node.
    pub node: String,
    /// The namespace.
    pub netns: NetnsId,
    /// The device.
    pub device: IfIndex,
    /// Which way it passes.
    pub direction: Direction,
    /// It is inside a tunnel's packet here.
    pub wrapped: bool,
}

impl Hop {
    /// Where it can be seen.
    pub fn tap_point(&self) -> Option<TapPoint> {
        Some(TapPoint {
            node: self.at.node.clone(),
            netns: self.at.netns,
            device: self.at.device.as_ref()?.index,
            direction: self.direction,
            wrapped: self.headers.outer.is_some(),
        })
    }
}

/// The way of one packet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Path {
    /// The packet, as it was sent.
    pub packet: Packet,
    /// Every device it passes.
    pub hops: Vec<Hop>,
    /// How it ends.
    pub end: End,
    /// What was noticed on the way and does not stop it.
    pub notes: Vec<Note>,
}

impl Path {
    /// Where the packet can be seen, in its order.
    pub fn tap_points(&self) -> impl Iterator<Item = TapPoint> {
        self.hops.iter().filter_map(Hop::tap_point)
    }

    /// The largest packet that gets through all of it without being cut, octets of the inner IP packet.
    pub fn mtu(&self) -> Option<u32> {
        self.hops
            .iter()
            .filter_map(|hop| {
                let wrapping = hop.size.saturating_sub(self.packet.size);
                hop.mtu.map(|mtu| mtu.saturating_sub(wrapping))
            })
            .min()
    }

    /// Whether it arrives.
    pub fn is_delivered(&self) -> bool {
        matches!(self.end, End::Delivered { .. })
    }
}

/// How a way ends. Three answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It arrives.
    Delivered {
        /// Where.
        at: Place,
    },
    /// It does not.
    Dropped(Box<Drop>),
    /// The snapshots do not say.
    CannotTell {
        /// Where the trail ends.
        at: Place,
        /// Why.
        why: String,
    },
}
