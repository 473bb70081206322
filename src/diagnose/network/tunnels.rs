//! Tunnel ends of each node against those of each other.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::index::{Index, Known, Map};
use super::{finding, row};
use crate::diagnose::Finding;
use crate::model::link::Vxlan;
use crate::model::{FdbEntry, IfIndex, Link, Mac, Neighbour, notation};

/// One end of a tunnel network.
struct End<'a> {
    number: usize,
    known: &'a Known<'a>,
    link: &'a Link,
    vxlan: &'a Vxlan,
}

pub(super) fn check(index: &Index<'_>, findings: &mut Vec<Finding>) {
    // Ends of one network have one name, whatever else is wrong with them.
    let mut networks: BTreeMap<&str, Vec<End<'_>>> = BTreeMap::new();
    for (number, known) in index.nodes.iter().enumerate() {
        for (link, vxlan) in &known.tunnels {
            networks.entry(&link.name).or_default().push(End {
                number,
                known,
                link,
                vxlan,
            });
        }
    }
    for (name, ends) in &networks {
        if ends.len() < 2 {
            continue;
        }
        missing(index, name, ends, findings);
        odd(ends, findings);
        twins(ends, findings);
        let by_mac = by_mac(ends);
        let by_node: Map<usize, &End<'_>> =
            ends.iter().rev().map(|end| (end.number, end)).collect();
        for end in ends.iter().filter(|end| end.link.is_up()) {
            if end.link.master.is_some() {
                flooding(end, ends, findings);
                pinned(index, end, &by_node, findings);
            } else {
                peers(index, end, &by_node, &by_mac, findings);
            }
        }
    }
}

/// Nodes with pods that the others tunnel to, and that have no end themselves, or one that is down.
fn missing(index: &Index<'_>, name: &str, ends: &[End<'_>], findings: &mut Vec<Finding>) {
    for end in ends.iter().filter(|end| !end.link.is_up()) {
        let node = &end.known.node.name;
        findings.push(Finding {
            what: format!("{name} is down"),
            show: format!("ip -d link show {name}"),
            fix: format!("ip link set {name} up"),
            evidence: vec![row(node, "link", format!("{name} is not UP"))],
            ..finding("vxlan-device-down", node, Some(name))
        });
    }
    // A network that most nodes with pods are part of.
    if ends.len() * 2 <= index.nodes.len() {
        return;
    }
    for (number, known) in index.nodes.iter().enumerate() {
        let is_part = ends.iter().any(|end| end.number == number);
        // Another name for it is no absence.
        if is_part || !known.tunnels.is_empty() || known.ends.is_empty() || !known.is_whole {
            continue;
        }
        let node = &known.node.name;
        findings.push(Finding {
            what: format!("{node} has no {name}; {} other nodes have", ends.len()),
            show: "ip -d link show type vxlan".to_owned(),
            fix: "restart the network agent of the node, which makes the device".to_owned(),
            evidence: vec![row(node, "link", format!("no {name}"))],
            ..finding("vxlan-device-missing", node, Some(name))
        });
    }
}

/// Ends whose VNI or port is not that of most.
fn odd(ends: &[End<'_>], findings: &mut Vec<Finding>) {
    let mut one = |id: &'static str, word: &str, value: fn(&Vxlan) -> u32| {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for end in ends {
            *counts.entry(value(end.vxlan)).or_default() += 1;
        }
        let Some((&common, _)) = counts.iter().max_by_key(|(_, count)| **count) else {
            return;
        };
        for end in ends.iter().filter(|end| value(end.vxlan) != common) {
            let (node, name, own) = (&end.known.node.name, &end.link.name, value(end.vxlan));
            let Some(other) = ends.iter().find(|other| value(other.vxlan) == common) else {
                continue;
            };
            findings.push(Finding {
                what: format!(
                    "{name} of {node} has {word} {own}; that of {} has {common}",
                    other.known.node.name
                ),
                show: format!("ip -d link show {name}, on both"),
                fix: format!("ip link del {name}, and make it anew with {word} {common}"),
                evidence: vec![
                    row(node, "link", format!("{name} {word} {own}")),
                    row(
                        &other.known.node.name,
                        "link",
                        format!("{name} {word} {common}"),
                    ),
                ],
                ..finding(id, node, Some(name))
            });
        }
    };
    // A device that gets VNI and tunnel end with each packet has none of its own.
    if ends.iter().all(|end| !end.vxlan.collect_metadata) {
        one("vni-mismatch", "VNI", |vxlan| vxlan.vni.0);
    }
    one("vxlan-port-mismatch", "UDP port", |vxlan| vxlan.port.into());
}

/// Two ends with one MAC. The one that fewer others know by it has taken it.
fn twins(ends: &[End<'_>], findings: &mut Vec<Finding>) {
    let mut holders: BTreeMap<Mac, Vec<&End<'_>>> = BTreeMap::new();
    for end in ends {
        if let Some(mac) = end.link.mac {
            holders.entry(mac).or_default().push(end);
        }
    }
    for (mac, twins) in holders.into_iter().filter(|(_, twins)| twins.len() > 1) {
        let believers = |end: &End<'_>| {
            ends.iter()
                .flat_map(|other| other.known.root.fdb.iter())
                .filter(|entry| entry.mac == mac && entry.own && entry.dst == end.vxlan.local)
                .count()
        };
        let Some(rightful) = twins.iter().max_by_key(|end| believers(end)) else {
            continue;
        };
        for end in twins.iter().filter(|end| end.number != rightful.number) {
            let (node, name) = (&end.known.node.name, &end.link.name);
            findings.push(Finding {
                what: format!(
                    "{name} of {node} has the MAC {mac}, which is that of {}",
                    rightful.known.node.name
                ),
                show: format!("ip link show {name}, on both"),
                fix: format!("ip link set {name} address ITS_OWN"),
                evidence: twins
                    .iter()
                    .map(|end| {
                        row(
                            &end.known.node.name,
                            "link",
                            format!("{} {mac}", end.link.name),
                        )
                    })
                    .collect(),
                ..finding("duplicate-vtep-mac", node, Some(name))
            });
        }
    }
}

fn by_mac<'a>(ends: &'a [End<'a>]) -> Map<Mac, Vec<&'a End<'a>>> {
    let mut map: Map<Mac, Vec<&End<'_>>> = Map::default();
    for end in ends {
        if let Some(mac) = end.link.mac {
            map.entry(mac).or_default().push(end);
        }
    }
    map
}

/// What an end that is routed into knows of the ends behind its routes.
fn peers<'a>(
    index: &Index<'a>,
    end: &End<'a>,
    by_node: &Map<usize, &'a End<'a>>,
    by_mac: &Map<Mac, Vec<&'a End<'a>>>,
    findings: &mut Vec<Finding>,
) {
    if !end.known.is_whole || end.vxlan.collect_metadata || end.vxlan.l3miss || end.vxlan.l2miss {
        return;
    }
    let (root, node, name) = (end.known.root, &end.known.node.name, &end.link.name);
    let own = |device: IfIndex| device == end.link.index;
    let neighbours: Map<IpAddr, &Neighbour> = root
        .neighbours
        .iter()
        .filter(|row| own(row.device) && !row.proxy)
        .map(|row| (row.address, row))
        .collect();
    let mut fdb: Map<Mac, Vec<&FdbEntry>> = Map::default();
    for entry in root.fdb.iter().filter(|row| own(row.device) && row.own) {
        fdb.entry(entry.mac).or_default().push(entry);
    }
    let floods = fdb.contains_key(&Mac::ZERO) || end.vxlan.remote.is_some();
    let mut gateways: Vec<IpAddr> = end
        .known
        .routes
        .values()
        .filter(|route| route.leaves_by(end.link.index))
        .filter_map(|route| route.nexthops.first()?.gateway)
        .collect();
    gateways.sort();
    gateways.dedup();
    for gateway in gateways {
        // The end behind the gateway: the one that has the address.
        let holders = index.by_address.get(&gateway);
        let Some(peer) = holders
            .into_iter()
            .flatten()
            .find_map(|number| by_node.get(number).copied())
        else {
            continue;
        };
        let Some(real) = peer.link.mac else { continue };
        if by_mac.get(&real).is_some_and(|twins| twins.len() > 1) {
            // Told of as that.
            continue;
        }
        let entry = neighbours
            .get(&gateway)
            .copied()
            .filter(|row| row.state.is_valid());
        let Some((entry, mac)) = entry.and_then(|entry| Some((entry, entry.mac?))) else {
            if floods {
                continue;
            }
            findings.push(Finding {
                what: format!(
                    "{name} does not know the MAC of {gateway}, the tunnel end of {}",
                    peer.known.node.name
                ),
                show: format!("ip neigh show dev {name}"),
                fix: format!("ip neigh replace {gateway} lladdr {real} dev {name} nud permanent"),
                evidence: vec![row(node, "neighbour", format!("no {gateway} dev {name}"))],
                ..finding("vtep-neighbour-missing", node, Some(name))
            });
            continue;
        };
        if mac != real {
            findings.push(Finding {
                what: format!(
                    "the entry for {gateway} on {name} says {mac}; {} has {real}",
                    peer.known.node.name
                ),
                show: format!("ip neigh show {gateway} dev {name}"),
                fix: format!("ip neigh replace {gateway} lladdr {real} dev {name} nud permanent"),
                evidence: vec![
                    row(node, "neighbour", notation::neighbour(entry, root)),
                    row(
                        &peer.known.node.name,
                        "link",
                        format!("{} {real}", peer.link.name),
                    ),
                ],
                ..finding("vtep-neighbour-stale", node, Some(name))
            });
            continue;
        }
        let entries = fdb.get(&mac).map_or(&[][..], Vec::as_slice);
        let Some(entry) = entries.first() else {
            if !floods && !end.vxlan.learning {
                let dst = peer
                    .vxlan
                    .local
                    .map_or_else(|| "NODE_ADDRESS".to_owned(), |a| a.to_string());
                findings.push(Finding {
                    what: format!(
                        "{name} does not know behind which node {mac} is; it is on {}",
                        peer.known.node.name
                    ),
                    show: format!("bridge fdb show dev {name} | grep {mac}"),
                    fix: format!("bridge fdb append {mac} dev {name} dst {dst} self permanent"),
                    evidence: vec![row(node, "fdb", format!("no {mac} dev {name}"))],
                    ..finding("fdb-entry-missing", node, Some(name))
                });
            }
            continue;
        };
        misdirected(end, entry, peer, findings);
    }
}

/// An entry that leads to another node than the MAC's.
fn misdirected(end: &End<'_>, entry: &FdbEntry, peer: &End<'_>, findings: &mut Vec<Finding>) {
    let (node, name) = (&end.known.node.name, &end.link.name);
    let (Some(dst), Some(right)) = (entry.dst, peer.vxlan.local) else {
        return;
    };
    // Any of the peer's own addresses will do.
    let is_peers = peer
        .known
        .root
        .addresses
        .iter()
        .any(|row| row.address == dst);
    if dst == right || is_peers || entry.nexthop_id.is_some() {
        return;
    }
    let is_own = end
        .known
        .root
        .addresses
        .iter()
        .any(|row| row.address == dst);
    let id = if is_own {
        "fdb-entry-to-itself"
    } else {
        "fdb-entry-stale"
    };
    let mac = entry.mac;
    findings.push(Finding {
        what: format!(
            "{name} sends frames for {mac} to {dst}; it is on {} at {right}",
            peer.known.node.name
        ),
        show: format!("bridge fdb show dev {name} | grep {mac}"),
        fix: format!("bridge fdb replace {mac} dev {name} dst {right} self permanent"),
        evidence: vec![row(node, "fdb", notation::fdb(entry, end.known.root))],
        ..finding(id, node, Some(name))
    });
}

/// Ends that are ports of bridges must flood to each other, unless a group does that.
fn flooding(end: &End<'_>, ends: &[End<'_>], findings: &mut Vec<Finding>) {
    let (root, node, name) = (end.known.root, &end.known.node.name, &end.link.name);
    if end.vxlan.remote.is_some() || end.vxlan.collect_metadata || !root.fdb.is_complete() {
        return;
    }
    let listed: HashSet<IpAddr> = root
        .fdb
        .iter()
        .filter(|row| row.device == end.link.index && row.own && row.mac == Mac::ZERO)
        .filter_map(|row| row.dst)
        .collect();
    // Without any list the entries are a daemon's, one by one.
    if listed.is_empty() && !end.vxlan.learning {
        return;
    }
    for peer in ends.iter().filter(|peer| peer.number != end.number) {
        let Some(local) = peer.vxlan.local else {
            continue;
        };
        let is_listed = listed.contains(&local)
            || peer
                .known
                .root
                .addresses
                .iter()
                .any(|row| listed.contains(&row.address));
        if is_listed {
            continue;
        }
        findings.push(Finding {
            what: format!(
                "{name} does not send unknown frames to {local}, which is {}",
                peer.known.node.name
            ),
            show: format!("bridge fdb show dev {name} | grep 00:00:00:00:00:00"),
            fix: format!(
                "bridge fdb append 00:00:00:00:00:00 dev {name} dst {local} self permanent"
            ),
            evidence: vec![row(
                node,
                "fdb",
                format!("no 00:00:00:00:00:00 dev {name} dst {local}"),
            )],
            ..finding("flood-list-missing-peer", node, Some(name))
        });
    }
}

/// Entries that were set by hand where others are learned: each must lead to the node where the pod is.
fn pinned(
    index: &Index<'_>,
    end: &End<'_>,
    by_node: &Map<usize, &End<'_>>,
    findings: &mut Vec<Finding>,
) {
    let entries = end.known.root.fdb.iter().filter(|row| {
        row.device == end.link.index && row.own && row.mac != Mac::ZERO && !row.is_learned()
    });
    for entry in entries {
        let holders = index.pod_macs.get(&entry.mac);
        let Some([(number, _)]) = holders.map(Vec::as_slice) else {
            continue;
        };
        if let Some(peer) = by_node.get(number) {
            misdirected(end, entry, peer, findings);
        }
    }
}
