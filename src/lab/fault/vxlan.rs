//! VXLAN devices and what they know of the other tunnel ends.

use std::net::IpAddr;

use super::plan::{Plan, Unfit};
use super::rebuild;
use super::scene::Scene;
use super::{Fault, Way};
use crate::model::neighbour::NeighbourState;
use crate::model::{FdbEntry, Mac, Neighbour, Vni};

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("vxlan-device-down", Way::Wrapped, down),
    Fault::sender("vxlan-device-missing", Way::Wrapped, missing),
    Fault::sender("vni-mismatch", Way::Wrapped, vni),
    Fault::sender("vxlan-port-mismatch", Way::Wrapped, port),
    Fault::sender("fdb-entry-missing", Way::Wrapped, no_fdb),
    Fault::sender("fdb-entry-stale", Way::Wrapped, stale_fdb),
    Fault::sender("fdb-entry-to-itself", Way::Wrapped, own_fdb),
    Fault::sender("vtep-neighbour-missing", Way::Wrapped, no_neighbour),
    Fault::sender("vtep-neighbour-stale", Way::Wrapped, stale_neighbour),
    Fault::sender("flood-list-missing-peer", Way::Wrapped, no_flood),
    Fault::receiver("duplicate-vtep-mac", Way::Wrapped, duplicate_mac),
    Fault::receiver("vxlan-port-blocked", Way::Wrapped, blocked),
];

/// A hardware address that nobody has.
const NOBODY: &str = "02:00:00:00:00:99";

fn down(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    Ok(scene.plan().device(&link.name).step(
        scene.here.on_node(),
        format!("ip link set {} down", link.name),
        rebuild::raise(scene.here.root, link),
    ))
}

fn missing(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, vxlan) = scene.vxlan()?;
    Ok(scene.plan().device(&link.name).step(
        scene.here.on_node(),
        format!("ip link del {}", link.name),
        rebuild::vxlan(scene.here.root, link, vxlan),
    ))
}

fn vni(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (_, vxlan) = scene.vxlan()?;
    remade(scene, Vni(vxlan.vni.0 + 1), vxlan.port)
}

fn port(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (_, vxlan) = scene.vxlan()?;
    remade(scene, vxlan.vni, vxlan.port + 1)
}

/// The device is made anew with something else.
fn remade(scene: &Scene<'_>, vni: Vni, port: u16) -> Result<Plan, Unfit> {
    let (link, vxlan) = scene.vxlan()?;
    let (root, node, name) = (scene.here.root, scene.here.on_node(), &link.name);
    let mut plan = scene.plan().device(name).step(
        node.clone(),
        format!("ip link del {name}"),
        rebuild::vxlan(root, link, vxlan),
    );
    let mut undo = vec![format!("ip link del {name}")];
    for command in rebuild::vxlan_as(root, link, vxlan, vni, port) {
        plan = plan.step(node.clone(), command, std::mem::take(&mut undo));
    }
    Ok(plan)
}

/// The entry by which frames go to the other node.
fn fdb<'a>(scene: &Scene<'a>) -> Result<&'a FdbEntry, Unfit> {
    let (link, _) = scene.vxlan()?;
    let peer = scene.peer()?;
    let entry = scene.here.root.fdb.iter().find(|row| {
        row.device == link.index
            && row.own
            && row.dst == Some(peer)
            && !is_flood(row.mac)
            && !row.is_learned()
    });
    entry.ok_or_else(|| {
        Unfit::here("tunnel ends are learned from what arrives, and no entry is set by hand")
    })
}

fn is_flood(mac: Mac) -> bool {
    mac.0 == [0; 6]
}

fn add_fdb(mac: Mac, device: &str, dst: IpAddr) -> String {
    format!("bridge fdb replace {mac} dev {device} dst {dst} self permanent")
}

fn no_fdb(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    let (entry, peer, name) = (fdb(scene)?, scene.peer()?, &link.name);
    Ok(scene.plan().device(name).step(
        scene.here.on_node(),
        format!("bridge fdb del {} dev {name} dst {peer} self", entry.mac),
        [add_fdb(entry.mac, name, peer)],
    ))
}

fn stale_fdb(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let third = scene.third()?;
    let host = scene
        .state
        .topology
        .nodes
        .iter()
        .find(|node| node.name == third.name);
    let elsewhere = host
        .and_then(|host| host.addresses.first())
        .ok_or_else(|| Unfit::here("the third node has no address"))?
        .addr();
    redirected(scene, elsewhere)
}

fn own_fdb(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let own = scene
        .here
        .node_address()
        .ok_or_else(|| Unfit::here("the node has no address"))?;
    redirected(scene, own)
}

/// Frames for the other node (or, where tunnel ends are learned, for the other pod) go to `elsewhere`.
fn redirected(scene: &Scene<'_>, elsewhere: IpAddr) -> Result<Plan, Unfit> {
    let (link, vxlan) = scene.vxlan()?;
    let (name, node) = (&link.name, scene.here.on_node());
    if let Ok(entry) = fdb(scene) {
        return Ok(scene.plan().device(name).step(
            node,
            add_fdb(entry.mac, name, elsewhere),
            [add_fdb(entry.mac, name, scene.peer()?)],
        ));
    }
    let mac = scene
        .there
        .mac()
        .filter(|_| vxlan.learning && scene.is_flat())
        .ok_or_else(|| Unfit::here("no entry leads to the other pod"))?;
    Ok(scene.plan().device(name).step(
        node,
        add_fdb(mac, name, elsewhere),
        [format!("bridge fdb del {mac} dev {name} self")],
    ))
}

/// The neighbour entry of the other tunnel end.
fn neighbour<'a>(scene: &Scene<'a>) -> Result<&'a Neighbour, Unfit> {
    let (link, _) = scene.vxlan()?;
    let gateway = scene
        .block_route()?
        .nexthops
        .first()
        .and_then(|hop| hop.gateway);
    scene
        .here
        .root
        .neighbours
        .iter()
        .find(|row| {
            row.device == link.index
                && Some(row.address) == gateway
                && row.state == NeighbourState::Permanent
        })
        .ok_or_else(|| Unfit::here("no neighbour entry leads to the other tunnel end"))
}

fn no_neighbour(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    let (row, name) = (neighbour(scene)?, &link.name);
    let mac = row
        .mac
        .ok_or_else(|| Unfit::here("the entry has no hardware address"))?;
    let address = row.address;
    Ok(scene.plan().device(name).step(
        scene.here.on_node(),
        format!("ip neigh del {address} dev {name}"),
        [format!(
            "ip neigh replace {address} lladdr {mac} dev {name} nud permanent"
        )],
    ))
}

fn stale_neighbour(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    let (row, name) = (neighbour(scene)?, &link.name);
    let mac = row
        .mac
        .ok_or_else(|| Unfit::here("the entry has no hardware address"))?;
    let address = row.address;
    Ok(scene.plan().device(name).step(
        scene.here.on_node(),
        format!("ip neigh replace {address} lladdr {NOBODY} dev {name} nud permanent"),
        [format!(
            "ip neigh replace {address} lladdr {mac} dev {name} nud permanent"
        )],
    ))
}

/// The other node is missing where unknown frames are sent to, and nothing is known of its pod any more.
fn no_flood(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    let (name, node, peer) = (&link.name, scene.here.on_node(), scene.peer()?);
    let listed = scene.here.root.fdb.iter().any(|row| {
        row.device == link.index && row.own && is_flood(row.mac) && row.dst == Some(peer)
    });
    if !listed {
        return Err(Unfit::here(
            "nothing is flooded here: every tunnel end is set by hand",
        ));
    }
    let zero = "00:00:00:00:00:00";
    let mut plan = scene.plan().device(name).step(
        node.clone(),
        format!("bridge fdb del {zero} dev {name} dst {peer} self"),
        [format!(
            "bridge fdb append {zero} dev {name} dst {peer} self permanent"
        )],
    );
    // Learned entries time out within minutes.
    let learned: Vec<_> = scene
        .here
        .root
        .fdb
        .iter()
        .filter(|row| row.device == link.index && row.is_learned())
        .filter(|row| Some(row.mac) == scene.there.mac())
        .collect();
    for row in learned {
        let whose = if row.own { "self" } else { "master" };
        plan = plan.passing(
            node.clone(),
            format!("bridge fdb del {} dev {name} {whose}", row.mac),
        );
    }
    let device = &scene.here.device.name;
    Ok(plan.passing(scene.here.in_pod(), format!("ip neigh flush dev {device}")))
}

/// The node's tunnel end takes the MAC of another one's.
fn duplicate_mac(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (link, _) = scene.vxlan()?;
    if scene.is_flat() {
        return Err(Unfit::here(
            "tunnel ends are ports of bridges, whose MAC nobody speaks to",
        ));
    }
    let third = scene.third()?.name.clone();
    let theirs = scene
        .bundle
        .node(&third)
        .and_then(crate::model::Node::root)
        .and_then(|root| {
            root.links
                .iter()
                .find(|other| matches!(other.kind, crate::model::LinkKind::Vxlan(_)))
        })
        .and_then(|link| link.mac);
    let (Some(mine), Some(theirs)) = (link.mac, theirs) else {
        return Err(Unfit::here("the tunnel ends have no hardware address"));
    };
    let name = &link.name;
    Ok(scene.plan().device(name).step(
        scene.here.on_node(),
        format!("ip link set {name} address {theirs}"),
        [format!("ip link set {name} address {mine}")],
    ))
}

fn blocked(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (_, vxlan) = scene.vxlan()?;
    let rule = format!("INPUT -p udp --dport {} -j DROP", vxlan.port);
    Ok(scene.plan().device(scene.here.underlay()).step(
        scene.here.on_node(),
        format!("iptables -I {rule}"),
        [super::netfilter::undo(
            &scene.here,
            "filter",
            &format!("iptables -D {rule}"),
        )],
    ))
}
