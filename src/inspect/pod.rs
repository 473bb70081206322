//! Everything about one pod (`ovl.pod/v1`).

use std::net::IpAddr;

use serde::Serialize;

use super::find::{Found, occupant};
use super::gateway::{Gateway, gateways};
use super::ways::{WayHere, node_addresses, ways_here};
use crate::model::cni::{AddressRecord, CachedResult};
use crate::model::netns::Process;
use crate::model::route::RouteKind;
use crate::model::sandbox::{RUNTIME_LEFT_OUT, Runtime};
use crate::model::{
    Address, Bundle, FdbEntry, Link, Neighbour, Netns, NetnsId, Node, Route, Rule, Sandbox, Table,
    TableId, notation,
};
use crate::walk::fib::Fib;

/// Everything about one pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodReport {
    /// Always [`PodReport::SCHEMA`].
    pub schema: &'static str,
    /// The node it runs on.
    pub node: String,
    /// What to call it.
    pub name: String,
    /// When the snapshot was taken, nanoseconds since 1970.
    pub taken_ns: i64,
    /// The sandbox; `null` if no source knows one for the namespace.
    pub sandbox: Option<Sandbox>,
    /// The runtime that named it.
    pub runtime: Option<Runtime>,
    /// Its network namespace; `null` if it has none or it could not be read.
    pub netns: Option<NetnsReport>,
    /// The addresses by which others reach it; the node's for a pod on the node's network.
    pub addresses: Vec<IpAddr>,
    /// Its devices, each with the other end.
    pub interfaces: Vec<Interface>,
    /// Its policy rules.
    pub rules: Table<Row<Rule>>,
    /// Its routes; those of the local table are left out.
    pub routes: Table<Row<Route>>,
    /// Its neighbours.
    pub neighbours: Table<Row<Neighbour>>,
    /// The routers it uses, and who answers for each.
    pub gateways: Vec<Gateway>,
    /// Routes of its node that lead to it.
    pub node_routes: Table<Row<Route>>,
    /// Ways by which packets from other nodes come.
    pub ways_here: Vec<WayHere>,
    /// What CNI did for it, a row for each network.
    pub attachments: Vec<Attachment>,
    /// What address plugins wrote down about it.
    pub address_records: Table<AddressRecord>,
    /// What could not be found out.
    pub doubts: Vec<String>,
}

impl PodReport {
    /// The name of this document's shape.
    pub const SCHEMA: &'static str = "ovl.pod/v1";
}

/// A network namespace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetnsReport {
    /// Its inode number.
    pub id: NetnsId,
    /// The paths that lead to it.
    pub paths: Vec<String>,
    /// Whether it is the node's own.
    pub is_node: bool,
    /// Who lives in it.
    pub processes: Table<Process>,
}

/// A row and how an operator writes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row<T> {
    /// In the notation of `ip`.
    pub text: String,
    /// The row.
    #[serde(flatten)]
    pub row: T,
}

/// A device of the pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interface {
    /// The device.
    pub link: Link,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The other end of its pair, or the device of the node that it is made on.
    pub peer: Option<Peer>,
    /// Why there is no peer although there should be.
    pub peer_doubt: Option<String>,
}

/// The far end of a pod's device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peer {
    /// Whose namespace it is in: the node's name, or another pod's.
    pub place: String,
    /// The device.
    pub link: Link,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The bridge (or VRF, bond) it is a port of.
    pub master: Option<Link>,
    /// That device's addresses.
    pub master_addresses: Vec<Address>,
    /// What the bridge has learned behind the port.
    pub fdb: Vec<Row<FdbEntry>>,
}

/// What CNI did for one interface.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attachment {
    /// The network.
    pub network: String,
    /// The interface.
    pub ifname: String,
    /// The plugins that were run, in order.
    pub plugins: Vec<String>,
    /// The configuration file that has this network now.
    pub config: Option<String>,
    /// What was cached.
    pub cached: CachedResult,
}

/// Gathers everything about the pod that was found.
pub fn report(bundle: &Bundle, found: &Found<'_>) -> PodReport {
    let node = found.node;
    let mut doubts = Vec::new();
    doubts.extend(found.sandbox.and_then(|sandbox| sandbox.doubt.clone()));
    if let Some(reason) = node.runtime_doubt() {
        doubts.push(reason);
    }
    let own = found.netns.filter(|netns| netns.id != node.root);
    let mut report = PodReport {
        schema: PodReport::SCHEMA,
        node: node.name.clone(),
        name: found.name(),
        taken_ns: node.taken_ns,
        sandbox: found.sandbox.cloned(),
        runtime: node.runtime.known().cloned(),
        netns: found.netns.map(|netns| NetnsReport {
            id: netns.id,
            paths: netns.paths.clone(),
            is_node: netns.id == node.root,
            processes: if netns.id == node.root {
                of_sandbox(&netns.processes, found.sandbox)
            } else {
                netns.processes.clone()
            },
        }),
        addresses: if found.sandbox.is_some_and(|sandbox| sandbox.host_network) {
            node_addresses(node)
        } else {
            found
                .sandbox
                .map(|sandbox| sandbox.addresses.clone())
                .unwrap_or_default()
        },
        interfaces: Vec::new(),
        rules: Table::default(),
        routes: Table::default(),
        neighbours: Table::default(),
        gateways: Vec::new(),
        node_routes: Table::default(),
        ways_here: Vec::new(),
        attachments: attachments(node, found.sandbox),
        address_records: Table::default(),
        doubts,
    };
    let Some(netns) = own else {
        return report;
    };
    for (what, doubt) in [
        ("its devices", netns.links.doubt()),
        ("its addresses", netns.addresses.doubt()),
        ("its routes", netns.routes.doubt()),
    ] {
        if let Some(reason) = doubt {
            report
                .doubts
                .push(format!("{what} are not certain: {reason}"));
        }
    }
    report.interfaces = netns
        .links
        .iter()
        .filter(|link| !link.is_loopback())
        .map(|link| interface(node, netns, link))
        .collect();
    report.rules = rows(&netns.rules, |_| true, notation::rule);
    report.routes = rows(
        &netns.routes,
        |row| row.table != TableId::LOCAL && row.kind != RouteKind::Multicast,
        |row| notation::route(row, netns),
    );
    report.neighbours = rows(
        &netns.neighbours,
        |row| row.state != crate::model::neighbour::NeighbourState::Noarp,
        |row| notation::neighbour(row, netns),
    );
    let fib = node.root().map(Fib::of_asked);
    report.gateways = gateways(node, fib.as_ref(), netns);
    let addresses = pod_addresses(netns);
    if !addresses.is_empty() {
        report.addresses.clone_from(&addresses);
    }
    if let Some(root) = node.root() {
        report.node_routes = rows(
            &root.routes,
            |row| row.table != TableId::LOCAL && leads_to(row, &addresses),
            |row| notation::route(row, root),
        );
        report.ways_here = ways_here(bundle, node, root, &addresses);
    }
    let records = node.cni.addresses.iter().filter(|record| {
        addresses.contains(&record.address)
            || found
                .sandbox
                .is_some_and(|sandbox| !sandbox.id.is_empty() && record.container == sandbox.id)
    });
    report.address_records = Table {
        state: node.cni.addresses.state,
        reason: node.cni.addresses.reason.clone(),
        rows: records.cloned().collect(),
    };
    report
}

/// Of the processes in the node's own namespace those that are in a pod's containers.
fn of_sandbox(processes: &Table<Process>, sandbox: Option<&Sandbox>) -> Table<Process> {
    let is_of = |process: &&Process| {
        let container = process.container.as_deref();
        sandbox.is_some_and(|sandbox| sandbox.ids().any(|id| container == Some(id)))
    };
    Table {
        state: processes.state,
        reason: processes.reason.clone(),
        rows: processes.iter().filter(is_of).cloned().collect(),
    }
}

impl Node {
    /// Why the runtime's word is missing, in a sentence; `None` if it was asked.
    fn runtime_doubt(&self) -> Option<String> {
        match &self.runtime {
            crate::model::Reading::Known(_) => None,
            crate::model::Reading::Unavailable(reason) if reason == RUNTIME_LEFT_OUT => None,
            crate::model::Reading::Unavailable(_) if self.sandboxes.is_complete() => None,
            crate::model::Reading::Unavailable(reason) => Some(reason.clone()),
        }
    }
}

fn rows<T: Clone>(
    table: &Table<T>,
    keep: impl Fn(&T) -> bool,
    text: impl Fn(&T) -> String,
) -> Table<Row<T>> {
    Table {
        // Of a table that was read as far as needed, what was needed is here.
        state: table.state,
        reason: table.reason.clone(),
        rows: table
            .iter()
            .filter(|row| keep(row))
            .map(|row| Row {
                text: text(row),
                row: row.clone(),
            })
            .collect(),
    }
}

/// The addresses by which others reach the pod.
pub fn pod_addresses(netns: &Netns) -> Vec<IpAddr> {
    netns
        .addresses
        .iter()
        .map(|row| row.address)
        .filter(|address| !is_local_only(*address))
        .collect()
}

/// Loopback and link-local addresses.
fn is_local_only(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    }
}

/// Whether a route is for one of these addresses alone.
fn leads_to(route: &Route, addresses: &[IpAddr]) -> bool {
    route.destination.prefix_len() == route.destination.max_prefix_len()
        && addresses.contains(&route.destination.addr())
}

fn interface(node: &Node, netns: &Netns, link: &Link) -> Interface {
    let mut interface = Interface {
        link: link.clone(),
        addresses: netns.addresses_of(link.index).cloned().collect(),
        peer: None,
        peer_doubt: None,
    };
    let Some(lower) = link.lower else {
        return interface;
    };
    let far = lower.netns.and_then(|id| node.netns(id));
    match far.and_then(|far| Some((far, far.link(lower.index)?))) {
        Some((far, device)) => interface.peer = Some(peer(node, far, device)),
        None => {
            interface.peer_doubt = Some(match (lower.netns, far) {
                (None, _) => format!(
                    "device {} of a namespace that no process and no path leads to",
                    lower.index
                ),
                (Some(id), None) => {
                    format!("device {} of net:[{id}], which was not read", lower.index)
                }
                (Some(_), Some(far)) => match far.links.doubt() {
                    Some(reason) => format!("device {} could not be read: {reason}", lower.index),
                    None => format!("device {} is not there any more", lower.index),
                },
            });
        }
    }
    interface
}

fn peer(node: &Node, far: &Netns, device: &Link) -> Peer {
    let master = device.master.and_then(|index| far.link(index));
    let place = if far.id == node.root {
        node.name.clone()
    } else {
        occupant(node, far)
    };
    Peer {
        place,
        link: device.clone(),
        addresses: far.addresses_of(device.index).cloned().collect(),
        master: master.cloned(),
        master_addresses: master
            .map(|master| far.addresses_of(master.index).cloned().collect())
            .unwrap_or_default(),
        fdb: far
            .fdb
            .iter()
            .filter(|row| {
                row.device == device.index && row.master.is_some() && row.master == device.master
            })
            .map(|row| Row {
                text: notation::fdb(row, far),
                row: row.clone(),
            })
            .collect(),
    }
}

fn attachments(node: &Node, sandbox: Option<&Sandbox>) -> Vec<Attachment> {
    let Some(sandbox) = sandbox.filter(|sandbox| !sandbox.id.is_empty()) else {
        return Vec::new();
    };
    node.cni
        .results
        .iter()
        .filter(|result| result.container == sandbox.id)
        .map(|result| Attachment {
            network: result.network.clone(),
            ifname: result.ifname.clone(),
            plugins: plugin_types(&result.config),
            config: node
                .cni
                .configs
                .iter()
                .find(|config| config.network.as_deref() == Some(result.network.as_str()))
                .map(|config| config.path.clone()),
            cached: result.clone(),
        })
        .collect()
}

fn plugin_types(config: &serde_json::Value) -> Vec<String> {
    let kind = |plugin: &serde_json::Value| plugin.get("type")?.as_str().map(str::to_owned);
    match config.get("plugins").and_then(serde_json::Value::as_array) {
        Some(plugins) => plugins.iter().filter_map(kind).collect(),
        None => kind(config).into_iter().collect(),
    }
}
