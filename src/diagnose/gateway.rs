//! Routers that pods send to and that nobody answers for.

use std::net::IpAddr;

use super::{Evidence, Finding, Look, Severity, device};
use crate::inspect::gateway::{Answer, Cause, Gateway, gateways};
use crate::model::neighbour::NeighbourState;
use crate::model::{LinkKind, Netns, notation};
use crate::walk::answer::Silence;

pub(super) fn check(look: &mut Look<'_>) {
    let mut shared = Vec::new();
    for (netns, pod) in look.pods() {
        for gateway in gateways(look.node, look.fib.as_ref(), netns) {
            known_wrongly(look, netns, &pod, &gateway);
            // That it is the wrong one says all.
            if look.has(&["pod-default-route-wrong"], &pod) {
                continue;
            }
            match &gateway.answer {
                Answer::Nobody { reason, cause } => {
                    unanswered(look, netns, &pod, &gateway, reason, cause, &mut shared);
                }
                Answer::Unknown { reason } => unclear(look, netns, &pod, &gateway, reason),
                Answer::Owner { .. } | Answer::ProxyArp { .. } => {}
            }
        }
    }
    for Shared { place, others, .. } in shared {
        if let (Some(finding), true) = (look.findings.get_mut(place), others > 0) {
            finding.what = format!(
                "{} ({others} other pods have the same gateway)",
                finding.what
            );
            finding.place = None;
        }
    }
}

/// A gateway that several pods share and that is silent for a reason which is not one pod's own.
struct Shared {
    address: IpAddr,
    cause: Cause,
    /// Which finding tells of it.
    place: usize,
    /// How many pods beside the first.
    others: usize,
}

/// Whether the reason is the node's or the bridge's, and so every pod's.
fn is_shared(cause: &Cause) -> bool {
    match cause {
        Cause::NotOnBridge { .. } => true,
        Cause::Silent { silence, .. } => {
            matches!(silence, Silence::NoRoute | Silence::Refused(_))
        }
        Cause::Cut => false,
    }
}

/// Whether two causes are one, whichever pod's device it was seen at.
fn is_same(one: &Cause, other: &Cause) -> bool {
    match (one, other) {
        (Cause::Silent { silence: one, .. }, Cause::Silent { silence: other, .. }) => one == other,
        _ => one == other,
    }
}

fn base(look: &Look<'_>, netns: &Netns, pod: &str, gateway: &Gateway) -> Finding {
    Finding {
        id: "gateway-unanswered",
        severity: Severity::Fault,
        node: look.node.name.clone(),
        place: Some(pod.to_owned()),
        device: Some(gateway.device.clone()),
        what: String::new(),
        why: "the pod finds no link-layer address to send to: whatever is not on its own link is lost"
            .to_owned(),
        evidence: netns
            .routes
            .iter()
            .filter(|route| {
                route
                    .nexthops
                    .iter()
                    .any(|hop| hop.gateway == Some(gateway.address))
            })
            .take(1)
            .map(|route| Evidence::new(format!("ip route of {pod}"), notation::route(route, netns)))
            .collect(),
        show: format!("ovl pod {pod}"),
        fix: String::new(),
    }
}

fn unanswered(
    look: &mut Look<'_>,
    netns: &Netns,
    pod: &str,
    gateway: &Gateway,
    reason: &str,
    cause: &Cause,
    shared: &mut Vec<Shared>,
) {
    let address = gateway.address;
    let known = shared
        .iter_mut()
        .find(|known| known.address == address && is_same(&known.cause, cause));
    if let Some(known) = known {
        known.others += 1;
        return;
    }
    let (proof, fix) = match cause {
        // That is told where the device is told of.
        Cause::Cut => return,
        Cause::NotOnBridge { bridge } => (
            Evidence::new("ip address", format!("{bridge} does not have {address}")),
            bridge_address(netns, gateway, bridge),
        ),
        Cause::Silent { device, silence } => match silence {
            Silence::Down => return,
            // ip-forward-off or veth-forwarding-off says it, if the settings were read.
            Silence::NotForwarding
                if look
                    .node
                    .root()
                    .is_some_and(|root| root.sysctls.is_complete()) =>
            {
                return;
            }
            // What is wrong is the way back to the pod, which is told of.
            Silence::Disbelieved(_) if !is_bridge(look, device) => return,
            silence => (
                silence_proof(look, device, silence),
                silence_fix(look, pod, device, silence, address),
            ),
        },
    };
    let mut finding = base(look, netns, pod, gateway);
    finding.id = match cause {
        Cause::Silent { silence, .. } => match silence {
            Silence::NoProxy => "proxy-arp-off",
            Silence::NoRoute | Silence::Refused(_) | Silence::LeadsBack => "gateway-without-route",
            _ => "gateway-unanswered",
        },
        Cause::Cut | Cause::NotOnBridge { .. } => "gateway-unanswered",
    };
    finding.what = format!("nobody answers for {address}, the gateway of {pod}: {reason}");
    finding.evidence.push(proof);
    if gateway.mac.is_some() {
        finding.why = format!(
            "{}; it goes on with the MAC it has learned only until that is to be confirmed",
            finding.why
        );
    }
    finding.fix = fix;
    if is_shared(cause) {
        shared.push(Shared {
            address,
            cause: cause.clone(),
            place: look.findings.len(),
            others: 0,
        });
    }
    look.findings.push(finding);
}

fn is_bridge(look: &Look<'_>, device: &str) -> bool {
    look.node
        .root()
        .and_then(|root| root.link_named(device))
        .is_some_and(|link| matches!(link.kind, LinkKind::Bridge(_)))
}

fn silence_proof(look: &Look<'_>, device: &str, silence: &Silence) -> Evidence {
    let sysctl = |name: &str, value: i64| {
        Evidence::new("sysctl", format!("net.ipv4.conf.{device}.{name} = {value}"))
    };
    match silence {
        Silence::NoProxy => sysctl("proxy_arp", 0),
        Silence::NotForwarding => sysctl("forwarding", 0),
        Silence::Ignored { arp_ignore } => sysctl("arp_ignore", *arp_ignore),
        Silence::Disbelieved(disbelief) => sysctl("rp_filter", disbelief.rp_filter),
        Silence::Refused(route) => Evidence::new(
            "ip route",
            look.node
                .root()
                .map(|root| notation::route(route, root))
                .unwrap_or_default(),
        ),
        Silence::NoRoute => Evidence::new("ip route", "no route to it in any table"),
        Silence::LeadsBack => Evidence::new("ip route", format!("the route to it is by {device}")),
        Silence::NoProxyEntry => {
            Evidence::new("ip -6 neigh show proxy", format!("none on {device}"))
        }
        Silence::ProxyNdpOff => {
            Evidence::new("sysctl", format!("net.ipv6.conf.{device}.proxy_ndp = 0"))
        }
        Silence::Down | Silence::NoArp => Evidence::new("ip link", device),
    }
}

fn silence_fix(
    look: &Look<'_>,
    pod: &str,
    device: &str,
    silence: &Silence,
    address: IpAddr,
) -> String {
    match silence {
        Silence::NoProxy => format!("sysctl -w net.ipv4.conf.{device}.proxy_arp=1"),
        Silence::NotForwarding => format!("sysctl -w net.ipv4.conf.{device}.forwarding=1"),
        Silence::Ignored { .. } => {
            format!("sysctl -w net.ipv4.conf.{device}.arp_ignore=0 net.ipv4.conf.all.arp_ignore=0")
        }
        Silence::Disbelieved(disbelief) => {
            format!("ip route replace {} dev {device}", disbelief.source)
        }
        Silence::Refused(route) => format!(
            "ip route del {}",
            look.node
                .root()
                .map(|root| notation::route(route, root))
                .unwrap_or_default()
        ),
        // Any route will do that does not lead back to the pod: the address is nobody's.
        Silence::NoRoute => format!("ip route add {address} dev lo scope link"),
        Silence::ProxyNdpOff => format!(
            "sysctl -w net.ipv6.conf.{device}.proxy_ndp=1 net.ipv6.conf.{device}.forwarding=1"
        ),
        Silence::NoArp => format!("ip link set {device} arp on"),
        Silence::LeadsBack | Silence::NoProxyEntry | Silence::Down => {
            format!(
                "kubectl delete pod {}",
                pod.rsplit('/').next().unwrap_or(pod)
            )
        }
    }
}

/// The command that gives a bridge the gateway's address, with the prefix that the pod's own has.
fn bridge_address(netns: &Netns, gateway: &Gateway, bridge: &str) -> String {
    let prefix = netns
        .addresses
        .iter()
        .filter(|row| row.address.is_ipv4() == gateway.address.is_ipv4())
        .find(|row| {
            row.network()
                .is_some_and(|network| network.contains(&gateway.address))
        })
        .map_or(32, |row| row.prefix_len);
    format!("ip address add {}/{prefix} dev {bridge}", gateway.address)
}

/// The gateway is on the way out of the node: the pod itself knows whether it answered lately.
fn unclear(look: &mut Look<'_>, netns: &Netns, pod: &str, gateway: &Gateway, reason: &str) {
    let address = gateway.address;
    let asked = netns.neighbours.iter().find(|row| {
        row.address == address
            && !row.proxy
            && netns.device_name(row.device) == gateway.device
            && row.state != NeighbourState::None
    });
    match asked {
        Some(row) if row.state == NeighbourState::Failed => {
            let mut finding = base(look, netns, pod, gateway);
            finding.what = format!("nobody answered {pod} for its gateway {address}: {reason}");
            finding.evidence.push(Evidence::new(
                format!("ip neigh of {pod}"),
                notation::neighbour(row, netns),
            ));
            finding.fix = format!("look for the device that should have {address}");
            look.findings.push(finding);
        }
        Some(row) if row.state.is_valid() => {}
        _ => look.doubt(&format!(
            "whether anybody answers for {address}, the gateway of {pod}: {reason}"
        )),
    }
}

/// An entry that was set by hand is never asked for again.
fn known_wrongly(look: &mut Look<'_>, netns: &Netns, pod: &str, gateway: &Gateway) {
    let Some(right) = gateway.answer.mac() else {
        return;
    };
    let fixed = netns.neighbours.iter().find(|row| {
        !row.proxy
            && row.address == gateway.address
            && row.state == NeighbourState::Permanent
            && netns.device_name(row.device) == gateway.device
    });
    let Some((row, wrong)) = fixed.and_then(|row| Some((row, row.mac?))) else {
        return;
    };
    if wrong == right {
        return;
    }
    look.findings.push(Finding {
        id: "neighbour-mac-wrong",
        what: format!(
            "{pod} is told to send to {wrong} for its gateway {}, which is {right}",
            gateway.address
        ),
        why: "nobody takes a frame with another's MAC, and an entry that is permanent is never asked for again"
            .to_owned(),
        evidence: vec![Evidence::new(
            format!("ip neigh of {pod}"),
            notation::neighbour(row, netns),
        )],
        show: format!("ovl pod {pod}"),
        fix: format!(
            "{}ip neigh del {} dev {}",
            device::prefix(look.node, netns),
            gateway.address,
            gateway.device
        ),
        ..base(look, netns, pod, gateway)
    });
}
