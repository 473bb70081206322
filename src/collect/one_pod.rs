//! One pod, and of the node only what concerns it: whoever asks in an emergency must not wait for the
//! other pods to be read.

mod find;
mod host_side;

use std::net::IpAddr;

use super::namespaces::{self, Depth, Entrance, Found};
use super::processes::{self, ByNetns};
use super::{Request, cni, with_sandboxes};
use crate::model::netns::Process;
use crate::model::{Link, NetnsId, Node, Sandbox, Subject, Table};

/// Why the tables of the node are not whole.
const WHY: &str = "only what concerns the pod was read";

/// Several pods to choose from need no more than their names.
const MOST: usize = 8;

/// Reads what concerns `subject`.
pub(super) fn read(node: &mut Node, root: Entrance, request: &Request, subject: &Subject) {
    let mut look = Look {
        root,
        request,
        processes: None,
        named: None,
        own_address: None,
        silent: None,
    };
    look.find(node, subject);
    look.fill(node);
}

/// What is found out about the node on the way, at most once.
struct Look<'a> {
    root: Entrance,
    request: &'a Request,
    processes: Option<Result<ByNetns, String>>,
    named: Option<Found>,
    own_address: Option<crate::model::Address>,
    /// Why the runtime did not answer.
    silent: Option<String>,
}

impl Look<'_> {
    /// Looks at every process, if that has not been done.
    fn look_through_processes(&mut self) {
        self.processes
            .get_or_insert_with(|| processes::by_netns().map_err(|error| error.to_string()));
    }

    /// Reads the namespaces of the sandboxes that were found, and of the node what concerns them.
    fn fill(mut self, node: &mut Node) {
        let kept: Vec<Link> = node
            .namespaces
            .drain(..)
            .flat_map(|netns| netns.links.rows)
            .collect();
        let found = with_sandboxes(self.named.take().unwrap_or_default(), node);
        let wanted: Vec<NetnsId> = node
            .sandboxes
            .iter()
            .filter_map(|sandbox| sandbox.netns)
            .take(MOST)
            .collect();
        let inside: Vec<&Entrance> = found
            .entrances
            .iter()
            .filter(|entrance| wanted.contains(&entrance.id) && entrance.id != self.root.id)
            .collect();
        let mut pods = namespaces::read(&inside, Depth::Pod, &[&self.root]);
        for pod in &mut pods {
            pod.processes = self.processes_in(pod.id);
        }
        let on_node = node.sandboxes.iter().any(|sandbox| sandbox.host_network);
        let mut root = host_side::read(&self.root, &pods, &inside, kept, on_node);
        root.addresses.rows.extend(self.own_address.take());
        if on_node {
            root.processes = self.processes_on_node(&node.sandboxes);
        }
        node.namespaces = std::iter::once(root).chain(pods).collect();
        let addresses: Vec<IpAddr> = node
            .namespaces
            .iter()
            .skip(1)
            .flat_map(|netns| netns.addresses.iter().map(|row| row.address))
            .collect();
        let containers: Vec<String> = node.sandboxes.iter().map(|row| row.id.clone()).collect();
        node.cni = cni::read_for(&self.request.paths, &containers, &addresses);
    }

    /// Who lives in the namespace of a pod.
    fn processes_in(&mut self, id: NetnsId) -> Table<Process> {
        self.look_through_processes();
        match &self.processes {
            Some(Ok(processes)) => {
                let pids = processes.pids.get(&id).into_iter().flatten();
                Table::complete(pids.filter_map(|pid| processes::describe(*pid)).collect())
            }
            Some(Err(reason)) => Table::unavailable(reason),
            None => Table::default(),
        }
    }

    /// The processes of pods on the node's network.
    fn processes_on_node(&mut self, sandboxes: &Table<Sandbox>) -> Table<Process> {
        let mut rows: Vec<Process> = Vec::new();
        let on_node = sandboxes.iter().filter(|sandbox| sandbox.host_network);
        for sandbox in on_node.take(MOST) {
            let ids: Vec<&str> = sandbox.ids().collect();
            let pids = match sandbox
                .pid
                .and_then(|pid| processes::of_containers(pid, &ids))
            {
                Some(pids) => pids,
                // Without the control groups every process is asked for its own.
                None => {
                    self.look_through_processes();
                    let on_node = match &self.processes {
                        Some(Ok(processes)) => processes.pids.get(&self.root.id),
                        Some(Err(reason)) => return Table::unavailable(reason),
                        None => None,
                    };
                    let is_of = |pid: &u32| {
                        processes::container(*pid).is_some_and(|id| ids.contains(&id.as_str()))
                    };
                    on_node
                        .into_iter()
                        .flatten()
                        .copied()
                        .filter(is_of)
                        .collect()
                }
            };
            rows.extend(pids.into_iter().filter_map(processes::describe));
        }
        Table::partial(rows, processes::ONLY_OF_PODS)
    }
}
