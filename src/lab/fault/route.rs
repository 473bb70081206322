//! Routes that are missing, lead elsewhere, or are never asked.

use super::plan::{Plan, Unfit};
use super::rebuild::restore_route;
use super::scene::Scene;
use super::{Fault, Way, host};
use crate::model::route::Protocol;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("no-route-to-block", Way::Any, no_route),
    Fault::sender("block-route-to-wrong-node", Way::Any, wrong_node),
    Fault::sender("blackhole-route", Way::Any, blackhole),
    Fault::sender("unreachable-route", Way::Any, unreachable),
    Fault::sender("rule-hijacks-route", Way::Any, hijacked),
    Fault::receiver("host-route-missing", Way::Any, host_route),
];

/// The table that the hijacking rule leads to.
const TABLE: u32 = 100;
/// Between the rule for local addresses and all others.
const PRIORITY: u32 = 1000;

fn no_route(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = scene.block_route()?;
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!("ip route del {}", route.destination),
        [restore_route(scene.here.root, route)],
    ))
}

fn wrong_node(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = scene.block_route()?;
    let third = &scene.third()?.name;
    let other = scene
        .bundle
        .node(third)
        .and_then(|node| node.sandboxes.iter().find_map(|row| node.netns_of(row)))
        .and_then(|netns| {
            netns
                .addresses
                .iter()
                .find(|row| row.address.is_ipv4() && !row.address.is_loopback())
        })
        .and_then(|row| scene.here.route_to(row.address))
        .filter(|other| !other.is_default())
        .and_then(|other| other.nexthops.first())
        .ok_or_else(|| Unfit::here(format!("{third} has no pod")))?;
    let (Some(gateway), Some(device)) = (other.gateway, other.device) else {
        return Err(Unfit::here(format!("no gateway leads to {third}")));
    };
    let device = scene.here.root.device_name(device);
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!(
            "ip route replace {} via {gateway} dev {device} proto {} onlink",
            route.destination, route.protocol
        ),
        [restore_route(scene.here.root, route)],
    ))
}

fn blackhole(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    discard(scene, "blackhole")
}

fn unreachable(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    discard(scene, "unreachable")
}

fn discard(scene: &Scene<'_>, kind: &str) -> Result<Plan, Unfit> {
    // Between bridges it is the wrapped packet that is routed.
    let target = if scene.is_flat() {
        host(scene.peer()?)
    } else {
        scene.block_route()?;
        host(scene.there.address)
    };
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!("ip route add {kind} {target}"),
        [format!("ip route del {kind} {target}")],
    ))
}

/// A rule leads what is for the other pod (or, between bridges, for its node) to a table that knows nothing better
/// than a gateway that is not there.
fn hijacked(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let target = if scene.is_flat() {
        host(scene.peer()?)
    } else {
        scene.block_route()?.destination.to_string()
    };
    let (gateway, device) = (scene.nobody()?, scene.here.underlay());
    let route = format!("default via {gateway} dev {device} onlink table {TABLE}");
    Ok(scene
        .plan()
        .step(
            scene.here.on_node(),
            format!("ip route add {route}"),
            [format!("ip route del {route}")],
        )
        .step(
            scene.here.on_node(),
            format!("ip rule add to {target} lookup {TABLE} priority {PRIORITY}"),
            [format!(
                "ip rule del to {target} lookup {TABLE} priority {PRIORITY}"
            )],
        ))
}

fn host_route(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = scene
        .here
        .route_to(scene.here.address)
        .filter(|route| {
            route.destination.prefix_len() == route.destination.max_prefix_len()
                && route.protocol != Protocol::KERNEL
                && route.leaves_by(scene.here.outer.index)
        })
        .ok_or_else(|| Unfit::here("pods have no routes of their own behind a bridge"))?;
    Ok(scene.plan().pod(&scene.here.pod()).step(
        scene.here.on_node(),
        format!("ip route del {}", route.destination.addr()),
        [restore_route(scene.here.root, route)],
    ))
}
