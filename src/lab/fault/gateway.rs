//! A pod's gateway that keeps silent.

use super::plan::{Plan, Unfit, sysctl};
use super::rebuild::restore_route;
use super::scene::Scene;
use super::{Fault, Way};
use crate::model::notation;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("proxy-arp-off", Way::Any, proxy_arp),
    Fault::sender("veth-forwarding-off", Way::Any, forwarding),
    Fault::sender("gateway-without-route", Way::Any, without_route),
    Fault::sender("gateway-unanswered", Way::Any, unanswered),
];

/// The gateway is answered for by the node, which has no such address.
fn by_proxy(scene: &Scene<'_>) -> Result<std::net::IpAddr, Unfit> {
    let not = || Unfit::here("no node answers ARP for a gateway here");
    if scene.here.bridge().is_some() || scene.here.outer.inet.is_none_or(|c| c.proxy_arp == 0) {
        return Err(not());
    }
    let hop = scene
        .here
        .default_route()
        .and_then(|route| route.nexthops.first());
    hop.and_then(|hop| hop.gateway).ok_or_else(not)
}

/// What the pod knows is forgotten, as it would be within a minute.
fn forgotten(scene: &Scene<'_>, plan: Plan) -> Plan {
    let (device, netns) = (&scene.here.device, scene.here.netns);
    let known = netns
        .neighbours
        .iter()
        .filter(|row| row.device == device.index && row.state.is_valid() && !row.proxy)
        .filter_map(|row| {
            let (address, mac, name) = (row.address, row.mac?, &device.name);
            Some(format!(
                "ip neigh replace {address} lladdr {mac} dev {name} nud stale"
            ))
        });
    let name = &device.name;
    plan.step(
        scene.here.in_pod(),
        format!("ip neigh flush dev {name}"),
        known,
    )
}

fn proxy_arp(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    by_proxy(scene)?;
    switched_off(scene, "proxy_arp")
}

fn forwarding(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.here.bridge().is_some() {
        return Err(Unfit::here(
            "pods are behind a bridge, which does not route",
        ));
    }
    switched_off(scene, "forwarding")
}

fn switched_off(scene: &Scene<'_>, what: &str) -> Result<Plan, Unfit> {
    let outer = &scene.here.outer.name;
    let key = format!("net/ipv4/conf/{outer}/{what}");
    let plan = scene.plan().device(outer).pod(&scene.here.pod()).step(
        scene.here.on_node(),
        sysctl(&key, 0),
        [sysctl(&key, 1)],
    );
    Ok(forgotten(scene, plan))
}

fn without_route(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let gateway = by_proxy(scene)?;
    let root = scene.here.root;
    let route = root
        .routes
        .iter()
        .find(|route| {
            route.destination.addr() == gateway
                && route.destination.prefix_len() == route.destination.max_prefix_len()
        })
        .ok_or_else(|| Unfit::here("the gateway has no route of its own"))?;
    if root
        .routes
        .iter()
        .any(|route| route.is_default() && route.destination.addr().is_ipv4())
    {
        return Err(Unfit::here(
            "the node has a default route, which leads to the gateway's address too",
        ));
    }
    let plan = scene
        .plan()
        .device(&scene.here.outer.name)
        .pod(&scene.here.pod())
        .step(
            scene.here.on_node(),
            format!("ip route del {gateway}"),
            [restore_route(root, route)],
        );
    Ok(forgotten(scene, plan))
}

/// The address of the bridge that pods route by is gone.
fn unanswered(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let bridge = scene.bridge()?;
    if scene.is_flat() {
        return Err(Unfit::here("pods reach each other without a gateway"));
    }
    let root = scene.here.root;
    let gateway = scene
        .here
        .default_route()
        .and_then(|route| route.nexthops.first()?.gateway);
    let row = root
        .addresses_of(bridge.index)
        .find(|row| Some(row.address) == gateway)
        .ok_or_else(|| Unfit::here("the bridge is not the pods' gateway"))?;
    let (address, name) = (notation::address(row), &bridge.name);
    let plan = scene.plan().device(name).step(
        scene.here.on_node(),
        format!("ip address del {address} dev {name}"),
        [format!(
            "ip address replace {address} broadcast + dev {name}"
        )],
    );
    Ok(forgotten(scene, plan))
}
