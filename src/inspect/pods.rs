//! All pods, a row each (`ovl.pods/v1`).

use std::net::IpAddr;

use serde::Serialize;

use super::find::netns_name;
use super::pod::pod_addresses;
use super::ways::node_addresses;
use crate::model::bundle::Missing;
use crate::model::sandbox::SandboxState;
use crate::model::{Bundle, Netns, Node, Sandbox};

/// All pods of some nodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodList {
    /// Always [`PodList::SCHEMA`].
    pub schema: &'static str,
    /// One row each.
    pub pods: Vec<PodRow>,
    /// How many nodes were asked.
    #[serde(skip)]
    pub nodes: usize,
    /// Nodes that did not answer.
    pub missing: Vec<Missing>,
    /// Why pods may be missing, or fields of them.
    pub doubts: Vec<String>,
}

impl PodList {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.pods/v1";
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodRow {
    /// The node it runs on.
    pub node: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name; a namespace without a pod has its own name in angle brackets.
    pub name: String,
    /// Whether it runs.
    pub state: SandboxState,
    /// Its sandbox.
    pub sandbox: String,
    /// Whether it shares the node's network.
    pub host_network: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The name of its network namespace.
    pub netns: Option<String>,
    /// The process that holds it.
    pub pid: Option<u32>,
    /// The node's end of its first pair.
    pub device: Option<String>,
    /// The bridge that this is a port of.
    pub bridge: Option<String>,
    /// The MTU of its first device, octets.
    pub mtu: Option<u32>,
    /// When it was made, nanoseconds since 1970.
    pub created_ns: Option<i64>,
    /// Seconds since then, when the snapshot was taken.
    pub age_s: Option<u64>,
}

/// Lists the pods of all nodes. Sandboxes that have ended are left out unless `all`.
pub fn list(bundle: &Bundle, all: bool) -> PodList {
    let mut list = PodList {
        schema: PodList::SCHEMA,
        pods: Vec::new(),
        nodes: bundle.nodes.len() + bundle.missing.len(),
        missing: bundle.missing.clone(),
        doubts: Vec::new(),
    };
    for node in &bundle.nodes {
        if let Some(reason) = node.sandboxes.doubt() {
            list.doubts
                .push(format!("{}: pods are {reason}", node.name));
        }
        for sandbox in &node.sandboxes {
            if all || sandbox.state != SandboxState::NotReady {
                list.pods.push(row(node, sandbox));
            }
            if let Some(doubt) = &sandbox.doubt {
                list.doubts
                    .push(format!("{}: {}: {doubt}", node.name, sandbox.full_name()));
            }
        }
    }
    list
}

fn row(node: &Node, sandbox: &Sandbox) -> PodRow {
    let netns = node.netns_of(sandbox).filter(|_| !sandbox.host_network);
    let mut row = PodRow {
        node: node.name.clone(),
        namespace: sandbox.namespace.clone(),
        name: if sandbox.name.is_empty() {
            let path = sandbox.netns_path.as_deref().unwrap_or_default();
            format!("<{}>", path.rsplit('/').next().unwrap_or_default())
        } else {
            sandbox.name.clone()
        },
        state: sandbox.state,
        sandbox: sandbox.id.clone(),
        host_network: sandbox.host_network,
        addresses: netns.map(pod_addresses).unwrap_or_default(),
        netns: netns.map(netns_name),
        pid: sandbox.pid,
        device: None,
        bridge: None,
        mtu: None,
        created_ns: sandbox.created_ns,
        age_s: sandbox
            .created_ns
            .and_then(|created| u64::try_from(node.taken_ns.checked_sub(created)?).ok())
            .map(|age| age / 1_000_000_000),
    };
    if sandbox.host_network {
        row.addresses = node_addresses(node);
    } else if row.addresses.is_empty() {
        row.addresses.clone_from(&sandbox.addresses);
    }
    if let Some(netns) = netns {
        fill_device(&mut row, node, netns);
    }
    row
}

/// The device that the pod's first address is on decides.
fn fill_device(row: &mut PodRow, node: &Node, netns: &Netns) {
    let first = row
        .addresses
        .first()
        .and_then(|address| netns.addresses.iter().find(|row| row.address == *address))
        .map(|address| address.device);
    let link = first
        .and_then(|index| netns.link(index))
        .or_else(|| netns.links.iter().find(|link| link.peer().is_some()));
    let Some(link) = link else { return };
    row.mtu = Some(link.mtu);
    let Some(far) = link
        .lower
        .and_then(|lower| Some((node.netns(lower.netns?)?, lower.index)))
    else {
        return;
    };
    if let Some(device) = far.0.link(far.1) {
        row.device = Some(device.name.clone());
        row.bridge = device.master.map(|master| far.0.device_name(master));
    }
}
