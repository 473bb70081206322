//! What an operator writes about a network: the agent's configuration file, in TOML or JSON.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::naming::HostPrefix;

/// The configuration of an agent, as written. [`Network::new`](super::Network::new) checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The network's name; also the `name` of the CNI configuration.
    pub name: String,
    /// How pods are attached and how their addresses are laid out.
    pub mode: Mode,
    /// When traffic between nodes is wrapped in VXLAN. Default: `never` for `routed`, else `always`.
    #[serde(default)]
    pub encap: Option<Encap>,
    /// Where pod addresses come from; at most one pool a family.
    pub pools: Vec<Pool>,
    /// Whether a node without free addresses takes single ones of other nodes' blocks.
    #[serde(default)]
    pub borrow: bool,
    /// This node's name. Default: its host name.
    #[serde(default)]
    pub node: Option<String>,
    /// The device that reaches the other nodes.
    #[serde(default)]
    pub underlay: Option<String>,
    /// This node's addresses on the underlay, at most one a family. Default: the device's first
    /// global address of each family.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The pods' MTU in octets. Default: all the underlay carries.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// Whether what leaves the pools takes the node's address.
    #[serde(default = "yes")]
    pub masquerade: bool,
    /// The VXLAN device.
    #[serde(default)]
    pub vxlan: VxlanSettings,
    /// The bridge of the modes that have one. Default: `cni0`.
    #[serde(default)]
    pub bridge: Option<String>,
    /// What the host end of a pod's veth pair is called before its hash. Default: `cali`.
    #[serde(default)]
    pub host_prefix: Option<HostPrefix>,
    /// The standard plugins chained after ours.
    #[serde(default)]
    pub plugins: Vec<Chained>,
    /// The file to write in the CNI directory. Default: `10-NAME.conflist`.
    #[serde(default)]
    pub cni_file: Option<String>,
    /// The version the CNI configuration declares. Default: 1.0.0.
    #[serde(default)]
    pub cni_version: Option<String>,
}

/// How pods are attached and how their addresses are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Calico's way: each pod is a host route behind its own veth pair.
    Routed,
    /// Weave's way: one flat network, a bridge on each node, all bridges joined by VXLAN.
    Flat,
    /// flannel's way: a subnet and a bridge on each node, and routes between the subnets.
    Subnets,
}

/// When traffic between nodes is wrapped in VXLAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Encap {
    /// Never: the nodes are each other's neighbours.
    Never,
    /// Always.
    Always,
    /// Only to nodes of another subnet.
    CrossSubnet,
}

/// Addresses for pods, handed to nodes in blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pool {
    /// The addresses.
    pub cidr: IpNet,
    /// The prefix length of a block. Default: 26 (IPv4), 122 (IPv6).
    #[serde(default)]
    pub block_size: Option<u8>,
    /// Blocks that this node claims before any other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred: Vec<IpNet>,
}

/// The VXLAN device, as written. What is left out is Calico's (routed), Weave's (flat) or flannel's
/// (subnets) value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VxlanSettings {
    /// The device's name.
    #[serde(default)]
    pub device: Option<String>,
    /// The network identifier, below 2²⁴.
    #[serde(default)]
    pub vni: Option<u32>,
    /// The UDP port.
    #[serde(default)]
    pub port: Option<u16>,
    /// Whether the device learns addresses from what it receives. Only for a flat network.
    #[serde(default)]
    pub learning: Option<bool>,
}

/// A standard plugin chained after ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Chained {
    /// Shapes a pod's traffic as its annotations ask.
    Bandwidth,
    /// Forwards host ports to pods.
    Portmap,
}

impl Pool {
    /// The prefix length of a block.
    pub fn block_size(&self) -> u8 {
        self.block_size.unwrap_or(match self.cidr {
            IpNet::V4(_) => 26,
            IpNet::V6(_) => 122,
        })
    }
}

fn yes() -> bool {
    true
}
