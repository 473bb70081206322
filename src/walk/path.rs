//! What a walk says: the packet, every device it passes with the rows that sent it there, and how it ends.
//!
//! Plain values that own their text, so that they can be kept, sent and shown after the snapshot is gone.

use std::fmt;
use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::Serialize;

use super::flow::Flow;
use super::netfilter::Hook;
use crate::model::number::{IfIndex, NetnsId, Vni};

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
            Self::Udp { .. } => 17,
            Self::Tcp { .. } => 6,
            Self::Tunnel { number } => number,
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
            Self::EchoRequest | Self::EchoReply | Self::Tunnel { .. } => None,
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
            (other, None) => other,
        }
    }

    /// The word of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::EchoRequest | Self::EchoReply => "icmp",
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
}

impl Row {
    /// A row of a table.
    pub fn new(table: RowTable, text: impl Into<String>) -> Self {
        Self {
            table,
            text: text.into(),
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

/// Why and where a packet is lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drop {
    /// Why.
    pub cause: Cause,
    /// Where.
    pub at: Place,
    /// The rows that say so.
    pub rows: Vec<Row>,
}

/// Each way in which the kernel loses a packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// No route for this destination.
    NoRoute {
        /// The destination.
        destination: IpAddr,
    },
    /// The route, or the rule, says to lose it.
    RouteForbids {
        /// The destination.
        destination: IpAddr,
        /// `blackhole`, `unreachable` or `prohibit`.
        kind: &'static str,
    },
    /// It wants to send from an address that the namespace does not have.
    SourceNotLocal {
        /// The address.
        source: IpAddr,
    },
    /// The device that it should leave by is down.
    DeviceDown,
    /// The device has no other end, or that end is down.
    PeerDown {
        /// The other end, if it is known.
        peer: Option<Place>,
    },
    /// Nobody answers for the next hop's address.
    NeighbourUnresolved {
        /// The address.
        address: IpAddr,
        /// Why nobody answers, as far as is known.
        why: Unanswered,
    },
    /// The neighbour entry holds a MAC that is not the next hop's.
    NeighbourWrong {
        /// The next hop.
        address: IpAddr,
        /// What the entry says.
        mac: Mac,
        /// What the next hop has.
        real: Option<Mac>,
    },
    /// The device takes no part in ARP, so that frames for others leave it with its own MAC
    /// (`arp_constructor`).
    ArpOff,
    /// The frame is for another MAC than the device's.
    NotForThisMac {
        /// What the frame is for.
        mac: Mac,
        /// What the device has.
        own: Option<Mac>,
    },
    /// `net.ipv4.conf.DEVICE.forwarding` is off where it came in.
    ForwardingOff {
        /// The setting.
        sysctl: String,
    },
    /// The reverse path filter throws it away.
    ReversePath {
        /// The source that it does not believe.
        source: IpAddr,
        /// 1 strict, 2 loose.
        mode: i32,
    },
    /// Its source or destination cannot be (`ip_route_input_slow`, martians).
    Martian {
        /// Which address.
        address: IpAddr,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is delivered, but to somebody else who has the same address.
    DeliveredElsewhere {
        /// To whom.
        to: Place,
    },
    /// A frame comes in by a device that is no bridge's port, though the address it asks for is behind a bridge.
    NotInBridge {
        /// That bridge.
        bridge: String,
    },
    /// The bridge is down.
    BridgeDown,
    /// A bridge port does not pass frames.
    PortNotForwarding {
        /// Its state.
        state: &'static str,
    },
    /// Both ports are isolated.
    PortIsolated,
    /// It would leave by the port it came by, and hairpin is off.
    HairpinOff,
    /// The bridge sends the frame to a port behind which its MAC is not.
    BridgeFdbWrong {
        /// The frame's MAC.
        mac: Mac,
        /// The port it should leave by, if it is known.
        right: Option<String>,
    },
    /// A bridge knows no port for the frame, and floods to none that leads there.
    BridgeKnowsNobody {
        /// The frame's MAC.
        mac: Mac,
    },
    /// The VXLAN device has no row for the frame's MAC and none to flood to.
    NoTunnelEnd {
        /// The frame's MAC.
        mac: Mac,
    },
    /// The VXLAN device floods, but not to the tunnel end where the MAC is.
    NotInFloodList {
        /// The frame's MAC.
        mac: Mac,
        /// The tunnel end that is missing.
        missing: IpAddr,
    },
    /// The VXLAN device sends it to a tunnel end that is not where the MAC is.
    WrongTunnelEnd {
        /// The frame's MAC.
        mac: Mac,
        /// Where it is sent.
        sent_to: IpAddr,
        /// Where it should be sent.
        right: Option<IpAddr>,
    },
    /// The VXLAN device sends to its own node.
    TunnelEndIsSelf {
        /// That address.
        address: IpAddr,
    },
    /// Nothing takes the wrapped packet where it arrives: no VXLAN device with that port.
    NoTunnelDevice {
        /// The UDP port it was sent to.
        port: u16,
        /// The VXLAN devices there and their ports.
        there: Vec<(String, u16)>,
    },
    /// VXLAN devices listen on the port, but none has the VNI.
    VniMismatch {
        /// The VNI it was sent with.
        vni: Vni,
        /// The VXLAN devices there and their VNIs.
        there: Vec<(String, Vni)>,
    },
    /// Nothing takes packets of this tunnel protocol from there.
    NoIpTunnel {
        /// 4 IPIP, 41 IPv6, 47 GRE.
        protocol: u8,
    },
    /// The VXLAN device is there, but down.
    TunnelDeviceDown,
    /// The wrapped packet comes from an address that the receiver's device does not take.
    TunnelPeerUnknown {
        /// The address.
        address: IpAddr,
    },
    /// The frame comes from the receiving tunnel device's own MAC, which is thrown away (`vxlan_set_mac`).
    DuplicateTunnelMac {
        /// The MAC.
        mac: Mac,
    },
    /// No node has the address, nor is there a router that may know it.
    NobodyHasAddress {
        /// The address.
        address: IpAddr,
    },
    /// The node that it is sent to does not forward for the destination.
    WrongNode {
        /// The node it is sent to.
        node: String,
        /// The node where the destination is.
        right: Option<String>,
    },
    /// It does not fit and must not be cut.
    MtuExceeded {
        /// What fits, octets.
        mtu: u32,
        /// What it has, octets.
        size: u32,
        /// Nobody is told: the outer packet of a tunnel, or a bridge.
        silent: bool,
    },
    /// A rule of the packet filter drops or rejects it.
    Filtered {
        /// `iptables` or `nft`.
        by: &'static str,
        /// The table and chain.
        chain: String,
        /// Whether the sender is told.
        rejected: bool,
        /// It was the policy at the end of the chain.
        policy: bool,
        /// The command that takes it away, without what it takes to run it in the namespace.
        undo: String,
    },
    /// It went round and round.
    Loop,
    /// It needed more hops than it was given.
    HopLimit,
    /// Nothing listens on the port.
    NothingListens {
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// The port.
        port: u16,
    },
    /// A service without an endpoint.
    NoEndpoint {
        /// Its address.
        address: IpAddr,
    },
    /// The namespace has IPv6 switched off there.
    FamilyOff,
}

/// Why nobody answers for an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Unanswered {
    /// Nothing at the other end has it, and the entry says that asking failed.
    Nobody,
    /// The other end does not answer for others: `proxy_arp` (`proxy_ndp`) is off.
    ProxyOff {
        /// The device.
        device: String,
    },
    /// It would, but does not forward what comes in there.
    ForwardingOff {
        /// The device.
        device: String,
    },
    /// It would, but has no route to the address, or only one by the same device.
    NoRoute {
        /// The device.
        device: String,
    },
    /// Who has it is told not to answer.
    Refused {
        /// The device.
        device: String,
        /// By what.
        setting: String,
    },
    /// Who has it does not hear the question: it is lost on the way.
    NotHeard(Box<Cause>),
}

/// Something noticed that does not stop the packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Note {
    /// Where.
    pub at: Place,
    /// What.
    pub kind: NoteKind,
    /// The row, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<Row>,
}

/// What can be noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum NoteKind {
    /// The source address was replaced.
    SourceTranslated {
        /// By.
        to: IpAddr,
        /// By a masquerading rule.
        masquerade: bool,
    },
    /// The destination address was replaced.
    DestinationTranslated {
        /// By.
        to: IpAddr,
    },
    /// A hash decides between several ways; this is one of them.
    OneOfSeveral {
        /// How many there are.
        ways: usize,
    },
    /// The next hop is not a known node; the underlay is taken to bring it to the destination.
    UnderlayRoutes {
        /// The router.
        router: IpAddr,
    },
    /// The kernel has to ask first: no valid entry yet, but somebody would answer.
    WouldResolve {
        /// For whom.
        address: IpAddr,
    },
    /// It is cut into pieces here.
    Fragmented {
        /// The largest piece, octets.
        mtu: u32,
    },
    /// A rule that is not understood may throw it away here.
    MayDrop {
        /// Where in the stack.
        hook: Hook,
        /// As what it would be lost.
        cause: Box<Cause>,
    },
    /// A program sees the packet here, and what it does cannot be read: XDP, or a BPF or other filter.
    Program {
        /// What it is.
        what: String,
    },
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceTranslated { to, masquerade } => {
                let how = if *masquerade { "masquerade" } else { "SNAT" };
                write!(f, "source becomes {to} ({how})")
            }
            Self::DestinationTranslated { to } => write!(f, "destination becomes {to} (DNAT)"),
            Self::OneOfSeveral { ways } => write!(f, "one of {ways} ways, chosen by a hash"),
            Self::UnderlayRoutes { router } => {
                write!(
                    f,
                    "{router} is no node of these; taken for a router of the underlay"
                )
            }
            Self::WouldResolve { address } => write!(f, "asks for {address} first"),
            Self::Fragmented { mtu } => write!(f, "cut into pieces of {mtu} octets"),
            Self::MayDrop { hook, .. } => write!(f, "a rule at {} may take it", hook.as_str()),
            Self::Program { what } => write!(f, "{what} sees it and may do anything"),
        }
    }
}
