//! One network namespace: everything that decides where its packets go.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::counters::{Conntrack, Counters};
use super::fdb::FdbEntry;
use super::link::Link;
use super::neighbour::Neighbour;
use super::netfilter::Netfilter;
use super::number::{IfIndex, NetnsId, Nsid};
use super::route::{MdbEntry, NextHopObject, PortVlan, Route};
use super::rule::Rule;
use super::socket::Socket;
use super::table::{Reading, Table};
use super::tc::{Filter, Qdisc};

/// One network namespace.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Netns {
    /// Which.
    pub id: NetnsId,
    /// The paths it is bound to.
    pub paths: Vec<String>,
    /// How this namespace calls others.
    pub nsids: Vec<NamedNetns>,
    /// Who lives in it. In the node's own namespace, only processes of pods that share it are told.
    pub processes: Table<Process>,
    /// Devices.
    pub links: Table<Link>,
    /// Addresses.
    pub addresses: Table<Address>,
    /// Policy rules, IPv4 then IPv6, each in the order they are asked.
    pub rules: Table<Rule>,
    /// Routes of all tables.
    pub routes: Table<Route>,
    /// Nexthop objects.
    pub nexthops: Table<NextHopObject>,
    /// Neighbours, and addresses answered for others.
    pub neighbours: Table<Neighbour>,
    /// Forwarding databases of bridges and VXLAN devices.
    pub fdb: Table<FdbEntry>,
    /// VLANs of bridge ports.
    pub port_vlans: Table<PortVlan>,
    /// Multicast group members of bridges.
    pub mdb: Table<MdbEntry>,
    /// Settings that forwarding depends on, by `sysctl`'s names. Those of single devices are with the links.
    pub sysctls: Table<Sysctl>,
    /// Queues.
    pub qdiscs: Table<Qdisc>,
    /// Filters.
    pub filters: Table<Filter>,
    /// Packet filters and address translation.
    pub netfilter: Netfilter,
    /// UDP sockets and TCP listeners.
    pub sockets: Table<Socket>,
    /// Protocol counters.
    pub counters: Reading<Counters>,
    /// Connection tracking.
    pub conntrack: Reading<Conntrack>,
}

impl Netns {
    /// The device with that index.
    pub fn link(&self, index: IfIndex) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// The device of that name, or that answers to it.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| {
            link.name == name || link.alternative_names.iter().any(|other| other == name)
        })
    }

    /// The name of a device, or `if17` when it is not known.
    pub fn device_name(&self, index: IfIndex) -> String {
        self.link(index)
            .map_or_else(|| format!("if{index}"), |link| link.name.clone())
    }

    /// The addresses of a device.
    pub fn addresses_of(&self, device: IfIndex) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(move |a| a.device == device)
    }

    /// The value of a sysctl.
    pub fn sysctl(&self, name: &str) -> Option<&str> {
        self.sysctls
            .iter()
            .find(|sysctl| sysctl.name == name)
            .map(|sysctl| sysctl.value.as_str())
    }

    /// The value of a sysctl that is a number.
    pub fn sysctl_number(&self, name: &str) -> Option<i64> {
        self.sysctl(name)?.parse().ok()
    }

    /// The namespace that this one calls `nsid`.
    pub fn named(&self, nsid: Nsid) -> Option<NetnsId> {
        self.nsids
            .iter()
            .find(|named| named.nsid == nsid)
            .map(|named| named.netns)
    }
}

/// What a namespace calls another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedNetns {
    /// The number it has in this namespace.
    pub nsid: Nsid,
    /// Which namespace that is.
    pub netns: NetnsId,
}

/// One setting of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// `net.ipv4.ip_forward`
    pub name: String,
    /// Its value as text, blanks between several numbers.
    pub value: String,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number on the node.
    pub pid: u32,
    /// Its command line, or its name in brackets if it has none.
    pub command: String,
    /// The container it belongs to, as its control group says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}
