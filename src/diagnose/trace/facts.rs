//! Who has an address or a MAC, and what a device is.

use std::net::IpAddr;

use crate::model::link::Vxlan;
use crate::model::{Bundle, Link, LinkKind, Mac, Netns, Node, Sandbox};
use crate::walk::path::Place;

/// Who has an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) node: &'a Node,
    pub(super) netns: &'a Netns,
    pub(super) link: &'a Link,
}

impl<'a> Holder<'a> {
    /// Whether it is a pod, and not the node itself.
    pub(super) fn is_pod(&self) -> bool {
        self.netns.id != self.node.root
    }

    /// What it is called: `namespace/name`, or the node.
    pub(super) fn name(&self) -> String {
        if self.is_pod() {
            crate::inspect::find::occupant(self.node, self.netns)
        } else {
            self.node.name.clone()
        }
    }

    /// The node's end of the pod's pair.
    pub(super) fn outer(&self) -> Option<&'a Link> {
        outer(self.node, self.link)
    }
}

/// The node's end of a pod's pair.
pub(super) fn outer<'a>(node: &'a Node, link: &Link) -> Option<&'a Link> {
    let peer = link.peer()?;
    (peer.netns == Some(node.root)).then_some(())?;
    node.root()?.link(peer.index)
}

/// The device that a node has at a place, or for it: of a pod's pair its own end.
pub(super) fn node_end<'a>(bundle: &'a Bundle, place: &Place) -> Option<(&'a Node, &'a Link)> {
    let node = bundle.node(&place.node)?;
    let netns = node.netns(place.netns)?;
    let link = netns.link(place.device.as_ref()?.index)?;
    let own = if netns.id == node.root {
        Some(link)
    } else {
        outer(node, link)
    };
    Some((node, own?))
}

/// Everyone who has an address.
pub(super) fn holders(bundle: &Bundle, address: IpAddr) -> impl Iterator<Item = Holder<'_>> {
    bundle.nodes.iter().flat_map(move |node| {
        node.namespaces.iter().flat_map(move |netns| {
            netns
                .addresses
                .iter()
                .filter(move |row| row.address == address)
                .filter_map(move |row| {
                    let link = netns.link(row.device)?;
                    Some(Holder { node, netns, link })
                })
        })
    })
}

/// The pod that was given an address, whether it has it or not, by the result of its plugins or its runtime.
pub(super) fn given(bundle: &Bundle, address: IpAddr) -> Option<(&Node, &Sandbox)> {
    bundle.nodes.iter().find_map(|node| {
        let sandbox = node.sandboxes.iter().find(|sandbox| {
            sandbox.addresses.contains(&address)
                || node.cni.results.iter().any(|result| {
                    result.container == sandbox.id && result.addresses().contains(&address)
                })
        })?;
        Some((node, sandbox))
    })
}

/// All VXLAN devices of the nodes.
pub(super) fn tunnels(bundle: &Bundle) -> impl Iterator<Item = (&Node, &Link, &Vxlan)> {
    bundle
        .nodes
        .iter()
        .filter_map(|node| Some((node, node.root()?)))
        .flat_map(|(node, root)| root.links.iter().map(move |link| (node, link)))
        .filter_map(|(node, link)| match &link.kind {
            LinkKind::Vxlan(vxlan) => Some((node, link, vxlan)),
            _ => None,
        })
}

/// The tunnel ends with a MAC.
pub(super) fn tunnels_with(bundle: &Bundle, mac: Mac) -> Vec<(&Node, &Link)> {
    tunnels(bundle)
        .filter(|(_, link, _)| link.mac == Some(mac))
        .map(|(node, link, _)| (node, link))
        .collect()
}

/// The address of the tunnel end behind which a MAC is: its own, or that of a pod of its node.
pub(super) fn end_of(bundle: &Bundle, mac: Mac) -> Option<IpAddr> {
    let has = |netns: &Netns| netns.links.iter().any(|link| link.mac == Some(mac));
    let mut bearers = bundle
        .nodes
        .iter()
        .filter(|node| node.namespaces.iter().any(has));
    let (Some(bearer), None) = (bearers.next(), bearers.next()) else {
        return None;
    };
    tunnels(bundle)
        .filter(|(node, ..)| node.name == bearer.name)
        .find_map(|(_, _, vxlan)| vxlan.local)
}

/// What role a device plays on its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// In a pod.
    Pods,
    /// The node's end of a pod's pair, by itself.
    HostEnd,
    /// A port of a bridge.
    Port,
    /// A bridge.
    Bridge,
    /// A tunnel end.
    Tunnel,
    /// Any other device of the node.
    Underlay,
}

/// What role a device plays.
pub(super) fn role(node: &Node, netns: &Netns, link: &Link) -> Role {
    if netns.id != node.root {
        return Role::Pods;
    }
    match link.kind {
        LinkKind::Vxlan(_) | LinkKind::Geneve(_) | LinkKind::Tunnel(_) => Role::Tunnel,
        LinkKind::Bridge(_) => Role::Bridge,
        _ if is_port(netns, link) => Role::Port,
        _ if leads_to_pod(node, link) => Role::HostEnd,
        _ => Role::Underlay,
    }
}

fn is_port(netns: &Netns, link: &Link) -> bool {
    link.master
        .and_then(|master| netns.link(master))
        .is_some_and(|master| matches!(master.kind, LinkKind::Bridge(_)))
}

fn leads_to_pod(node: &Node, link: &Link) -> bool {
    link.peer()
        .and_then(|peer| peer.netns)
        .is_some_and(|netns| netns != node.root && node.sandboxes_in(netns).next().is_some())
}

/// The pod behind the node's end of a pair.
pub(super) fn pod_behind(node: &Node, link: &Link) -> Option<String> {
    let netns = link.peer()?.netns?;
    node.sandboxes_in(netns).next().map(Sandbox::full_name)
}
