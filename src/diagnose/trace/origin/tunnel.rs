//! Tunnel ends: missing, with another VNI or port, with a MAC that is another's.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Told;
use crate::diagnose::Evidence;
use crate::diagnose::trace::cause::{Case, device_down};
use crate::diagnose::trace::{facts, rows};
use crate::model::{Bundle, Link, LinkKind, Mac, Node, Vni, notation};
use crate::walk::path::{Hop, Step};

/// A tunnel device that the other nodes have and this one does not, or that is down.
pub(in crate::diagnose::trace) fn tunnel_missing(case: &Case<'_>) -> Option<Told> {
    let root = case.node.root()?;
    let own: Vec<&Link> = root
        .links
        .iter()
        .filter(|link| matches!(link.kind, LinkKind::Vxlan(_)))
        .collect();
    if let Some(down) = own.iter().find(|link| !link.is_up()) {
        return Some(device_down(case.node, root, down));
    }
    if !own.is_empty() || !root.links.is_complete() {
        return None;
    }
    let (_, theirs, _) =
        facts::tunnels(case.bundle).find(|(node, ..)| node.name != case.node.name)?;
    Some(missing(case.node, &theirs.name))
}

fn missing(node: &Node, name: &str) -> Told {
    Told::new("vxlan-device-missing", &node.name)
        .device(name)
        .what(format!("{} has no {name}", node.name))
        .show("ip -d link show type vxlan")
        .fix("restart the network agent of the node, which makes the device")
}

/// The MAC of the tunnel end that has an address.
pub(in crate::diagnose::trace) fn tunnel_mac(bundle: &Bundle, address: IpAddr) -> Option<Mac> {
    facts::holders(bundle, address)
        .find(|holder| matches!(holder.link.kind, LinkKind::Vxlan(_)))
        .and_then(|holder| holder.link.mac)
}

/// The tunnel end with an address has a MAC that another one has too.
pub(in crate::diagnose::trace) fn taken_mac(
    case: &Case<'_>,
    address: IpAddr,
    real: Option<Mac>,
) -> Option<Told> {
    let owners = facts::tunnels_with(case.bundle, real?);
    let holder = facts::holders(case.bundle, address)
        .find(|holder| matches!(holder.link.kind, LinkKind::Vxlan(_)))?;
    let other = owners
        .iter()
        .find(|(node, _)| node.name != holder.node.name)?;
    Some(duplicate(holder.node, holder.link, other.0, real?))
}

fn duplicate(node: &Node, link: &Link, other: &Node, mac: Mac) -> Told {
    Told::new("duplicate-vtep-mac", &node.name)
        .device(&link.name)
        .what(format!(
            "{} has the MAC {mac}, which {} has too",
            link.name, other.name
        ))
        .show(format!("ip link show {}, on both", link.name))
        .fix(format!("ip link set {} address ITS_OWN", link.name))
}

/// A tunnel end that throws away what comes from its own MAC.
pub(in crate::diagnose::trace) fn duplicate_mac(case: &Case<'_>, mac: Mac) -> Told {
    let owners = facts::tunnels_with(case.bundle, mac);
    let other = owners.iter().find(|(node, _)| node.name != case.node.name);
    match (case.link, other) {
        (Some(link), Some((other, _))) => duplicate(case.node, link, other, mac),
        _ => case
            .here("duplicate-vtep-mac")
            .what(format!("{mac} is the MAC of two tunnel ends"))
            .show("ip -d link show type vxlan, on all nodes")
            .fix("give one of them its own"),
    }
}

/// A frame for a MAC that no tunnel end has: the neighbour entry that named it is stale, or the MAC was changed.
pub(in crate::diagnose::trace) fn changed_mac(
    case: &Case<'_>,
    from: &str,
    device: &str,
    mac: Mac,
) -> Option<Told> {
    let node = case.bundle.node(from)?;
    let root = node.root()?;
    let link = root.link_named(device)?;
    let row = root
        .neighbours
        .iter()
        .find(|row| row.device == link.index && row.mac == Some(mac))?;
    let real = tunnel_mac(case.bundle, row.address);
    if let Some(told) = taken_mac(case, row.address, real) {
        return Some(told);
    }
    Some(
        Told::new("vtep-neighbour-stale", from)
            .device(device)
            .what(format!(
                "the entry for {} on {device} says {mac}, which no tunnel end has",
                row.address
            ))
            .show(format!("ip neigh show {} dev {device}", row.address))
            .fix(match real {
                Some(real) => format!(
                    "ip neigh replace {} lladdr {real} dev {device} nud permanent",
                    row.address
                ),
                None => format!("ip neigh del {} dev {device}", row.address),
            })
            .evidence(vec![Evidence::new(
                format!("{from} neighbour"),
                notation::neighbour(row, root),
            )]),
    )
}

/// Nothing takes the wrapped packet: there is no device, or it listens elsewhere.
pub(in crate::diagnose::trace) fn no_tunnel(
    case: &Case<'_>,
    port: u16,
    there: &[(String, u16)],
) -> Told {
    let Some((name, other)) = there.first() else {
        let theirs = case.tunnel_name();
        return missing(case.node, &theirs);
    };
    odd_one(case, "vxlan-port-mismatch", |vxlan| vxlan.port.into(), name).unwrap_or_else(|| {
        case.of_node("vxlan-port-mismatch")
            .device(name)
            .what(format!(
                "{name} listens on {other}; the packet is for {port}"
            ))
            .show(format!("ip -d link show {name}"))
            .fix("make one of the two devices anew with the other's port")
    })
}

/// No device has the VNI.
pub(in crate::diagnose::trace) fn other_vni(
    case: &Case<'_>,
    vni: Vni,
    there: &[(String, Vni)],
) -> Told {
    let name = there
        .first()
        .map_or_else(|| case.device_name(), |(name, _)| name.clone());
    odd_one(case, "vni-mismatch", |vxlan| vxlan.vni.0, &name).unwrap_or_else(|| {
        case.of_node("vni-mismatch")
            .device(&name)
            .what(format!("no device there has VNI {vni}"))
            .show(format!("ip -d link show {name}"))
            .fix("make one of the two devices anew with the other's VNI")
    })
}

/// Of two ends that differ, the one that differs from all others; the sender where two nodes are all there are.
fn odd_one(
    case: &Case<'_>,
    id: &'static str,
    value: impl Fn(&crate::model::link::Vxlan) -> u32,
    receivers: &str,
) -> Option<Told> {
    let wrap = case
        .path
        .hops
        .iter()
        .rev()
        .find(|hop| hop.step == Step::Wrap)?;
    let sender = &wrap.at.node;
    let mut by_value: BTreeMap<u32, Vec<(&Node, &Link)>> = BTreeMap::new();
    for (node, link, vxlan) in facts::tunnels(case.bundle) {
        by_value.entry(value(vxlan)).or_default().push((node, link));
    }
    let common = by_value
        .iter()
        .max_by_key(|(_, nodes)| nodes.len())
        .map(|(value, _)| *value)?;
    let of = |name: &str| {
        facts::tunnels(case.bundle)
            .filter(|(node, ..)| node.name == *name)
            .find(|(_, link, _)| name != case.node.name || link.name == receivers)
            .map(|(node, link, vxlan)| (node, link, value(vxlan)))
    };
    let (sent, received) = (of(sender)?, of(&case.node.name)?);
    let word = if id == "vni-mismatch" {
        "VNI"
    } else {
        "UDP port"
    };
    if sent.2 == received.2 {
        return by_entry(case, id, wrap, (word, sent.2));
    }
    let (odd, right) = if sent.2 == common {
        (received, sent)
    } else {
        (sent, received)
    };
    Some(
        Told::new(id, &odd.0.name)
            .device(&odd.1.name)
            .what(format!(
                "{} of {} has {word} {}; that of {} has {}",
                odd.1.name, odd.0.name, odd.2, right.0.name, right.2
            ))
            .show(format!("ip -d link show {}, on both", odd.1.name))
            .fix(format!(
                "ip link del {} # and make it anew with {word} {}",
                odd.1.name, right.2
            ))
            .evidence(vec![
                Evidence::new(
                    format!("{} link", odd.0.name),
                    format!("{} {word} {}", odd.1.name, odd.2),
                ),
                Evidence::new(
                    format!("{} link", right.0.name),
                    format!("{} {word} {}", right.1.name, right.2),
                ),
            ]),
    )
}

/// Both ends have the same: the sender's forwarding entry says another.
fn by_entry(
    case: &Case<'_>,
    id: &'static str,
    wrap: &Hop,
    (word, both): (&str, u32),
) -> Option<Told> {
    let (node, device) = (&wrap.at.node, &wrap.at.device.as_ref()?.name);
    Some(
        Told::new(id, node)
            .device(device)
            .what(format!(
                "the forwarding entry of {device} has a {word} of its own, where both ends have {both}"
            ))
            .show(format!("bridge fdb show dev {device}"))
            .fix(case.fdb_row(device))
            .evidence(rows(node, &wrap.rows)),
    )
}
