//! Pods: from the runtime, or without it from what a runtime leaves behind.

use std::collections::{HashMap, HashSet};

use plugin_core::netlink::Socket;

use super::cri::{self, Answer, Detail, Held, Wanted};
use super::namespaces::{Entrance, Found};
use super::processes::{self, ByNetns};
use super::{RUNTIME_TIME, RuntimeChoice, rtnetlink, unknown};
use crate::model::cni::CachedResult;
use crate::model::sandbox::{RUNTIME_LEFT_OUT, Sandbox, SandboxSource, SandboxState};
use crate::model::{NetnsId, Node, Reading, State, Table};

/// Asks the runtime.
///
/// # Errors
/// Why it was not asked, or what went wrong, in words.
pub(super) fn ask(choice: &RuntimeChoice, wanted: &Wanted) -> Result<Answer, String> {
    let socket = match choice {
        RuntimeChoice::Usual => cri::socket(None),
        RuntimeChoice::Socket(path) => cri::socket(Some(path)),
        RuntimeChoice::None => return Err(RUNTIME_LEFT_OUT.to_owned()),
    }
    .map_err(|error| error.to_string())?;
    cri::ask(&socket, wanted, RUNTIME_TIME).map_err(|error| error.to_string())
}

/// What is found on the node itself while the runtime is asked.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// All processes by their namespaces, or why they cannot be listed.
    pub(super) processes: Option<Result<ByNetns, String>>,
    /// Namespaces that can be entered.
    pub(super) found: Found,
    /// The process that holds each container of a pod with a network of its own, as control groups tell.
    holders: HashMap<String, Held>,
}

impl Scanned {
    /// Looks through `/proc` and the places where namespaces have names.
    pub(super) fn new(root: NetnsId) -> Self {
        let processes =
            processes::by_netns().map_err(|error| format!("cannot list /proc: {error}"));
        let holders = processes
            .iter()
            .flat_map(|processes| &processes.pids)
            .filter(|(netns, _)| **netns != root)
            .filter_map(|(netns, pids)| {
                // Each pod has a namespace of its own, and the process that holds it is the first as a rule.
                let (pid, container) = pids
                    .iter()
                    .find_map(|pid| Some((*pid, processes::container(*pid)?)))?;
                let held = Held {
                    pid,
                    netns: *netns,
                    on_node: false,
                };
                Some((container, held))
            })
            .collect();
        Self {
            holders,
            processes: Some(processes),
            found: Found::named(),
        }
    }

    /// The processes, if they could be listed.
    pub(super) fn processes(&self) -> Option<&ByNetns> {
        self.processes.as_ref()?.as_ref().ok()
    }

    /// Why the processes could not be listed.
    pub(super) fn refusal(&self) -> &str {
        match &self.processes {
            Some(Err(reason)) => reason,
            _ => "looking through /proc failed",
        }
    }

    /// Adds namespaces that only processes lead to, if a device of the node leads there: on a machine with
    /// several nodes (each in namespaces of its own) the others' are not this node's.
    pub(super) fn add_unnamed(&mut self, root: NetnsId) {
        let (Ok(mut socket), Some(Ok(processes))) = (Socket::open(), &self.processes) else {
            return;
        };
        for (id, pids) in &processes.pids {
            if *id == root || self.found.get(*id).is_some() {
                continue;
            }
            let Some(mut entrance) = pids
                .iter()
                .find_map(|pid| Entrance::open(format!("/proc/{pid}/ns/net")).ok())
            else {
                continue;
            };
            entrance.paths.clear();
            if let Ok(Some(_)) = rtnetlink::nsid::of(&mut socket, &entrance.handle) {
                self.found.push(entrance);
            }
        }
    }

    /// Which process holds each of these sandboxes. Of a namespace that has no name the runtime is to say what it
    /// believes, if `only_named`.
    fn held(&self, root: NetnsId, running: &[&str], only_named: bool) -> HashMap<String, Held> {
        let mut held = HashMap::with_capacity(running.len());
        let mut wanted: HashSet<&str> = HashSet::new();
        for id in running {
            match self.holders.get(*id) {
                Some(holder) if !only_named || self.found.get(holder.netns).is_some() => {
                    held.insert((*id).to_owned(), *holder);
                }
                Some(_) => {}
                None => {
                    wanted.insert(id);
                }
            }
        }
        // Pods on the node's network are among all the node's processes.
        let on_node = self
            .processes()
            .and_then(|processes| processes.pids.get(&root));
        for pid in on_node.into_iter().flatten() {
            if wanted.is_empty() {
                break;
            }
            if let Some(container) = processes::container(*pid)
                && wanted.remove(container.as_str())
            {
                let holder = Held {
                    pid: *pid,
                    netns: root,
                    on_node: true,
                };
                held.insert(container, holder);
            }
        }
        held
    }
}

/// Lists all pods. Which process and which namespace each has is found by `scan` where that tells, and asked of the
/// runtime otherwise. `root` is the node's own namespace.
pub(super) fn list(
    choice: &RuntimeChoice,
    detail: Detail,
    root: NetnsId,
    scan: impl FnOnce() -> Scanned + Send,
) -> (Result<Answer, String>, Scanned) {
    let socket = match choice {
        RuntimeChoice::Usual => cri::socket(None).map_err(|error| error.to_string()),
        RuntimeChoice::Socket(path) => cri::socket(Some(path)).map_err(|error| error.to_string()),
        RuntimeChoice::None => Err(RUNTIME_LEFT_OUT.to_owned()),
    };
    std::thread::scope(|scope| {
        let mut scanning = Some(scope.spawn(scan));
        let mut finish = || scanning.take().and_then(|scan| scan.join().ok());
        let mut scanned = None;
        let answer = socket.and_then(|socket| {
            cri::list(&socket, detail, RUNTIME_TIME, |running| {
                scanned = finish();
                scanned
                    .as_ref()
                    .map(|scanned| scanned.held(root, running, detail == Detail::Whole))
                    .unwrap_or_default()
            })
            .map_err(|error| error.to_string())
        });
        let scanned = scanned.or_else(finish).unwrap_or_default();
        (answer, scanned)
    })
}

/// Notes what the runtime said; if it said nothing, finds the pods by the results that CNI cached, by
/// namespaces and by processes.
pub(super) fn fill(
    node: &mut Node,
    answer: Result<Answer, String>,
    found: &Found,
    processes: Option<&ByNetns>,
    results: &Table<CachedResult>,
) {
    match answer {
        Ok(answer) => {
            node.runtime = Reading::Known(answer.runtime);
            node.sandboxes = Table::complete(answer.sandboxes);
        }
        Err(reason) => {
            let rows = without_runtime(found, processes, results);
            node.sandboxes = Table {
                state: State::Partial,
                reason: Some(format!("found without the runtime: {reason}")),
                rows,
            };
            node.runtime = unknown(reason);
        }
    }
}

/// The pods that cached results and named namespaces tell of.
pub(super) fn without_runtime(
    found: &Found,
    processes: Option<&ByNetns>,
    results: &Table<CachedResult>,
) -> Vec<Sandbox> {
    let mut rows: HashMap<String, Sandbox> = HashMap::new();
    for result in results {
        let sandbox = rows
            .entry(result.container.clone())
            .or_insert_with(|| Sandbox {
                namespace: result
                    .arg("K8S_POD_NAMESPACE")
                    .unwrap_or_default()
                    .to_owned(),
                name: result.arg("K8S_POD_NAME").unwrap_or_default().to_owned(),
                uid: result.arg("K8S_POD_UID").map(str::to_owned),
                netns_path: result.netns.clone(),
                ..nameless(result.container.clone(), SandboxSource::ResultCache)
            });
        for address in result.addresses() {
            if !sandbox.addresses.contains(&address) {
                sandbox.addresses.push(address);
            }
        }
    }
    // A namespace with a name that no result tells of may be a pod's all the same.
    for entrance in &found.entrances {
        let known = rows.values().any(|row| {
            row.netns_path.as_ref().is_some_and(|path| {
                let usual = path.strip_prefix("/var").unwrap_or(path);
                entrance
                    .paths
                    .iter()
                    .any(|known| known == path || known == usual)
            })
        });
        if known || entrance.paths.is_empty() {
            continue;
        }
        let container = processes.and_then(|processes| container_in(processes, entrance.id));
        let id = container.unwrap_or_default();
        let key = if id.is_empty() {
            entrance.paths.join(",")
        } else {
            id.clone()
        };
        rows.entry(key).or_insert_with(|| Sandbox {
            netns_path: entrance.paths.first().cloned(),
            netns: Some(entrance.id),
            ..nameless(id, SandboxSource::Namespace)
        });
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    for row in &mut rows {
        if let (Some(processes), Some(path)) = (processes, &row.netns_path) {
            let id = found
                .entrances
                .iter()
                .find(|entrance| {
                    let usual = path.strip_prefix("/var").unwrap_or(path);
                    entrance
                        .paths
                        .iter()
                        .any(|known| known == path || known == usual)
                })
                .map(|entrance| entrance.id);
            let pids = id.and_then(|id| processes.pids.get(&id));
            row.pid = pids.and_then(|pids| pids.first().copied());
            // Something runs in it, so it does; a namespace without a process tells nothing.
            if row.pid.is_some() {
                row.state = SandboxState::Ready;
            }
        }
    }
    rows.sort_by(|a, b| {
        (&a.namespace, &a.name, &a.id, &a.netns_path).cmp(&(
            &b.namespace,
            &b.name,
            &b.id,
            &b.netns_path,
        ))
    });
    rows
}

/// The sandbox to which processes of a namespace belong. The lowest process is the oldest as a rule: the
/// pause process, whose container is the sandbox.
pub(super) fn container_in(processes: &ByNetns, id: NetnsId) -> Option<String> {
    processes
        .pids
        .get(&id)?
        .iter()
        .find_map(|pid| processes::describe(*pid)?.container)
}

fn nameless(id: String, source: SandboxSource) -> Sandbox {
    Sandbox {
        id,
        namespace: String::new(),
        name: String::new(),
        uid: None,
        attempt: 0,
        state: SandboxState::Unknown,
        created_ns: None,
        host_network: false,
        netns_path: None,
        netns: None,
        pid: None,
        addresses: Vec::new(),
        containers: Vec::new(),
        labels: Default::default(),
        annotations: Default::default(),
        source,
        doubt: None,
    }
}
