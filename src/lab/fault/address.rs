//! Ranges that two have.

use super::plan::{Plan, Unfit};
use super::rebuild::restore_route;
use super::scene::{Scene, last_host};
use super::{Fault, Way};
use crate::model::notation;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("range-overlap", Way::Any, overlap),
    Fault::sender("block-claimed-twice", Way::Any, twice),
];

/// The node gets an address in its subnet's device whose network holds the other pod.
fn overlap(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = scene.block_route()?;
    // Half of the block wins over the block.
    let length = (route.destination.prefix_len() + 1).min(30);
    let half = ipnet::IpNet::new(scene.there.address, length)
        .map_err(|error| Unfit::here(error.to_string()))?
        .trunc();
    let address = last_host(half, 1)
        .filter(|address| *address != scene.there.address)
        .ok_or_else(|| Unfit::here("the block is too small"))?;
    let device = scene.here.underlay();
    Ok(scene.plan().device(device).step(
        scene.here.on_node(),
        format!("ip address add {address}/{length} dev {device}"),
        [format!("ip address del {address}/{length} dev {device}")],
    ))
}

/// The node takes the other's block for its own.
fn twice(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = scene.block_route()?;
    let root = scene.here.root;
    if let Some(bridge) = scene.here.bridge() {
        let there = scene.there.bridge().and_then(|bridge| {
            let mut rows = scene.there.root.addresses_of(bridge.index);
            rows.find(|row| row.network() == Some(route.destination))
        });
        let address = there
            .map(notation::address)
            .ok_or_else(|| Unfit::here("the other node's bridge has no address in its block"))?;
        let name = &bridge.name;
        return Ok(scene
            .plan()
            .step(
                scene.here.on_node(),
                format!("ip route del {}", route.destination),
                [restore_route(root, route)],
            )
            .step(
                scene.here.on_node(),
                format!("ip address add {address} dev {name}"),
                [format!("ip address del {address} dev {name}")],
            ));
    }
    Ok(scene.plan().step(
        scene.here.on_node(),
        format!(
            "ip route replace blackhole {} proto {}",
            route.destination, route.protocol
        ),
        [
            format!("ip route del blackhole {}", route.destination),
            restore_route(root, route),
        ],
    ))
}
