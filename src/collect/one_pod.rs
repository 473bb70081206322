//! One pod, and of the node only what concerns it: whoever asks in an emergency must not wait for the
//! other pods to be read.

use std::net::IpAddr;

use plugin_core::netlink::Socket;

use super::cri::{Answer, Wanted};
use super::namespaces::{self, Depth, Entrance, Found};
use super::processes::ByNetns;
use super::rtnetlink::{self, address, link, neighbour, route, rule, tc};
use super::{Request, RuntimeChoice, cni, processes, sandboxes, sysctl, unknown, with_sandboxes};
use crate::model::link::LinkKind;
use crate::model::sandbox::RUNTIME_LEFT_OUT;
use crate::model::{
    IfIndex, Link, Netns, NetnsId, Node, Reading, Route, Sandbox, State, Subject, Table, TableId,
};

/// Why the tables of the node are not whole.
const WHY: &str = "only what concerns the pod was read";

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
    processes: Option<ByNetns>,
    named: Option<Found>,
    own_address: Option<crate::model::Address>,
    /// Why the runtime did not answer.
    silent: Option<String>,
}

impl Look<'_> {
    /// Puts the sandboxes that are meant into `node`: none, one, or several if the subject is ambiguous.
    fn find(&mut self, node: &mut Node, subject: &Subject) {
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
        let (answer, scanned) = std::thread::scope(|scope| {
            // Looking through /proc takes about as long as the runtime's answer.
            let scanned = self
                .processes
                .is_none()
                .then(|| scope.spawn(|| processes::by_netns().ok()));
            // One that kept silent once is not waited for again.
            let answer = match &self.silent {
                Some(reason) => Err(reason.clone()),
                None => sandboxes::ask(runtime, wanted),
            };
            (answer, scanned.and_then(|scan| scan.join().ok().flatten()))
        });
        if scanned.is_some() {
            self.processes = scanned;
        }
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
        sandboxes::fill(node, answer, found, self.processes.as_ref(), &results);
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
        let own = Socket::open().map(|mut socket| address::read(&mut socket, None));
        if let Ok(row) = own
            && let Some(row) = row.rows.into_iter().find(|row| row.address == address)
        {
            // The node's own: no pod has it, but it is said whose it is.
            let device =
                Socket::open().and_then(|mut socket| link::by_index(&mut socket, row.device));
            self.own_address = Some(row);
            self.keep_device(node, device.ok());
            node.sandboxes = Table::complete(Vec::new());
            return;
        }
        // Whoever made the pod cached who has the address; the file is only searched for its text.
        let holder = cni::container_with(&self.request.paths.cache_dir, address);
        if let Some(container) = holder {
            self.ask(node, &Wanted::Id(container.clone()));
            node.sandboxes.rows.retain(|row| row.id == container);
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
        if self.processes.is_none() {
            self.processes = processes::by_netns().ok();
        }
        let container = self
            .processes
            .as_ref()
            .and_then(|processes| sandboxes::container_in(processes, id));
        if let Some(container) = container
            && self.request.runtime != RuntimeChoice::None
        {
            self.ask(node, &Wanted::Id(container));
            if node.sandboxes.is_complete() && !node.sandboxes.rows.is_empty() {
                return;
            }
        }
        // Not a runtime's, or no runtime: what the cache and the namespace itself tell.
        let named = self.named.get_or_insert_with(Found::named);
        if !named.entrances.iter().any(|entrance| entrance.id == id) {
            let pids = self
                .processes
                .as_ref()
                .and_then(|processes| processes.pids.get(&id));
            let by_pid = pids
                .into_iter()
                .flatten()
                .find_map(|pid| Entrance::open(format!("/proc/{pid}/ns/net")).ok());
            if let Some(entrance) = by_pid {
                named.push(entrance);
            }
        }
        let results = cni::results(&self.request.paths.cache_dir);
        let mut rows = sandboxes::without_runtime(named, self.processes.as_ref(), &results);
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

    /// Reads the namespaces of the sandboxes that were found, and of the node what concerns them.
    fn fill(self, node: &mut Node) {
        let kept: Vec<Link> = node
            .namespaces
            .drain(..)
            .flat_map(|netns| netns.links.rows)
            .collect();
        let found = with_sandboxes(self.named.unwrap_or_default(), node);
        // Several pods to choose from need no more than their names.
        let wanted: Vec<NetnsId> = node
            .sandboxes
            .iter()
            .filter_map(|sandbox| sandbox.netns)
            .take(8)
            .collect();
        let inside: Vec<&Entrance> = found
            .entrances
            .iter()
            .filter(|entrance| wanted.contains(&entrance.id) && entrance.id != self.root.id)
            .collect();
        let mut pods = namespaces::read(&inside, Depth::Whole, &[&self.root]);
        for pod in &mut pods {
            pod.processes = match &self.processes {
                Some(processes) => {
                    let pids = processes
                        .pids
                        .get(&pod.id)
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    Table::complete(
                        pids.iter()
                            .filter_map(|pid| processes::describe(*pid))
                            .collect(),
                    )
                }
                None => Table::unavailable("cannot list /proc"),
            };
        }
        let others: Vec<&Entrance> = found
            .entrances
            .iter()
            .filter(|e| wanted.contains(&e.id))
            .collect();
        let on_node = node.sandboxes.iter().any(|sandbox| sandbox.host_network);
        let mut root = read_root(&self.root, &pods, &others, kept, on_node);
        root.addresses.rows.extend(self.own_address);
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
}

/// The rows of the node's own namespace that concern these pods; `on_node`: one of them shares that namespace.
fn read_root(
    root: &Entrance,
    pods: &[Netns],
    others: &[&Entrance],
    kept: Vec<Link>,
    on_node: bool,
) -> Netns {
    let mut netns = Netns {
        id: root.id,
        paths: root.paths.clone(),
        ..Netns::default()
    };
    let mut socket = match Socket::open().and_then(|mut socket| {
        socket.set_strict(true)?;
        Ok(socket)
    }) {
        Ok(socket) => socket,
        Err(error) => {
            netns.links = Table::unavailable(error.to_string());
            return netns;
        }
    };
    let mut links = kept;
    let add = |socket: &mut Socket, links: &mut Vec<Link>, index: IfIndex| {
        if !links.iter().any(|link| link.index == index)
            && let Ok(link) = link::by_index(socket, index)
        {
            links.push(link);
        }
    };
    for pod in pods {
        for inside in pod.links.iter().filter_map(|link| link.lower) {
            if inside.netns == Some(root.id) {
                add(&mut socket, &mut links, inside.index);
            }
        }
    }
    // Masters and devices below, such as the bridge of a port; these may have some in turn.
    let mut place = 0;
    while let Some(link) = links.get(place) {
        let above = link.master;
        let below = link
            .lower
            .filter(|lower| lower.nsid.is_none())
            .map(|lower| lower.index);
        for index in above.into_iter().chain(below) {
            add(&mut socket, &mut links, index);
        }
        place += 1;
    }
    let near: Vec<IfIndex> = links.iter().map(|link| link.index).collect();
    let addresses: Vec<IpAddr> = pods
        .iter()
        .flat_map(|pod| pod.addresses.iter().map(|row| row.address))
        .filter(|address| !address.is_loopback() && !is_link_local(*address))
        .collect();
    // Proxy ARP answers for a gateway only if the node has a route to it.
    let targets: Vec<IpAddr> = pods
        .iter()
        .flat_map(|pod| pod.routes.iter().flat_map(|route| &route.nexthops))
        .filter_map(|hop| hop.gateway)
        .filter(|gateway| !is_link_local(*gateway))
        .chain(addresses.iter().copied())
        .collect();
    netns.rules = rule::read(&mut socket);
    netns.routes = route::read(&mut socket, route::Wanted::default());
    netns.routes = asked_for(netns.routes);
    if pods.is_empty() {
        // The pod is on another node: the ways to other nodes are what this one has to do with it.
        // A pod on the node's own network has the address of its default route.
        netns
            .routes
            .rows
            .retain(|row| leads_away(row) || (on_node && row.is_default()));
    } else {
        netns
            .routes
            .rows
            .retain(|row| concerns(row, &near, &targets));
    }
    for row in &netns.routes.rows {
        for index in row.nexthops.iter().filter_map(|hop| hop.device) {
            add(&mut socket, &mut links, index);
        }
    }
    netns.addresses = by_device(&links, |index| address::read(&mut socket, Some(index)));
    netns.neighbours = by_device(&links, |index| {
        // On a bridge or an underlay there may be thousands; only the pods' own are of interest.
        let mut table = neighbour::read(&mut socket, Some(index));
        table
            .rows
            .retain(|row| row.proxy || addresses.contains(&row.address));
        table
    });
    let bridges: Vec<Link> = links
        .iter()
        .filter(|link| matches!(link.kind, LinkKind::Bridge(_)))
        .cloned()
        .collect();
    netns.fdb = by_device(&bridges, |index| {
        let mut table = neighbour::read_fdb_of(&mut socket, index);
        table.rows.retain(|row| near.contains(&row.device));
        table
    });
    netns.qdiscs = tc::read_qdiscs(&mut socket);
    netns.qdiscs.rows.retain(|row| near.contains(&row.device));
    netns.filters = asked_for(tc::read_filters(&mut socket, &netns.qdiscs));
    netns.qdiscs = asked_for(netns.qdiscs);
    netns.sysctls = sysctl::read();
    let mut known: Vec<&Entrance> = others.to_vec();
    known.push(root);
    netns.links = Table::partial(links, WHY);
    netns.nsids = namespaces::name_others(&mut socket, &netns.links, root.id, &known);
    for link in &mut netns.links.rows {
        namespaces::resolve(link, root.id, &netns.nsids);
    }
    netns
}

/// A table that was read whole, and from which only what concerns the pod is kept.
fn asked_for<T>(table: Table<T>) -> Table<T> {
    if table.is_complete() {
        Table::partial(table.rows, WHY)
    } else {
        table
    }
}

/// Addresses of IPv6 that are one link's: each device has a route to them, which says nothing of a pod. An IPv4
/// address of that kind may be a gateway that the node answers for.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// Whether a route leads to a pod's device, or is for a range that one of the addresses is in.
fn concerns(route: &Route, devices: &[IfIndex], addresses: &[IpAddr]) -> bool {
    let near = devices.iter().any(|device| route.leaves_by(*device));
    let covers = addresses
        .iter()
        .any(|address| route.destination.contains(address));
    // An address of the node's own may stand before the pod's, or be its gateway's.
    covers
        || (near
            && route.table != TableId::LOCAL
            && route.destination.prefix_len() == route.destination.max_prefix_len())
}

/// Whether a route is for a range that pods of other nodes may be in.
fn leads_away(route: &Route) -> bool {
    route.table != TableId::LOCAL
        && !route.is_default()
        // An address that another node borrowed has a route of its own, by that node.
        && (route.destination.prefix_len() < route.destination.max_prefix_len()
            || route.nexthops.iter().any(|hop| hop.gateway.is_some()))
}

/// Whether a pod that was found without the runtime is one that the runtime would have been asked for.
fn is_wanted(row: &Sandbox, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::All => true,
        Wanted::Named { namespace, name } => {
            row.name == *name && namespace.as_ref().is_none_or(|n| row.namespace == *n)
        }
        Wanted::Id(prefix) => !prefix.is_empty() && row.id.starts_with(prefix.as_str()),
    }
}

/// One table from a part for each device.
fn by_device<T>(links: &[Link], mut read: impl FnMut(IfIndex) -> Table<T>) -> Table<T> {
    let mut whole = Table::partial(Vec::new(), WHY);
    for link in links {
        let part = read(link.index);
        if part.state == State::Unavailable || part.state == State::Inconsistent {
            whole.state = part.state;
            whole.reason = part.reason;
        }
        whole.rows.extend(part.rows);
    }
    whole
}
