//! What is wrong, each with its proof. One file a family; see [`catalogue`](self#families).
//!
//! Pure: a function of snapshots. A finding is raised only from rows that are there, or from the absence of
//! rows in a table that was read whole; whatever else might be wrong is a doubt, not a finding.
//!
//! # Families
//!
//! | module | about |
//! |---|---|
//! | `address` | one address twice, records without a pod and the reverse |
//! | `cni` | configurations and plugins that a runtime cannot use |
//! | `device` | ends of pairs, bridges and their ports, MTUs |
//! | `echoes` | what packets between each two nodes say |
//! | `forward` | packet filters that let nothing of a pod through |
//! | `forwarding` | a node that does not forward |
//! | `gateway` | routers that nobody answers for |
//! | `limit` | tables that are nearly full |
//! | `netfilter` | backends that do not see each other |
//! | `network` | each node held against each |
//! | `policy` | which rules are a network policy's |
//! | `promised` | what plugins gave a pod and is gone |
//! | `reach` | the node's way to a pod, and whether it believes the pod |
//! | `sandbox` | namespaces and pods that do not belong to each other |
//! | `trace` | the way of one packet, held against what was seen |

mod address;
pub mod catalogue;
mod cni;
mod device;
pub mod echoes;
mod finding;
mod forward;
mod forwarding;
mod gateway;
mod limit;
mod netfilter;
mod network;
mod policy;
mod promised;
mod reach;
mod sandbox;
pub mod trace;

use serde::Serialize;

use echoes::Echoes;
pub use finding::{Evidence, Finding, Severity};

use crate::model::bundle::Missing;
use crate::model::{Bundle, Netns, Node, SandboxState, Table};
use crate::walk::fib::Fib;

/// What [`check`] can find on one node, by the stable names of [`Finding::id`].
pub const IDS: [&str; 44] = [
    "blackhole-route",
    "bridge-down",
    "bridge-fdb-wrong",
    "bridge-port-down",
    "bridge-port-not-forwarding",
    "cni-config-broken",
    "cni-config-shadowed",
    "cni-plugin-missing",
    "conntrack-nearly-full",
    "duplicate-mac",
    "duplicate-pod-address",
    "forward-policy-drop",
    "gateway-unanswered",
    "gateway-without-route",
    "host-route-missing",
    "host-route-wrong",
    "host-veth-down",
    "ip-forward-off",
    "ipam-record-without-sandbox",
    "iptables-backends-mixed",
    "neighbour-mac-wrong",
    "neighbour-table-nearly-full",
    "netns-gone",
    "netns-leaked",
    "netns-name-stale",
    "network-policy-drop",
    "pod-address-missing",
    "pod-default-route-missing",
    "pod-default-route-wrong",
    "pod-device-down",
    "pod-device-missing",
    "pod-mtu-above-device",
    "pod-route-missing",
    "proxy-arp-off",
    "rp-filter-drop",
    "rule-drop",
    "rule-hijacks-route",
    "rule-reject",
    "sandbox-without-ipam-record",
    "shared-netns",
    "unreachable-route",
    "veth-forwarding-off",
    "veth-not-in-bridge",
    "veth-without-peer",
];

/// What was found (`ovl.check/v1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Always [`Report::SCHEMA`].
    pub schema: &'static str,
    /// The nodes that were looked at.
    pub nodes: Vec<String>,
    /// What is wrong, faults first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and so may be wrong as well.
    pub doubts: Vec<String>,
    /// Nodes that did not answer.
    pub missing: Vec<Missing>,
    /// What became of the echoes; nothing if none were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echoes: Option<Echoes>,
}

impl Report {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.check/v1";

    /// Adds a finding, unless the same is there.
    pub(crate) fn add(&mut self, finding: Finding) {
        let told = self.findings.iter().any(|other| {
            (other.id, &other.node, &other.place, &other.device)
                == (finding.id, &finding.node, &finding.place, &finding.device)
        });
        if !told {
            self.findings.push(finding);
        }
    }

    /// Adds something that is not known, once.
    pub(crate) fn doubt(&mut self, text: String) {
        if !self.doubts.contains(&text) {
            self.doubts.push(text);
        }
    }

    /// Faults first, then by place.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            (a.severity, &a.node, a.id, &a.place, &a.device)
                .cmp(&(b.severity, &b.node, b.id, &b.place, &b.device))
        });
    }
}

/// Looks at each node by itself, then at each against each.
pub fn check(bundle: &Bundle) -> Report {
    let mut report = Report {
        schema: Report::SCHEMA,
        nodes: bundle.nodes.iter().map(|node| node.name.clone()).collect(),
        findings: Vec::new(),
        doubts: Vec::new(),
        missing: bundle.missing.clone(),
        echoes: None,
    };
    for node in &bundle.nodes {
        for family in [
            forwarding::check,
            device::check,
            address::check,
            sandbox::check,
            cni::check,
            limit::check,
            netfilter::check,
        ] {
            family(node, &mut report.findings);
        }
        let mut look = Look::new(node);
        for family in [
            promised::check,
            gateway::check,
            reach::check,
            forward::check,
        ] {
            family(&mut look);
        }
        report.findings.append(&mut look.findings);
        report.doubts.append(&mut look.doubts);
        doubts(node, &mut report.doubts);
    }
    for finding in network::check(bundle) {
        report.add(finding);
    }
    report.doubts.extend(
        bundle
            .missing
            .iter()
            .map(|missing| format!("{}: {}", missing.node, missing.reason)),
    );
    report.sort();
    report
}

/// One node, its routes in the order in which they are asked, and what was found so far.
struct Look<'a> {
    node: &'a Node,
    fib: Option<Fib<'a>>,
    findings: Vec<Finding>,
    doubts: Vec<String>,
}

impl<'a> Look<'a> {
    fn new(node: &'a Node) -> Self {
        Self {
            node,
            fib: node.root().map(Fib::new),
            findings: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// The namespaces of living pods, and the pod of each.
    fn pods(&self) -> Vec<(&'a Netns, String)> {
        let node = self.node;
        node.namespaces
            .iter()
            .filter(|netns| netns.id != node.root)
            .filter_map(|netns| {
                let pod = node
                    .sandboxes_in(netns.id)
                    .find(|sandbox| sandbox.state != SandboxState::NotReady)?;
                Some((netns, pod.full_name()))
            })
            .collect()
    }

    /// Whether one of these was found of a pod.
    fn has(&self, ids: &[&str], pod: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| ids.contains(&finding.id) && finding.place.as_deref() == Some(pod))
    }

    /// Notes what cannot be told.
    fn doubt(&mut self, what: &str) {
        let text = format!("{}: {what}", self.node.name);
        if !self.doubts.contains(&text) {
            self.doubts.push(text);
        }
    }
}

/// The tables that findings are drawn from and that were not read whole.
fn doubts(node: &Node, doubts: &mut Vec<String>) {
    let mut doubt = |place: &str, what: &str, reason: Option<&str>| {
        if let Some(reason) = reason {
            let text = format!("{}: {what}{place}: {reason}", node.name);
            if !doubts.contains(&text) {
                doubts.push(text);
            }
        }
    };
    for netns in &node.namespaces {
        let place = match place_of(node, netns) {
            Place::Node => String::new(),
            Place::Other(name) => format!(" of {name}"),
        };
        doubt(&place, "devices", netns.links.doubt());
        doubt(&place, "addresses", netns.addresses.doubt());
        doubt(&place, "routes", netns.routes.doubt());
        doubt(&place, "settings", netns.sysctls.doubt());
    }
    doubt("", "namespaces", node.namespaces_doubt.as_deref());
    doubt("", "CNI configurations", node.cni.configs.doubt());
    doubt("", "CNI plugins", node.cni.plugins.doubt());
    doubt("", "address records", node.cni.addresses.doubt());
    // A node without a runtime at all is looked at all the same; one whose runtime keeps silent is not whole.
    if node.sandboxes.doubt().is_some() && !node.sandboxes.rows.is_empty() {
        doubt("", "pods", node.sandboxes.doubt());
    }
}

/// Where a namespace belongs.
enum Place {
    Node,
    Other(String),
}

fn place_of(node: &Node, netns: &Netns) -> Place {
    if netns.id == node.root {
        return Place::Node;
    }
    Place::Other(node.sandboxes_in(netns.id).next().map_or_else(
        || crate::inspect::find::netns_name(netns),
        crate::model::Sandbox::full_name,
    ))
}

/// The rows of a table that was read whole; nothing may be concluded from the absence of others.
fn whole<T>(table: &Table<T>) -> Option<&[T]> {
    table.is_complete().then_some(table.rows.as_slice())
}
