//! The node's side of a pod: its ends of the pod's pairs, and what leads there.

use std::net::IpAddr;

use plugin_core::netlink::Socket;

use super::super::namespaces::{self, Entrance};
use super::super::rtnetlink::{INET, INET6, address, link, neighbour, route, rule, tc};
use super::super::sysctl;
use super::WHY;
use crate::model::{IfIndex, Link, Neighbour, Netns, Route, State, Table, TableId};

/// The rows of the node's own namespace that concern these pods; `on_node`: one of them shares that namespace.
pub(super) fn read(
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
    netns.routes = routes(&mut socket, pods.is_empty(), &near, &targets);
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
    let all: Vec<IfIndex> = links.iter().map(|link| link.index).collect();
    netns.addresses = by_device(&all, |index| address::read(&mut socket, Some(index)));
    // On a bridge or an underlay there may be thousands of neighbours; only the pods' own are of interest.
    netns.neighbours = by_device(&all, |index| neighbour::read_of(&mut socket, index));
    netns
        .neighbours
        .rows
        .retain(|row| addresses.contains(&row.address));
    let proxies = neighbour::read_proxies(&mut socket);
    let is_here = |row: &Neighbour| all.contains(&row.device);
    netns
        .neighbours
        .rows
        .extend(proxies.rows.into_iter().filter(is_here));
    let ports: Vec<IfIndex> = links
        .iter()
        .filter(|link| link.master.is_some() && near.contains(&link.index))
        .map(|link| link.index)
        .collect();
    netns.fdb = by_device(&ports, |index| neighbour::read_fdb_of(&mut socket, index));
    netns.filters = by_device(&near, |index| tc::read_ingress(&mut socket, index));
    netns.sysctls = sysctl::read_of_all_devices();
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

/// The routes that may concern the pods.
fn routes(
    socket: &mut Socket,
    elsewhere: bool,
    near: &[IfIndex],
    targets: &[IpAddr],
) -> Table<Route> {
    // Each device of the node brings four routes of IPv6, which say nothing of other pods' addresses. They are
    // asked for by device if there is no address of that family to be found.
    if elsewhere || targets.iter().any(IpAddr::is_ipv6) {
        return asked_for(route::read(socket, route::Wanted::default()));
    }
    let inet = route::Wanted {
        family: Some(INET),
        ..route::Wanted::default()
    };
    let mut whole = asked_for(route::read(socket, inet));
    let inet6 = by_device(near, |index| {
        let wanted = route::Wanted {
            family: Some(INET6),
            device: Some(index),
            ..route::Wanted::default()
        };
        route::read(socket, wanted)
    });
    whole.rows.extend(inet6.rows);
    if whole.state == State::Partial {
        (whole.state, whole.reason) = (inet6.state, inet6.reason);
    }
    whole
}

/// One table from a part for each device.
fn by_device<T>(devices: &[IfIndex], mut read: impl FnMut(IfIndex) -> Table<T>) -> Table<T> {
    let mut whole = Table::partial(Vec::new(), WHY);
    for device in devices {
        let part = read(*device);
        if part.state == State::Unavailable || part.state == State::Inconsistent {
            whole.state = part.state;
            whole.reason = part.reason;
        }
        whole.rows.extend(part.rows);
    }
    whole
}
