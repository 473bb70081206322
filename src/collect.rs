//! Reads a node: the kernel, the runtime and the files that CNI leaves, into [`crate::model`].
//!
//! The kernel is read by netlink and `/proc`; only packet filters are read through the programs that own
//! them. Nothing is changed. Every source has a time limit, and one that fails leaves the others alone: its
//! tables say why they are not there.

mod attributes;
mod bpf;
mod cni;
mod counters;
mod cri;
mod features;
mod kernel;
mod namespaces;
mod netfilter;
mod one_pod;
mod proc_file;
mod processes;
mod program;
mod rtnetlink;
mod sandboxes;
mod sockets;
mod sysctl;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use cni::Paths;
use cri::Detail;
use namespaces::{Depth, Entrance, Found};
use sandboxes::Scanned;

use crate::model::counters::{Counted, DeviceCounted};
use crate::model::netns::Process;
use crate::model::{NetnsId, Node, Reading, Subject, Table};

/// How long a runtime may take to answer everything.
pub const RUNTIME_TIME: Duration = Duration::from_secs(5);

/// What is to be read, and where from.
#[derive(Debug, Clone)]
pub struct Request {
    /// How much.
    pub scope: Scope,
    /// What the node is called; its host name unless given.
    pub name: Option<String>,
    /// The runtime to ask.
    pub runtime: RuntimeChoice,
    /// Where CNI's files are.
    pub paths: Paths,
}

impl Request {
    /// A request with the usual places.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            name: None,
            runtime: RuntimeChoice::Usual,
            paths: Paths::default(),
        }
    }
}

/// How much of a node is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Everything,
    /// Pods with their devices and addresses.
    Pods,
    /// What concerns one pod.
    Pod(Subject),
}

/// Which runtime names the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// The first that listens at the usual places.
    Usual,
    /// The one at this socket.
    Socket(PathBuf),
    /// None: the pods are found without.
    None,
}

/// The node cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The namespace that this runs in cannot be looked at.
    #[error("cannot look at the network namespace of this process: {0}; is /proc mounted?")]
    Here(#[from] plugin_core::netns::Error),
}

/// Reads this node.
///
/// # Errors
/// Only when not even the namespace of this process can be looked at.
pub fn snapshot(request: &Request) -> Result<Node, Error> {
    let begun = Instant::now();
    let root = Entrance::here()?;
    let mut node = kernel::identity(request.name.as_deref());
    node.root = root.id;
    match &request.scope {
        Scope::Everything => everything(&mut node, root, request),
        Scope::Pods => pods(&mut node, root, request),
        Scope::Pod(subject) => one_pod::read(&mut node, root, request, subject),
    }
    node.duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(node)
}

/// Reads what the namespace of the calling thread has counted so far; `id` says which that is.
pub fn count_here(id: NetnsId) -> Counted {
    let devices = match plugin_core::netlink::Socket::open() {
        Err(error) => Table::unavailable(error.to_string()),
        Ok(mut socket) => {
            let links = rtnetlink::link::read(&mut socket);
            Table {
                state: links.state,
                reason: links.reason,
                rows: links
                    .rows
                    .into_iter()
                    .map(|link| DeviceCounted {
                        index: link.index,
                        name: link.name,
                        stats: link.stats,
                    })
                    .collect(),
            }
        }
    };
    Counted {
        netns: id,
        protocols: counters::protocols(),
        conntrack: counters::conntrack(&sysctl::read_of_conntrack()),
        devices,
        softnet: counters::softnet(),
    }
}

fn everything(node: &mut Node, root: Entrance, request: &Request) {
    let ((answer, mut scanned), cni) = std::thread::scope(|scope| {
        let cni = scope.spawn(|| cni::read(&request.paths));
        let scan = || {
            let mut scanned = Scanned::new(root.id);
            scanned.add_unnamed(root.id);
            scanned
        };
        let listed = sandboxes::list(&request.runtime, Detail::Whole, root.id, scan);
        (listed, cni.join().unwrap_or_default())
    });
    node.cni = cni;
    let results = node.cni.results.clone();
    sandboxes::fill(node, answer, &scanned.found, scanned.processes(), &results);
    let found = with_sandboxes(std::mem::take(&mut scanned.found), node);
    let on_node = node.sandboxes.iter().any(|sandbox| sandbox.host_network);
    let own = root.id;
    let described = std::thread::scope(|scope| {
        let described = scope.spawn(|| {
            let processes = scanned.processes()?;
            Some(processes::describe_all(processes, own, on_node))
        });
        fill_namespaces(node, root, found, Depth::Whole);
        described.join().ok().flatten()
    });
    fill_processes(node, &scanned, described);
    kernel::fill(node);
}

/// Notes who lives in each namespace.
fn fill_processes(
    node: &mut Node,
    scanned: &Scanned,
    described: Option<HashMap<NetnsId, Vec<Process>>>,
) {
    let hidden = scanned.processes().map_or(0, |processes| processes.hidden);
    if hidden > 0 {
        node.namespaces_doubt.get_or_insert(format!(
            "the namespaces of {hidden} processes may not be looked at; run as root"
        ));
    }
    let Some(mut described) = described else {
        let reason = scanned.refusal();
        for netns in &mut node.namespaces {
            netns.processes = Table::unavailable(reason);
        }
        node.namespaces_doubt.get_or_insert(reason.to_owned());
        return;
    };
    for netns in &mut node.namespaces {
        let rows = described.remove(&netns.id).unwrap_or_default();
        netns.processes = if netns.id == node.root {
            Table::partial(rows, processes::ONLY_OF_PODS)
        } else {
            Table::complete(rows)
        };
    }
}

fn pods(node: &mut Node, root: Entrance, request: &Request) {
    let scan = || Scanned::new(root.id);
    let (answer, mut scanned) = sandboxes::list(&request.runtime, Detail::Listed, root.id, scan);
    // Without the runtime the cached results name the pods, and processes tell which of them live.
    let results = match &answer {
        Ok(_) => Table::default(),
        Err(_) => cni::results(&request.paths.cache_dir),
    };
    sandboxes::fill(node, answer, &scanned.found, scanned.processes(), &results);
    let found = with_sandboxes(std::mem::take(&mut scanned.found), node);
    fill_namespaces(node, root, found, Depth::Brief);
}

/// Adds the namespaces of sandboxes whose paths are not among the usual ones, and notes which namespace
/// each sandbox is in.
fn with_sandboxes(mut found: Found, node: &mut Node) -> Found {
    let by_path: HashMap<String, NetnsId> = found
        .entrances
        .iter()
        .flat_map(|entrance| {
            entrance
                .paths
                .iter()
                .map(|path| (path.clone(), entrance.id))
        })
        .collect();
    for sandbox in &mut node.sandboxes.rows {
        if let (Some(id), None) = (sandbox.netns, &sandbox.netns_path) {
            // Found by its process: the name comes from the namespace.
            match (found.get(id), sandbox.pid) {
                (Some(entrance), _) => sandbox.netns_path = entrance.paths.first().cloned(),
                (None, Some(pid)) => match Entrance::open(format!("/proc/{pid}/ns/net")) {
                    Ok(entrance) if entrance.id == id => found.push(entrance),
                    Ok(_) | Err(_) => sandbox.doubt = Some("it ended meanwhile".to_owned()),
                },
                (None, None) => {}
            }
            continue;
        }
        let Some(path) = sandbox.netns_path.clone().filter(|_| !sandbox.host_network) else {
            continue;
        };
        // Runtimes say /var/run where the names are below /run.
        let usual = path
            .strip_prefix("/var")
            .filter(|rest| rest.starts_with("/run/"));
        let known = by_path.get(&path).or_else(|| by_path.get(usual?));
        match known {
            Some(id) => sandbox.netns = Some(*id),
            None => match Entrance::open(&path) {
                Ok(entrance) => {
                    sandbox.netns = Some(entrance.id);
                    found.push(entrance);
                }
                Err(error) => {
                    sandbox.doubt.get_or_insert(error.to_string());
                }
            },
        }
    }
    found
}

/// Reads the node's own namespace and all that were found.
fn fill_namespaces(node: &mut Node, root: Entrance, found: Found, depth: Depth) {
    node.dead_paths = found.dead;
    node.namespaces_doubt = found.doubt;
    // The node's own may have a name too.
    let mut others = found.entrances;
    let mut root = root;
    if let Some(place) = others.iter().position(|entrance| entrance.id == root.id) {
        root.paths = others.swap_remove(place).paths;
    }
    others.sort_by(|a, b| a.paths.cmp(&b.paths).then(a.id.cmp(&b.id)));
    let all: Vec<&Entrance> = std::iter::once(&root).chain(&others).collect();
    node.namespaces = namespaces::read(&all, depth, &all);
}

/// A reading that failed with these words.
fn unknown<T>(reason: impl std::fmt::Display) -> Reading<T> {
    Reading::Unavailable(reason.to_string())
}
