//! What is asked of a node about load, and what it answers.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::probe::message::NetnsRef;

/// What carries the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// One connection, as fast as it goes.
    Tcp,
    /// Small datagrams, as many as go.
    Udp,
}

/// Receive load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// Inside this namespace.
    pub netns: NetnsRef,
    /// At this address of it.
    pub address: IpAddr,
    /// At this port; the kernel's choice if 0.
    pub port: u16,
    /// What kind.
    pub load: Load,
    /// What load of ours begins with; everything else is not counted.
    pub nonce: u64,
    /// Milliseconds after which it ends in any case.
    pub limit_ms: u64,
}

/// A receiver that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// The receiver's number, for asking what it got.
    pub receiver: u32,
    /// The port.
    pub port: u16,
}

/// Send load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    /// From inside this namespace.
    pub netns: NetnsRef,
    /// To there.
    pub destination: SocketAddr,
    /// What kind.
    pub load: Load,
    /// What it begins with.
    pub nonce: u64,
    /// Milliseconds that it lasts.
    pub duration_ms: u64,
    /// Octets of payload in a datagram. A connection chooses by itself.
    pub payload: u16,
    /// Bits of payload a second that are not to be exceeded.
    pub most_bits: u64,
}

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flooded {
    /// Why nothing could be sent, as the network or the other end would have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Datagrams given to the kernel.
    pub datagrams: u64,
    /// How long it took, microseconds.
    pub elapsed_us: u64,
    /// Octets of payload in a segment.
    #[serde(default)]
    pub segment: u32,
    /// Segments that were sent again.
    #[serde(default)]
    pub retransmitted: u32,
}

/// What a receiver got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Octets of payload.
    pub octets: u64,
    /// Datagrams.
    pub datagrams: u64,
    /// From the first to the last, microseconds; of a connection from its start.
    pub elapsed_us: u64,
}
