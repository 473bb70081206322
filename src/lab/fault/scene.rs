//! Between which pods a fault is made, and what of the network is there to be broken.

use std::net::IpAddr;

use ipnet::IpNet;

use super::plan::{Plan, Site, Unfit};
use super::{Side, Way};
use crate::lab::state::State;
use crate::lab::topology;
use crate::model::link::Vxlan;
use crate::model::{Bundle, Link, LinkKind, Mac, Netns, Node, Route, Sandbox};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;

/// Two pods on two nodes of a healthy lab. The fault is made on the node of `here`.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The lab.
    pub state: &'a State,
    /// All nodes.
    pub bundle: &'a Bundle,
    /// The pod whose node is broken.
    pub here: End<'a>,
    /// The other pod.
    pub there: End<'a>,
    /// Which of the two sends.
    pub side: Side,
}

/// One of the two pods, and everything around it.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Its node.
    pub node: &'a Node,
    /// The node's own namespace.
    pub root: &'a Netns,
    /// The node in the lab's plan: its underlay device and addresses.
    pub host: &'a topology::Node,
    /// The pod.
    pub sandbox: &'a Sandbox,
    /// The pod's namespace.
    pub netns: &'a Netns,
    /// The pod's device.
    pub device: &'a Link,
    /// The node's end of the pair.
    pub outer: &'a Link,
    /// The pod's address and prefix length.
    pub address: IpAddr,
    /// The prefix length of the address on the device.
    pub prefix_len: u8,
}

impl<'a> End<'a> {
    fn of(state: &'a State, node: &'a Node, sandbox: &'a Sandbox) -> Option<Self> {
        let root = node.root()?;
        let netns = node.netns_of(sandbox)?;
        let (row, device) = netns.addresses.iter().find_map(|row| {
            let device = netns.link(row.device)?;
            let is_pods = device.peer().is_some() && !is_link_local(row.address);
            is_pods.then_some((row, device))
        })?;
        let outer = root.link(device.peer()?.index)?;
        Some(Self {
            node,
            root,
            host: state.topology.nodes.iter().find(|n| n.name == node.name)?,
            sandbox,
            netns,
            device,
            outer,
            address: row.address,
            prefix_len: row.prefix_len,
        })
    }

    /// `namespace/name`.
    pub fn pod(&self) -> String {
        self.sandbox.full_name()
    }

    /// Where commands for the pod run.
    pub fn in_pod(&self) -> Site {
        Site::Pod(self.pod())
    }

    /// Where commands for the node run.
    pub fn on_node(&self) -> Site {
        Site::Machine(self.node.name.clone())
    }

    /// The bridge that the pod is a port of.
    pub fn bridge(&self) -> Option<&'a Link> {
        let bridge = self.root.link(self.outer.master?)?;
        matches!(bridge.kind, LinkKind::Bridge(_)).then_some(bridge)
    }

    /// The node's VXLAN device.
    pub fn vxlan(&self) -> Option<(&'a Link, &'a Vxlan)> {
        self.root.links.iter().find_map(|link| match &link.kind {
            LinkKind::Vxlan(vxlan) => Some((link, vxlan)),
            _ => None,
        })
    }

    /// The node's device in its subnet.
    pub fn underlay(&self) -> &'a str {
        &self.host.device
    }

    /// The node's own address, of the pod address's family if it has one.
    pub fn node_address(&self) -> Option<IpAddr> {
        self.node_net().map(|net| net.addr())
    }

    /// The same with its subnet's prefix length.
    pub fn node_net(&self) -> Option<IpNet> {
        let same = |net: &&IpNet| net.addr().is_ipv4() == self.address.is_ipv4();
        let addresses = &self.host.addresses;
        addresses.iter().find(same).or(addresses.first()).copied()
    }

    /// The route of the node that decides about `address`.
    pub fn route_to(&self, address: IpAddr) -> Option<&'a Route> {
        Fib::new(self.root).lookup(&Flow::to(address)).route
    }

    /// The pod's default route, of the family of its address.
    pub fn default_route(&self) -> Option<&'a Route> {
        self.netns.routes.iter().find(|route| {
            route.is_default() && route.destination.addr().is_ipv4() == self.address.is_ipv4()
        })
    }

    /// Another pod of the same node.
    pub fn neighbour(&self, state: &'a State) -> Option<Self> {
        let node = self.node;
        let others = node
            .sandboxes
            .iter()
            .filter(|row| row.id != self.sandbox.id);
        others.filter_map(|row| Self::of(state, node, row)).next()
    }

    /// The pod's hardware address.
    pub fn mac(&self) -> Option<Mac> {
        self.device.mac
    }
}

impl<'a> Scene<'a> {
    /// Chooses the pods: `pod` and `node` as far as given, else the first pod and, for the other end, the first
    /// on another node that `way` leads to.
    ///
    /// # Errors
    /// When there are no two such pods.
    pub fn choose(
        state: &'a State,
        bundle: &'a Bundle,
        side: Side,
        way: Way,
        node: Option<&str>,
        pod: Option<&str>,
    ) -> Result<Self, Unfit> {
        let ends: Vec<End<'a>> = state
            .pods
            .iter()
            .filter_map(|pod| {
                let node = bundle.node(&pod.node)?;
                let sandbox = node.sandboxes.iter().find(|row| row.id == pod.sandbox)?;
                End::of(state, node, sandbox)
            })
            .collect();
        // The pod that is named is the one that sends; the node is the one that is broken.
        let sends = |end: &&End<'a>| {
            pod.is_none_or(|pod| end.pod() == pod)
                && (side == Side::Receiver || node.is_none_or(|node| end.node.name == node))
        };
        let receives = |from: &End<'a>, end: &&End<'a>| {
            end.node.name != from.node.name
                && (side == Side::Sender || node.is_none_or(|node| end.node.name == node))
        };
        let mut reason = "there are no two pods on two nodes".to_owned();
        for from in ends.iter().filter(sends) {
            for to in ends.iter().filter(|end| receives(from, end)) {
                let found = way_between(from, to);
                if way == Way::Any || way == found {
                    let (here, there) = match side {
                        Side::Sender => (*from, *to),
                        Side::Receiver => (*to, *from),
                    };
                    return Ok(Self {
                        state,
                        bundle,
                        here,
                        there,
                        side,
                    });
                }
                reason = match way {
                    Way::Wrapped => "no pod is reached through VXLAN".to_owned(),
                    _ => "every pod is reached through VXLAN".to_owned(),
                };
            }
        }
        Err(Unfit::here(reason))
    }

    /// A plan that is found on the node that is broken.
    pub fn plan(&self) -> Plan {
        Plan::on(&self.here.node.name)
    }

    /// The pod that sends, and the one that is to receive.
    pub fn pair(&self) -> (End<'a>, End<'a>) {
        match self.side {
            Side::Sender => (self.here, self.there),
            Side::Receiver => (self.there, self.here),
        }
    }

    /// The bridge of the broken node.
    ///
    /// # Errors
    /// When pods are not behind a bridge.
    pub fn bridge(&self) -> Result<&'a Link, Unfit> {
        self.here
            .bridge()
            .ok_or_else(|| Unfit::here("pods are not behind a bridge"))
    }

    /// The VXLAN device of the broken node.
    ///
    /// # Errors
    /// When there is none.
    pub fn vxlan(&self) -> Result<(&'a Link, &'a Vxlan), Unfit> {
        self.here
            .vxlan()
            .ok_or_else(|| Unfit::here("there is no VXLAN device"))
    }

    /// Whether the pods of both nodes are one Ethernet, so that no node routes between them.
    pub fn is_flat(&self) -> bool {
        self.here.bridge().is_some_and(|bridge| {
            self.here
                .vxlan()
                .is_some_and(|(vxlan, _)| vxlan.master == Some(bridge.index))
        })
    }

    /// The route that leads from the broken node to the other pod.
    ///
    /// # Errors
    /// When pods of all nodes are one Ethernet.
    pub fn block_route(&self) -> Result<&'a Route, Unfit> {
        if self.is_flat() {
            return Err(Unfit::here(
                "pods of all nodes are one Ethernet, and no route leads to them",
            ));
        }
        self.here
            .route_to(self.there.address)
            .filter(|route| !route.is_default())
            .ok_or_else(|| Unfit::here("no route leads to the other pod's block"))
    }

    /// Whether packets leave the broken node for the other pod wrapped, and not by its device in the subnet.
    ///
    /// # Errors
    /// When no route leads to the other pod's block.
    pub fn is_wrapped(&self) -> Result<bool, Unfit> {
        if self.is_flat() {
            return Ok(true);
        }
        let underlay = self.here.root.link_named(self.here.underlay());
        let underlay = underlay.map(|link| link.index);
        Ok(self
            .block_route()?
            .nexthops
            .iter()
            .any(|hop| hop.device != underlay))
    }

    /// The other node's address, which must be on the same link.
    ///
    /// # Errors
    /// When a router is between them.
    pub fn on_link_peer(&self) -> Result<IpAddr, Unfit> {
        let peer = self.peer()?;
        match self.here.node_net() {
            Some(own) if own.trunc().contains(&peer) => Ok(peer),
            _ => Err(Unfit::here("a router is between the nodes")),
        }
    }

    /// The other node's address.
    ///
    /// # Errors
    /// When it has none.
    pub fn peer(&self) -> Result<IpAddr, Unfit> {
        self.there
            .node_address()
            .ok_or_else(|| Unfit::here("the other node has no address"))
    }

    /// An address of the node's subnet that nobody has.
    ///
    /// # Errors
    /// When the node has no address.
    pub fn nobody(&self) -> Result<IpAddr, Unfit> {
        let net = self
            .here
            .node_net()
            .ok_or_else(|| Unfit::here("the node has no address"))?;
        last_host(net.trunc(), 1).ok_or_else(|| Unfit::here("the subnet is too small"))
    }

    /// A node that is neither of the two.
    ///
    /// # Errors
    /// When there is none.
    pub fn third(&self) -> Result<&'a Node, Unfit> {
        let two = [&self.here.node.name, &self.there.node.name];
        self.bundle
            .nodes
            .iter()
            .find(|node| !two.contains(&&node.name))
            .ok_or_else(|| Unfit::here("it takes a third node"))
    }
}

/// How a packet gets from one pod's node to the other's.
fn way_between(from: &End<'_>, to: &End<'_>) -> Way {
    let is_vxlan = |link: &Link| matches!(link.kind, LinkKind::Vxlan(_));
    let leaves = from
        .route_to(to.address)
        .and_then(|route| route.nexthops.first()?.device)
        .and_then(|index| from.root.link(index));
    let wrapped = leaves.is_some_and(|link| {
        is_vxlan(link)
            // A bridge with a VXLAN port is one Ethernet with the bridges of the others.
            || from
                .root
                .links
                .iter()
                .any(|port| port.master == Some(link.index) && is_vxlan(port))
    });
    if wrapped { Way::Wrapped } else { Way::Plain }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_loopback(),
    }
}

/// The address `back` before the last one of a network.
pub fn last_host(net: IpNet, back: u32) -> Option<IpAddr> {
    match net.broadcast() {
        IpAddr::V4(last) => u32::from(last)
            .checked_sub(back)
            .map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(last) => u128::from(last)
            .checked_sub(u128::from(back))
            .map(|bits| IpAddr::V6(bits.into())),
    }
}
