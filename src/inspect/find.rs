//! Which pod is meant.

use crate::model::sandbox::SandboxState;
use crate::model::{Bundle, LinkKind, Netns, NetnsId, Node, Sandbox, State, Subject};

/// A pod, and the node it runs on.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The node.
    pub node: &'a Node,
    /// The pod; `None` is a namespace that no sandbox is known for.
    pub sandbox: Option<&'a Sandbox>,
    /// The namespace it lives in, if that could be read.
    pub netns: Option<&'a Netns>,
}

impl Found<'_> {
    /// What to call it.
    pub fn name(&self) -> String {
        match (self.sandbox, self.netns) {
            (Some(sandbox), _) if !sandbox.full_name().is_empty() => sandbox.full_name(),
            (_, Some(netns)) => netns_name(netns),
            _ => "an unnamed pod".to_owned(),
        }
    }
}

/// What to call a namespace: the last part of its path, or its number.
pub fn netns_name(netns: &Netns) -> String {
    netns
        .paths
        .first()
        .and_then(|path| path.rsplit('/').next())
        .map_or_else(|| format!("net:[{}]", netns.id), str::to_owned)
}

/// What to call what lives in a namespace: its pod, else the namespace itself.
pub fn occupant(node: &Node, netns: &Netns) -> String {
    node.sandboxes_in(netns.id)
        .map(Sandbox::full_name)
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| netns_name(netns))
}

/// Why no single pod was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// There is none.
    Absent(String),
    /// There are several, which the words name.
    Ambiguous(String),
    /// It may be there, but where it would stand was not read whole.
    Unknown(String),
}

/// Finds the pod in all nodes of a bundle.
///
/// # Errors
/// When there is none, or several.
pub fn find<'a>(bundle: &'a Bundle, subject: &Subject) -> Result<Found<'a>, NotFound> {
    let mut all = Vec::new();
    let mut hints = Vec::new();
    let mut doubts: Vec<String> = Vec::new();
    for node in &bundle.nodes {
        let found = on_node(node, subject);
        if found.is_empty() {
            hints.extend(hint(node, subject));
            doubts.extend(doubt(node));
        }
        all.extend(found);
    }
    // A pod that was made anew leaves its old sandbox behind for a while; the living one is meant.
    if all.len() > 1 && all.iter().any(is_ready) {
        all.retain(is_ready);
    }
    match all.as_slice() {
        [one] => Ok(*one),
        [] => {
            doubts.extend(
                bundle
                    .missing
                    .iter()
                    .map(|missing| format!("{}: {}", missing.node, missing.reason)),
            );
            if let Some(hint) = hints.into_iter().next() {
                Err(NotFound::Absent(hint))
            } else if doubts.is_empty() {
                Err(NotFound::Absent(format!("no pod is found by {subject}")))
            } else {
                Err(NotFound::Unknown(format!(
                    "no pod is found by {subject}, but not all could be read: {}",
                    doubts.join("; ")
                )))
            }
        }
        several => {
            let mut names: Vec<_> = several
                .iter()
                .map(|found| {
                    let id = found
                        .sandbox
                        .map(|s| crate::model::sandbox::short_id(&s.id));
                    format!(
                        "{} on {} ({})",
                        found.name(),
                        found.node.name,
                        id.filter(|id| !id.is_empty()).unwrap_or("no id")
                    )
                })
                .collect();
            names.sort();
            Err(NotFound::Ambiguous(format!(
                "{subject} means several: {}",
                names.join("; ")
            )))
        }
    }
}

fn is_ready(found: &Found<'_>) -> bool {
    found
        .sandbox
        .is_none_or(|sandbox| sandbox.state == SandboxState::Ready)
}

fn on_node<'a>(node: &'a Node, subject: &Subject) -> Vec<Found<'a>> {
    let named = |matches: &dyn Fn(&Sandbox) -> bool| -> Vec<Found<'a>> {
        node.sandboxes
            .iter()
            .filter(|sandbox| matches(sandbox))
            .map(|sandbox| Found {
                node,
                sandbox: Some(sandbox),
                netns: node.netns_of(sandbox),
            })
            .collect()
    };
    match subject {
        Subject::Pod { namespace, name } => {
            named(&|row| row.namespace == *namespace && row.name == *name)
        }
        Subject::Word(word) => {
            let found = named(&|row| row.name == *word);
            if !found.is_empty() {
                return found;
            }
            let root = node.root();
            if let Some(device) = root.and_then(|root| root.link_named(word)) {
                return device
                    .peer()
                    .and_then(|peer| peer.netns)
                    .map_or_else(Vec::new, |id| in_netns(node, id));
            }
            // Fewer characters are a typing error rather than a name.
            if word.len() < 3 {
                return Vec::new();
            }
            let found = named(&|row| {
                row.id.starts_with(word.as_str())
                    || row
                        .containers
                        .iter()
                        .any(|c| c.id.starts_with(word.as_str()))
            });
            if !found.is_empty() {
                return found;
            }
            // A namespace by its own name (`ip netns`).
            node.namespaces
                .iter()
                .filter(|netns| netns.id != node.root && netns_name(netns) == *word)
                .flat_map(|netns| in_netns(node, netns.id))
                .collect()
        }
        Subject::Index(index) => node
            .root()
            .and_then(|root| root.link(*index)?.peer()?.netns)
            .map_or_else(Vec::new, |id| in_netns(node, id)),
        Subject::Pid(pid) => {
            let process = node.namespaces.iter().find_map(|netns| {
                let process = netns.processes.iter().find(|process| process.pid == *pid)?;
                Some((netns, process))
            });
            match process {
                // Of a process in the node's own namespace the control group tells whose it is.
                Some((netns, process)) if netns.id == node.root => {
                    named(&|row| row.ids().any(|id| process.container.as_deref() == Some(id)))
                }
                Some((netns, _)) => in_netns(node, netns.id),
                None => named(&|row| row.pid == Some(*pid)),
            }
        }
        Subject::Address(address) => {
            let holders: Vec<_> = node
                .namespaces
                .iter()
                .filter(|netns| {
                    netns.id != node.root
                        && netns.addresses.iter().any(|row| row.address == *address)
                })
                .flat_map(|netns| in_netns(node, netns.id))
                .collect();
            if holders.is_empty() {
                named(&|row| !row.host_network && row.addresses.contains(address))
            } else {
                holders
            }
        }
    }
}

/// The pods in a namespace, or the namespace itself.
fn in_netns(node: &Node, id: NetnsId) -> Vec<Found<'_>> {
    if id == node.root {
        return Vec::new();
    }
    let netns = node.netns(id);
    let found: Vec<_> = node
        .sandboxes_in(id)
        .map(|sandbox| Found {
            node,
            sandbox: Some(sandbox),
            netns,
        })
        .collect();
    if !found.is_empty() || netns.is_none() {
        return found;
    }
    vec![Found {
        node,
        sandbox: None,
        netns,
    }]
}

/// What the subject is if it is no pod.
fn hint(node: &Node, subject: &Subject) -> Option<String> {
    let root = node.root()?;
    let device = match subject {
        Subject::Word(word) => root.link_named(word)?,
        Subject::Index(index) => root.link(*index)?,
        Subject::Address(address) => {
            let row = root.addresses.iter().find(|row| row.address == *address)?;
            return Some(format!(
                "{address} is {}'s own address, on {}",
                node.name,
                root.device_name(row.device)
            ));
        }
        _ => return None,
    };
    Some(match (&device.kind, device.peer()) {
        (LinkKind::Veth | LinkKind::Netkit(_), Some(peer)) if peer.netns.is_none() => format!(
            "{} on {} leads to a network namespace that no process and no path leads to",
            device.name, node.name
        ),
        (LinkKind::Veth | LinkKind::Netkit(_), Some(_)) => format!(
            "{} on {} is a pair that does not lead to a pod",
            device.name, node.name
        ),
        (kind, _) => {
            let ports: Vec<_> = root
                .links
                .iter()
                .filter(|link| link.master == Some(device.index))
                .map(|link| link.name.as_str())
                .collect();
            if ports.is_empty() {
                format!("{} on {} is a {kind} and no pod's", device.name, node.name)
            } else {
                format!(
                    "{} on {} is a {kind} and no pod's; its ports are {}",
                    device.name,
                    node.name,
                    ports.join(", ")
                )
            }
        }
    })
}

/// Why a pod that was not found may be there all the same.
fn doubt(node: &Node) -> Option<String> {
    match node.sandboxes.state {
        State::Complete => None,
        _ => node
            .sandboxes
            .reason
            .as_ref()
            .map(|reason| format!("{}: {reason}", node.name)),
    }
}
