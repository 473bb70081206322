//! Nodes that do not forward, or not from there.

use super::plan::{Plan, Unfit, sysctl};
use super::rebuild::restore_route;
use super::scene::{Scene, last_host};
use super::{Fault, Way, host};

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("ip-forward-off", Way::Any, ip_forward),
    Fault::receiver("rp-filter-drop", Way::Any, rp_filter),
    Fault::receiver("asymmetric-return", Way::Any, asymmetric),
];

/// The second uplink of a node.
const SECOND: &str = "enp0s9";

fn ip_forward(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.is_flat() {
        return Err(Unfit::here(
            "pods of all nodes are one Ethernet, and no node forwards",
        ));
    }
    Ok(scene.plan().step(
        scene.here.on_node(),
        sysctl("net.ipv4.ip_forward", 0),
        [sysctl("net.ipv4.ip_forward", 1)],
    ))
}

/// The node gets a second device in its subnet, which the way back leads by.
fn second_uplink(scene: &Scene<'_>, way_back: &str, undo: Vec<String>) -> Result<Plan, Unfit> {
    let device = scene.here.underlay();
    let node = scene.here.on_node();
    let address = scene
        .here
        .node_net()
        .and_then(|net| last_host(net.trunc(), 10))
        .ok_or_else(|| Unfit::here("the node has no address"))?;
    let conf = |name: &str| format!("net/ipv4/conf/{SECOND}/{name}");
    Ok(scene
        .plan()
        .step(
            node.clone(),
            format!("ip link add {SECOND} link {device} type macvlan mode bridge"),
            [format!("ip link del {SECOND}")],
        )
        // Or it would answer for the first device's address too, and ask in its name: others would remember the
        // second device's MAC for it.
        .passing(node.clone(), sysctl(&conf("arp_ignore"), 1))
        .passing(node.clone(), sysctl(&conf("arp_announce"), 2))
        .passing(
            node.clone(),
            format!("ip address add {} dev {SECOND}", host(address)),
        )
        .passing(node.clone(), format!("ip link set {SECOND} up"))
        .step(node, way_back.replace("DEVICE", SECOND), undo))
}

fn rp_filter(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let plan = by_second(scene)?;
    let device = scene.here.underlay();
    let key = format!("net/ipv4/conf/{device}/rp_filter");
    let before = scene
        .here
        .root
        .link_named(device)
        .and_then(|link| link.inet)
        .map_or(0, |conf| conf.rp_filter);
    Ok(plan.device(device).step(
        scene.here.on_node(),
        sysctl(&key, 1),
        [sysctl(&key, before)],
    ))
}

/// What goes back to the other pod (or, wrapped, to its node) leaves by a second uplink.
fn by_second(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let peer = scene.on_link_peer()?;
    if !scene.is_wrapped()? {
        let route = scene.block_route()?;
        return second_uplink(
            scene,
            &format!(
                "ip route replace {} via {peer} dev DEVICE proto {} onlink",
                route.destination, route.protocol
            ),
            vec![restore_route(scene.here.root, route)],
        );
    }
    second_uplink(
        scene,
        &format!("ip route add {} dev DEVICE", host(peer)),
        // It goes with its device; a second time would be an error.
        vec![format!("ip route flush {}", host(peer))],
    )
}

fn asymmetric(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.is_flat() || !scene.is_wrapped()? {
        return Ok(by_second(scene)?.device(SECOND));
    }
    let (route, device) = (scene.block_route()?, scene.here.underlay());
    // Wrapped on the way there, plain on the way back.
    let peer = scene.on_link_peer()?;
    Ok(scene.plan().device(device).step(
        scene.here.on_node(),
        format!(
            "ip route replace {} via {peer} dev {device} proto {} onlink",
            route.destination, route.protocol
        ),
        [restore_route(scene.here.root, route)],
    ))
}
