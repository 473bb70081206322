//! Pairs without their other end, bridges and ports that are down, MTUs that do not fit.

use super::{Evidence, Finding, Place, Severity, place_of, whole};
use crate::model::link::PortState;
use crate::model::{Link, LinkKind, Netns, NetnsId, Node};

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    for netns in &node.namespaces {
        let is_node = netns.id == node.root;
        let is_pod = node.sandboxes_in(netns.id).next().is_some();
        for link in &netns.links {
            lost_peer(node, netns, link, findings);
            if is_node {
                port(node, netns, link, findings);
                down_bridge(node, netns, link, findings);
            }
            if is_pod {
                down(node, netns, link, findings);
                mtu(node, netns, link, findings);
            }
        }
    }
}

fn finding(
    node: &Node,
    netns: &Netns,
    link: &Link,
    id: &'static str,
    severity: Severity,
) -> Finding {
    Finding {
        id,
        severity,
        node: node.name.clone(),
        place: match place_of(node, netns) {
            Place::Node => None,
            Place::Other(name) => Some(name),
        },
        device: Some(link.name.clone()),
        what: String::new(),
        why: String::new(),
        evidence: vec![Evidence::new("ip link", line(link))],
        show: format!("{}ip -d link show {}", prefix(node, netns), link.name),
        fix: String::new(),
    }
}

/// The beginning of the line of `ip link`.
fn line(link: &Link) -> String {
    let flags: Vec<_> = link.flags.names().collect();
    format!(
        "{}: {}: <{}> mtu {} state {}",
        link.index,
        link.name,
        flags.join(","),
        link.mtu,
        link.oper_state.as_str()
    )
}

/// What to put before a command so that it works where the device is.
pub(super) fn prefix(node: &Node, netns: &Netns) -> String {
    if netns.id == node.root {
        String::new()
    } else {
        netns
            .paths
            .first()
            .map_or_else(String::new, |path| format!("nsenter --net={path} "))
    }
}

/// A pair of which only one end can be reached is what a pod leaves behind that was not taken down whole.
fn lost_peer(node: &Node, netns: &Netns, link: &Link, findings: &mut Vec<Finding>) {
    let Some(peer) = link.peer() else { return };
    let gone = match peer.netns {
        // The kernel names a namespace that nothing leads to. On a node where all namespaces were found, it
        // is held by nothing but a descriptor or another device. The switch of a lab or a virtual machine's
        // side of the node's own uplink is not a pod's, so only ends on which nothing is set up count.
        None => {
            node.namespaces_doubt.is_none()
                && netns.id == node.root
                && is_pods_end(node, netns, link)
        }
        Some(id) => node
            .netns(id)
            .and_then(|far| whole(&far.links))
            .is_some_and(|links| !links.iter().any(|far| far.index == peer.index)),
    };
    if gone {
        findings.push(Finding {
            what: format!("the other end of {} is in a namespace that nothing leads to", link.name),
            why: "no process and no path keeps it; whatever is routed or bridged to this device is lost".to_owned(),
            fix: format!("ip link delete {}", link.name),
            ..finding(node, netns, link, "veth-without-peer", Severity::Warning)
        });
    }
}

/// Whether a device looks as a plugin makes a pod's: a port of a bridge, or with a host route out of it, and no
/// address by which the node itself speaks.
fn is_pods_end(node: &Node, netns: &Netns, link: &Link) -> bool {
    let speaks = netns
        .addresses_of(link.index)
        .any(|row| row.address.is_ipv4() && row.prefix_len < 32);
    let routed = netns.routes.iter().any(|route| {
        route.leaves_by(link.index)
            && route.destination.prefix_len() == route.destination.max_prefix_len()
            && route.table != crate::model::TableId::LOCAL
    });
    let has_pods = !node.sandboxes.rows.is_empty();
    has_pods && !speaks && (link.master.is_some() || routed)
}

fn port(node: &Node, netns: &Netns, link: &Link, findings: &mut Vec<Finding>) {
    let Some(bridge) = link.master.and_then(|index| netns.link(index)) else {
        return;
    };
    let Some(port) = link.bridge_port() else {
        return;
    };
    let inside = pod_behind(node, link);
    let place = inside
        .and_then(|id| node.sandboxes_in(id).next())
        .map(crate::model::Sandbox::full_name);
    if !link.is_up() {
        findings.push(Finding {
            place,
            what: format!("{}, a port of {}, is down", link.name, bridge.name),
            why: "nothing passes between the bridge and what is behind the port".to_owned(),
            fix: format!("ip link set {} up", link.name),
            ..finding(node, netns, link, "bridge-port-down", Severity::Fault)
        });
    } else if port.state != PortState::Forwarding && link.is_running() && bridge.is_up() {
        findings.push(Finding {
            place,
            what: format!(
                "{}, a port of {}, is {}",
                link.name,
                bridge.name,
                port.state.as_str()
            ),
            why: "a bridge passes frames of forwarding ports only".to_owned(),
            evidence: vec![Evidence::new(
                "bridge link",
                format!("{} state {}", link.name, port.state.as_str()),
            )],
            show: format!("bridge -d link show dev {}", link.name),
            fix: format!("bridge link set dev {} state 3", link.name),
            ..finding(
                node,
                netns,
                link,
                "bridge-port-not-forwarding",
                Severity::Fault,
            )
        });
    }
}

fn down_bridge(node: &Node, netns: &Netns, link: &Link, findings: &mut Vec<Finding>) {
    if !matches!(link.kind, LinkKind::Bridge(_)) || link.is_up() {
        return;
    }
    let ports: Vec<_> = netns
        .links
        .iter()
        .filter(|port| port.master == Some(link.index))
        .collect();
    if ports.iter().any(|port| pod_behind(node, port).is_some()) {
        findings.push(Finding {
            what: format!(
                "{} is down, and pods are behind its {} ports",
                link.name,
                ports.len()
            ),
            why: "a bridge that is down passes nothing, not even between its own ports".to_owned(),
            fix: format!("ip link set {} up", link.name),
            ..finding(node, netns, link, "bridge-down", Severity::Fault)
        });
    }
}

/// The pod's namespace at the other end of a device.
fn pod_behind(node: &Node, link: &Link) -> Option<NetnsId> {
    let id = link.peer()?.netns?;
    node.sandboxes_in(id).next().map(|_| id)
}

/// A pod's device that has addresses and is down, at either end.
fn down(node: &Node, netns: &Netns, link: &Link, findings: &mut Vec<Finding>) {
    if link.is_loopback() || netns.addresses_of(link.index).next().is_none() && link.is_up() {
        return;
    }
    let far = link
        .peer()
        .and_then(|peer| Some((node.netns(peer.netns?)?, peer.index)))
        .and_then(|(far, index)| Some((far, far.link(index)?)));
    if !link.is_up() && link.peer().is_some() {
        findings.push(Finding {
            what: format!("{} is down", link.name),
            why: "the pod neither sends nor hears by it".to_owned(),
            fix: format!("{}ip link set {} up", prefix(node, netns), link.name),
            ..finding(node, netns, link, "pod-device-down", Severity::Fault)
        });
    } else if let Some((far, device)) = far
        && !device.is_up()
        // A port of a bridge that is down is told of as that.
        && device.master.is_none()
    {
        findings.push(Finding {
            place: Some(place_name(node, netns)),
            what: format!(
                "{}, the node's end of the pod's {}, is down",
                device.name, link.name
            ),
            why: "the pair has no carrier, so the pod neither sends nor hears by it".to_owned(),
            fix: format!("{}ip link set {} up", prefix(node, far), device.name),
            ..finding(node, far, device, "host-veth-down", Severity::Fault)
        });
    }
}

fn place_name(node: &Node, netns: &Netns) -> String {
    match place_of(node, netns) {
        Place::Node => node.name.clone(),
        Place::Other(name) => name,
    }
}

/// A pod may not send larger packets than the other end of its pair takes, or its bridge passes on.
fn mtu(node: &Node, netns: &Netns, link: &Link, findings: &mut Vec<Finding>) {
    let Some(peer) = link.lower else { return };
    let Some(far) = peer.netns.and_then(|id| node.netns(id)) else {
        return;
    };
    let Some(device) = far.link(peer.index) else {
        return;
    };
    let bridge = device.master.and_then(|index| far.link(index));
    let narrow = std::iter::once(device)
        .chain(bridge)
        .filter(|other| other.mtu < link.mtu)
        .min_by_key(|other| other.mtu);
    if let Some(narrow) = narrow {
        findings.push(Finding {
            what: format!("{} has MTU {}, but {} behind it only {}", link.name, link.mtu, narrow.name, narrow.mtu),
            why: format!(
                "packets larger than {} octets are dropped without a word, so that connections hang once they carry data",
                narrow.mtu
            ),
            evidence: vec![
                Evidence::new("ip link", line(link)),
                Evidence::new(format!("ip link of {}", place_name(node, far)), line(narrow)),
            ],
            fix: format!("{}ip link set {} mtu {}", prefix(node, netns), link.name, narrow.mtu),
            ..finding(node, netns, link, "pod-mtu-above-device", Severity::Fault)
        });
    }
}
