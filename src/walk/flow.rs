//! What of a packet a decision can depend on.

use std::net::IpAddr;

use crate::model::number::IfIndex;
use crate::model::rule::Family;

/// A packet as routing sees it (`struct flowi`, `include/net/flow.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The source; `None` while a socket has not chosen one.
    pub source: Option<IpAddr>,
    /// The destination.
    pub destination: IpAddr,
    /// The device it came in by; `None` when this node sends it.
    pub input: Option<IfIndex>,
    /// The device a socket is bound to.
    pub output: Option<IfIndex>,
    /// The firewall mark.
    pub mark: u32,
    /// The type of service octet.
    pub tos: u8,
    /// The IP protocol, if the question has one.
    pub protocol: Option<u8>,
    /// Source and destination port, for protocols with ports.
    pub ports: Option<(u16, u16)>,
}

impl Flow {
    /// A packet to `destination` that this node sends, with nothing else known.
    pub fn to(destination: IpAddr) -> Self {
        Self {
            source: None,
            destination,
            input: None,
            output: None,
            mark: 0,
            tos: 0,
            protocol: None,
            ports: None,
        }
    }

    /// The same packet from a source.
    #[must_use]
    pub fn from(self, source: IpAddr) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// The same packet, arriving by a device.
    #[must_use]
    pub fn arriving_by(self, device: IfIndex) -> Self {
        Self {
            input: Some(device),
            ..self
        }
    }

    /// The family of the destination.
    pub fn family(&self) -> Family {
        family_of(self.destination)
    }
}

/// The family of an address.
pub fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Inet,
        IpAddr::V6(_) => Family::Inet6,
    }
}
