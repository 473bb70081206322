//! What nodes tell each other through the store: a record per node, written by its own agent, and the
//! address blocks each of them owns.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::mac::Mac;

/// The schema of a [`Peer`] record.
pub const SCHEMA: &str = "ovl.peer/v1";

/// A node as it describes itself under `nodes/<node>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// [`SCHEMA`].
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The network this record is about.
    pub network: String,
    /// Its addresses on the underlay with their prefix lengths, at most one a family; VXLAN runs over
    /// the first.
    pub addresses: Vec<IpNet>,
    /// Its end of the tunnels, when the network has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vtep: Option<Vtep>,
    /// The MTU of its pods, in octets.
    pub mtu: u32,
    /// The address blocks it owned when it wrote this. For people: routes are made from the store's
    /// blocks.
    #[serde(default)]
    pub subnets: Vec<IpNet>,
    /// The version of its agent.
    pub version: String,
}

/// One end of the VXLAN tunnels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vtep {
    /// The address of the VXLAN device: the inner destination of what is routed to this node.
    pub mac: Mac,
    /// The device's own addresses inside the overlay, at most one a family; empty for a flat network,
    /// where the device is only a bridge port.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The VXLAN network identifier.
    pub vni: u32,
    /// The UDP port.
    pub port: u16,
}

/// A block of pod addresses, and the node that owns it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// The addresses.
    pub cidr: IpNet,
    /// The owner's name.
    pub node: String,
}

impl Peer {
    /// Its underlay address of the family of `like`.
    pub fn address_like(&self, like: IpAddr) -> Option<IpNet> {
        self.addresses
            .iter()
            .copied()
            .find(|net| net.addr().is_ipv4() == like.is_ipv4())
    }

    /// The address its VXLAN device has inside the overlay, of the family of `like`.
    pub fn vtep_address_like(&self, like: IpAddr) -> Option<IpAddr> {
        self.vtep
            .as_ref()?
            .addresses
            .iter()
            .copied()
            .find(|addr| addr.is_ipv4() == like.is_ipv4())
    }
}
