//! Namespaces and pods that do not belong to each other.

use super::{Evidence, Finding, Severity, whole};
use crate::inspect::find::netns_name;
use crate::model::{Node, SandboxState};

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let Some(sandboxes) = whole(&node.sandboxes) else {
        return;
    };
    let base = |id, severity| Finding {
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
    };
    // Two living pods in one namespace.
    for (place, sandbox) in sandboxes.iter().enumerate() {
        if sandbox.host_network || sandbox.state != SandboxState::Ready {
            continue;
        }
        let Some(id) = sandbox.netns else { continue };
        let twin = sandboxes.iter().skip(place + 1).find(|other| {
            other.netns == Some(id) && !other.host_network && other.state == SandboxState::Ready
        });
        if let Some(twin) = twin {
            findings.push(Finding {
                place: Some(sandbox.full_name()),
                what: format!("{} and {} live in one network namespace", sandbox.full_name(), twin.full_name()),
                why: "they share addresses and ports, and the end of one takes the network of the other".to_owned(),
                evidence: vec![Evidence::new("runtime", format!("{} net:[{id}]", sandbox.netns_path.as_deref().unwrap_or("-")))],
                show: format!("ovl pod {}", sandbox.full_name()),
                fix: format!("kubectl delete pod {}", twin.name),
                ..base("shared-netns", Severity::Fault)
            });
        }
    }
    // A living pod whose namespace is gone.
    for sandbox in sandboxes {
        if sandbox.state == SandboxState::Ready
            && !sandbox.host_network
            && sandbox.netns.is_none()
            && let Some(path) = &sandbox.netns_path
            && node
                .dead_paths
                .iter()
                .any(|dead| dead == path || path.strip_prefix("/var") == Some(dead))
        {
            findings.push(Finding {
                place: Some(sandbox.full_name()),
                what: format!("{} has no network namespace any more", sandbox.full_name()),
                why: "its path leads to an ordinary file; the pod runs without a network"
                    .to_owned(),
                evidence: vec![Evidence::new("runtime", path)],
                show: format!("stat -f {path}"),
                fix: format!("kubectl delete pod {}", sandbox.name),
                ..base("netns-gone", Severity::Fault)
            });
        }
    }
    // A namespace that a plugin or a runtime made and nobody uses. Only names that runtimes give count.
    for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
        let name = netns_name(netns);
        if !name.starts_with("cni-")
            || netns.paths.is_empty()
            || sandboxes
                .iter()
                .any(|sandbox| sandbox.netns == Some(netns.id))
        {
            continue;
        }
        let Some(processes) = whole(&netns.processes) else {
            continue;
        };
        if processes.is_empty() {
            let path = netns.paths.first().cloned().unwrap_or_default();
            findings.push(Finding {
                what: format!("the network namespace {name} belongs to no pod"),
                why: "no sandbox and no process uses it; its devices, and addresses if they are recorded, stay with it".to_owned(),
                evidence: vec![Evidence::new("names of namespaces", &path)],
                show: format!("ip netns pids {name}"),
                fix: format!("ip netns delete {name}"),
                ..base("netns-leaked", Severity::Warning)
            });
        }
    }
    for path in &node.dead_paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with("cni-")
            && !sandboxes.iter().any(|sandbox| {
                sandbox
                    .netns_path
                    .as_deref()
                    .is_some_and(|known| known.ends_with(name))
            })
        {
            findings.push(Finding {
                what: format!("{path} leads to no network namespace"),
                why: "an empty file is left of a namespace that has gone; it harms nobody but shows that a teardown was cut short".to_owned(),
                evidence: vec![Evidence::new("names of namespaces", path)],
                show: format!("stat -f {path}"),
                fix: format!("rm {path}"),
                ..base("netns-name-stale", Severity::Warning)
            });
        }
    }
}
