//! The pod's own end, its pair, and the bridge it is plugged into.

use super::plan::{Plan, Unfit};
use super::rebuild::{raise, restore_route};
use super::scene::{Scene, last_host};
use super::{Fault, Way};

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("pod-default-route-missing", Way::Any, no_default),
    Fault::sender("pod-default-route-wrong", Way::Any, wrong_default),
    Fault::receiver("pod-address-missing", Way::Any, no_address),
    Fault::sender("duplicate-pod-address", Way::Any, two_addresses),
    Fault::sender("duplicate-mac", Way::Any, two_macs),
    Fault::sender("pod-device-down", Way::Any, device_down),
    Fault::sender("host-veth-down", Way::Any, outer_down),
    Fault::sender("bridge-port-down", Way::Any, port_down),
    Fault::sender("bridge-port-not-forwarding", Way::Any, port_closed),
    Fault::sender("veth-not-in-bridge", Way::Any, unplugged),
    Fault::sender("bridge-down", Way::Any, bridge_down),
    Fault::sender("bridge-fdb-wrong", Way::Any, wrong_port),
    Fault::sender("hairpin-off", Way::Any, hairpin),
];

/// The route of the pod that decides, if the default route does.
fn default_in_use<'a>(scene: &Scene<'a>) -> Result<&'a crate::model::Route, Unfit> {
    if scene.is_flat() {
        return Err(Unfit::here("pods reach each other without a default route"));
    }
    scene
        .here
        .default_route()
        .ok_or_else(|| Unfit::here("the pod has no default route"))
}

fn no_default(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = default_in_use(scene)?;
    Ok(scene.plan().pod(&scene.here.pod()).step(
        scene.here.in_pod(),
        "ip route del default",
        [restore_route(scene.here.netns, route)],
    ))
}

fn wrong_default(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let route = default_in_use(scene)?;
    let device = &scene.here.device.name;
    // An address of the node's own block that no pod has: nothing answers for it.
    let block = match scene.here.bridge() {
        Some(_) => scene
            .here
            .netns
            .addresses
            .iter()
            .find(|row| row.address == scene.here.address)
            .and_then(crate::model::Address::network),
        None => scene
            .here
            .root
            .routes
            .iter()
            .find(|route| {
                route.kind == crate::model::route::RouteKind::Blackhole
                    && route.destination.contains(&scene.here.address)
            })
            .map(|route| route.destination),
    };
    let gateway = block
        .and_then(|block| last_host(block, 1))
        .ok_or_else(|| Unfit::here("the pod's block is not known"))?;
    Ok(scene.plan().pod(&scene.here.pod()).device(device).step(
        scene.here.in_pod(),
        format!("ip route replace default via {gateway} dev {device} onlink"),
        [restore_route(scene.here.netns, route)],
    ))
}

fn no_address(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (here, device) = (&scene.here, &scene.here.device.name);
    let net = format!("{}/{}", here.address, here.prefix_len);
    let mut undo = vec![format!("ip address replace {net} broadcast + dev {device}")];
    // With the last address of a family the kernel takes all its routes (net/ipv4/fib_frontend.c).
    undo.extend(raise(here.netns, here.device));
    let plan = scene.plan().pod(&here.pod()).device(device).step(
        here.in_pod(),
        format!("ip address del {net} dev {device}"),
        undo,
    );
    // What asks for it has forgotten the answer.
    let plan = match here.bridge() {
        Some(bridge) if !scene.is_flat() => plan.passing(
            here.on_node(),
            format!("ip neigh flush to {} dev {}", here.address, bridge.name),
        ),
        Some(_) => plan,
        None => plan.passing(
            here.on_node(),
            format!("ip neigh flush dev {}", here.outer.name),
        ),
    };
    let there = &scene.there;
    Ok(if scene.is_flat() {
        let device = &there.device.name;
        plan.passing(
            there.in_pod(),
            format!("ip neigh flush to {} dev {device}", here.address),
        )
    } else {
        plan
    })
}

/// Another pod of the node.
fn second<'a>(scene: &Scene<'a>) -> Result<super::scene::End<'a>, Unfit> {
    scene
        .here
        .neighbour(scene.state)
        .ok_or_else(|| Unfit::here(format!("it takes a second pod on {}", scene.here.node.name)))
}

fn two_addresses(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let other = second(scene)?;
    let net = format!("{}/{}", scene.here.address, scene.here.prefix_len);
    let device = &other.device.name;
    Ok(scene.plan().see(super::See::Check).step(
        other.in_pod(),
        format!("ip address add {net} dev {device}"),
        [format!("ip address del {net} dev {device}")],
    ))
}

fn two_macs(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let bridge = scene.bridge()?;
    let other = second(scene)?;
    let (Some(mine), Some(theirs)) = (scene.here.mac(), other.mac()) else {
        return Err(Unfit::here("the pods' devices have no hardware address"));
    };
    let device = &other.device.name;
    Ok(scene
        .plan()
        .device(&bridge.name)
        .see(super::See::Check)
        .step(
            other.in_pod(),
            format!("ip link set {device} address {mine}"),
            [format!("ip link set {device} address {theirs}")],
        ))
}

fn device_down(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (here, device) = (&scene.here, &scene.here.device.name);
    Ok(scene.plan().pod(&here.pod()).device(device).step(
        here.in_pod(),
        format!("ip link set {device} down"),
        raise(here.netns, here.device),
    ))
}

fn outer_down(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    if scene.here.bridge().is_some() {
        return Err(Unfit::here(
            "the pod's device is a port of a bridge: bridge-port-down",
        ));
    }
    down(scene, scene.here.outer, true)
}

fn port_down(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    scene.bridge()?;
    down(scene, scene.here.outer, true)
}

fn bridge_down(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    down(scene, scene.bridge()?, false)
}

fn down(scene: &Scene<'_>, link: &crate::model::Link, is_pods: bool) -> Result<Plan, Unfit> {
    let plan = scene.plan().device(&link.name).step(
        scene.here.on_node(),
        format!("ip link set {} down", link.name),
        raise(scene.here.root, link),
    );
    Ok(if is_pods {
        plan.pod(&scene.here.pod())
    } else {
        plan
    })
}

fn port_closed(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    scene.bridge()?;
    let outer = &scene.here.outer.name;
    Ok(scene.plan().pod(&scene.here.pod()).device(outer).step(
        scene.here.on_node(),
        format!("bridge link set dev {outer} state 0"),
        [format!("bridge link set dev {outer} state 3")],
    ))
}

fn unplugged(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let bridge = &scene.bridge()?.name;
    let outer = &scene.here.outer.name;
    let mut undo = vec![format!("ip link set {outer} master {bridge}")];
    if let Some(port) = scene.here.outer.bridge_port() {
        for (set, default, word) in [
            (port.hairpin, false, "hairpin"),
            (port.isolated, false, "isolated"),
            (port.learning, true, "learning"),
            (port.neigh_suppress, false, "neigh_suppress"),
        ] {
            if set != default {
                let value = if set { "on" } else { "off" };
                undo.push(format!("bridge link set dev {outer} {word} {value}"));
            }
        }
    }
    Ok(scene.plan().pod(&scene.here.pod()).device(outer).step(
        scene.here.on_node(),
        format!("ip link set {outer} nomaster"),
        undo,
    ))
}

/// The bridge is told that a MAC is behind another port: the other pod's where that is on the bridge, else the
/// pod's own, so that the answer strays.
fn wrong_port(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let bridge = scene.bridge()?;
    let other = second(scene)?;
    let mac = if scene.is_flat() {
        scene.there.mac()
    } else {
        scene.here.mac()
    };
    let mac = mac.ok_or_else(|| Unfit::here("the pod's device has no hardware address"))?;
    let port = &other.outer.name;
    Ok(scene.plan().device(&bridge.name).step(
        scene.here.on_node(),
        // Sticky, since a bridge moves an entry when the MAC speaks elsewhere (net/bridge/br_fdb.c).
        format!("bridge fdb replace {mac} dev {port} master static sticky"),
        [format!("bridge fdb del {mac} dev {port} master")],
    ))
}

fn hairpin(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    scene.bridge()?;
    if !scene
        .here
        .outer
        .bridge_port()
        .is_some_and(|port| port.hairpin)
    {
        return Err(Unfit::here("hairpin is off in this network"));
    }
    let outer = &scene.here.outer.name;
    Ok(scene
        .plan()
        .pod(&scene.here.pod())
        .device(outer)
        .see(super::See::Check)
        .step(
            scene.here.on_node(),
            format!("bridge link set dev {outer} hairpin off"),
            [format!("bridge link set dev {outer} hairpin on")],
        ))
}
