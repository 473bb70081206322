//! Blocks of pod addresses: routes to them, and nodes that claim them.

use std::net::IpAddr;

use super::Told;
use super::route::{host_route, in_main, keeps};
use super::tunnel::tunnel_missing;
use crate::diagnose::Evidence;
use crate::diagnose::trace::cause::Case;
use crate::diagnose::trace::facts::{self, Role, role};
use crate::diagnose::trace::rows;
use crate::model::route::{Protocol, RouteKind};
use crate::model::rule::{Rule, RuleAction};
use crate::model::{Bundle, Node, Route, TableId, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::{Flow, family_of};

/// A node without a route to what it has to send on.
pub(in crate::diagnose::trace) fn no_block_route(case: &Case<'_>, destination: IpAddr) -> Told {
    let own = host_route(case.bundle, destination).filter(|told| told.node == case.node.name);
    if let Some(told) = own {
        return told;
    }
    if let Some(told) = thrown(case, destination).or_else(|| unasked(case, destination)) {
        return told;
    }
    if !is_of_pods(case.bundle, destination) {
        return case
            .of_node("no-route")
            .what(format!("{} has no route to {destination}", case.node.name))
            .show(format!("ip route get {destination}"))
            .fix("ip route add default via ROUTER, or a route to that network");
    }
    // Routes by a device go when it goes down or is deleted.
    if let Some(told) = tunnel_missing(case) {
        return told;
    }
    let owner =
        facts::holders(case.bundle, destination).find(|holder| holder.node.name != case.node.name);
    let what = match owner {
        Some(owner) => format!(
            "{} has no route to {destination}, which is on {}",
            case.node.name, owner.node.name
        ),
        None => format!("{} has no route to {destination}", case.node.name),
    };
    case.of_node("no-route-to-block")
        .what(what)
        .show(format!("ip route get {destination}"))
        .fix(
            match block_route(case.bundle, &case.node.name, destination) {
                Some(command) => format!("{command} # and look at the log of the network's agent"),
                None => "look at the log of the network's agent, which makes the route".to_owned(),
            },
        )
}

/// The main table has a route, and no rule leads to it.
fn unasked(case: &Case<'_>, destination: IpAddr) -> Option<Told> {
    let family = family_of(destination);
    let rules = &case.netns.rules;
    let leads_there =
        |rule: &Rule| rule.family == family && rule.action == RuleAction::Lookup(TableId::MAIN);
    if !rules.is_complete() || rules.iter().any(leads_there) {
        return None;
    }
    let row = notation::route(in_main(case.netns, destination)?, case.netns);
    let v6 = if destination.is_ipv6() { "-6 " } else { "" };
    Some(
        case.of_space("rule-hijacks-route")
            .what(format!(
                "no rule leads to the main table, which has {row} for {destination}"
            ))
            .show(format!("{}ip {v6}rule", case.prefix()))
            .fix(format!(
                "{}ip {v6}rule add priority 32766 lookup main",
                case.prefix()
            )),
    )
}

/// A row of the type throw, without which there would be a route.
fn thrown(case: &Case<'_>, destination: IpAddr) -> Option<Told> {
    let is_throw =
        |route: &&Route| route.kind == RouteKind::Throw && route.destination.contains(&destination);
    let throws = case.netns.routes.iter().filter(is_throw);
    let row = throws.max_by_key(|route| route.destination.prefix_len())?;
    let mut without = case.netns.clone();
    without.routes.rows.retain(|route| route != row);
    Fib::new(&without).lookup(&Flow::to(destination)).route?;
    let (text, prefix) = (notation::route(row, case.netns), case.prefix());
    Some(
        case.of_space("unreachable-route")
            .what(format!(
                "{text} has {} look no further in that table for {destination}",
                case.name
            ))
            .show(format!("{prefix}ip route show table all type throw"))
            .fix(format!("{prefix}ip route del {text}"))
            .evidence(vec![Evidence::new(
                format!("{} route", case.node.name),
                text,
            )]),
    )
}

/// Whether an address is a pod's, or in a range that some node routes to pods.
fn is_of_pods(bundle: &Bundle, address: IpAddr) -> bool {
    if facts::holders(bundle, address).any(|holder| holder.is_pod())
        || facts::given(bundle, address).is_some()
    {
        return true;
    }
    bundle.nodes.iter().any(|node| {
        node.root().is_some_and(|root| {
            root.routes.iter().any(|route| {
                let by_underlay = || {
                    let device = route.nexthops.first().and_then(|hop| hop.device);
                    device
                        .and_then(|device| root.link(device))
                        .is_some_and(|link| role(node, root, link) == Role::Underlay)
                };
                route.table == TableId::MAIN
                    && !route.is_default()
                    && route.destination.contains(&address)
                    && !(route.protocol == Protocol::KERNEL && by_underlay())
            })
        })
    })
}

/// What is for a pod goes to a router that no node is, while pods of other nodes are reached by rows of their own.
pub(in crate::diagnose::trace) fn passed_to_router(
    case: &Case<'_>,
    destination: IpAddr,
) -> Option<Told> {
    if case.is_pod() {
        return None;
    }
    let holder = facts::holders(case.bundle, destination)
        .find(|holder| holder.is_pod() && holder.node.name != case.node.name)?;
    let fib = Fib::new(case.netns);
    let by_default = |address| {
        fib.lookup(&Flow::to(address))
            .route
            .is_none_or(Route::is_default)
    };
    if !by_default(destination) {
        return None;
    }
    let knows_others = case.bundle.nodes.iter().any(|node| {
        node.name != case.node.name
            && node.name != holder.node.name
            && node.sandboxes.iter().any(|sandbox| {
                sandbox
                    .addresses
                    .iter()
                    .any(|address| !by_default(*address))
                    || node.netns_of(sandbox).is_some_and(|netns| {
                        netns.id != node.root
                            && crate::inspect::pod::pod_addresses(netns)
                                .into_iter()
                                .any(|address| !by_default(address))
                    })
            })
    });
    // The others' tunnel ends say how the node is meant to reach it, even if it reaches nobody.
    let told = tunnel_missing(case);
    if !knows_others && told.is_none() && !others_route(case, destination, holder.node) {
        return None;
    }
    Some(told.unwrap_or_else(|| no_block_route(case, destination)))
}

/// Whether another node has a row that sends what is for the pods of one node to that node itself: that is how this
/// network is made, and a node without such rows has lost them.
fn others_route(case: &Case<'_>, destination: IpAddr, owner: &Node) -> bool {
    let has = |node: &Node, address: IpAddr| {
        node.root()
            .is_some_and(|root| root.addresses.iter().any(|row| row.address == address))
    };
    let sends = |from: &Node, to: &Node, address: IpAddr| {
        let row = from.root().and_then(|root| in_main(root, address));
        row.filter(|row| !row.is_default())
            .and_then(|row| row.nexthops.first()?.gateway)
            .is_some_and(|gateway| has(to, gateway))
    };
    case.bundle.nodes.iter().any(|node| {
        if node.name == case.node.name {
            return false;
        }
        // The owner's way to this node's pods is as good a proof.
        match node.name == owner.name {
            false => sends(node, owner, destination),
            true => case
                .node
                .sandboxes
                .iter()
                .flat_map(|sandbox| &sandbox.addresses)
                .any(|address| sends(node, case.node, *address)),
        }
    })
}

/// A row of its own sends what is for a pod to a router that no node is, while others are sent to the pod's node itself.
pub(in crate::diagnose::trace) fn by_stranger(
    case: &Case<'_>,
    destination: IpAddr,
    router: IpAddr,
) -> Option<Told> {
    if case.is_pod() {
        return None;
    }
    let holder = facts::holders(case.bundle, destination)
        .find(|holder| holder.is_pod() && holder.node.name != case.node.name)?;
    let owner = holder.node.root()?;
    let has = |address: IpAddr| owner.addresses.iter().any(|row| row.address == address);
    let direct = case.bundle.nodes.iter().filter_map(Node::root).any(|root| {
        root.routes.iter().any(|row| {
            !row.is_default()
                && row.destination.contains(&destination)
                && row
                    .nexthops
                    .first()
                    .and_then(|hop| hop.gateway)
                    .is_some_and(has)
        })
    });
    let row = Fib::new(case.netns).lookup(&Flow::to(destination)).route?;
    let by_router = row.nexthops.iter().any(|hop| hop.gateway == Some(router));
    if !direct || !by_router || row.is_default() {
        return None;
    }
    let (from, to) = (&case.node.name, &holder.node.name);
    let text = notation::route(row, case.netns);
    Some(
        Told::new("block-route-to-wrong-node", from)
            .what(format!(
                "{from} sends what is for {destination} to {router}, which is no node; it is on {to}"
            ))
            .show(format!("ip route get {destination}"))
            .fix(if row.destination.prefix_len() == row.destination.max_prefix_len() {
                format!("ip route del {text}")
            } else {
                block_route(case.bundle, from, destination)
                    .unwrap_or_else(|| "correct the route: ip route replace, by the owner's address".to_owned())
            })
            .evidence(vec![Evidence::new(format!("{from} route"), text)]),
    )
}

/// A block that two nodes hold, if the row that decides is one that keeps it.
pub(in crate::diagnose::trace) fn claimed_twice(
    case: &Case<'_>,
    destination: IpAddr,
) -> Option<Told> {
    let route = Fib::new(case.netns).lookup(&Flow::to(destination)).route?;
    let block = route.destination;
    if !keeps(case.netns, route) || block.prefix_len() == block.max_prefix_len() {
        return None;
    }
    let other = case.bundle.nodes.iter().find(|other| {
        other.name != case.node.name
            && other.root().is_some_and(|root| {
                // A row that discards is no claim where nodes keep their ranges on bridges.
                root.routes.iter().any(|row| {
                    row.destination == block && row.kind == route.kind && keeps(root, row)
                })
            })
    })?;
    Some(
        case.of_node("block-claimed-twice")
            .what(format!(
                "{} holds {block}, and so does {}",
                case.node.name, other.name
            ))
            .show(format!("ip route show {block}, on both"))
            .fix(format!(
                "take it from the node that has no pods in it: ip route del {block}"
            ))
            .evidence(vec![
                Evidence::new(
                    format!("{} route", case.node.name),
                    notation::route(route, case.netns),
                ),
                Evidence::new(format!("{} route", other.name), block.to_string()),
            ]),
    )
}

/// A node that gets what is for another one's pods.
pub(in crate::diagnose::trace) fn wrong_node(
    case: &Case<'_>,
    node: &str,
    right: Option<&str>,
) -> Told {
    let destination = case.destination();
    // The hop before is where the route stands.
    let hop = case
        .path
        .hops
        .iter()
        .rev()
        .find(|hop| hop.at.node != node && !hop.rows.is_empty());
    let from = hop.map_or(case.node.name.as_str(), |hop| hop.at.node.as_str());
    let is = right.map_or_else(String::new, |right| format!("; it is on {right}"));
    Told::new("block-route-to-wrong-node", from)
        .what(format!(
            "{from} sends what is for {destination} to {node}{is}"
        ))
        .show(format!("ip route get {destination}"))
        .fix(
            block_route(case.bundle, from, destination).unwrap_or_else(|| {
                "correct the route: ip route replace, by the owner's address".to_owned()
            }),
        )
        .evidence(hop.map_or_else(Vec::new, |hop| rows(from, &hop.rows)))
}

/// The command that gives a node its row for the block of a pod elsewhere: as a third node has it, else by the
/// owner's address where nothing is wrapped.
pub(in crate::diagnose::trace) fn block_route(
    bundle: &Bundle,
    from: &str,
    destination: IpAddr,
) -> Option<String> {
    let holder = facts::holders(bundle, destination).find(facts::Holder::is_pod)?;
    let owner = holder.node;
    let has = |node: &Node, address: IpAddr| {
        node.root()
            .is_some_and(|root| root.addresses.iter().any(|row| row.address == address))
    };
    let of_third = bundle
        .nodes
        .iter()
        .filter(|node| node.name != from && node.name != owner.name)
        .filter_map(Node::root)
        .find_map(|root| {
            let row = in_main(root, destination).filter(|row| !row.is_default())?;
            let gateway = row.nexthops.first()?.gateway?;
            has(owner, gateway).then(|| notation::route(row, root))
        });
    if let Some(row) = of_third {
        return Some(format!("ip route replace {row}"));
    }
    if facts::tunnels(bundle).next().is_some() {
        return None;
    }
    // The owner discards what is for none of its pods, or has the block on a bridge.
    let root = owner.root()?;
    let block = root
        .routes
        .iter()
        .filter(|row| row.table == TableId::MAIN && row.destination.contains(&destination))
        .map(|row| row.destination)
        .filter(|block| block.prefix_len() > 0 && block.prefix_len() < block.max_prefix_len())
        .max_by_key(ipnet::IpNet::prefix_len)?;
    let node = bundle.node(from)?.root()?;
    let address = root.links.iter().find_map(|link| {
        (role(owner, root, link) == Role::Underlay && !link.is_loopback()).then_some(())?;
        root.addresses_of(link.index)
            .map(|row| row.address)
            .find(|address| {
                in_main(node, *address).is_some_and(|row| {
                    row.nexthops
                        .first()
                        .is_some_and(|hop| hop.gateway.is_none())
                })
            })
    })?;
    Some(format!("ip route replace {block} via {address}"))
}
