//! Which sandboxes are meant, by whatever name the pod goes.

use std::net::IpAddr;

use plugin_core::netlink::Socket;

use super::super::cri::{Answer, Wanted};
use super::super::namespaces::{self, Depth, Entrance, Found};
use super::super::processes::{self, ByNetns};
use super::super::rtnetlink::{self, address, link, route};
use super::super::{RuntimeChoice, cni, sandboxes, unknown};
use super::{Look, WHY};
use crate::model::link::LinkKind;
use crate::model::route::RouteKind;
use crate::model::sandbox::RUNTIME_LEFT_OUT;
use crate::model::{Link, Netns, NetnsId, Node, Reading, Sandbox, State, Subject, Table};

impl Look<'_> {
    /// Puts the sandboxes that are meant into `node`: none, one, or several if the subject is ambiguous.
    pub(super) fn find(&mut self, node: &mut Node, subject: &Subject) {
        match subject {
            Subject::Pod { namespace, name } => {
                let wanted = Wanted::Named {
                    namespace: Some(namespace.clone()),
                    name: name.clone(),
                };
                self.ask(node, &wanted);
            }
            Subject::Word(word) => {
                let named = Wanted::Named {
                    namespace: None,
                    name: word.clone(),
                };
                self.ask(node, &named);
                // Without the runtime all pods that are known are there to choose from.
                let found = node
                    .sandboxes
                    .iter()
                    .any(|row| row.name == *word || row.id.starts_with(word));
                if found {
                    return;
                }
                match Socket::open().and_then(|mut socket| link::by_name(&mut socket, word)) {
                    Ok(device) => self.by_device(node, device),
                    Err(_) => {
                        self.ask(node, &Wanted::Id(word.clone()));
                        if node.sandboxes.rows.is_empty() {
                            self.by_netns_name(node, word);
                        }
                    }
                }
            }
            Subject::Index(index) => {
                match Socket::open().and_then(|mut socket| link::by_index(&mut socket, *index)) {
                    Ok(device) => self.by_device(node, device),
                    Err(error) => node.sandboxes = Table::unavailable(error.to_string()),
                }
            }
            Subject::Pid(pid) => match processes::netns_of(*pid) {
                Ok(id) if id == self.root.id => {
                    // A pod on the node's network is known by the process's control group only.
                    match processes::describe(*pid).and_then(|process| process.container) {
                        Some(container) => self.ask(node, &Wanted::Id(container)),
                        None => node.sandboxes = Table::complete(Vec::new()),
                    }
                }
                Ok(id) => self.by_netns(node, id),
                Err(error) => {
                    node.sandboxes =
                        Table::unavailable(format!("cannot look at process {pid}: {error}"));
                }
            },
            Subject::Address(address) => self.by_address(node, *address),
        }
    }

    /// Asks the runtime; without one, puts all pods there that can be found otherwise.
    fn ask(&mut self, node: &mut Node, wanted: &Wanted) {
        let runtime = &self.request.runtime;
        let answer = std::thread::scope(|scope| {
            // Who lives in the pod is told by looking at every process, which takes no longer than the answer.
            let look = self
                .processes
                .is_none()
                .then(|| scope.spawn(processes::by_netns));
            // One that kept silent once is not waited for again.
            let answer = match &self.silent {
                Some(reason) => Err(reason.clone()),
                None => sandboxes::ask(runtime, wanted),
            };
            if let Some(look) = look
                && let Ok(found) = look.join()
            {
                self.processes = Some(found.map_err(|error| error.to_string()));
            }
            answer
        });
        let without = answer.is_err();
        if let Err(reason) = &answer {
            self.silent = Some(reason.clone());
        }
        self.note(node, answer);
        if without {
            node.sandboxes.rows.retain(|row| is_wanted(row, wanted));
        }
    }

    fn note(&mut self, node: &mut Node, answer: Result<Answer, String>) {
        let results = if answer.is_err() {
            cni::results(&self.request.paths.cache_dir)
        } else {
            Table::default()
        };
        if answer.is_err() {
            self.named.get_or_insert_with(Found::named);
        }
        let nothing = Found::default();
        let found = self.named.as_ref().unwrap_or(&nothing);
        sandboxes::fill(node, answer, found, known(&self.processes), &results);
    }

    /// The pod behind a device of the node.
    fn by_device(&mut self, node: &mut Node, device: Link) {
        let inside = device.peer().and_then(|peer| peer.nsid);
        let named = self.named.get_or_insert_with(Found::named);
        let id = inside.and_then(|nsid| {
            let mut socket = Socket::open().ok()?;
            named
                .entrances
                .iter()
                .find(|entrance| {
                    rtnetlink::nsid::of(&mut socket, &entrance.handle)
                        .ok()
                        .flatten()
                        == Some(nsid)
                })
                .map(|entrance| entrance.id)
        });
        self.keep_device(node, Some(device));
        match id {
            Some(id) => self.by_netns(node, id),
            None => node.sandboxes = Table::complete(Vec::new()),
        }
    }

    /// Keeps a device of the node, so that it can be said what it is if it is no pod's.
    fn keep_device(&self, node: &mut Node, device: Option<Link>) {
        let bridge = device
            .as_ref()
            .filter(|device| matches!(device.kind, LinkKind::Bridge(_)))
            .map(|device| device.index);
        // A bridge is told with its ports, one of which may be what was looked for.
        let ports = bridge.and_then(|_| Socket::open().ok()).map(|mut socket| {
            let mut all = link::read(&mut socket).rows;
            all.retain(|link| link.master == bridge);
            all
        });
        node.namespaces.push(Netns {
            id: self.root.id,
            links: Table::partial(
                device
                    .into_iter()
                    .chain(ports.into_iter().flatten())
                    .collect(),
                WHY,
            ),
            ..Netns::default()
        });
    }

    /// The pod in a namespace that goes by a name of its own (`ip netns`).
    fn by_netns_name(&mut self, node: &mut Node, name: &str) {
        let named = self.named.get_or_insert_with(Found::named);
        let id = named
            .entrances
            .iter()
            .find(|entrance| {
                entrance
                    .paths
                    .iter()
                    .any(|path| path.rsplit('/').next() == Some(name))
            })
            .map(|entrance| entrance.id);
        if let Some(id) = id {
            self.by_netns(node, id);
        }
    }

    /// The pod that has an address.
    fn by_address(&mut self, node: &mut Node, address: IpAddr) {
        if let Some(row) = own_address(address) {
            // No pod has it, but it is said whose it is.
            let device =
                Socket::open().and_then(|mut socket| link::by_index(&mut socket, row.device));
            self.own_address = Some(row);
            self.keep_device(node, device.ok());
            node.sandboxes = Table::complete(Vec::new());
            return;
        }
        // Whoever made the pod wrote down who has the address.
        for holder in cni::containers_with(&self.request.paths, address) {
            self.ask(node, &Wanted::Id(holder.clone()));
            node.sandboxes.rows.retain(|row| row.id == holder);
            if !node.sandboxes.rows.is_empty() {
                return;
            }
        }
        // Otherwise every namespace is asked.
        let named = self.named.get_or_insert_with(Found::named);
        let all: Vec<&Entrance> = named.entrances.iter().collect();
        let id = namespaces::read(&all, Depth::Brief, &[])
            .iter()
            .find(|netns| netns.addresses.iter().any(|row| row.address == address))
            .map(|netns| netns.id);
        match id {
            Some(id) => self.by_netns(node, id),
            None => node.sandboxes = Table::complete(Vec::new()),
        }
    }

    /// The pod that lives in a namespace.
    fn by_netns(&mut self, node: &mut Node, id: NetnsId) {
        self.look_through_processes();
        let container =
            known(&self.processes).and_then(|processes| sandboxes::container_in(processes, id));
        if let Some(container) = container
            && self.request.runtime != RuntimeChoice::None
        {
            self.ask(node, &Wanted::Id(container));
            if node.sandboxes.is_complete() && !node.sandboxes.rows.is_empty() {
                return;
            }
        }
        // Not a runtime's, or no runtime: what the cache and the namespace itself tell.
        let processes = known(&self.processes);
        let named = self.named.get_or_insert_with(Found::named);
        if named.get(id).is_none() {
            let pids = processes.and_then(|processes| processes.pids.get(&id));
            let by_pid = pids
                .into_iter()
                .flatten()
                .find_map(|pid| Entrance::open(format!("/proc/{pid}/ns/net")).ok());
            if let Some(entrance) = by_pid {
                named.push(entrance);
            }
        }
        let results = cni::results(&self.request.paths.cache_dir);
        let mut rows = sandboxes::without_runtime(named, processes, &results);
        let of_id = |path: &str| {
            let usual = path.strip_prefix("/var").unwrap_or(path);
            named
                .entrances
                .iter()
                .any(|e| e.id == id && e.paths.iter().any(|known| known == path || known == usual))
        };
        rows.retain(|row| row.netns == Some(id) || row.netns_path.as_deref().is_some_and(of_id));
        for row in &mut rows {
            row.netns = Some(id);
        }
        if let Reading::Unavailable(reason) = &mut node.runtime
            && reason == "not asked for"
        {
            node.runtime = unknown(match self.request.runtime {
                RuntimeChoice::None => RUNTIME_LEFT_OUT,
                _ => "no container of a runtime lives in the namespace",
            });
        }
        node.sandboxes = Table {
            state: State::Partial,
            reason: Some("found without the runtime".to_owned()),
            rows,
        };
    }
}

/// Whether a pod that was found without the runtime is one that the runtime would have been asked for.
fn is_wanted(row: &Sandbox, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Named { namespace, name } => {
            row.name == *name && namespace.as_ref().is_none_or(|n| row.namespace == *n)
        }
        Wanted::Id(prefix) => !prefix.is_empty() && row.id.starts_with(prefix.as_str()),
    }
}

/// The processes, if they were looked at and that was possible.
fn known(processes: &Option<Result<ByNetns, String>>) -> Option<&ByNetns> {
    processes.as_ref()?.as_ref().ok()
}

/// The node's own row for an address. The kernel's routes tell at once whether there is one.
fn own_address(address: IpAddr) -> Option<crate::model::Address> {
    let mut socket = Socket::open().ok()?;
    let route = route::to(&mut socket, address).ok().flatten()?;
    if route.kind != RouteKind::Local {
        return None;
    }
    address::read(&mut socket, None)
        .rows
        .into_iter()
        .find(|row| row.address == address)
}
