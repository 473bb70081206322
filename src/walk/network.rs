//! All namespaces of all nodes as one network, ordered for walking.
//!
//! Built once from a bundle, then read only. Tables of a namespace are ordered when a packet first comes by.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use plugin_core::mac::Mac;
use smallvec::SmallVec;

use super::fib::Fib;
use super::netfilter::{Hook, Ruleset};
use super::path::{Device, Packet, Place};
use super::places::{Places, hash, hash_of};
use crate::inspect::find;
use crate::model::number::{IfIndex, NetnsId};
use crate::model::route::PortVlan;
use crate::model::{Bundle, FdbEntry, Link, LinkKind, Neighbour, Netns, Node};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Nearly every address and every MAC is one device's.
type Ports = SmallVec<[Port; 2]>;

/// A namespace of the network, by its number in [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpaceId(u32);

/// A device of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Port {
    /// Its namespace.
    pub space: SpaceId,
    /// Its index there.
    pub index: IfIndex,
}

/// The nodes of a bundle, as the packets see them.
#[derive(Debug)]
pub struct Network<'a> {
    bundle: &'a Bundle,
    spaces: Vec<Space<'a>>,
    /// By node and namespace identity: identities are only unique on one machine.
    by_netns: Map<(u32, NetnsId), SpaceId>,
    addresses: Map<IpAddr, Ports>,
    macs: Map<Mac, Ports>,
    /// The VLAN devices on each device.
    vlans: Map<(u32, NetnsId, IfIndex), Ports>,
}

/// One namespace.
#[derive(Debug)]
pub(super) struct Space<'a> {
    pub(super) node: &'a Node,
    pub(super) node_number: u32,
    pub(super) netns: &'a Netns,
    fib: OnceCell<Fib<'a>>,
    layer2: OnceCell<Layer2<'a>>,
    ruleset: OnceCell<Ruleset<'a>>,
}

/// The tables of a namespace that answer by device and MAC.
#[derive(Debug, Default)]
pub(super) struct Layer2<'a> {
    /// Rows of `netns.links`.
    links: Places,
    /// Rows of `netns.neighbours`, but for those that answer for others.
    neighbours: Places,
    /// A bridge's rows by the bridge, a device's own rows by the device.
    fdb: Map<(IfIndex, Mac), Vec<&'a FdbEntry>>,
    ports: Map<IfIndex, Vec<&'a Link>>,
    vxlans: Vec<&'a Link>,
    vlans: Map<(IfIndex, u16), &'a PortVlan>,
    pvids: Map<IfIndex, &'a PortVlan>,
}

impl<'a> Network<'a> {
    /// Orders the namespaces of all nodes.
    pub fn new(bundle: &'a Bundle) -> Self {
        let mut network = Self {
            bundle,
            spaces: Vec::new(),
            by_netns: Map::default(),
            addresses: Map::default(),
            macs: Map::default(),
            vlans: Map::default(),
        };
        for (node_number, node) in (0u32..).zip(&bundle.nodes) {
            for netns in &node.namespaces {
                network.add(node, node_number, netns);
            }
        }
        network
    }

    fn add(&mut self, node: &'a Node, node_number: u32, netns: &'a Netns) {
        let Ok(number) = u32::try_from(self.spaces.len()) else {
            return;
        };
        let space = SpaceId(number);
        self.by_netns.insert((node_number, netns.id), space);
        for row in &netns.addresses {
            let port = Port {
                space,
                index: row.device,
            };
            if !row.address.is_loopback() {
                self.addresses.entry(row.address).or_default().push(port);
            }
        }
        for link in &netns.links {
            if let (LinkKind::Vlan(_), Some(lower)) = (&link.kind, link.lower)
                && (lower.netns.is_some() || lower.nsid.is_none())
            {
                let below = lower.netns.unwrap_or(netns.id);
                let index = link.index;
                self.vlans
                    .entry((node_number, below, lower.index))
                    .or_default()
                    .push(Port { space, index });
            }
            if let Some(mac) = link.mac.filter(|mac| *mac != Mac::ZERO) {
                let port = Port {
                    space,
                    index: link.index,
                };
                self.macs.entry(mac).or_default().push(port);
            }
        }
        self.spaces.push(Space {
            node,
            node_number,
            netns,
            fib: OnceCell::new(),
            layer2: OnceCell::new(),
            ruleset: OnceCell::new(),
        });
    }

    /// The bundle it was made from.
    pub fn bundle(&self) -> &'a Bundle {
        self.bundle
    }

    /// A namespace of a node.
    pub fn space(&self, node: &str, netns: NetnsId) -> Option<SpaceId> {
        let number = self.bundle.nodes.iter().position(|n| n.name == node)?;
        self.by_netns
            .get(&(u32::try_from(number).ok()?, netns))
            .copied()
    }

    /// The namespace that forwards on a node.
    pub fn root(&self, node: &str) -> Option<SpaceId> {
        self.space(node, self.bundle.node(node)?.root)
    }

    /// The namespace behind a number.
    pub fn netns(&self, space: SpaceId) -> Option<(&'a Node, &'a Netns)> {
        self.spaces
            .get(space.0 as usize)
            .map(|space| (space.node, space.netns))
    }

    /// The devices that have an address.
    pub fn holders(&self, address: IpAddr) -> &[Port] {
        self.addresses.get(&address).map_or(&[], SmallVec::as_slice)
    }

    /// The devices that have a MAC.
    pub fn with_mac(&self, mac: Mac) -> &[Port] {
        self.macs.get(&mac).map_or(&[], SmallVec::as_slice)
    }

    /// The VLAN devices on a device, wherever they live.
    pub(super) fn vlans_on(&self, port: Port) -> &[Port] {
        let at = self.get(port.space);
        self.vlans
            .get(&(at.node_number, at.netns.id, port.index))
            .map_or(&[], SmallVec::as_slice)
    }

    /// The endpoints that the rules of a namespace put in place of a packet's destination.
    pub fn endpoints(
        &self,
        space: SpaceId,
        hook: Hook,
        packet: &Packet,
    ) -> Vec<(IpAddr, Option<u16>)> {
        self.get(space).ruleset().endpoints(hook, packet)
    }

    /// Numbers are only handed out for namespaces that are there.
    pub(super) fn get(&self, space: SpaceId) -> &Space<'a> {
        &self.spaces[space.0 as usize]
    }

    pub(super) fn space_of(&self, node_number: u32, netns: NetnsId) -> Option<SpaceId> {
        self.by_netns.get(&(node_number, netns)).copied()
    }

    pub(super) fn spaces(&self) -> impl Iterator<Item = SpaceId> {
        (0u32..).take(self.spaces.len()).map(SpaceId)
    }

    /// Whether a namespace is the one that forwards on its node.
    pub(super) fn is_root(&self, space: SpaceId) -> bool {
        let space = self.get(space);
        space.node.root == space.netns.id
    }

    /// What people call a place.
    pub fn place(&self, space: SpaceId, device: Option<IfIndex>) -> Place {
        let at = self.get(space);
        let name = if at.node.root == at.netns.id {
            "root".to_owned()
        } else {
            find::occupant(at.node, at.netns)
        };
        Place {
            node: at.node.name.clone(),
            netns: at.netns.id,
            name,
            device: device.map(|index| Device {
                index,
                name: at.netns.device_name(index),
            }),
        }
    }
}

impl<'a> Space<'a> {
    pub(super) fn fib(&self) -> &Fib<'a> {
        self.fib.get_or_init(|| Fib::new(self.netns))
    }

    pub(super) fn ruleset(&self) -> &Ruleset<'a> {
        self.ruleset.get_or_init(|| Ruleset::new(self.netns))
    }

    fn layer2(&self) -> &Layer2<'a> {
        self.layer2.get_or_init(|| Layer2::new(self.netns))
    }

    pub(super) fn link(&self, index: IfIndex) -> Option<&'a Link> {
        let rows = &self.netns.links.rows;
        let is_it = |row: usize| rows.get(row).is_some_and(|link| link.index == index);
        let row = self
            .layer2()
            .links
            .find(hash_of(u64::from(index.0)), is_it)?;
        rows.get(row)
    }

    /// The entry of `ip neigh` for an address behind a device.
    pub(super) fn neighbour(&self, device: IfIndex, address: IpAddr) -> Option<&'a Neighbour> {
        let rows = &self.netns.neighbours.rows;
        let is_it = |row: usize| {
            rows.get(row)
                .is_some_and(|row| row.address == address && row.device == device && !row.proxy)
        };
        let row = self
            .layer2()
            .neighbours
            .find(hash(address, device.0), is_it)?;
        rows.get(row)
    }

    /// The rows of a bridge, or of a device itself, for a MAC.
    pub(super) fn fdb(&self, table: IfIndex, mac: Mac) -> &[&'a FdbEntry] {
        self.layer2()
            .fdb
            .get(&(table, mac))
            .map_or(&[], Vec::as_slice)
    }

    /// The ports of a bridge.
    pub(super) fn ports(&self, bridge: IfIndex) -> &[&'a Link] {
        self.layer2().ports.get(&bridge).map_or(&[], Vec::as_slice)
    }

    /// The VXLAN devices.
    pub(super) fn vxlans(&self) -> &[&'a Link] {
        &self.layer2().vxlans
    }

    /// The row that says a port of a bridge, or the bridge itself, to be in a VLAN.
    pub(super) fn port_vlan(&self, port: IfIndex, vlan: u16) -> Option<&'a PortVlan> {
        self.layer2().vlans.get(&(port, vlan)).copied()
    }

    /// The row of the VLAN to which untagged frames belong that come in by a port of a bridge.
    pub(super) fn pvid(&self, port: IfIndex) -> Option<&'a PortVlan> {
        self.layer2().pvids.get(&port).copied()
    }

    pub(super) fn is_bridge(&self, index: IfIndex) -> bool {
        self.link(index)
            .is_some_and(|link| matches!(link.kind, LinkKind::Bridge(_)))
    }
}

impl<'a> Layer2<'a> {
    fn new(netns: &'a Netns) -> Self {
        let mut this = Self {
            links: Places::new(netns.links.rows.len()),
            neighbours: Places::new(netns.neighbours.rows.len()),
            ..Self::default()
        };
        for (row, link) in netns.links.iter().enumerate() {
            this.links.insert(hash_of(u64::from(link.index.0)), row);
            if matches!(link.kind, LinkKind::Vxlan(_)) {
                this.vxlans.push(link);
            }
            if let Some(master) = link.master {
                this.ports.entry(master).or_default().push(link);
            }
        }
        for (row, neighbour) in netns.neighbours.iter().enumerate() {
            if !neighbour.proxy {
                let key = hash(neighbour.address, neighbour.device.0);
                this.neighbours.insert(key, row);
            }
        }
        for row in &netns.fdb {
            let table = row.master.unwrap_or(row.device);
            this.fdb.entry((table, row.mac)).or_default().push(row);
        }
        for row in &netns.port_vlans {
            this.vlans.insert((row.device, row.vlan), row);
            if row.pvid {
                this.pvids.insert(row.device, row);
            }
        }
        this
    }
}
