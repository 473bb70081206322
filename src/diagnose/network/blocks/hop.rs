//! Whether the next hop of a node's row for a block is the node that has the block.

use std::net::IpAddr;

use crate::diagnose::Finding;
use crate::diagnose::network::index::{Index, Known};
use crate::diagnose::network::{finding, row};
use crate::model::neighbour::NeighbourState;
use crate::model::{Address, Link, Route, notation};

/// A row whose next hop is another node than the block's.
pub(super) fn check(
    index: &Index<'_>,
    known: &Known<'_>,
    route: &Route,
    owner: usize,
    findings: &mut Vec<Finding>,
) {
    let node = &known.node.name;
    let Some(gateway) = route.nexthops.first().and_then(|hop| hop.gateway) else {
        return;
    };
    // What no node has is a router's, which knows better; or nobody's, which only asking tells.
    let Some(holders) = index.by_address.get(&gateway) else {
        unknown(known, route, findings);
        return;
    };
    if holders.contains(&owner) {
        wrong_device(known, route, gateway, findings);
        return;
    }
    let (to, right) = (
        holders.first().map_or("?", |n| index.name(*n)),
        index.name(owner),
    );
    let block = route.destination;
    findings.push(Finding {
        what: format!("{node} sends what is for {block} to {to}; it is the block of {right}"),
        show: format!("ip route show {block}"),
        fix: format!("ip route replace {block} via the address of {right}"),
        evidence: vec![row(node, "route", notation::route(route, known.root))],
        ..finding("block-route-to-wrong-node", node, None)
    });
}

/// A next hop that no node has, where every other block is routed to a node.
fn unknown(known: &Known<'_>, route: &Route, findings: &mut Vec<Finding>) {
    let hop_of = |route: &Route| route.nexthops.first().and_then(|hop| hop.gateway);
    let Some(gateway) = hop_of(route) else { return };
    let failed = known.root.neighbours.iter().any(|row| {
        row.address == gateway && !row.state.is_valid() && row.state != NeighbourState::None
    });
    if !failed {
        return;
    }
    let (node, device) = (&known.node.name, known.device(route));
    findings.push(Finding {
        what: format!(
            "nobody answers for {gateway}, the next hop of {}",
            route.destination
        ),
        show: format!("ip neigh show {gateway}"),
        fix: "correct the gateway in the route, or bring the host that has the address back"
            .to_owned(),
        evidence: vec![row(node, "route", notation::route(route, known.root))],
        ..finding(
            "next-hop-unresolved",
            node,
            device.map(|link| link.name.as_str()),
        )
    });
}

/// A next hop that is asked for on another device than the one whose network holds it.
fn wrong_device(known: &Known<'_>, route: &Route, gateway: IpAddr, findings: &mut Vec<Finding>) {
    let Some(used) = known.device(route) else {
        return;
    };
    if !known.underlays().any(|link| link.index == used.index) {
        return;
    }
    let holds = |link: &Link| {
        known
            .root
            .addresses_of(link.index)
            .any(|row| row.network().is_some_and(|net| net.contains(&gateway)))
    };
    let Some(right) = known
        .underlays()
        .find(|link| holds(link))
        .filter(|_| !holds(used))
    else {
        return;
    };
    // A second device in the same subnet leads there as well.
    let net = known
        .root
        .addresses_of(right.index)
        .filter_map(Address::network)
        .find(|net| net.contains(&gateway));
    let same = |row: &Address| net.is_some_and(|net| net.contains(&row.address));
    if known.root.addresses_of(used.index).any(same) {
        return;
    }
    let node = &known.node.name;
    findings.push(Finding {
        what: format!(
            "{gateway} is asked for on {}, but it is in the network of {}",
            used.name, right.name
        ),
        show: format!("ip route show {}", route.destination),
        fix: format!("let the network's agent use {}", right.name),
        evidence: vec![row(node, "route", notation::route(route, known.root))],
        ..finding("wrong-underlay-device", node, Some(&used.name))
    });
}
