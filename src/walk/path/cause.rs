//! Each way in which the kernel loses a packet.

use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::Serialize;

use super::{Place, Row};
use crate::model::number::Vni;

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
    /// The port that leads there is kept out of flooding.
    NotFlooded {
        /// What is not flooded: the port's setting by `bridge link`'s name.
        setting: &'static str,
    },
    /// An untagged frame comes in by a port of a bridge that filters VLANs, and the port has none for it.
    NoPvid,
    /// A port of a bridge that filters VLANs is not in the frame's: it neither comes in there nor goes out.
    NotInVlan {
        /// The VLAN.
        vlan: u16,
    },
    /// A tagged frame arrives, and there is no VLAN device that takes it.
    NoVlanDevice {
        /// The tag.
        vlan: u16,
    },
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
    /// More waits at the socket than may: its program does not take what comes.
    SocketFull {
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// The port.
        port: u16,
        /// Octets that wait to be read (UDP), connections that wait to be accepted (TCP).
        waiting: u32,
        /// The most that may, of the same.
        limit: u32,
    },
    /// The kernel is told not to answer echoes.
    EchoIgnored {
        /// By this setting.
        setting: &'static str,
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
