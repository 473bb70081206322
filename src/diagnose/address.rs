//! One address twice, records without a pod, pods without a record.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::{Evidence, Finding, Severity, whole};
use crate::inspect::pod::pod_addresses;
use crate::model::sandbox::short_id;
use crate::model::{Mac, Node, SandboxState};

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    duplicates(node, findings);
    duplicate_macs(node, findings);
    records(node, findings);
}

fn finding(node: &Node, id: &'static str, severity: Severity) -> Finding {
    Finding {
        id,
        severity,
        node: node.name.clone(),
        place: None,
        device: None,
        what: String::new(),
        why: String::new(),
        evidence: Vec::new(),
        show: String::new(),
        fix: String::new(),
    }
}

fn duplicates(node: &Node, findings: &mut Vec<Finding>) {
    let mut holders: BTreeMap<IpAddr, Vec<(String, String)>> = BTreeMap::new();
    for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
        let Some(pod) = node.sandboxes_in(netns.id).next() else {
            continue;
        };
        for address in pod_addresses(netns) {
            let device = netns
                .addresses
                .iter()
                .find(|row| row.address == address)
                .map(|row| netns.device_name(row.device))
                .unwrap_or_default();
            let holder = (pod.full_name(), device);
            let all = holders.entry(address).or_default();
            if !all.contains(&holder) {
                all.push(holder);
            }
        }
    }
    for (address, pods) in holders.into_iter().filter(|(_, pods)| pods.len() > 1) {
        let names: Vec<_> = pods.iter().map(|(pod, _)| pod.as_str()).collect();
        findings.push(Finding {
            place: pods.first().map(|(pod, _)| pod.clone()),
            what: format!("{address} is the address of {}", names.join(" and of ")),
            why: "packets for it reach one of them, and replies to the other are lost".to_owned(),
            evidence: pods
                .iter()
                .map(|(pod, device)| Evidence::new(pod, format!("{address} dev {device}")))
                .collect(),
            show: format!("ovl pod {address}"),
            fix: format!(
                "kubectl delete pod {}",
                pods.last()
                    .map(|(pod, _)| pod.rsplit('/').next().unwrap_or(pod))
                    .unwrap_or_default()
            ),
            ..finding(node, "duplicate-pod-address", Severity::Fault)
        });
    }
}

/// Two pods on one bridge with one MAC: the bridge knows only where it saw it last.
fn duplicate_macs(node: &Node, findings: &mut Vec<Finding>) {
    let Some(root) = node.root() else { return };
    let mut holders: BTreeMap<(String, Mac), Vec<String>> = BTreeMap::new();
    for port in root.links.iter() {
        let (Some(bridge), Some(peer)) = (port.master, port.peer()) else {
            continue;
        };
        let Some(netns) = peer.netns.and_then(|id| node.netns(id)) else {
            continue;
        };
        let (Some(inside), Some(pod)) =
            (netns.link(peer.index), node.sandboxes_in(netns.id).next())
        else {
            continue;
        };
        if let Some(mac) = inside.mac {
            holders
                .entry((root.device_name(bridge), mac))
                .or_default()
                .push(pod.full_name());
        }
    }
    for ((bridge, mac), pods) in holders.into_iter().filter(|(_, pods)| pods.len() > 1) {
        findings.push(Finding {
            place: pods.first().cloned(),
            device: Some(bridge.clone()),
            what: format!("{mac} is the MAC of {} on {bridge}", pods.join(" and of ")),
            why: "the bridge sends frames for it to whichever spoke last".to_owned(),
            evidence: pods
                .iter()
                .map(|pod| Evidence::new(pod, format!("lladdr {mac}")))
                .collect(),
            show: format!("bridge fdb show br {bridge} | grep {mac}"),
            fix: "give one of them another MAC, or delete that pod".to_owned(),
            ..finding(node, "duplicate-mac", Severity::Fault)
        });
    }
}

fn records(node: &Node, findings: &mut Vec<Finding>) {
    let Some(records) = whole(&node.cni.addresses) else {
        return;
    };
    if let Some(sandboxes) = whole(&node.sandboxes) {
        let known: HashSet<&str> = sandboxes.iter().map(|row| row.id.as_str()).collect();
        let cached: HashSet<&str> = node
            .cni
            .results
            .iter()
            .map(|row| row.container.as_str())
            .collect();
        for record in records {
            // A container that is not the runtime's but has a cached result was made by another runtime.
            if known.contains(record.container.as_str())
                || cached.contains(record.container.as_str())
            {
                continue;
            }
            // A gateway or another reservation of the plugin's own is not a container's.
            if record.container.len() < 12 {
                continue;
            }
            findings.push(Finding {
                what: format!(
                    "{} is recorded for a sandbox that is not there ({})",
                    record.address,
                    short_id(&record.container)
                ),
                why:
                    "the address is never given away again; with enough of them, new pods get none"
                        .to_owned(),
                evidence: vec![Evidence::new(
                    &record.path,
                    format!("{} {}", record.address, record.container),
                )],
                show: format!("cat {}", record.path),
                fix: match record.plugin.as_str() {
                    "host-local" => format!("rm {}", record.path),
                    _ => "ovl cni gc".to_owned(),
                },
                ..finding(node, "ipam-record-without-sandbox", Severity::Warning)
            });
        }
    }
    // The reverse: an address in a range that a plugin gives from, without its record, will be given again.
    let recorded: HashSet<IpAddr> = records.iter().map(|record| record.address).collect();
    for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
        let ready = |row: &&crate::model::Sandbox| {
            row.state != SandboxState::NotReady && !row.id.is_empty()
        };
        let Some(pod) = node.sandboxes_in(netns.id).find(ready) else {
            continue;
        };
        for address in pod_addresses(netns) {
            let given = node
                .cni
                .blocks
                .iter()
                .find(|block| block.cidr.contains(&address));
            let cached =
                node.cni.results.iter().any(|result| {
                    result.container == pod.id && result.addresses().contains(&address)
                });
            if let (Some(block), true) = (given, cached)
                && !recorded.contains(&address)
            {
                findings.push(Finding {
                    place: Some(pod.full_name()),
                    what: format!("{address} of {} has no record", pod.full_name()),
                    why: format!("it is in {}, from which {} gives addresses, and will be given to another pod", block.cidr, block.network),
                    evidence: vec![Evidence::new(&block.path, format!("{} holds {address}", block.cidr))],
                    show: format!("ovl pod {address}"),
                    fix: format!("kubectl delete pod {}", pod.name),
                    ..finding(node, "sandbox-without-ipam-record", Severity::Warning)
                });
            }
        }
    }
}
