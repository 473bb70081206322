//! Where a loss comes from, when that is not where it shows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::cause::{Case, device_down};
use super::facts::{self, Role, role};
use super::rows;
use crate::diagnose::Evidence;
use crate::model::route::{Protocol, RouteKind};
use crate::model::rule::RuleAction;
use crate::model::{Bundle, Link, LinkKind, Mac, Netns, Node, Route, TableId, Vni, notation};
use crate::walk::fib::Fib;
use crate::walk::flow::Flow;
use crate::walk::path::Step;

/// A finding in the making.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: &'static str,
    pub(super) node: String,
    pub(super) place: Option<String>,
    pub(super) device: Option<String>,
    pub(super) what: String,
    pub(super) why: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) show: String,
    pub(super) fix: String,
}

impl Told {
    pub(super) fn new(id: &'static str, node: &str) -> Self {
        Self {
            id,
            node: node.to_owned(),
            place: None,
            device: None,
            what: String::new(),
            why: None,
            evidence: Vec::new(),
            show: String::new(),
            fix: String::new(),
        }
    }

    pub(super) fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub(super) fn device(mut self, device: &str) -> Self {
        self.device = Some(device.to_owned());
        self
    }

    pub(super) fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    pub(super) fn show(mut self, show: impl Into<String>) -> Self {
        self.show = show.into();
        self
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    pub(super) fn evidence(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}

/// An IPv6 address that its host does not use: not yet, or never as somebody else has it.
pub(super) fn unusable(
    bundle: &Bundle,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Option<Told> {
    addresses
        .into_iter()
        .filter(IpAddr::is_ipv6)
        .flat_map(|address| facts::holders(bundle, address).map(move |holder| (address, holder)))
        .find_map(|(address, holder)| {
            let row = holder
                .netns
                .addresses_of(holder.link.index)
                .find(|row| row.address == address && row.is_unusable())?;
            let name = &holder.link.name;
            let mut told = Told::new("ipv6-address-tentative", &holder.node.name).device(name);
            let mut prefix = String::new();
            if holder.is_pod() {
                told = told.place(holder.name());
                prefix = holder
                    .netns
                    .paths
                    .first()
                    .map_or_else(String::new, |path| format!("nsenter --net={path} "));
            }
            let (word, what, fix) = if row.is_duplicate() {
                (
                    "dadfailed",
                    "is not used: somebody else on the link has it",
                    format!("find the other: ovl pod {address}; then set the address again"),
                )
            } else {
                (
                    "tentative",
                    "is not used yet: whether somebody else has it is still being asked",
                    "wait a second or two, and trace again".to_owned(),
                )
            };
            Some(
                told.what(format!("{address} on {name} {what}"))
                    .show(format!("{prefix}ip -6 address show dev {name}"))
                    .fix(fix)
                    .evidence(vec![Evidence::new(
                        format!("{} address", holder.node.name),
                        format!("{address}/{} dev {name} {word}", row.prefix_len),
                    )]),
            )
        })
}

/// The route of the main table with the longest prefix for an address.
fn in_main(root: &Netns, address: IpAddr) -> Option<&Route> {
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
pub(super) fn of_routing(case: &Case<'_>, address: IpAddr) -> Option<Told> {
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

/// What is wrong with a pod itself, so that it cannot send or be sent to.
pub(super) fn broken_pod(node: &Node, netns: &Netns) -> Option<Told> {
    for link in netns.links.iter().filter(|link| link.peer().is_some()) {
        if !link.is_up() {
            return Some(device_down(node, netns, link));
        }
        let Some(outer) = facts::outer(node, link) else {
            continue;
        };
        if !outer.is_up() {
            return Some(device_down(node, node.root()?, outer));
        }
    }
    let sandbox = node.sandboxes_in(netns.id).next()?;
    let result = node
        .cni
        .results
        .iter()
        .find(|result| result.container == sandbox.id)?;
    let missing = result
        .addresses()
        .into_iter()
        .find(|address| !netns.addresses.iter().any(|row| row.address == *address))?;
    netns.addresses.is_complete().then_some(())?;
    let (pod, device) = (sandbox.full_name(), &result.ifname);
    Some(
        Told::new("pod-address-missing", &node.name)
            .place(&pod)
            .device(device)
            .what(format!(
                "{device} of {pod} does not have {missing}, which its network gave it"
            ))
            .show(format!("ovl pod {pod}"))
            .fix(format!("kubectl delete pod {}", sandbox.name))
            .evidence(vec![Evidence::new(
                &result.path,
                format!("{missing} {device}"),
            )]),
    )
}

/// What is wrong with the pod that an address belongs to.
pub(super) fn broken_destination(case: &Case<'_>, address: IpAddr) -> Option<Told> {
    let holder = facts::holders(case.bundle, address).find(facts::Holder::is_pod);
    let (node, netns) = match holder {
        Some(holder) => (holder.node, holder.netns),
        None => {
            let (node, sandbox) = facts::given(case.bundle, address)?;
            (node, node.netns_of(sandbox)?)
        }
    };
    if let Some(told) = broken_pod(node, netns) {
        return Some(told);
    }
    let outer = holder?.outer()?;
    let pod = holder?.name();
    // With a bridge go the routes by it, and what is for its pods goes wherever else a row leads.
    if let Some(bridge) = outer
        .master
        .and_then(|master| node.root()?.link(master))
        .filter(|bridge| !bridge.is_up())
    {
        return Some(device_down(node, node.root()?, bridge));
    }
    // A pod behind a bridge on all of its neighbours' nodes, and not on its own.
    let bridged = case.bundle.nodes.iter().any(|other| {
        other.root().is_some_and(|root| {
            root.links.iter().any(|link| {
                role(other, root, link) == Role::Port && facts::pod_behind(other, link).is_some()
            })
        })
    });
    if bridged && outer.master.is_none() && !routed_to(node, outer) {
        return Some(
            Told::new("veth-not-in-bridge", &node.name)
                .place(pod)
                .device(&outer.name)
                .what(format!("{} is not a port of the bridge", outer.name))
                .show(format!("ip link show {}; bridge link", outer.name))
                .fix(format!("ip link set {} master BRIDGE", outer.name)),
        );
    }
    None
}

fn routed_to(node: &Node, outer: &Link) -> bool {
    node.root().is_some_and(|root| {
        root.routes.iter().any(|route| {
            route.leaves_by(outer.index)
                && route.table != TableId::LOCAL
                && route.protocol != Protocol::KERNEL
        })
    })
}

/// The gateway that the pod's network gave it: by the result of its plugins, else what the other pods of the node use.
pub(super) fn gateway_given(node: &Node, netns: &Netns) -> Option<IpAddr> {
    let sandbox = node.sandboxes_in(netns.id).next()?;
    let parse = |value: Option<&Value>| value?.as_str()?.parse::<IpAddr>().ok();
    let of_result = node
        .cni
        .results
        .iter()
        .filter(|result| result.container == sandbox.id)
        .find_map(|result| {
            let list = |key| result.result.get(key).and_then(Value::as_array);
            let by_route = list("routes").into_iter().flatten().find_map(|route| {
                let destination = route.get("dst")?.as_str()?;
                destination
                    .ends_with("/0")
                    .then(|| parse(route.get("gw")))?
            });
            by_route.or_else(|| {
                list("ips")
                    .into_iter()
                    .flatten()
                    .find_map(|ip| parse(ip.get("gateway")))
            })
        });
    of_result.or_else(|| {
        let mut used: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for other in node
            .namespaces
            .iter()
            .filter(|other| other.id != netns.id && other.id != node.root)
        {
            if node.sandboxes_in(other.id).next().is_some()
                && let Some(gateway) = default_gateway(other, true)
            {
                *used.entry(gateway).or_default() += 1;
            }
        }
        used.into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(gateway, _)| gateway)
    })
}

/// Where a namespace's default route leads.
pub(super) fn default_gateway(netns: &Netns, v4: bool) -> Option<IpAddr> {
    netns
        .routes
        .iter()
        .find(|route| route.is_default() && route.destination.addr().is_ipv4() == v4)
        .and_then(|route| route.nexthops.first()?.gateway)
}

/// A node without a route to what it has to send on.
pub(super) fn no_block_route(case: &Case<'_>, destination: IpAddr) -> Told {
    let own = host_route(case.bundle, destination).filter(|told| told.node == case.node.name);
    if let Some(told) = own {
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
                Some(command) => format!("{command}; look at the log of the network's agent"),
                None => {
                    "ip route add BLOCK via NODE_ADDRESS; look at the log of the network's agent"
                        .to_owned()
                }
            },
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
pub(super) fn passed_to_router(case: &Case<'_>, destination: IpAddr) -> Option<Told> {
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
    if !knows_others && told.is_none() {
        return None;
    }
    Some(told.unwrap_or_else(|| no_block_route(case, destination)))
}

/// Why a question in one Ethernet over several nodes is not heard: tunnel ends that are missing, down, or do not
/// understand each other, or a list that lacks one of them.
pub(super) fn flat(case: &Case<'_>, address: IpAddr) -> Option<Told> {
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
pub(super) fn host_route(bundle: &Bundle, address: IpAddr) -> Option<Told> {
    let holder = facts::holders(bundle, address).find(facts::Holder::is_pod)?;
    let root = holder.node.root()?;
    let outer = holder.outer()?;
    if !outer.is_up() {
        return Some(device_down(holder.node, root, outer));
    }
    if outer.master.is_some() || !root.routes.is_complete() {
        return None;
    }
    let decided = Fib::new(root).lookup(&Flow::to(address)).route;
    if decided.is_some_and(|route| route.leaves_by(outer.index)) {
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
    Some(
        Told::new(id, &holder.node.name)
            .place(holder.name())
            .what(what)
            .show(format!("ip route get {address}"))
            .fix(format!(
                "ip route replace {address} dev {} scope link",
                outer.name
            ))
            .evidence(vec![Evidence::new(
                format!("{} route", holder.node.name),
                row,
            )]),
    )
}

/// The device of a namespace on which it asks for a next hop.
pub(super) fn asked_on<'a>(case: &Case<'_>, netns: &'a Netns, address: IpAddr) -> Option<&'a Link> {
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
fn keeps(root: &Netns, row: &Route) -> bool {
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

/// A block that two nodes hold, if the row that decides is one that keeps it.
pub(super) fn claimed_twice(case: &Case<'_>, destination: IpAddr) -> Option<Told> {
    let route = Fib::new(case.netns).lookup(&Flow::to(destination)).route?;
    let block = route.destination;
    if !keeps(case.netns, route) || block.prefix_len() == block.max_prefix_len() {
        return None;
    }
    let other = case.bundle.nodes.iter().find(|other| {
        other.name != case.node.name
            && other.root().is_some_and(|root| {
                root.routes
                    .iter()
                    .any(|row| row.destination == block && keeps(root, row))
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

/// A tunnel device that the other nodes have and this one does not, or that is down.
pub(super) fn tunnel_missing(case: &Case<'_>) -> Option<Told> {
    let root = case.node.root()?;
    let own: Vec<&Link> = root
        .links
        .iter()
        .filter(|link| matches!(link.kind, LinkKind::Vxlan(_)))
        .collect();
    if let Some(down) = own.iter().find(|link| !link.is_up()) {
        return Some(device_down(case.node, root, down));
    }
    if !own.is_empty() || !root.links.is_complete() {
        return None;
    }
    let (_, theirs, _) =
        facts::tunnels(case.bundle).find(|(node, ..)| node.name != case.node.name)?;
    Some(missing(case.node, &theirs.name))
}

fn missing(node: &Node, name: &str) -> Told {
    Told::new("vxlan-device-missing", &node.name)
        .device(name)
        .what(format!("{} has no {name}", node.name))
        .show("ip -d link show type vxlan")
        .fix("restart the network agent of the node, which makes the device")
}

/// The MAC of the tunnel end that has an address.
pub(super) fn tunnel_mac(bundle: &Bundle, address: IpAddr) -> Option<Mac> {
    facts::holders(bundle, address)
        .find(|holder| matches!(holder.link.kind, LinkKind::Vxlan(_)))
        .and_then(|holder| holder.link.mac)
}

/// The tunnel end with an address has a MAC that another one has too.
pub(super) fn taken_mac(case: &Case<'_>, address: IpAddr, real: Option<Mac>) -> Option<Told> {
    let owners = facts::tunnels_with(case.bundle, real?);
    let holder = facts::holders(case.bundle, address)
        .find(|holder| matches!(holder.link.kind, LinkKind::Vxlan(_)))?;
    let other = owners
        .iter()
        .find(|(node, _)| node.name != holder.node.name)?;
    Some(duplicate(holder.node, holder.link, other.0, real?))
}

fn duplicate(node: &Node, link: &Link, other: &Node, mac: Mac) -> Told {
    Told::new("duplicate-vtep-mac", &node.name)
        .device(&link.name)
        .what(format!(
            "{} has the MAC {mac}, which {} has too",
            link.name, other.name
        ))
        .show(format!("ip link show {}, on both", link.name))
        .fix(format!("ip link set {} address ITS_OWN", link.name))
}

/// A tunnel end that throws away what comes from its own MAC.
pub(super) fn duplicate_mac(case: &Case<'_>, mac: Mac) -> Told {
    let owners = facts::tunnels_with(case.bundle, mac);
    let other = owners.iter().find(|(node, _)| node.name != case.node.name);
    match (case.link, other) {
        (Some(link), Some((other, _))) => duplicate(case.node, link, other, mac),
        _ => case
            .here("duplicate-vtep-mac")
            .what(format!("{mac} is the MAC of two tunnel ends"))
            .show("ip -d link show type vxlan, on all nodes")
            .fix("give one of them its own"),
    }
}

/// A frame for a MAC that no tunnel end has: the neighbour entry that named it is stale, or the MAC was changed.
pub(super) fn changed_mac(case: &Case<'_>, from: &str, device: &str, mac: Mac) -> Option<Told> {
    let node = case.bundle.node(from)?;
    let root = node.root()?;
    let link = root.link_named(device)?;
    let row = root
        .neighbours
        .iter()
        .find(|row| row.device == link.index && row.mac == Some(mac))?;
    let real = tunnel_mac(case.bundle, row.address);
    if let Some(told) = taken_mac(case, row.address, real) {
        return Some(told);
    }
    let lladdr = real.map_or_else(|| "VTEP_MAC".to_owned(), |real| real.to_string());
    Some(
        Told::new("vtep-neighbour-stale", from)
            .device(device)
            .what(format!(
                "the entry for {} on {device} says {mac}, which no tunnel end has",
                row.address
            ))
            .show(format!("ip neigh show {} dev {device}", row.address))
            .fix(format!(
                "ip neigh replace {} lladdr {lladdr} dev {device} nud permanent",
                row.address
            ))
            .evidence(vec![Evidence::new(
                format!("{from} neighbour"),
                notation::neighbour(row, root),
            )]),
    )
}

/// Nothing takes the wrapped packet: there is no device, or it listens elsewhere.
pub(super) fn no_tunnel(case: &Case<'_>, port: u16, there: &[(String, u16)]) -> Told {
    let Some((name, other)) = there.first() else {
        let theirs = case.tunnel_name();
        return missing(case.node, &theirs);
    };
    odd_one(case, "vxlan-port-mismatch", |vxlan| vxlan.port.into(), name).unwrap_or_else(|| {
        case.of_node("vxlan-port-mismatch")
            .device(name)
            .what(format!(
                "{name} listens on {other}; the packet is for {port}"
            ))
            .show(format!("ip -d link show {name}"))
            .fix("make one of the two devices anew with the other's port")
    })
}

/// No device has the VNI.
pub(super) fn other_vni(case: &Case<'_>, vni: Vni, there: &[(String, Vni)]) -> Told {
    let name = there
        .first()
        .map_or_else(|| case.device_name(), |(name, _)| name.clone());
    odd_one(case, "vni-mismatch", |vxlan| vxlan.vni.0, &name).unwrap_or_else(|| {
        case.of_node("vni-mismatch")
            .device(&name)
            .what(format!("no device there has VNI {vni}"))
            .show(format!("ip -d link show {name}"))
            .fix("make one of the two devices anew with the other's VNI")
    })
}

/// Of two ends that differ, the one that differs from all others; the sender where two nodes are all there are.
fn odd_one(
    case: &Case<'_>,
    id: &'static str,
    value: impl Fn(&crate::model::link::Vxlan) -> u32,
    receivers: &str,
) -> Option<Told> {
    let wrap = case
        .path
        .hops
        .iter()
        .rev()
        .find(|hop| hop.step == Step::Wrap)?;
    let sender = &wrap.at.node;
    let mut by_value: BTreeMap<u32, Vec<(&Node, &Link)>> = BTreeMap::new();
    for (node, link, vxlan) in facts::tunnels(case.bundle) {
        by_value.entry(value(vxlan)).or_default().push((node, link));
    }
    let common = by_value
        .iter()
        .max_by_key(|(_, nodes)| nodes.len())
        .map(|(value, _)| *value)?;
    let of = |name: &str| {
        facts::tunnels(case.bundle)
            .filter(|(node, ..)| node.name == *name)
            .find(|(_, link, _)| name != case.node.name || link.name == receivers)
            .map(|(node, link, vxlan)| (node, link, value(vxlan)))
    };
    let (sent, received) = (of(sender)?, of(&case.node.name)?);
    let (odd, right) = if sent.2 == common {
        (received, sent)
    } else {
        (sent, received)
    };
    let word = if id == "vni-mismatch" {
        "VNI"
    } else {
        "UDP port"
    };
    Some(
        Told::new(id, &odd.0.name)
            .device(&odd.1.name)
            .what(format!(
                "{} of {} has {word} {}; that of {} has {}",
                odd.1.name, odd.0.name, odd.2, right.0.name, right.2
            ))
            .show(format!("ip -d link show {}, on both", odd.1.name))
            .fix(format!(
                "ip link del {}, and make it anew with {word} {}",
                odd.1.name, right.2
            ))
            .evidence(vec![
                Evidence::new(
                    format!("{} link", odd.0.name),
                    format!("{} {word} {}", odd.1.name, odd.2),
                ),
                Evidence::new(
                    format!("{} link", right.0.name),
                    format!("{} {word} {}", right.1.name, right.2),
                ),
            ]),
    )
}

/// A node that gets what is for another one's pods.
pub(super) fn wrong_node(case: &Case<'_>, node: &str, right: Option<&str>) -> Told {
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
            block_route(case.bundle, from, destination)
                .unwrap_or_else(|| "ip route replace BLOCK via OWNER_ADDRESS".to_owned()),
        )
        .evidence(hop.map_or_else(Vec::new, |hop| rows(from, &hop.rows)))
}

/// A service's endpoint that no pod has. It is the translating node that is wrong.
pub(super) fn dead_endpoint(case: &Case<'_>, address: IpAddr) -> Told {
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

/// The command that gives a node its row for the block of a pod elsewhere: as a third node has it, else by the
/// owner's address where nothing is wrapped.
pub(super) fn block_route(bundle: &Bundle, from: &str, destination: IpAddr) -> Option<String> {
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
