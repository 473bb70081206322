//! Services, and what they lead to.

use super::netfilter::undo;
use super::plan::{Plan, See, Unfit};
use super::scene::{Scene, last_host};
use super::{Fault, Way, host};

pub(super) const FAULTS: &[Fault] = &[
    Fault::sender("service-without-endpoints", Way::Any, empty),
    Fault::sender("service-endpoint-dead", Way::Any, dead),
    Fault::receiver("nothing-listening-tcp", Way::Any, nothing_tcp),
    Fault::receiver("nothing-listening-udp", Way::Any, nothing_udp),
];

/// The address of a service that the lab does not have, of the range that kubeadm gives services.
const SERVICE: &str = "10.96.0.50";

/// What is for a service passes the node that routes for the pod.
fn routed(scene: &Scene<'_>) -> Result<(), Unfit> {
    if scene.here.default_route().is_none() {
        return Err(Unfit::here("the pod has no default route"));
    }
    Ok(())
}

fn empty(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    routed(scene)?;
    let (node, device) = (scene.here.on_node(), scene.here.underlay());
    let mut plan = scene
        .plan()
        .see(See::TraceTo(SERVICE.to_owned(), "--proto tcp:80"));
    let service = SERVICE
        .parse()
        .map_err(|_| Unfit::here("the service's address"))?;
    if scene.here.route_to(service).is_none() {
        // Any route: the refusal comes after the routing.
        let route = format!("{} dev {device}", host(service));
        plan = plan.step(
            node.clone(),
            format!("ip route add {route}"),
            [format!("ip route del {route}")],
        );
    }
    let rule = format!(
        "FORWARD -d {SERVICE} -p tcp --dport 80 -m comment --comment 'default/web has no endpoints' -j REJECT"
    );
    Ok(plan.step(
        node,
        format!("iptables -I {rule}"),
        [undo(&scene.here, "filter", &format!("iptables -D {rule}"))],
    ))
}

fn dead(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    routed(scene)?;
    let gone = ipnet::IpNet::new(scene.there.address, 26)
        .ok()
        .and_then(|net| last_host(net.trunc(), 2))
        .ok_or_else(|| Unfit::here("the other pod's block is not known"))?;
    let rule = format!(
        "PREROUTING -d {SERVICE} -p tcp --dport 80 -m comment --comment 'default/web' -j DNAT --to-destination {gone}:80"
    );
    Ok(scene
        .plan()
        .see(See::TraceTo(SERVICE.to_owned(), "--proto tcp:80"))
        .step(
            scene.here.on_node(),
            format!("iptables -t nat -I {rule}"),
            [undo(
                &scene.here,
                "nat",
                &format!("iptables -t nat -D {rule}"),
            )],
        ))
}

/// A lab's pods serve nothing: there is nothing to be done for it.
fn nothing_tcp(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    Ok(scene
        .plan()
        .pod(&scene.here.pod())
        .see(See::TraceWith("--proto tcp:8080")))
}

fn nothing_udp(scene: &Scene<'_>) -> Result<Plan, Unfit> {
    Ok(scene
        .plan()
        .pod(&scene.here.pod())
        .see(See::TraceWith("--proto udp:5353")))
}
