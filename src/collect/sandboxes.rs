//! Pods: from the runtime, or without it from what a runtime leaves behind.

use std::collections::{HashMap, HashSet};

use super::cri::{self, Answer, Held, Wanted};
use super::namespaces::Found;
use super::processes::{self, ByNetns};
use super::{RUNTIME_TIME, RuntimeChoice, unknown};
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

/// Lists all pods. Which process and which namespace each has is read from `/proc` where that tells, and asked of the
/// runtime otherwise. `root` is the node's own namespace. The processes are handed back, as far as they could be read.
pub(super) fn list(
    choice: &RuntimeChoice,
    root: NetnsId,
) -> (Result<Answer, String>, Option<ByNetns>) {
    let socket = match choice {
        RuntimeChoice::Usual => cri::socket(None),
        RuntimeChoice::Socket(path) => cri::socket(Some(path)),
        RuntimeChoice::None => return (Err(RUNTIME_LEFT_OUT.to_owned()), None),
    };
    std::thread::scope(|scope| {
        let scan = scope.spawn(processes::by_netns);
        let mut processes = None;
        let answer = socket.and_then(|socket| {
            cri::list(&socket, RUNTIME_TIME, |running| {
                processes = scan.join().ok().and_then(Result::ok);
                processes
                    .as_ref()
                    .map(|processes| held(processes, root, running))
                    .unwrap_or_default()
            })
        });
        let answer = answer
            .map(|(mut answer, held)| {
                for row in &mut answer.sandboxes {
                    if let Some(held) = held.get(&row.id) {
                        row.pid = Some(held.pid);
                        row.host_network = held.netns == root;
                        row.netns = Some(held.netns).filter(|_| !row.host_network);
                    }
                }
                answer
            })
            .map_err(|error| error.to_string());
        (answer, processes)
    })
}

/// The processes that hold sandboxes: a runtime names a control group after each container, and a sandbox is one.
fn held(processes: &ByNetns, root: NetnsId, running: &[&str]) -> HashMap<String, Held> {
    let wanted: HashSet<&str> = running.iter().copied().collect();
    let mut found = HashMap::with_capacity(wanted.len());
    let holder = |pid: &u32| {
        processes::container(*pid).filter(|container| wanted.contains(container.as_str()))
    };
    for (netns, pids) in processes.pids.iter().filter(|(netns, _)| **netns != root) {
        // Each pod has a namespace of its own, and the process that holds it is the first as a rule.
        if let Some((pid, container)) = pids.iter().find_map(|pid| Some((*pid, holder(pid)?))) {
            found.insert(container, Held { pid, netns: *netns });
        }
    }
    // Pods on the node's network are among all the node's processes.
    if found.len() < wanted.len() {
        for pid in processes.pids.get(&root).into_iter().flatten() {
            if let Some(container) = holder(pid) {
                found.entry(container).or_insert(Held {
                    pid: *pid,
                    netns: root,
                });
            }
            if found.len() == wanted.len() {
                break;
            }
        }
    }
    found
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
