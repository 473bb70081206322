//! The part of a node's network state that is ours: what it should be, or what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::masquerade::Masquerade;
use crate::mac::Mac;

/// Links, rows and settings of one network on one node. The desired one is computed, the actual one is
/// read from the kernel, and both hold only what is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The bridge.
    pub bridge: Option<Bridge>,
    /// The VXLAN device.
    pub vxlan: Option<Tunnel>,
    /// Addresses of the two.
    pub addresses: BTreeSet<(Device, IpNet)>,
    /// Routes of our protocol number to what lies in the pools, in the main table.
    pub routes: BTreeMap<RouteKey, Target>,
    /// Permanent neighbours on the VXLAN device: who in the overlay has which inner address.
    pub neighbours: BTreeMap<IpAddr, Mac>,
    /// Permanent forwarding entries of the VXLAN device: which inner address is behind which node.
    /// [`Mac::ZERO`] has the flooding list.
    pub fdb: BTreeMap<Mac, BTreeSet<IpAddr>>,
    /// Kernel settings by their path below `/proc/sys`. The actual state holds those the desired one
    /// names, and `None` where the kernel has none.
    pub sysctls: BTreeMap<String, Option<String>>,
    /// Our nftables table.
    pub masquerade: Option<Masquerade>,
}

/// A device, by its part in the network; its index is only known once it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// The device that reaches the other nodes.
    Underlay,
    /// Our VXLAN device.
    Vxlan,
    /// Our bridge.
    Bridge,
    /// Any other, by index: a row of ours that points there is wrong.
    Other(u32),
}

/// A bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Its own address.
    pub mac: Mac,
    /// Its MTU in octets.
    pub mtu: u32,
    /// Whether it is administratively up.
    pub up: bool,
}

/// A VXLAN device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// Its name.
    pub name: String,
    /// What can only be given at creation: a difference means making it anew.
    pub fixed: Fixed,
    /// Its own address.
    pub mac: Mac,
    /// Its MTU in octets.
    pub mtu: u32,
    /// Whether it is administratively up.
    pub up: bool,
    /// The device it is a port of.
    pub master: Option<Device>,
}

/// The parameters of a VXLAN device that the kernel does not change later, or not without losing its
/// forwarding database (`vxlan_changelink`, drivers/net/vxlan/vxlan_core.c).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The network identifier.
    pub vni: u32,
    /// The UDP port.
    pub port: u16,
    /// The outer source address.
    pub local: Option<IpAddr>,
    /// The device the outer packets leave by.
    pub underlay: Option<Device>,
    /// Whether it learns addresses from what it receives.
    pub learning: bool,
}

/// What tells two routes of one table apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    /// The destination.
    pub destination: IpNet,
    /// The metric. The kernel gives IPv6 routes 1024 where none is named (`IP6_RT_PRIO_USER`).
    pub metric: u32,
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To a node, through a device, without asking whether the gateway is on its subnet.
    Via {
        /// The next hop.
        gateway: IpAddr,
        /// The device.
        device: Device,
        /// Whether the gateway is taken as reachable without a route to it (`onlink`).
        onlink: bool,
    },
    /// Nowhere: an address of a local block without a pod must not follow the default route.
    Blackhole,
    /// Something of our protocol number that this engine never makes.
    Foreign,
}

impl RouteKey {
    /// The key of a route that names no metric.
    pub fn plain(destination: IpNet) -> Self {
        let metric = match destination {
            IpNet::V4(_) => 0,
            IpNet::V6(_) => 1024,
        };
        Self {
            destination,
            metric,
        }
    }
}
