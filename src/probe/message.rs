//! What is asked of a node about packets, and what it answers. Times are nanoseconds since 1970 by the clock
//! of the node that says them, unless a name says otherwise.

use std::net::IpAddr;

use plugin_core::mac::Mac;
use serde::{Deserialize, Serialize};

use crate::model::number::{IfIndex, NetnsId, Vni};
use crate::walk::path::Direction;

/// A namespace on another node, and how it may be found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetnsRef {
    /// Which. Whatever the ways below lead to is only taken if it is this one.
    pub id: NetnsId,
    /// Paths that it was bound to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Processes that were in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<u32>,
}

/// What makes a packet one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// In the payload of each probe that has one.
    pub nonce: u64,
    /// The source port of the first probe; the next has the next one.
    pub first_port: u16,
    /// How many ports from there on are ours.
    pub ports: u16,
    /// The destination's port, for UDP and TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<u16>,
    /// How any TCP connection begins is looked at, whatever its ports: ours are translated on the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_syn: bool,
    /// UDP ports that tunnels are known to use, beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tunnel_ports: Vec<u16>,
}

impl Watch {
    /// Which probe has this source port.
    pub fn sequence_of_port(&self, port: u16) -> Option<u16> {
        port.checked_sub(self.first_port)
            .filter(|sequence| *sequence < self.ports)
    }

    /// The identifier of our echoes.
    pub fn echo_id(&self) -> u16 {
        // The low 16 bits; the rest is in the payload.
        (self.nonce & 0xffff) as u16
    }
}

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// From inside this namespace.
    pub netns: NetnsRef,
    /// From this address; the kernel's choice if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// To this address.
    pub destination: IpAddr,
    /// What kind of packet.
    pub kind: Kind,
    /// What makes them ours.
    pub watch: Watch,
    /// The number of the first.
    pub first_sequence: u16,
    /// How many.
    pub count: u16,
    /// The length of each with its IP header, octets. TCP has its own.
    pub size: u32,
    /// They must not be cut.
    pub dont_fragment: bool,
    /// Microseconds from one to the next. Without it, the next is sent when the last was answered, or has
    /// had a fifth of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_us: Option<u64>,
    /// Microseconds that the last one may take to be answered.
    pub wait_us: u64,
}

/// The kind of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// ICMP or ICMPv6 echo.
    Echo,
    /// A UDP datagram to this port.
    Udp(u16),
    /// A TCP connection to this port, given up as soon as it stands.
    Tcp(u16),
}

/// What became of a probe, as its sender knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub sequence: u16,
    /// When it was handed to the kernel.
    pub time_ns: i64,
    /// What came back.
    pub outcome: Outcome,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// An echo reply, a datagram, or a connection.
    Answered {
        /// After so long.
        after_ns: u64,
    },
    /// The destination is there, and nothing listens: TCP reset, or ICMP port unreachable.
    Refused {
        /// After so long.
        after_ns: u64,
    },
    /// An ICMP error.
    Error {
        /// After so long.
        after_ns: u64,
        /// What it says.
        error: IcmpError,
    },
    /// The kernel would not send it, or gave up on it.
    NotSent {
        /// The system's number for why.
        errno: i32,
        /// In words.
        why: String,
    },
    /// Nothing, in the time it had.
    Silence,
}

/// An ICMP or ICMPv6 error about a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IcmpError {
    /// Who sent it.
    pub from: IpAddr,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The MTU it tells of, octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// A packet of ours, seen at a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The namespace.
    pub netns: NetnsId,
    /// The device.
    pub device: IfIndex,
    /// Which way, as the namespace sees it.
    pub direction: Direction,
    /// Its frame is for another MAC than the device's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_host: bool,
    /// When.
    pub time_ns: i64,
    /// Octets of the frame.
    pub length: u32,
    /// What it is.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What was recognised in a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which packet.
    pub role: Role,
    /// The innermost packet's source, as it was here.
    pub source: IpAddr,
    /// The innermost packet's destination, as it was here.
    pub destination: IpAddr,
    /// Its ports, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<(u16, u16)>,
    /// Its time to live, or hop limit.
    pub ttl: u8,
    /// The destination of the frame around it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// What it is wrapped in, the innermost wrapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<OuterSeen>,
    /// It is the first piece of several.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Which packet of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A probe.
    Request(u16),
    /// Its answer.
    Reply(u16),
    /// A TCP SYN that is ours or goes to our port, by its sequence number: ports and addresses may have
    /// been replaced on the way, that was not.
    Syn(u32),
    /// The answer to that SYN: SYN and ACK, or RST.
    SynAnswer {
        /// The SYN's sequence number.
        to: u32,
        /// It refuses.
        reset: bool,
    },
    /// An ICMP error about a probe.
    Error(u16, IcmpError),
    /// ARP or neighbour discovery asks for an address.
    Asks(IpAddr),
    /// ARP or neighbour discovery tells of an address.
    Tells(IpAddr, Mac),
}

/// A packet around a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OuterSeen {
    /// From.
    pub source: IpAddr,
    /// To.
    pub destination: IpAddr,
    /// The UDP destination port of a VXLAN packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its network identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<Vni>,
    /// Its UDP checksum is neither zero nor right, and no device is to finish it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bad_checksum: bool,
}

/// What a node saw since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seens {
    /// In the order of each socket.
    pub sightings: Vec<Sighting>,
    /// Packets that the kernel had no room for.
    pub dropped: u64,
    /// Why not all was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// A namespace where nothing can be seen, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    /// Which.
    pub netns: NetnsId,
    /// Why.
    pub why: String,
}
