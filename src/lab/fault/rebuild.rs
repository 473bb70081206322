//! What brings back a device and everything that goes with it when it is set down or deleted.

use crate::model::link::Vxlan;
use crate::model::neighbour::NeighbourState;
use crate::model::route::Protocol;
use crate::model::{Link, Netns, Vni, notation};

/// The commands after which a device that was set down is as it was: up, with the routes, IPv6 addresses and
/// neighbours that the kernel takes away when it goes down.
pub fn raise(netns: &Netns, link: &Link) -> Vec<String> {
    let mut commands = vec![format!("ip link set {} up", link.name)];
    commands.extend(
        netns
            .addresses_of(link.index)
            // Those of the link are made anew by the kernel.
            .filter(|row| row.address.is_ipv6() && row.scope.0 == 0)
            .map(|row| {
                let name = &link.name;
                format!(
                    "ip address replace {} dev {name} nodad",
                    notation::address(row)
                )
            }),
    );
    commands.extend(rows(netns, link));
    commands
}

/// The routes and permanent neighbours of a device.
fn rows(netns: &Netns, link: &Link) -> Vec<String> {
    let mut routes: Vec<_> = netns
        .routes
        .iter()
        .filter(|route| route.leaves_by(link.index) && route.protocol != Protocol::KERNEL)
        .collect();
    // What others lead over comes first: a route by a gateway needs the route to the gateway.
    routes.sort_by_key(|route| {
        (
            route.nexthops.iter().any(|hop| hop.gateway.is_some()),
            route.scope.0 == 0,
        )
    });
    let mut commands: Vec<String> = routes
        .into_iter()
        .map(|route| restore_route(netns, route))
        .collect();
    commands.extend(
        netns
            .neighbours
            .iter()
            .filter(|row| {
                row.device == link.index && row.state == NeighbourState::Permanent && !row.proxy
            })
            .filter_map(|row| {
                let (address, mac) = (row.address, row.mac?);
                Some(format!(
                    "ip neigh replace {address} dev {} lladdr {mac} nud permanent",
                    link.name
                ))
            }),
    );
    commands
}

/// The command that puts a route back.
pub fn restore_route(netns: &Netns, route: &crate::model::Route) -> String {
    let family = if route.destination.addr().is_ipv6() {
        "-6 "
    } else {
        ""
    };
    let row = notation::route(route, netns);
    // What the kernel says of the device below is not for it to be told.
    format!(
        "ip {family}route replace {}",
        row.replace(" linkdown", "").replace(" dead", "")
    )
}

/// The commands that make a VXLAN device with everything around it as the snapshot has it.
pub fn vxlan(netns: &Netns, link: &Link, vxlan: &Vxlan) -> Vec<String> {
    vxlan_as(netns, link, vxlan, vxlan.vni, vxlan.port)
}

/// The same with another identifier or port.
pub fn vxlan_as(netns: &Netns, link: &Link, vxlan: &Vxlan, vni: Vni, port: u16) -> Vec<String> {
    let name = &link.name;
    let mut add = format!("ip link add {name}");
    if let Some(mac) = link.mac {
        add.push_str(&format!(" address {mac}"));
    }
    add.push_str(&format!(
        " mtu {} type vxlan id {vni} dstport {port}",
        link.mtu
    ));
    if let Some(local) = vxlan.local {
        add.push_str(&format!(" local {local}"));
    }
    if let Some(device) = vxlan.underlay.map(|index| netns.device_name(index)) {
        add.push_str(&format!(" dev {device}"));
    }
    if !vxlan.learning {
        add.push_str(" nolearning");
    }
    if !vxlan.udp_csum {
        add.push_str(" noudpcsum");
    }
    let mut commands = vec![add];
    if let Some(master) = link.master {
        commands.push(format!(
            "ip link set {name} master {}",
            netns.device_name(master)
        ));
    }
    commands.extend(
        netns
            .addresses_of(link.index)
            .filter(|row| row.address.is_ipv4() || row.scope.0 == 0)
            .map(|row| format!("ip address replace {} dev {name}", notation::address(row))),
    );
    commands.push(format!("ip link set {name} up"));
    commands.extend(rows(netns, link));
    commands.extend(
        netns
            .fdb
            .iter()
            .filter(|row| row.device == link.index && row.own && !row.is_learned())
            .filter_map(|row| {
                let (mac, dst) = (row.mac, row.dst?);
                Some(format!(
                    "bridge fdb append {mac} dev {name} dst {dst} self permanent"
                ))
            }),
    );
    commands
}
