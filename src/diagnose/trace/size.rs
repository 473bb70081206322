//! Packets that do not fit: what is said of the device, route or rule that is too small for them.

use super::cause::Case;
use super::facts::{Role, role};
use super::origin::Told;
use crate::diagnose::{Evidence, Finding};
use crate::model::{Bundle, LinkKind, Netns};
use crate::walk::path::{Cause, Drop, Hop, NoteKind, Path, RowTable, Step};

/// A packet of the size that the sender believes in is lost.
pub(super) fn too_large(bundle: &Bundle, path: &Path, drop: &Drop) -> Option<Finding> {
    // A rule may look at the length; what is lost for another reason was told for the small packet.
    matches!(
        drop.cause,
        Cause::MtuExceeded { .. } | Cause::Filtered { .. }
    )
    .then(|| super::cause::finding(bundle, path, drop))
}

/// A packet of the size that the sender believes in arrives in pieces, as a node's device is smaller than the others'.
pub(super) fn cut(bundle: &Bundle, path: &Path) -> Option<Finding> {
    path.notes.iter().find_map(|note| {
        let NoteKind::Fragmented { mtu, size: needed } = note.kind else {
            return None;
        };
        let node = bundle.node(&note.at.node)?;
        let netns = node.netns(note.at.netns)?;
        let link = netns.link(note.at.device.as_ref()?.index)?;
        let drop = Drop {
            cause: Cause::MtuExceeded {
                mtu,
                size: path.packet.size,
                silent: false,
            },
            at: note.at.clone(),
            rows: note.row.iter().cloned().collect(),
        };
        let case = Case {
            bundle,
            path,
            drop: &drop,
            node,
            netns,
            link: Some(link),
            name: note.at.name.clone(),
        };
        if role(node, netns, link) != Role::Underlay || !is_narrow(&case, mtu) {
            return None;
        }
        let name = &link.name;
        Some(
            case.here("underlay-mtu-too-small")
                .what(format!(
                    "packets of {} octets, {needed} wrapped, are cut at {name}, which takes {mtu}",
                    path.packet.size
                ))
                .show(format!("ip link show {name}"))
                .fix(format!(
                    "ip link set {name} mtu {needed} # or a smaller MTU for the pods"
                ))
                .evidence(vec![Evidence::new(
                    format!("{} link", node.name),
                    format!("{name} mtu {mtu}"),
                )])
                .into_finding(),
        )
    })
}

/// What a packet that does not fit is a finding of.
pub(super) fn told(case: &Case<'_>, mtu: u32, size: u32, silent: bool) -> Told {
    let (name, path) = (case.device_name(), case.path);
    let what = format!("a packet of {size} octets does not fit {name}, which takes {mtu}");
    // Silence is what makes it a black hole: by nature, or by a rule that drops what would tell.
    let muted = icmp_dropped(case);
    if let Some(row) = muted {
        return case
            .here("pmtu-black-hole")
            .what(format!(
                "{what}, and what would tell the sender is dropped: {row}"
            ))
            .show(format!(
                "ping -M do -s {} {}; iptables-save -c | grep -i icmp",
                path.packet.size.saturating_sub(28),
                path.packet.destination
            ))
            .fix("let ICMP type 3 code 4 pass")
            .evidence(vec![Evidence::new(
                format!("{} netfilter", case.node.name),
                row,
            )]);
    }
    let how = if silent {
        " and is dropped without a word"
    } else {
        ""
    };
    let what = format!("{what}{how}");
    let source = path.hops.first();
    let kind = case.link.map(|link| role(case.node, case.netns, link));
    if let Some(told) = by_route(case, mtu, size, how) {
        return told;
    }
    // The node's device in its subnet is smaller than that of the other nodes.
    if kind == Some(Role::Underlay) && is_narrow(case, mtu) {
        return case
            .here("underlay-mtu-too-small")
            .what(what)
            .show(format!("ip link show {name}"))
            .fix(format!(
                "ip link set {name} mtu {size} # or a smaller MTU for the pods"
            ));
    }
    let Some(source) = source else {
        // It never left: not the way's doing, and the program that sends it is told.
        let headers = path
            .packet
            .protocol
            .headers(path.packet.destination.is_ipv6());
        let data = mtu.saturating_sub(headers);
        return case
            .here("packet-above-own-mtu")
            .what(what)
            .show(format!("{}ip link show {name}", case.prefix()))
            .fix(format!("ask with --size {data} or less, or without --df"));
    };
    let device = source
        .at
        .device
        .as_ref()
        .map_or("eth0", |device| device.name.as_str());
    let next_to_pod = case.node.name == source.at.node
        && matches!(kind, Some(Role::HostEnd | Role::Port | Role::Pods));
    let uneven = if next_to_pod {
        uneven_pair(case, mtu, &what).filter(|_| is_as_others(case, source))
    } else {
        uneven_pair(case, mtu, &what).or_else(|| odd_bridge(case, mtu, &what))
    };
    if let Some(told) = uneven {
        return told;
    }
    let id = if next_to_pod {
        "pod-mtu-above-device"
    } else {
        "pod-mtu-above-path"
    };
    let told = Told::new(id, &source.at.node).device(device);
    let told = if source.step == Step::Send && source.at.name != "root" {
        told.place(source.at.name.clone())
    } else {
        told
    };
    told.what(what)
        .show(format!(
            "ovl mtu {} {}",
            path.packet.source, path.packet.destination
        ))
        .fix(format!(
            "{}ip link set {device} mtu {} # and the network's setting for new pods",
            into(case, source),
            // Without what wraps it here.
            mtu.saturating_sub(size.saturating_sub(path.packet.size))
        ))
        .evidence(vec![Evidence::new(
            format!("{} link", case.node.name),
            format!("{name} mtu {mtu}"),
        )])
}

/// What to put before a command so that it works where a hop is.
fn into(case: &Case<'_>, hop: &Hop) -> String {
    let netns = netns_of(case, hop);
    let path = netns
        .filter(|_| hop.at.name != "root")
        .and_then(|netns| netns.paths.first());
    path.map_or_else(String::new, |path| format!("nsenter --net={path} "))
}

fn netns_of<'a>(case: &Case<'a>, hop: &Hop) -> Option<&'a Netns> {
    case.bundle.node(&hop.at.node)?.netns(hop.at.netns)
}

/// Whether the device that a pod sends by takes as much as those of the other pods.
fn is_as_others(case: &Case<'_>, source: &Hop) -> bool {
    let (Some(own), Some(device)) = (netns_of(case, source), &source.at.device) else {
        return false;
    };
    let takes = |netns: &Netns| netns.link_named(&device.name).map(|link| link.mtu);
    case.bundle.nodes.iter().any(|node| {
        node.namespaces.iter().any(|netns| {
            let is_own = node.name == source.at.node && netns.id == own.id;
            let is_pods = netns.id != node.root && node.sandboxes_in(netns.id).next().is_some();
            is_pods && !is_own && takes(netns) == takes(own)
        })
    })
}

/// It is the route that takes less than its device, which would take the packet.
fn by_route(case: &Case<'_>, mtu: u32, size: u32, how: &str) -> Option<Told> {
    let link = case.link.filter(|link| link.mtu >= size)?;
    let word = format!(" mtu {mtu}");
    let locked = format!(" mtu lock {mtu}");
    let row = case.drop.rows.iter().find(|row| {
        row.table == RowTable::Route && (row.text.contains(&word) || row.text.contains(&locked))
    })?;
    // A network that gives all its routes this size means it: the pod's is what differs.
    let alike = case.bundle.nodes.iter().filter_map(|node| node.root());
    let alike = alike.flat_map(|root| root.routes.iter());
    if alike.filter(|route| route.mtu == Some(mtu)).count() > 1 {
        return None;
    }
    let plain = row.text.replace(&locked, "").replace(&word, "");
    Some(
        case.here("pod-mtu-above-path")
            .what(format!(
                "a packet of {size} octets does not fit the route {}{how}; {} takes {}",
                row.text, link.name, link.mtu
            ))
            .show(format!(
                "{}ip route get {}",
                case.prefix(),
                case.destination()
            ))
            .fix(format!("{}ip route replace {plain}", case.prefix())),
    )
}

/// The two ends of a pair differ: what the larger one sends, the smaller one does not take.
fn uneven_pair(case: &Case<'_>, mtu: u32, what: &str) -> Option<Told> {
    let link = case.link.filter(|link| link.mtu == mtu)?;
    let peer = link.peer()?;
    let other = match (peer.netns, peer.nsid) {
        (Some(netns), _) => case.node.netns(netns)?,
        (None, None) => case.netns,
        (None, Some(_)) => return None,
    };
    let other = other.link(peer.index).filter(|other| other.mtu > mtu)?;
    let (name, prefix) = (&link.name, case.prefix());
    Some(
        case.here("pod-mtu-above-path")
            .what(format!(
                "{what}; its other end, {}, takes {}",
                other.name, other.mtu
            ))
            .show(format!(
                "{prefix}ip link show {name}; ip link show {}",
                other.name
            ))
            .fix(format!("{prefix}ip link set {name} mtu {}", other.mtu)),
    )
}

/// A bridge takes less than its namesakes on other nodes; it follows the smallest of its ports.
fn odd_bridge(case: &Case<'_>, mtu: u32, what: &str) -> Option<Told> {
    let bridge = case
        .link
        .filter(|link| matches!(link.kind, LinkKind::Bridge(_)) && link.mtu == mtu)?;
    let others = case.bundle.nodes.iter();
    let most = others
        .filter(|node| node.name != case.node.name)
        .filter_map(|node| node.root())
        .flat_map(|root| root.links.iter())
        .filter(|link| link.name == bridge.name)
        .map(|link| link.mtu)
        .max()
        .filter(|most| *most > mtu)?;
    let ports = case.netns.links.iter();
    let narrow = ports
        .filter(|port| port.master == Some(bridge.index) && port.mtu < most)
        .map(|port| port.name.as_str());
    let fix: Vec<String> = narrow
        .chain([bridge.name.as_str()])
        .map(|name| format!("ip link set {name} mtu {most}"))
        .collect();
    Some(
        case.here("pod-mtu-above-path")
            .what(format!("{what}; on other nodes it takes {most}"))
            .show(format!(
                "ip link show {0}; ip link show master {0}",
                bridge.name
            ))
            .fix(fix.join("; ")),
    )
}

/// Whether the device takes less than those of other nodes in the same role.
fn is_narrow(case: &Case<'_>, mtu: u32) -> bool {
    let most = case
        .bundle
        .nodes
        .iter()
        .filter(|node| node.name != case.node.name)
        .filter_map(|node| Some((node, node.root()?)))
        .flat_map(|(node, root)| root.links.iter().map(move |link| (node, root, link)))
        .filter(|(node, root, link)| {
            role(node, root, link) == Role::Underlay && !link.is_loopback()
        })
        .map(|(_, _, link)| link.mtu)
        .max();
    most.is_none_or(|most| mtu < most)
}

/// A rule of the node that drops "fragmentation needed".
fn icmp_dropped(case: &Case<'_>) -> Option<String> {
    case.node
        .root()?
        .netfilter
        .iptables
        .iter()
        .flat_map(|tables| tables.tables.iter())
        .flat_map(|table| &table.chains)
        .flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)))
        .map(|(chain, rule)| format!("-A {} {}", chain.name, rule.text()))
        .find(|text| {
            (text.contains("--icmp-type 3/4")
                || text.contains("fragmentation-needed")
                || text.contains("--icmpv6-type 2"))
                && (text.contains("-j DROP") || text.contains("-j REJECT"))
        })
}
