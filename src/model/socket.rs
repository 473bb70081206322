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
    /// Octets waiting to be read, as the kernel counts them with all that it keeps beside them; for a listener,
    /// connections waiting to be accepted.
    pub receive_queue: u32,
    /// When more waits than this, what comes is thrown away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_limit: Option<u32>,
    /// Datagrams dropped as nobody read them fast enough.
    pub drops: u32,
}

impl Socket {
    /// How much waits, and how much may, if what comes is thrown away for that: `sk_acceptq_is_full`
    /// (include/net/sock.h) for connections, `__udp_enqueue_schedule_skb` (net/ipv4/udp.c) for octets.
    pub fn overfull(&self) -> Option<(u32, u32)> {
        let limit = self.receive_limit?;
        (self.receive_queue > limit).then_some((self.receive_queue, limit))
    }
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
