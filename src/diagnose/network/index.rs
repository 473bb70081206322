//! The nodes' tables, ordered by what is asked of them.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use ipnet::IpNet;

use crate::model::link::Vxlan;
use crate::model::route::{Protocol, RouteKind};
use crate::model::{Bundle, IfIndex, Link, LinkKind, Mac, Netns, Node, Route, Sandbox, TableId};

pub(super) type Map<K, V> = HashMap<K, V, FixedState>;

/// A node and what is asked of it.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) node: &'a Node,
    pub(super) root: &'a Netns,
    /// The main table by destination; of several rows the one that is asked.
    pub(super) routes: Map<IpNet, &'a Route>,
    /// What is the node's own to give to pods.
    pub(super) blocks: Vec<IpNet>,
    /// The devices to other hosts.
    underlays: Vec<&'a Link>,
    links: Map<IfIndex, &'a Link>,
    /// The tunnel ends.
    pub(super) tunnels: Vec<(&'a Link, &'a Vxlan)>,
    /// Devices of pods: the node's ends of their pairs, and the pod.
    pub(super) ends: Vec<(&'a Link, &'a Sandbox)>,
    /// Whether rows that are not there are not there.
    pub(super) is_whole: bool,
}

/// All nodes.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub(super) nodes: Vec<Known<'a>>,
    /// The nodes that have an address of their own.
    pub(super) by_address: Map<IpAddr, Vec<usize>>,
    /// Whose block it is.
    pub(super) owners: Map<IpNet, Vec<usize>>,
    /// Pods by address: node, pod.
    pub(super) pods: Map<IpAddr, Vec<(usize, String)>>,
    /// Where a MAC of a pod is: node, pod, bridge.
    pub(super) pod_macs: Map<Mac, Vec<(usize, String)>>,
    /// Bridges whose pods are one Ethernet with those of other nodes, so that their network is nobody's own.
    pub(super) is_flat: bool,
}

impl<'a> Index<'a> {
    pub(super) fn new(bundle: &'a Bundle) -> Self {
        let mut index = Self {
            nodes: Vec::new(),
            by_address: Map::default(),
            owners: Map::default(),
            pods: Map::default(),
            pod_macs: Map::default(),
            is_flat: false,
        };
        for node in &bundle.nodes {
            let Some(root) = node.root() else { continue };
            let number = index.nodes.len();
            index.is_flat |= is_flat(root);
            let known = Known::new(node, root);
            for row in root
                .addresses
                .iter()
                .filter(|row| !row.address.is_loopback())
            {
                let all = index.by_address.entry(row.address).or_default();
                if !all.contains(&number) {
                    all.push(number);
                }
            }
            index.add_pods(number, node);
            index.nodes.push(known);
        }
        for (number, known) in index.nodes.iter().enumerate() {
            for block in &known.blocks {
                index.owners.entry(*block).or_default().push(number);
            }
        }
        index
    }

    fn add_pods(&mut self, number: usize, node: &Node) {
        for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
            let Some(pod) = node.sandboxes_in(netns.id).next() else {
                continue;
            };
            let name = pod.full_name();
            for link in netns.links.iter().filter(|link| link.peer().is_some()) {
                if let Some(mac) = link.mac {
                    self.pod_macs
                        .entry(mac)
                        .or_default()
                        .push((number, name.clone()));
                }
            }
            for address in crate::inspect::pod::pod_addresses(netns) {
                let all = self.pods.entry(address).or_default();
                if !all.iter().any(|(_, other)| *other == name) {
                    all.push((number, name.clone()));
                }
            }
        }
    }

    /// The name of a node.
    pub(super) fn name(&self, number: usize) -> &'a str {
        self.nodes
            .get(number)
            .map_or("?", |known| known.node.name.as_str())
    }
}

impl<'a> Known<'a> {
    fn new(node: &'a Node, root: &'a Netns) -> Self {
        let mut routes: Map<IpNet, &Route> = Map::default();
        for route in root
            .routes
            .iter()
            .filter(|route| route.table == TableId::MAIN)
        {
            let kept = routes.entry(route.destination).or_insert(route);
            if route.metric < kept.metric {
                *kept = route;
            }
        }
        let tunnels: Vec<_> = root
            .links
            .iter()
            .filter_map(|link| match &link.kind {
                LinkKind::Vxlan(vxlan) => Some((link, vxlan)),
                _ => None,
            })
            .collect();
        let ends = root
            .links
            .iter()
            .filter_map(|link| {
                let netns = link.peer()?.netns.filter(|netns| *netns != node.root)?;
                Some((link, node.sandboxes_in(netns).next()?))
            })
            .collect();
        let tables = [
            root.routes.is_complete(),
            root.links.is_complete(),
            root.addresses.is_complete(),
            root.neighbours.is_complete(),
            root.fdb.is_complete(),
        ];
        let mut known = Self {
            node,
            root,
            routes,
            blocks: Vec::new(),
            underlays: underlays(node, root),
            links: root.links.iter().map(|link| (link.index, link)).collect(),
            tunnels,
            ends,
            is_whole: tables.into_iter().all(|whole| whole),
        };
        known.blocks = known.find_blocks();
        known
    }

    /// What the node discards unless a pod has it, and what its bridge of pods is a network of.
    fn find_blocks(&self) -> Vec<IpNet> {
        let mut found: HashSet<IpNet> = HashSet::new();
        for route in self.routes.values() {
            let discards = route.kind == RouteKind::Blackhole && route.protocol != Protocol::KERNEL;
            let is_range = route.destination.prefix_len() < route.destination.max_prefix_len();
            if discards && is_range && !route.is_default() {
                found.insert(route.destination);
            }
        }
        if !is_flat(self.root) {
            for bridge in self.pod_bridges() {
                for row in self.root.addresses_of(bridge) {
                    let is_everyones = row.scope.0 == 0;
                    if let (Some(net), true) = (row.network(), is_everyones) {
                        found.insert(net);
                    }
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        found
    }

    /// The bridges that pods are ports of.
    fn pod_bridges(&self) -> HashSet<IfIndex> {
        self.ends
            .iter()
            .filter_map(|(link, _)| link.master)
            .collect()
    }

    /// The node's devices to other hosts: no pair to a pod, no bridge, no tunnel.
    pub(super) fn underlays(&self) -> impl Iterator<Item = &'a Link> {
        self.underlays.iter().copied()
    }

    /// The device a route leaves by.
    pub(super) fn device(&self, route: &Route) -> Option<&'a Link> {
        self.links.get(&route.nexthops.first()?.device?).copied()
    }

    /// Whether a route wraps what it carries.
    pub(super) fn wraps(&self, route: &Route) -> bool {
        self.device(route)
            .is_some_and(|link| matches!(link.kind, LinkKind::Vxlan(_)))
    }
}

/// Whether pods of the node are one Ethernet with those of others: a tunnel end is a port of a bridge.
fn is_flat(root: &Netns) -> bool {
    root.links
        .iter()
        .any(|link| matches!(link.kind, LinkKind::Vxlan(_)) && link.master.is_some())
}

fn underlays<'a>(node: &Node, root: &'a Netns) -> Vec<&'a Link> {
    root.links
        .iter()
        .filter(|link| {
            let to_pod = link
                .peer()
                .and_then(|peer| peer.netns)
                .is_some_and(|netns| node.sandboxes_in(netns).next().is_some());
            !link.is_loopback()
                && !to_pod
                && link.master.is_none()
                && !matches!(
                    link.kind,
                    LinkKind::Bridge(_)
                        | LinkKind::Vxlan(_)
                        | LinkKind::Tunnel(_)
                        | LinkKind::Geneve(_)
                )
        })
        .collect()
}
