//! What an ADD does to the kernel, as data. There is one definition: the list that [`Plan`] holds is what
//! ADD executes, what CHECK compares with the kernel, and what `ovl cni plan` prints.
//!
//! A list names links, never indices: an index is not known before the link is there.

pub mod check;
pub mod execute;

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::mac::Mac;
use crate::naming::Owner;

/// The schema of a printed [`Plan`].
pub const SCHEMA: &str = "ovl.plan/v1";

/// The kernel operations of one ADD, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whose it is.
    #[serde(flatten)]
    pub owner: Owner,
    /// What is done.
    pub operations: Vec<Operation>,
}

/// In which network namespace an operation takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The node's.
    Node,
    /// The pod's.
    Pod,
}

/// One change of the kernel's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "operation",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Operation {
    /// Makes the bridge unless it is there, and raises it.
    EnsureBridge {
        /// Its name.
        name: String,
        /// Its hardware address, if it has to be made.
        mac: Mac,
        /// Its MTU in octets, if it has to be made.
        mtu: u32,
    },
    /// Makes a veth pair, one end in each namespace.
    CreateVeth {
        /// The end on the node.
        node: VethEnd,
        /// The end in the pod.
        pod: VethEnd,
        /// The MTU of both ends, in octets.
        mtu: u32,
        /// The bridge whose port the node's end becomes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bridge: Option<String>,
    },
    /// Writes on the node's end whose it is.
    SetAlias {
        /// The link.
        link: String,
        /// The text.
        alias: String,
    },
    /// Sets what a bridge does at one of its ports.
    SetPort {
        /// The port.
        link: String,
        /// Whether frames may leave by the port they came in by: a pod that reaches itself through a
        /// service address needs it.
        hairpin: bool,
    },
    /// Gives the node a way to the pods' gateway, an address that exists nowhere: the kernel answers ARP
    /// for it only where it has a unicast route to it by another link (`arp_process`, net/ipv4/arp.c).
    /// Where there is no default route, the loopback device does.
    EnsureGatewayRoute {
        /// The gateway.
        gateway: IpAddr,
    },
    /// Writes a sysctl.
    SetSysctl {
        /// Where.
        side: Side,
        /// Its path below /proc/sys, with slashes: link names may hold dots.
        key: String,
        /// The number.
        value: i64,
    },
    /// Gives a link an address.
    AddAddress {
        /// Where.
        side: Side,
        /// The link.
        link: String,
        /// The address with its prefix length.
        address: IpNet,
    },
    /// Raises a link.
    RaiseLink {
        /// Where.
        side: Side,
        /// The link.
        link: String,
    },
    /// Adds a route.
    AddRoute {
        /// Where.
        side: Side,
        /// The table; none is the main one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<u32>,
        /// The destination.
        destination: IpNet,
        /// The next hop; none when the destination is on the link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gateway: Option<IpAddr>,
        /// The link.
        link: String,
        /// The source address of packets that have none yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
        /// The metric; lower wins, none is the kernel's own default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metric: Option<u32>,
        /// The MTU along the path in octets; none is the link's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtu: Option<u32>,
    },
    /// Has the pod ask a table of its own for what it sends from an address.
    AddRule {
        /// The address.
        source: IpNet,
        /// The table.
        table: u32,
    },
}

/// One end of a veth pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VethEnd {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: Mac,
}

impl Plan {
    /// A plan of `operations` for `owner`.
    pub fn new(owner: Owner, operations: Vec<Operation>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            owner,
            operations,
        }
    }

    /// The veth pair it makes: the node's end and the pod's.
    pub fn veth(&self) -> Option<(&VethEnd, &VethEnd)> {
        self.operations
            .iter()
            .find_map(|operation| match operation {
                Operation::CreateVeth { node, pod, .. } => Some((node, pod)),
                _ => None,
            })
    }
}

impl Operation {
    /// Sets the sysctl `name` of a link in `table`, such as `ipv4/conf`.
    pub fn link_sysctl(side: Side, table: &str, link: &str, name: &str, value: i64) -> Self {
        Self::SetSysctl {
            side,
            key: format!("net/{table}/{link}/{name}"),
            value,
        }
    }

    /// Has the node forward at all, which one without an agent may not yet do.
    pub fn forward(key: &str) -> Self {
        Self::SetSysctl {
            side: Side::Node,
            key: key.to_owned(),
            value: 1,
        }
    }

    /// Adds a route that has nothing beside this.
    pub fn route(
        side: Side,
        table: Option<u32>,
        destination: IpNet,
        gateway: Option<IpAddr>,
        link: &str,
        metric: Option<u32>,
    ) -> Self {
        let link = link.to_owned();
        Self::AddRoute {
            side,
            table,
            destination,
            gateway,
            link,
            source: None,
            metric,
            mtu: None,
        }
    }

    /// The namespace it takes place in.
    pub fn side(&self) -> Side {
        match self {
            Self::EnsureBridge { .. }
            | Self::CreateVeth { .. }
            | Self::SetAlias { .. }
            | Self::SetPort { .. }
            | Self::EnsureGatewayRoute { .. } => Side::Node,
            Self::SetSysctl { side, .. }
            | Self::AddAddress { side, .. }
            | Self::RaiseLink { side, .. }
            | Self::AddRoute { side, .. } => *side,
            Self::AddRule { .. } => Side::Pod,
        }
    }
}

impl Side {
    /// Whose it is, in words.
    pub fn whose(self) -> &'static str {
        match self {
            Self::Node => "the node's",
            Self::Pod => "the pod's",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnsureBridge { name, .. } => write!(f, "make bridge {name}"),
            Self::CreateVeth { node, pod, .. } => {
                write!(
                    f,
                    "make the veth pair {} (node) and {} (pod)",
                    node.name, pod.name
                )
            }
            Self::SetAlias { link, .. } => write!(f, "set the alias of {link}"),
            Self::SetPort { link, .. } => write!(f, "set the bridge port flags of {link}"),
            Self::EnsureGatewayRoute { gateway } => {
                write!(f, "give the node a route to the pods' gateway {gateway}")
            }
            Self::SetSysctl { side, key, value } => {
                write!(f, "set {} {key} to {value}", side.whose())
            }
            Self::AddAddress {
                side,
                link,
                address,
            } => {
                write!(f, "add address {address} to {} {link}", side.whose())
            }
            Self::RaiseLink { side, link } => write!(f, "raise {} {link}", side.whose()),
            Self::AddRoute {
                side,
                destination,
                link,
                ..
            } => {
                write!(f, "add {} route to {destination} by {link}", side.whose())
            }
            Self::AddRule { source, table } => {
                write!(f, "add the pod's rule from {source} to table {table}")
            }
        }
    }
}
