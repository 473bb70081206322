//! A node that does not forward what its pods send.

use super::{Evidence, Finding, Severity, whole};
use crate::inspect::pod::pod_addresses;
use crate::model::Node;

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let Some(root) = node.root() else { return };
    let (mut v4, mut v6) = (false, false);
    for netns in node.namespaces.iter().filter(|netns| netns.id != node.root) {
        // Only what is joined to the node by a pair is forwarded by it.
        let joined = netns.links.iter().any(|link| {
            link.peer()
                .is_some_and(|peer| peer.netns == Some(node.root))
        });
        if joined && node.sandboxes_in(netns.id).next().is_some() {
            for address in pod_addresses(netns) {
                v4 |= address.is_ipv4();
                v6 |= address.is_ipv6();
            }
        }
    }
    for (used, sysctl, family) in [
        (v4, "net.ipv4.ip_forward", "IPv4"),
        (v6, "net.ipv6.conf.all.forwarding", "IPv6"),
    ] {
        if used && whole(&root.sysctls).is_some() && root.sysctl_number(sysctl) == Some(0) {
            findings.push(Finding {
                id: "ip-forward-off",
                severity: Severity::Fault,
                node: node.name.clone(),
                place: None,
                device: None,
                what: format!("the node does not forward {family}"),
                why: format!("a packet of a pod for anything but the node itself is dropped on arrival ({sysctl})"),
                evidence: vec![Evidence::new("sysctl", format!("{sysctl} = 0"))],
                show: format!("sysctl {sysctl}"),
                fix: format!("sysctl -w {sysctl}=1"),
            });
        }
    }
    // A pod's device whose own switch is off drops what the pod sends, whatever the node's says.
    for link in &root.links {
        let Some(inside) = link.peer().and_then(|peer| peer.netns) else {
            continue;
        };
        let Some(pod) = node.sandboxes_in(inside).next() else {
            continue;
        };
        if link.master.is_some() || root.sysctl_number("net.ipv4.ip_forward") != Some(1) {
            continue;
        }
        if v4 && link.inet.is_some_and(|conf| conf.forwarding == 0) {
            findings.push(Finding {
                id: "veth-forwarding-off",
                severity: Severity::Fault,
                node: node.name.clone(),
                place: Some(pod.full_name()),
                device: Some(link.name.clone()),
                what: format!("{} does not forward", link.name),
                why: "what the pod sends by this device is for the node alone, and proxy ARP does not answer on it".to_owned(),
                evidence: vec![Evidence::new("sysctl", format!("net.ipv4.conf.{}.forwarding = 0", link.name))],
                show: format!("sysctl net.ipv4.conf.{}.forwarding", link.name),
                fix: format!("sysctl -w net.ipv4.conf.{}.forwarding=1", link.name),
            });
        }
    }
}
