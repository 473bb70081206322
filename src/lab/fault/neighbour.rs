//! Gateways that do not answer, and answers that are no longer true.

use super::plan::{Plan, Unfit};
use super::rebuild::restore_route;
use super::scene::Scene;
use super::{Fault, Way, host};

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("next-hop-unresolved", Way::Any, unresolved),
    Fault::sender("underlay-neighbour-stale", Way::Any, stale),
    Fault::sender("neighbour-table-overflow", Way::Any, overflow),
];

/// A hardware address that nobody has.
const NOBODY: &str = "02:00:00:00:00:99";

/// The way to the other node leads by an address that nobody has.
fn unresolved(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (nobody, device) = (scene.nobody()?, scene.here.underlay());
    let plan = scene.plan().device(device);
    if scene.is_wrapped()? {
        let peer = host(scene.peer()?);
        return Ok(plan.step(
            scene.here.on_node(),
            format!("ip route add {peer} via {nobody} dev {device}"),
            [format!("ip route del {peer} via {nobody} dev {device}")],
        ));
    }
    let route = scene.block_route()?;
    Ok(plan.step(
        scene.here.on_node(),
        format!(
            "ip route replace {} via {nobody} dev {device} proto {} onlink",
            route.destination, route.protocol
        ),
        [restore_route(scene.here.root, route)],
    ))
}

fn stale(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (peer, device) = (scene.on_link_peer()?, scene.here.underlay());
    Ok(scene.plan().device(device).step(
        scene.here.on_node(),
        format!("ip neigh replace {peer} lladdr {NOBODY} dev {device} nud permanent"),
        [format!("ip neigh del {peer} dev {device}")],
    ))
}

fn overflow(_: &Scene<'_>) -> Result<Plan, Unfit> {
    Err(Unfit::Impossible(
        "the limit of the neighbour table is the kernel's: a lab would break it for this machine"
            .into(),
    ))
}
