//! Addresses and MACs that two nodes have, neighbours between the nodes, sizes, ports unlike all others.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::index::{Index, Known};
use super::{finding, row};
use crate::diagnose::Finding;
use crate::model::neighbour::NeighbourState;
use crate::model::route::Scope;
use crate::model::{Address, LinkKind, Mac, notation};

/// What VXLAN puts around a packet, octets: IPv4 20, UDP 8, VXLAN 8, Ethernet 14.
const WRAPPING: u32 = 50;
/// The same over IPv6.
const WRAPPING_V6: u32 = 70;

pub(super) fn check(index: &Index<'_>, findings: &mut Vec<Finding>) {
    pod_addresses(index, findings);
    node_addresses(index, findings);
    pod_macs(index, findings);
    node_macs(index, findings);
    let mtus = Largest::of(index);
    for (number, known) in index.nodes.iter().enumerate() {
        neighbours(index, known, findings);
        sizes(index, number, &mtus, findings);
    }
    hairpin(index, findings);
}

/// One address on pods of two nodes.
fn pod_addresses(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut twice: Vec<_> = index
        .pods
        .iter()
        .filter(|(_, pods)| {
            pods.iter()
                .any(|(node, _)| pods.first().is_some_and(|f| f.0 != *node))
        })
        .collect();
    twice.sort_by_key(|(address, _)| **address);
    for (address, pods) in twice {
        let names: Vec<_> = pods.iter().map(|(_, pod)| pod.as_str()).collect();
        let Some((number, pod)) = pods.first() else {
            continue;
        };
        findings.push(Finding {
            place: Some(pod.clone()),
            what: format!("{address} is the address of {}", names.join(" and of ")),
            show: format!("ovl pod {address}"),
            fix: "delete one of the pods".to_owned(),
            evidence: pods
                .iter()
                .map(|(node, pod)| row(index.name(*node), pod, address.to_string()))
                .collect(),
            ..finding("duplicate-pod-address", index.name(*number), None)
        });
    }
}

/// A pod's address on a device of a node, or one address on the devices of two nodes.
fn node_addresses(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for known in &index.nodes {
        let usable = known
            .root
            .addresses
            .iter()
            .filter(|row| row.scope == Scope::UNIVERSE && !row.address.is_loopback());
        for row in usable {
            let (address, name) = (row.address, &known.node.name);
            let device = known.root.device_name(row.device);
            let is_underlay = known.underlays().any(|link| link.index == row.device);
            let pod = index.pods.get(&address).and_then(|pods| pods.first());
            let other = index.by_address.get(&address).and_then(|nodes| {
                let mut others = nodes.iter().filter_map(|number| index.nodes.get(*number));
                others.find(|other| other.node.name != *name)
            });
            let (id, whose) = match (pod, other) {
                (Some((_, pod)), _) => ("duplicate-pod-address", pod.clone()),
                // Many machines have an address of a network of their own, such as a hypervisor's, in common. Of one
                // that a third node talks to there can only be one; the one that keeps it is named by its network.
                (None, Some(other))
                    if is_underlay && is_talked_to(index, address) && is_the_odd(row, other) =>
                {
                    ("duplicate-node-address", other.node.name.clone())
                }
                _ => continue,
            };
            findings.push(Finding {
                what: format!(
                    "{address} is the address of {whose}, and {device} of {name} has it too"
                ),
                show: format!("ip address show to {address}; ip neigh show {address}"),
                fix: format!("ip address del {address}/{} dev {device}", row.prefix_len),
                evidence: vec![self::row(
                    name,
                    "address",
                    format!("{address}/{} dev {device}", row.prefix_len),
                )],
                ..finding(id, name, Some(&device))
            });
        }
    }
}

/// Whether a node that does not have an address knows a neighbour by it.
fn is_talked_to(index: &Index<'_>, address: IpAddr) -> bool {
    index.nodes.iter().any(|known| {
        let has = known
            .root
            .addresses
            .iter()
            .any(|row| row.address == address);
        let rows = || known.root.neighbours.iter();
        !has && rows().any(|row| row.address == address && row.state.is_valid())
    })
}

/// Of two bearers of an address, the one that has it besides another of the same network, or by itself.
fn is_the_odd(row: &Address, other: &Known<'_>) -> bool {
    let theirs = other
        .root
        .addresses
        .iter()
        .find(|other| other.address == row.address);
    theirs.is_some_and(|theirs| {
        (theirs.prefix_len, !row.is_secondary()) <= (row.prefix_len, !theirs.is_secondary())
    })
}

/// One MAC on pods of two nodes matters where their pods are one Ethernet.
fn pod_macs(index: &Index<'_>, findings: &mut Vec<Finding>) {
    if !index.is_flat {
        return;
    }
    let mut twice: Vec<_> = index
        .pod_macs
        .iter()
        .filter(|(_, pods)| {
            pods.iter()
                .any(|(node, _)| pods.first().is_some_and(|f| f.0 != *node))
        })
        .collect();
    twice.sort_by_key(|(mac, _)| **mac);
    for (mac, pods) in twice {
        let names: Vec<_> = pods.iter().map(|(_, pod)| pod.as_str()).collect();
        let Some((number, pod)) = pods.first() else {
            continue;
        };
        findings.push(Finding {
            place: Some(pod.clone()),
            what: format!("{mac} is the MAC of {}", names.join(" and of ")),
            show: format!("bridge fdb show | grep {mac}"),
            fix: "give one of them another MAC, or delete that pod".to_owned(),
            evidence: pods
                .iter()
                .map(|(node, pod)| row(index.name(*node), pod, mac.to_string()))
                .collect(),
            ..finding("duplicate-mac", index.name(*number), None)
        });
    }
}

/// One MAC on two nodes' devices in one subnet.
fn node_macs(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut holders: BTreeMap<(Mac, ipnet::IpNet), Vec<(&str, &str)>> = BTreeMap::new();
    for known in &index.nodes {
        for link in known.underlays() {
            let net = known.root.addresses_of(link.index).find_map(|row| {
                row.network()
                    .filter(|net| net.addr().is_ipv4() && net.prefix_len() < 32)
            });
            if let (Some(mac), Some(net)) = (link.mac, net) {
                holders
                    .entry((mac, net))
                    .or_default()
                    .push((&known.node.name, &link.name));
            }
        }
    }
    for ((mac, net), devices) in holders.into_iter().filter(|(_, devices)| devices.len() > 1) {
        let Some((node, device)) = devices.first() else {
            continue;
        };
        let names: Vec<_> = devices
            .iter()
            .map(|(node, device)| format!("{device} of {node}"))
            .collect();
        if devices.iter().all(|(other, _)| other == node) {
            continue;
        }
        findings.push(Finding {
            what: format!("{mac} is the MAC of {} in {net}", names.join(" and of ")),
            show: format!("ip link show {device}, on both"),
            fix: "give one of the machines another MAC".to_owned(),
            evidence: devices
                .iter()
                .map(|(node, device)| row(node, "link", format!("{device} {mac}")))
                .collect(),
            ..finding("duplicate-mac", node, Some(device))
        });
    }
}

/// Entries for other nodes that were set by hand, or stand, with a MAC that the node does not have.
fn neighbours(index: &Index<'_>, known: &Known<'_>, findings: &mut Vec<Finding>) {
    let node = &known.node.name;
    for entry in known.root.neighbours.iter().filter(|row| !row.proxy) {
        // What was learned corrects itself.
        if entry.state != NeighbourState::Permanent {
            continue;
        }
        let Some(link) = known.root.link(entry.device) else {
            continue;
        };
        if !known.underlays().any(|other| other.index == link.index) {
            continue;
        }
        let (Some(mac), Some([holder])) = (
            entry.mac,
            index.by_address.get(&entry.address).map(Vec::as_slice),
        ) else {
            continue;
        };
        let Some(peer) = index.nodes.get(*holder) else {
            continue;
        };
        if peer.root.links.iter().any(|link| link.mac == Some(mac)) || !peer.is_whole {
            continue;
        }
        let (address, name) = (entry.address, &link.name);
        findings.push(Finding {
            what: format!(
                "the entry for {address} on {name} says {mac}, which no device of {} has",
                peer.node.name
            ),
            show: format!("ip neigh show {address} dev {name}"),
            fix: format!("ip neigh del {address} dev {name}"),
            evidence: vec![row(
                node,
                "neighbour",
                notation::neighbour(entry, known.root),
            )],
            ..finding("underlay-neighbour-stale", node, Some(name))
        });
    }
}

/// The largest MTU of devices to other hosts, and the largest of all nodes but the one that has it.
struct Largest {
    node: usize,
    mtu: u32,
    next: Option<u32>,
}

impl Largest {
    fn of(index: &Index<'_>) -> Self {
        let mut of_node: Vec<(u32, usize)> = index
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(number, known)| {
                Some((known.underlays().map(|link| link.mtu).max()?, number))
            })
            .collect();
        of_node.sort_unstable_by(|a, b| b.cmp(a));
        let first = of_node.first().copied().unwrap_or_default();
        Self {
            node: first.1,
            mtu: first.0,
            next: of_node.get(1).map(|(mtu, _)| *mtu),
        }
    }

    fn besides(&self, number: usize) -> Option<u32> {
        if self.node == number {
            self.next
        } else {
            Some(self.mtu)
        }
    }
}

/// What pods believe they may send, with its wrapping, against the node's device in its subnet.
fn sizes(index: &Index<'_>, number: usize, mtus: &Largest, findings: &mut Vec<Finding>) {
    let Some(known) = index.nodes.get(number) else {
        return;
    };
    let node = &known.node.name;
    let pod_mtu = known
        .ends
        .iter()
        .filter_map(|(link, _)| {
            let peer = link.peer()?;
            known.node.netns(peer.netns?)?.link(peer.index)
        })
        .map(|link| link.mtu)
        .min();
    let Some(pod_mtu) = pod_mtu else { return };
    for link in known.underlays().filter(|link| link.is_up()) {
        let to_nodes = known.root.addresses_of(link.index).any(|row| {
            row.network().is_some_and(|net| {
                index.by_address.iter().any(|(address, holders)| {
                    net.contains(address) && holders.iter().any(|other| *other != number)
                })
            })
        });
        if !to_nodes {
            continue;
        }
        let wrapping = known
            .tunnels
            .iter()
            .find(|(_, vxlan)| vxlan.underlay.is_none_or(|below| below == link.index));
        // Where some are reached plain, the wrapped ones are the larger.
        let wrapping = match wrapping {
            None => 0,
            Some((_, vxlan)) if vxlan.local.is_some_and(|a| a.is_ipv6()) => WRAPPING_V6,
            Some(_) => WRAPPING,
        };
        // Others' devices tell whether it is this one that is small.
        let others = mtus.besides(number);
        if link.mtu >= pod_mtu + wrapping || others.is_some_and(|most| most <= link.mtu) {
            continue;
        }
        let name = &link.name;
        findings.push(Finding {
            what: format!(
                "{name} takes {} octets; a pod's {pod_mtu} and {wrapping} of wrapping are more",
                link.mtu
            ),
            show: format!("ip link show {name}"),
            fix: format!("ip link set {name} mtu {}", pod_mtu + wrapping),
            evidence: vec![row(node, "link", format!("{name} mtu {}", link.mtu))],
            ..finding("underlay-mtu-too-small", node, Some(name))
        });
    }
}

/// A port of a pod without hairpin where all other pods' ports have it.
fn hairpin(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let ports = || {
        index.nodes.iter().flat_map(|known| {
            known.ends.iter().filter_map(move |(link, pod)| {
                let bridge = known.root.link(link.master?)?;
                matches!(bridge.kind, LinkKind::Bridge(_)).then_some(())?;
                Some((known, *link, *pod, link.bridge_port()?.hairpin))
            })
        })
    };
    let (on, off) = ports().fold((0usize, 0usize), |(on, off), (.., hairpin)| {
        if hairpin {
            (on + 1, off)
        } else {
            (on, off + 1)
        }
    });
    if off == 0 || on < 2 || off > on {
        return;
    }
    for (known, link, pod, _) in ports().filter(|(.., hairpin)| !hairpin) {
        let (node, name) = (&known.node.name, &link.name);
        findings.push(Finding {
            place: Some(pod.full_name()),
            what: format!("hairpin is off on {name}; it is on at the ports of {on} other pods"),
            show: format!("bridge -d link show dev {name}"),
            fix: format!("bridge link set dev {name} hairpin on"),
            evidence: vec![row(node, "bridge link", format!("{name} hairpin off"))],
            ..finding("hairpin-off", node, Some(name))
        });
    }
}
