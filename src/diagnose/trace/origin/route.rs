//! A route that sends packets where they should not go, and what it stands for.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Told;
use crate::diagnose::Evidence;
use crate::diagnose::trace::cause::{Case, device_down};
use crate::diagnose::trace::facts::{self, Role, role};
use crate::diagnose::trace::rows;
use crate::model::route::{Protocol, RouteKind};
use crate::model::rule::RuleAction;
use crate::model::{Bundle, Link, LinkKind, Netns, Node, Route, TableId, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;

/// The route of the main table with the longest prefix for an address.
pub(super) fn in_main(root: &Netns, address: IpAddr) -> Option<&Route> {
    root.routes
        .iter()
        .filter(|route| route.table == TableId::MAIN && route.destination.contains(&address))
        .max_by_key(|route| {
            (
                route.destination.prefix_len(),
                std::cmp::Reverse(route.metric),
            )
        })
}

/// The addresses that the node had to route, innermost last: what is around the packet, then the packet's own.
fn routed(case: &Case<'_>, address: IpAddr) -> Vec<IpAddr> {
    let mut all = Vec::new();
    if let Some(hop) = case.path.hops.last() {
        all.extend(hop.headers.outer.map(|outer| outer.destination));
        all.push(hop.headers.destination);
    }
    all.push(address);
    all.dedup();
    all
}

/// What is wrong with the choice of the route that led here: a rule in front of it, a network of the node that
/// covers pods, a device that does not lead to the nodes.
pub(in crate::diagnose::trace) fn of_routing(case: &Case<'_>, address: IpAddr) -> Option<Told> {
    if case.is_pod() {
        return None;
    }
    let fib = Fib::new(case.netns);
    for destination in routed(case, address) {
        let decision = fib.lookup(&Flow::to(destination));
        if let Some(told) = hijacked(case, &decision, destination) {
            return Some(told);
        }
        let Some(route) = decision.route else {
            continue;
        };
        if let Some(told) = overlapped(case, route, destination) {
            return Some(told);
        }
    }
    wrong_device(case, address)
}

fn hijacked(
    case: &Case<'_>,
    decision: &crate::walk::fib::Decision<'_>,
    destination: IpAddr,
) -> Option<Told> {
    let rule = decision.rule?;
    let RuleAction::Lookup(table) = rule.action else {
        return None;
    };
    if [TableId::LOCAL, TableId::MAIN, TableId::DEFAULT].contains(&table) {
        return None;
    }
    let main = in_main(case.netns, destination).filter(|route| !route.is_default())?;
    let row = notation::rule(rule);
    let mut evidence = vec![Evidence::new(format!("{} rule", case.node.name), &row)];
    if let Some(route) = decision.route {
        evidence.push(Evidence::new(
            format!("{} route", case.node.name),
            notation::route(route, case.netns),
        ));
    }
    let passed_over = notation::route(main, case.netns);
    evidence.push(Evidence::new(
        format!("{} route, never asked", case.node.name),
        &passed_over,
    ));
    Some(
        case.of_node("rule-hijacks-route")
            .what(format!(
                "the rule {row} sends what is for {destination} elsewhere than {passed_over}"
            ))
            .show(format!(
                "ip rule; ip route show table {table}; ip route get {destination}"
            ))
            .fix(format!("ip rule del priority {}", rule.priority))
            .evidence(evidence),
    )
}

/// A network on a device of the node holds the address of a pod elsewhere.
fn overlapped(case: &Case<'_>, route: &Route, destination: IpAddr) -> Option<Told> {
    let hop = route.nexthops.first()?;
    let link = case.netns.link(hop.device?)?;
    let on_link = route.protocol == Protocol::KERNEL && hop.gateway.is_none();
    if !on_link || role(case.node, case.netns, link) != Role::Underlay {
        return None;
    }
    let is_pods = facts::holders(case.bundle, destination).any(|holder| holder.is_pod())
        || facts::given(case.bundle, destination).is_some();
    if !is_pods {
        return None;
    }
    let row = notation::route(route, case.netns);
    Some(
        case.of_node("range-overlap")
            .device(&link.name)
            .what(format!(
                "{} on {} covers {destination}, which is a pod's",
                route.destination, link.name
            ))
            .show(format!(
                "ip route get {destination}; ip address show dev {}",
                link.name
            ))
            .fix(format!(
                "ip address del the one of {} on {}",
                route.destination, link.name
            ))
            .evidence(vec![Evidence::new(
                format!("{} route", case.node.name),
                row,
            )]),
    )
}

/// The next hop is asked for on a device whose networks do not hold it, while another device's does.
fn wrong_device(case: &Case<'_>, address: IpAddr) -> Option<Told> {
    let used = case.link?;
    if role(case.node, case.netns, used) != Role::Underlay {
        return None;
    }
    let holds = |link: &Link| {
        case.netns.addresses_of(link.index).any(|row| {
            row.prefix_len > 0 && row.network().is_some_and(|net| net.contains(&address))
        })
    };
    if holds(used) {
        return None;
    }
    let right = case
        .netns
        .links
        .iter()
        .find(|link| role(case.node, case.netns, link) == Role::Underlay && holds(link))?;
    // A second device in the same subnet leads there as well.
    let own = case
        .netns
        .addresses_of(used.index)
        .filter(|row| row.scope.0 == 0);
    let same = own.into_iter().any(|own| {
        case.netns
            .addresses_of(right.index)
            .filter_map(crate::model::Address::network)
            .any(|net| net.contains(&own.address))
    });
    if same {
        return None;
    }
    Some(
        case.of_node("wrong-underlay-device")
            .device(&used.name)
            .what(format!(
                "{address} is asked for on {}, but it is in the network of {}",
                used.name, right.name
            ))
            .show(format!("ip route get {address}; ip address"))
            .fix(format!(
                "let the route, or the network's agent, use {}",
                right.name
            )),
    )
}

/// Why a question in one Ethernet over several nodes is not heard: tunnel ends that are missing, down, or do not
/// understand each other, or a list that lacks one of them.
pub(in crate::diagnose::trace) fn flat(case: &Case<'_>, address: IpAddr) -> Option<Told> {
    let holder = facts::holders(case.bundle, address).find(facts::Holder::is_pod)?;
    if holder.node.name == case.node.name {
        return None;
    }
    let both = [case.node.name.as_str(), holder.node.name.as_str()];
    let kinds = [
        "vxlan-device-missing",
        "vxlan-device-down",
        "vni-mismatch",
        "vxlan-port-mismatch",
        "flood-list-missing-peer",
    ];
    let found = crate::diagnose::network::check(case.bundle)
        .into_iter()
        .filter(|finding| both.contains(&finding.node.as_str()))
        // A list that lacks a third node is no matter of these two.
        .filter(|finding| {
            finding.id != "flood-list-missing-peer"
                || both
                    .iter()
                    .any(|other| *other != finding.node && finding.what.ends_with(other))
        })
        .filter_map(|finding| {
            let rank = kinds.iter().position(|kind| *kind == finding.id)?;
            Some((rank, finding))
        })
        .min_by_key(|(rank, _)| *rank)?
        .1;
    Some(Told {
        id: found.id,
        node: found.node,
        place: found.place,
        device: found.device,
        what: found.what,
        why: None,
        evidence: found.evidence,
        show: found.show,
        fix: found.fix,
    })
}

/// The node of a pod has no route to it: it fell into the blackhole of its block, or is not believed.
pub(in crate::diagnose::trace) fn host_route(bundle: &Bundle, address: IpAddr) -> Option<Told> {
    let holder = facts::holders(bundle, address).find(facts::Holder::is_pod)?;
    let root = holder.node.root()?;
    let outer = holder.outer()?;
    if !outer.is_up() {
        return Some(device_down(holder.node, root, outer));
    }
    if !root.routes.is_complete() || !root.addresses.is_complete() {
        return None;
    }
    let decided = Fib::new(root).lookup(&Flow::to(address)).route;
    let device = outer.master.unwrap_or(outer.index);
    if decided.is_some_and(|route| route.leaves_by(device)) {
        return None;
    }
    // The node has its route, and a row that discards wins over it: that is what is wrong.
    let discards = decided.is_some_and(|route| route.kind != RouteKind::Unicast);
    let has_one = root.routes.iter().any(|route| {
        route.kind == RouteKind::Unicast
            && route.destination.contains(&address)
            && route.leaves_by(device)
    });
    if discards && has_one {
        return None;
    }
    let bridge = outer.master.and_then(|master| root.link(master));
    if bridge.is_some_and(|bridge| !bridge.is_up()) {
        return None;
    }
    let row = decided.map_or_else(
        || "no route".to_owned(),
        |route| notation::route(route, root),
    );
    let elsewhere = decided.filter(|route| {
        route.kind == RouteKind::Unicast
            && route.destination.prefix_len() == route.destination.max_prefix_len()
    });
    let (id, what) = match elsewhere {
        Some(_) => (
            "host-route-wrong",
            format!(
                "{} sends what is for its own pod {} elsewhere: {row}",
                holder.node.name,
                holder.name()
            ),
        ),
        None => (
            "host-route-missing",
            format!(
                "{} has no route to its own pod {} at {address}",
                holder.node.name,
                holder.name()
            ),
        ),
    };
    // The network of a bridge comes and goes with the bridge's address.
    let fix = match bridge {
        Some(bridge) => gateway_of(holder.node, holder.netns, address).map_or_else(
            || format!("ip route replace NETWORK dev {}", bridge.name),
            |gateway| {
                let name = &bridge.name;
                let mut there = root.addresses_of(bridge.index);
                if there.any(|row| row.address == gateway.addr()) {
                    let (network, gateway) = (gateway.trunc(), gateway.addr());
                    format!("ip route replace {network} dev {name} proto kernel scope link src {gateway}")
                } else {
                    format!("ip address add {gateway} dev {name}")
                }
            },
        ),
        None => format!("ip route replace {address} dev {} scope link", outer.name),
    };
    Some(
        Told::new(id, &holder.node.name)
            .place(holder.name())
            .what(what)
            .show(format!("ip route get {address}"))
            .fix(fix)
            .evidence(vec![Evidence::new(
                format!("{} route", holder.node.name),
                row,
            )]),
    )
}

/// The gateway that a pod's network gave it, with the length of the network that the pod believes to be in.
fn gateway_of(node: &Node, netns: &Netns, address: IpAddr) -> Option<IpNet> {
    let gateway = super::pod::gateway_given(node, netns, address.is_ipv4())?;
    let own = netns.addresses.iter().find(|row| row.address == address)?;
    let network = IpNet::new(gateway, own.prefix_len).ok()?;
    (own.prefix_len < network.max_prefix_len()).then_some(network)
}

/// The device of a namespace on which it asks for a next hop.
pub(in crate::diagnose::trace) fn asked_on<'a>(
    case: &Case<'_>,
    netns: &'a Netns,
    address: IpAddr,
) -> Option<&'a Link> {
    let fib = Fib::new(netns);
    routed(case, address).into_iter().find_map(|destination| {
        let decision = fib.lookup(&Flow::to(destination));
        let hop = decision.route?.nexthops.iter().find(|hop| {
            hop.gateway
                .map_or(destination == address, |gateway| gateway == address)
        })?;
        netns.link(hop.device?)
    })
}

/// Whether a row keeps a range for the node's own pods: it discards, or is the network of a bridge that is no other
/// node's Ethernet.
pub(super) fn keeps(root: &Netns, row: &Route) -> bool {
    let bridge = || {
        let link = root.link(row.nexthops.first()?.device?)?;
        let flat = root
            .links
            .iter()
            .any(|port| port.master == Some(link.index) && matches!(port.kind, LinkKind::Vxlan(_)));
        Some(matches!(link.kind, LinkKind::Bridge(_)) && !flat)
    };
    row.table == TableId::MAIN
        && (row.kind == RouteKind::Blackhole
            || row.protocol == Protocol::KERNEL && bridge().unwrap_or(false))
}

/// A service's endpoint that no pod has. It is the translating node that is wrong.
pub(in crate::diagnose::trace) fn dead_endpoint(case: &Case<'_>, address: IpAddr) -> Told {
    let note = case.path.notes.iter().find(|note| {
        matches!(
            note.kind,
            crate::walk::path::NoteKind::DestinationTranslated { .. }
        )
    });
    let node = note.map_or(case.node.name.as_str(), |note| note.at.node.as_str());
    let service = case.path.packet.destination;
    let evidence = note
        .and_then(|note| note.row.as_ref())
        .map(|row| rows(node, std::slice::from_ref(row)))
        .unwrap_or_default();
    Told::new("service-endpoint-dead", node)
        .what(format!("{service} leads to {address}, which no pod has"))
        .show(format!("iptables-save -t nat | grep {service}"))
        .fix("restart kube-proxy of the node; correct endpoints that were written by hand")
        .evidence(evidence)
}
