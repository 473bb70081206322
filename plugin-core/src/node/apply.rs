//! Carries out changes: links one by one, because rows need their numbers, and rows in batches.

use std::net::IpAddr;

use super::diff::Change;
use super::nft;
use super::read::{Indices, set_sysctl};
use super::scope::{PROTOCOL, Scope};
use super::state::{Bridge, Device, RouteKey, Target, Tunnel};
use crate::mac::Mac;
use crate::netlink::error::or_absent;
use crate::netlink::fdb::FdbEntry;
use crate::netlink::link::{self, Set, Vxlan};
use crate::netlink::neighbour::Neighbour;
use crate::netlink::route::{Kind, Route};
use crate::netlink::{self, Socket, address};

/// A change that was not made. The others were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {what}: {cause}")]
pub struct Failure {
    /// The change, such as `add route 172.31.89.192/26`.
    pub what: String,
    /// Why, and what to try.
    pub cause: String,
    /// Whether the node itself is not as it should be, rather than the way to some peer.
    pub local: bool,
}

/// Makes the changes and returns those that failed.
///
/// # Errors
/// When the kernel's answers got lost; what has been applied is unknown then.
pub fn apply(
    socket: &mut Socket,
    scope: &Scope,
    mut indices: Indices,
    changes: &[Change],
) -> Result<Vec<Failure>, netlink::Error> {
    let mut failures = Vec::new();
    let mut batch = Vec::new();
    for change in changes {
        if change.touches_links() {
            flush(socket, &mut batch, &mut failures)?;
            if let Err(error) = links(socket, indices, change) {
                failures.push(failure(change, &error));
            }
            indices = Indices::among(&link::list(socket)?.rows, scope);
            continue;
        }
        match change {
            Change::SetSysctl { path, value } => {
                if let Err(error) = set_sysctl(path, value) {
                    failures.push(failure(change, &error));
                }
            }
            Change::InstallMasquerade(table) => {
                if let Err(error) = nft::install(table) {
                    failures.push(failure(change, &error));
                }
            }
            Change::RemoveMasquerade(table) => {
                if let Err(error) = nft::remove(table) {
                    failures.push(failure(change, &error));
                }
            }
            row => match message(row, indices) {
                Some(message) => batch.push((row, message)),
                None => failures.push(failure(row, &"its device does not exist")),
            },
        }
    }
    flush(socket, &mut batch, &mut failures)?;
    Ok(failures)
}

fn flush(
    socket: &mut Socket,
    batch: &mut Vec<(&Change, netlink::Change)>,
    failures: &mut Vec<Failure>,
) -> Result<(), netlink::Error> {
    let (changes, messages): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
    for (change, result) in changes.into_iter().zip(socket.batch(&messages)?) {
        // What should go and is gone is as it should be.
        let result = if change.removes() {
            or_absent(result)
        } else {
            result
        };
        if let Err(error) = result {
            failures.push(refusal(change, &error));
        }
    }
    Ok(())
}

fn links(socket: &mut Socket, indices: Indices, change: &Change) -> Result<(), netlink::Error> {
    match change {
        Change::DeleteVxlan(name) | Change::DeleteBridge(name) => {
            or_absent(socket.apply(&link::delete_named(name)))
        }
        Change::CreateBridge(bridge) => {
            let Bridge { name, mac, mtu, up } = bridge;
            // An MTU given at creation would follow the ports'; one given later is kept
            // (`BROPT_MTU_SET_BY_USER`, net/bridge/br_device.c).
            socket.apply(&link::add_bridge(name, Some(*mac), 0, *up))?;
            socket.apply(&Set::name(name).mtu(*mtu).change())
        }
        Change::SetBridge(bridge) => {
            let Some(found) = link::by_name(socket, &bridge.name)? else {
                return Ok(());
            };
            let set = correct(&found, bridge.mac, bridge.mtu, bridge.up);
            socket.apply(&set.change())
        }
        Change::CreateVxlan(tunnel) => {
            socket.apply(&create(tunnel, indices))?;
            match tunnel.master.and_then(|device| indices.of(device)) {
                Some(master) => socket.apply(&Set::name(&tunnel.name).master(master).change()),
                None => Ok(()),
            }
        }
        Change::SetVxlan(tunnel) => {
            let Some(found) = link::by_name(socket, &tunnel.name)? else {
                return Ok(());
            };
            let mut set = correct(&found, tunnel.mac, tunnel.mtu, tunnel.up);
            let master = tunnel.master.and_then(|device| indices.of(device));
            if found.master != master {
                set = set.master(master.unwrap_or(0));
            }
            socket.apply(&set.change())
        }
        _ => Ok(()),
    }
}

/// Only what differs: setting the address a link already has makes the kernel forget its neighbours
/// (`neigh_changeaddr`, net/core/neighbour.c).
fn correct(found: &link::Link, mac: Mac, mtu: u32, up: bool) -> Set {
    let mut set = Set::index(found.index);
    if found.mac != Some(mac) {
        set = set.mac(mac);
    }
    if found.mtu != mtu {
        set = set.mtu(mtu);
    }
    if found.up != up {
        set = set.up(up);
    }
    set
}

fn create(tunnel: &Tunnel, indices: Indices) -> netlink::Change {
    let vxlan = Vxlan {
        vni: tunnel.fixed.vni,
        port: tunnel.fixed.port,
        local: tunnel.fixed.local,
        underlay: tunnel.fixed.underlay.and_then(|device| indices.of(device)),
        learning: tunnel.fixed.learning,
    };
    link::add_vxlan(
        &tunnel.name,
        Some(tunnel.mac),
        tunnel.mtu,
        tunnel.up,
        &vxlan,
    )
}

/// The message of a change to a row; `None` when its device does not exist.
fn message(change: &Change, indices: Indices) -> Option<netlink::Change> {
    let vxlan = indices.vxlan;
    Some(match *change {
        Change::AddAddress(device, net) => address::add(indices.of(device)?, net, true),
        Change::DeleteAddress(device, net) => address::delete(indices.of(device)?, net),
        Change::SetNeighbour(address, mac) => neighbour(vxlan?, address, Some(mac)).replace(),
        Change::DeleteNeighbour(address) => neighbour(vxlan?, address, None).delete(),
        Change::SetFdb(mac, node) => FdbEntry::vxlan(vxlan?, mac, node).replace(),
        Change::AddFlood(node) => FdbEntry::vxlan(vxlan?, Mac::ZERO, node).append(),
        Change::DeleteFdb(mac, node) => FdbEntry::vxlan(vxlan?, mac, node).delete(),
        Change::AddRoute(key, target) => route(key, target, indices)?.add(),
        Change::ReplaceRoute(key, target) => route(key, target, indices)?.replace(),
        Change::DeleteRoute(key, target) => match target {
            Target::Foreign => any_of(key).delete(),
            _ => route(key, target, indices)?.delete(),
        },
        _ => return None,
    })
}

fn neighbour(index: u32, address: IpAddr, mac: Option<Mac>) -> Neighbour {
    Neighbour {
        index,
        address,
        mac,
        permanent: true,
    }
}

fn any_of(key: RouteKey) -> Route {
    let mut route = Route::to(key.destination, PROTOCOL);
    route.metric = key.metric;
    route
}

fn route(key: RouteKey, target: Target, indices: Indices) -> Option<Route> {
    let mut route = any_of(key);
    match target {
        Target::Via {
            gateway,
            device,
            onlink,
        } => {
            route.gateway = Some(gateway);
            route.oif = Some(indices.of(device)?);
            route.onlink = onlink;
        }
        Target::Blackhole => route.kind = Kind::Blackhole,
        Target::Foreign => return None,
    }
    Some(route)
}

fn failure(change: &Change, cause: &dyn std::fmt::Display) -> Failure {
    Failure {
        what: describe(change),
        cause: cause.to_string(),
        local: change.is_local(),
    }
}

fn refusal(change: &Change, error: &netlink::Error) -> Failure {
    let mut failure = failure(change, error);
    if error.is_exists() && matches!(change, Change::AddRoute(..)) {
        failure.cause =
            "another program has a route to it; remove that route, or choose another pool"
                .to_owned();
    }
    failure
}

/// What a change does, for a log line.
pub fn describe(change: &Change) -> String {
    let on = |device: &Device| match device {
        Device::Underlay => "the underlay".to_owned(),
        Device::Vxlan => "the VXLAN device".to_owned(),
        Device::Bridge => "the bridge".to_owned(),
        Device::Other(index) => format!("link {index}"),
    };
    match change {
        Change::DeleteVxlan(name) | Change::DeleteBridge(name) => format!("remove device {name}"),
        Change::CreateBridge(Bridge { name, .. }) | Change::CreateVxlan(Tunnel { name, .. }) => {
            format!("create device {name}")
        }
        Change::SetBridge(Bridge { name, .. }) | Change::SetVxlan(Tunnel { name, .. }) => {
            format!("correct device {name}")
        }
        Change::SetSysctl { path, value } => format!("set {} to {value}", path.replace('/', ".")),
        Change::AddAddress(device, net) => format!("add address {net} to {}", on(device)),
        Change::DeleteAddress(device, net) => format!("remove address {net} from {}", on(device)),
        Change::SetNeighbour(address, mac) => format!("set neighbour {address} to {mac}"),
        Change::DeleteNeighbour(address) => format!("remove neighbour {address}"),
        Change::SetFdb(mac, node) => format!("forward {mac} to {node}"),
        Change::AddFlood(node) => format!("flood to {node}"),
        Change::DeleteFdb(Mac::ZERO, node) => format!("stop flooding to {node}"),
        Change::DeleteFdb(mac, node) => format!("stop forwarding {mac} to {node}"),
        Change::AddRoute(key, _) => format!("add route {}", key.destination),
        Change::ReplaceRoute(key, _) => format!("change route {}", key.destination),
        Change::DeleteRoute(key, _) => format!("remove route {}", key.destination),
        Change::InstallMasquerade(table) => format!("install table inet {}", table.table),
        Change::RemoveMasquerade(table) => format!("remove table inet {table}"),
    }
}
