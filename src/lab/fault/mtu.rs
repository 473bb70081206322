//! Packets that are too large for the way.

use super::plan::{Plan, Unfit};
use super::scene::Scene;
use super::{Fault, Way};
use crate::model::Link;

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("pod-mtu-above-device", Way::Any, above_device),
    Fault::sender("pod-mtu-above-path", Way::Any, above_path),
    Fault::sender("underlay-mtu-too-small", Way::Any, below),
    Fault::sender("pmtu-black-hole", Way::Plain, black_hole),
];

/// More than any of the profiles' underlays carries.
const LARGE: u32 = 2000;
/// Less than any of the profiles' overlays takes for granted.
const SMALL: u32 = 1400;

fn set(name: &str, mtu: u32) -> String {
    format!("ip link set {name} mtu {mtu}")
}

fn above_device(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let device = scene.here.device;
    Ok(scene
        .plan()
        .pod(&scene.here.pod())
        .device(&device.name)
        .see(super::See::Check)
        .step(
            scene.here.in_pod(),
            set(&device.name, device.mtu + 50),
            [set(&device.name, device.mtu)],
        ))
}

fn above_path(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let (device, outer) = (scene.here.device, scene.here.outer);
    let mut plan = scene.plan().pod(&scene.here.pod()).device(&device.name);
    for link in [Some(outer), scene.here.bridge()].into_iter().flatten() {
        plan = plan.step(
            scene.here.on_node(),
            set(&link.name, LARGE),
            [set(&link.name, link.mtu)],
        );
    }
    Ok(plan.step(
        scene.here.in_pod(),
        set(&device.name, LARGE),
        [set(&device.name, device.mtu)],
    ))
}

/// The node's device in its subnet.
fn underlay<'a>(scene: &Scene<'a>) -> Result<&'a Link, Unfit> {
    let name = scene.here.underlay();
    scene
        .here
        .root
        .link_named(name)
        .ok_or_else(|| Unfit::here(format!("there is no {name}")))
}

fn below(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let link = underlay(scene)?;
    Ok(scene.plan().device(&link.name).step(
        scene.here.on_node(),
        set(&link.name, SMALL),
        [set(&link.name, link.mtu)],
    ))
}

fn black_hole(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    let rule = "OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP";
    Ok(below(scene)?.step(
        scene.here.on_node(),
        format!("iptables -I {rule}"),
        [super::netfilter::undo(
            &scene.here,
            "filter",
            &format!("iptables -D {rule}"),
        )],
    ))
}
