//! Sockets that packets may end in.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::number::IfIndex;

/// A UDP socket, or a TCP socket that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// UDP or TCP.
    pub protocol: Transport,
    /// The address it is bound to; unspecified is all.
    pub local: IpAddr,
    /// The port it is bound to.
    pub port: u16,
    /// The only address it hears, when connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<(IpAddr, u16)>,
    /// The only device it hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<IfIndex>,
    /// An IPv6 socket that does not hear IPv4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub v6_only: bool,
    /// Its inode number, by which its process can be found; the kernel's own sockets (a tunnel's) have one
    /// that no process has.
    pub inode: u32,
    /// Octets waiting to be read; for a listener, connections waiting to be accepted.
    pub receive_queue: u32,
    /// Datagrams dropped as nobody read them fast enough.
    pub drops: u32,
}

/// The protocol of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}
