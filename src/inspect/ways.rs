//! Where a pod is in the network: the ways by which packets from other nodes come to it, and the addresses of its
//! node.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::model::address::Address;
use crate::model::route::{RouteKind, Scope};
use crate::model::{Bundle, LinkKind, Netns, Node, TableId, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;

/// A way by which packets from other nodes come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayHere {
    /// The node that has the route; `null` if it follows from this node alone.
    pub from: Option<String>,
    /// The route in the notation of `ip route`.
    pub route: String,
}

/// The addresses of a node by which others know it, and by which pods on its network are reached: those of the device
/// of its default route, as a kubelet chooses unless told otherwise; without one, those of its first device that is
/// no pod's.
pub fn node_addresses(node: &Node) -> Vec<IpAddr> {
    let Some(root) = node.root() else {
        return Vec::new();
    };
    let is_global = |row: &&Address| row.scope == Scope::UNIVERSE && !row.address.is_loopback();
    let mut found = Vec::new();
    for is_v4 in [true, false] {
        let route = root
            .routes
            .iter()
            .filter(|route| {
                route.is_default()
                    && route.table == TableId::MAIN
                    && route.destination.addr().is_ipv4() == is_v4
            })
            .min_by_key(|route| route.metric);
        let Some(route) = route else { continue };
        let device = route.nexthops.first().and_then(|hop| hop.device);
        let first = device.and_then(|device| {
            root.addresses_of(device)
                .filter(is_global)
                .map(|row| row.address)
                .find(|address| address.is_ipv4() == is_v4)
        });
        found.extend(route.prefsrc.or(first));
    }
    if found.is_empty() {
        let is_pods = |index| {
            root.link(index).is_none_or(|link| {
                matches!(link.kind, LinkKind::Bridge(_))
                    || link.peer().is_some_and(|peer| {
                        node.sandboxes_in(peer.netns.unwrap_or_default())
                            .next()
                            .is_some()
                    })
            })
        };
        found.extend(
            root.addresses
                .iter()
                .filter(is_global)
                .find(|row| !is_pods(row.device))
                .map(|row| row.address),
        );
    }
    found
}

/// Routes on other nodes that lead to the pod's addresses; where no other node was read, the range of this
/// node in which the pod is, and the node's address, which is what the others must have.
pub(super) fn ways_here(
    bundle: &Bundle,
    node: &Node,
    root: &Netns,
    addresses: &[IpAddr],
) -> Vec<WayHere> {
    let mut ways = Vec::new();
    for other in bundle.nodes.iter().filter(|other| other.name != node.name) {
        let Some(netns) = other.root() else { continue };
        let fib = Fib::of_asked(netns);
        for address in addresses {
            let route = fib.lookup(&Flow::to(*address)).route;
            if let Some(route) = route.filter(|route| !route.is_default()) {
                let way = WayHere {
                    from: Some(other.name.clone()),
                    route: notation::route(route, netns),
                };
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
    }
    if bundle.nodes.len() > 1 {
        return ways;
    }
    for address in addresses {
        if let Some(range) = range_of(node, root, *address) {
            let route = WayHere {
                from: None,
                route: range.to_string(),
            };
            if !ways.contains(&route) {
                ways.push(route);
            }
        }
    }
    ways
}

/// The range of this node that an address is in: a block that an address plugin holds, a blackhole route for
/// it, or the network of a bridge.
pub fn range_of(node: &Node, root: &Netns, address: IpAddr) -> Option<IpNet> {
    let block = node
        .cni
        .blocks
        .iter()
        .map(|block| block.cidr)
        .filter(|cidr| cidr.contains(&address))
        .max_by_key(IpNet::prefix_len);
    let hole = || {
        root.routes
            .iter()
            .filter(|row| {
                row.table == TableId::MAIN
                    && row.destination.contains(&address)
                    && !row.is_default()
                    && row.destination.prefix_len() < row.destination.max_prefix_len()
                    && (row.kind == RouteKind::Blackhole
                        || row.nexthops.iter().all(|hop| hop.gateway.is_none()))
            })
            .map(|row| row.destination)
            .max_by_key(IpNet::prefix_len)
    };
    block.or_else(hole)
}
