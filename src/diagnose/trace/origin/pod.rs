//! A pod that lacks what it was given.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::Told;
use crate::diagnose::Evidence;
use crate::diagnose::trace::cause::{Case, device_down};
use crate::diagnose::trace::facts::{self, Role, role};
use crate::model::cni::CachedResult;
use crate::model::route::Protocol;
use crate::model::{Link, LinkKind, Netns, Node, TableId};

/// What is wrong with a pod itself, so that it cannot send or be sent to.
pub(in crate::diagnose::trace) fn broken_pod(node: &Node, netns: &Netns) -> Option<Told> {
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
    let has = |address: &IpAddr| netns.addresses.iter().any(|row| row.address == *address);
    let of_pod = |result: &&CachedResult| result.container == sandbox.id;
    let mut results = node.cni.results.iter().filter(of_pod);
    let (result, missing) = results.find_map(|result| {
        let mut addresses = result.addresses().into_iter();
        Some((result, addresses.find(|address| !has(address))?))
    })?;
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
pub(in crate::diagnose::trace) fn broken_destination(
    case: &Case<'_>,
    address: IpAddr,
) -> Option<Told> {
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
    // A pod behind another bridge than the one whose network it has its address from.
    let meant = bridge_of(node, address);
    if let (Some(meant), Some(master)) = (meant, outer.master)
        && meant.index != master
        && node.root()?.links.is_complete()
    {
        let is = node.root()?.device_name(master);
        return Some(outside(
            node,
            outer,
            pod,
            &format!("{}, but of {is}", meant.name),
            meant,
        ));
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
        return match meant.or_else(|| bridge_of_others(node, outer)) {
            Some(bridge) => Some(outside(node, outer, pod, &bridge.name, bridge)),
            None => Some(
                Told::new("veth-not-in-bridge", &node.name)
                    .place(pod)
                    .device(&outer.name)
                    .what(format!("{} is not a port of the bridge", outer.name))
                    .show(format!("ip link show {}; bridge link", outer.name))
                    .fix(format!("ip link set {} master BRIDGE", outer.name)),
            ),
        };
    }
    None
}

fn outside(node: &Node, outer: &Link, pod: String, of: &str, bridge: &Link) -> Told {
    let name = &outer.name;
    Told::new("veth-not-in-bridge", &node.name)
        .place(pod)
        .device(name)
        .what(format!("{name} is not a port of {of}"))
        .show(format!("ip link show {name}; bridge link"))
        .fix(format!("ip link set {name} master {}", bridge.name))
}

/// The bridge of a node on whose own network an address is.
pub(super) fn bridge_of(node: &Node, address: IpAddr) -> Option<&Link> {
    let root = node.root()?;
    root.links.iter().find(|link| {
        matches!(link.kind, LinkKind::Bridge(_))
            && root
                .addresses_of(link.index)
                .filter_map(crate::model::Address::network)
                .any(|network| network.contains(&address))
    })
}

/// The bridge that the node's other pods are behind.
fn bridge_of_others<'a>(node: &'a Node, outer: &Link) -> Option<&'a Link> {
    let root = node.root()?;
    let others = root.links.iter().filter(|link| link.index != outer.index);
    let masters = others.filter(|link| facts::pod_behind(node, link).is_some());
    root.link(masters.filter_map(|link| link.master).next()?)
}

/// The node's end of a pair, which the node reaches its pod by, was made a bridge's port: what comes in by it is the
/// bridge's from then on.
pub(in crate::diagnose::trace) fn enslaved(node: &Node, outer: &Link) -> Option<Told> {
    let root = node.root()?;
    let bridge = root.link(outer.master?)?;
    let pod = facts::pod_behind(node, outer)?;
    if !matches!(bridge.kind, LinkKind::Bridge(_)) || !routed_to(node, outer) {
        return None;
    }
    let (name, bridge) = (&outer.name, &bridge.name);
    Some(
        Told::new("veth-in-bridge", &node.name)
            .place(pod)
            .device(name)
            .what(format!(
                "{name} is a port of {bridge}, and the node routes by {name} itself"
            ))
            .show(format!("ip -d link show {name}; ip route show dev {name}"))
            .fix(format!("ip link set {name} nomaster"))
            .evidence(vec![Evidence::new(
                format!("{} link", node.name),
                format!("{name} master {bridge}"),
            )]),
    )
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

/// The gateway of a family that the pod's network gave it: by the result of its plugins, else what the other pods of
/// the node use.
pub(in crate::diagnose::trace) fn gateway_given(
    node: &Node,
    netns: &Netns,
    v4: bool,
) -> Option<IpAddr> {
    let sandbox = node.sandboxes_in(netns.id).next()?;
    let parse = |value: Option<&Value>| {
        let address = value?.as_str()?.parse::<IpAddr>().ok()?;
        (address.is_ipv4() == v4).then_some(address)
    };
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
                && let Some(gateway) = default_gateway(other, v4)
            {
                *used.entry(gateway).or_default() += 1;
            }
        }
        used.into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(gateway, _)| gateway)
    })
}

/// The address, with the length of its network, that the pod's network gave it.
pub(in crate::diagnose::trace) fn prefix_given(node: &Node, netns: &Netns) -> Option<IpNet> {
    let sandbox = node.sandboxes_in(netns.id).next()?;
    let results = node.cni.results.iter();
    results
        .filter(|result| result.container == sandbox.id)
        .filter_map(|result| result.result.get("ips")?.as_array())
        .flatten()
        .filter_map(|ip| ip.get("address")?.as_str()?.parse::<IpNet>().ok())
        .find(|given| !given.addr().is_loopback())
}

/// Where a namespace's default route leads.
pub(in crate::diagnose::trace) fn default_gateway(netns: &Netns, v4: bool) -> Option<IpAddr> {
    netns
        .routes
        .iter()
        .find(|route| route.is_default() && route.destination.addr().is_ipv4() == v4)
        .and_then(|route| route.nexthops.first()?.gateway)
}
