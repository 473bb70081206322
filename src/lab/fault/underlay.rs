//! What is lost between the nodes, where neither of them can see it.

use super::plan::{Plan, Site, Unfit};
use super::rebuild::restore_route;
use super::scene::Scene;
use super::{Fault, Way, host};
use crate::lab::cables;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("vxlan-lost-in-underlay", Way::Wrapped, vxlan),
    Fault::sender("pod-addresses-lost-in-underlay", Way::Plain, plain),
    Fault::sender("bad-outer-checksum", Way::Wrapped, checksum),
    Fault::sender("wrong-underlay-device", Way::Any, wrong_device),
];

/// The device that VirtualBox and Vagrant give a machine for the way out, and its address on every machine.
const NAT: (&str, &str) = ("enp0s3", "10.0.2.15/24");
/// The table of the switch that stands for what a cloud does between its machines.
const TABLE: &str = "netdev cloud";

/// The switch does `what` with packets of the node that match.
fn on_switch(scene: &Scene<'_>, plan: Plan, what: &str) -> Result<Plan, Unfit> {
    let switch = scene
        .state
        .machines
        .iter()
        .find(|machine| machine.role == crate::lab::state::Role::Switch)
        .ok_or_else(|| Unfit::here("the lab has no switch"))?;
    let site = Site::Machine(switch.name.clone());
    let number = scene
        .state
        .topology
        .nodes
        .iter()
        .position(|node| node.name == scene.here.node.name)
        .unwrap_or_default();
    let port = cables::port_name(&scene.here.node.name, number);
    Ok(plan
        .step(
            site.clone(),
            format!("nft add table {TABLE}"),
            [format!("nft delete table {TABLE}")],
        )
        .passing(
            site.clone(),
            format!(
                "nft add chain {TABLE} ingress '{{ type filter hook ingress device \"{port}\" priority 0; }}'"
            ),
        )
        .passing(site, format!("nft add rule {TABLE} ingress {what}")))
}

fn vxlan(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (_, vxlan) = scene.vxlan()?;
    let plan = scene.plan().device(scene.here.underlay());
    on_switch(scene, plan, &format!("udp dport {} drop", vxlan.port))
}

fn plain(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let plan = scene.plan().device(scene.here.underlay());
    on_switch(
        scene,
        plan,
        &format!("ip saddr {} drop", scene.here.address),
    )
}

/// As a card does that promises to fill in checksums and gets those of wrapped packets wrong.
fn checksum(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (_, vxlan) = scene.vxlan()?;
    let device = scene.here.underlay();
    // Between namespaces checksums are left open unless the device is told to fill them in.
    let plan = Plan::on(&scene.there.node.name)
        .device(scene.there.underlay())
        .step(
            scene.here.on_node(),
            format!("ethtool -K {device} tx off"),
            [format!("ethtool -K {device} tx on")],
        );
    on_switch(
        scene,
        plan,
        &format!("udp dport {} udp checksum set 0xbad", vxlan.port),
    )
}

/// The node speaks to the other by the device that leads out of the virtual machine, not by the one between the nodes.
fn wrong_device(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (node, peer) = (scene.here.on_node(), scene.peer()?);
    let (name, address) = NAT;
    let plan = scene
        .plan()
        .device(name)
        .step(
            node.clone(),
            format!("ip link add {name} type veth peer name nat0"),
            [format!("ip link del {name}")],
        )
        .passing(node.clone(), "ip link set nat0 up")
        .passing(node.clone(), format!("ip link set {name} up"))
        .passing(node.clone(), format!("ip address add {address} dev {name}"));
    if scene.is_wrapped()? {
        // It goes with its device; to take it back a second time would be an error.
        let peer = host(peer);
        return Ok(plan.step(
            node,
            format!("ip route add {peer} dev {name}"),
            [format!("ip route flush {peer}")],
        ));
    }
    let route = scene.block_route()?;
    let gateway = route
        .nexthops
        .first()
        .and_then(|hop| hop.gateway)
        .ok_or_else(|| Unfit::here("the route has no gateway"))?;
    Ok(plan.step(
        node,
        format!(
            "ip route replace {} via {gateway} dev {name} proto {} onlink",
            route.destination, route.protocol
        ),
        [restore_route(scene.here.root, route)],
    ))
}
