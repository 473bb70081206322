//! What is wrong although small packets pass: detours, rewritten sources, sizes, answers by another way.

use super::cause::Case;
use super::facts::{self, Role, role};
use super::origin::Told;
use super::rows;
use crate::diagnose::{Evidence, Finding, Severity, catalogue};
use crate::model::Bundle;
use crate::walk::path::{Cause, Drop, End, Hop, NoteKind, Path, RowTable, Step};

pub(super) fn finding(told: Told) -> Finding {
    let entry = catalogue::find(told.id);
    Finding {
        id: told.id,
        severity: entry.map_or(Severity::Fault, |entry| entry.severity),
        node: told.node,
        place: told.place,
        device: told.device,
        what: told.what,
        why: told.why.unwrap_or_else(|| {
            let text = entry.map_or("", |entry| entry.mechanism);
            text.split_inclusive(". ")
                .next()
                .unwrap_or(text)
                .trim()
                .to_owned()
        }),
        evidence: told.evidence,
        show: told.show,
        fix: told.fix,
    }
}

/// What is wrong with a way that is passed.
pub(super) fn of_path(bundle: &Bundle, path: &Path, _back: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(detour(bundle, path));
    found.extend(masqueraded(bundle, path));
    found
}

/// The packet passes a node that is neither the source's nor the destination's.
pub(super) fn detour(bundle: &Bundle, path: &Path) -> Option<Finding> {
    let first = path.hops.first()?;
    let End::Delivered { at } = &path.end else {
        return None;
    };
    // Only between pods: a node may well be the way to the world.
    let is_pod = |address| facts::holders(bundle, address).any(|holder| holder.is_pod());
    if !is_pod(path.packet.source) || !is_pod(path.packet.destination) {
        return None;
    }
    let ends = [&first.at.node, &at.node];
    let third = path
        .hops
        .iter()
        .position(|hop| !ends.contains(&&hop.at.node))?;
    let before = path
        .hops
        .get(..third)?
        .iter()
        .rev()
        .find(|hop| !hop.rows.is_empty())?;
    let (from, by) = (&before.at.node, &path.hops.get(third)?.at.node);
    // The route stands where the packet was still plain.
    let routed: Vec<Evidence> = path
        .hops
        .iter()
        .take(third)
        .filter(|hop| hop.at.node == *from)
        .flat_map(|hop| rows(from, &hop.rows))
        .collect();
    Some(finding(
        Told::new("block-route-to-wrong-node", from)
            .what(format!(
                "{from} sends what is for {} to {by}; it is on {}",
                path.packet.destination, at.node
            ))
            .show(format!("ip route get {}", path.packet.destination))
            .fix(
                super::origin::block_route(bundle, from, path.packet.destination).unwrap_or_else(
                    || "correct the route: ip route replace, by the owner's address".to_owned(),
                ),
            )
            .evidence(routed),
    ))
}

/// A pod's source is rewritten on the way to another pod.
pub(super) fn masqueraded(bundle: &Bundle, path: &Path) -> Option<Finding> {
    let pods = [path.packet.source, path.packet.destination]
        .into_iter()
        .all(|address| facts::holders(bundle, address).any(|holder| holder.is_pod()));
    if !pods {
        return None;
    }
    let (note, to) = path.notes.iter().find_map(|note| match &note.kind {
        NoteKind::SourceTranslated { to, .. } => Some((note, to)),
        _ => None,
    })?;
    let node = &note.at.node;
    let evidence = note
        .row
        .as_ref()
        .map(|row| rows(node, std::slice::from_ref(row)))
        .unwrap_or_default();
    Some(finding(
        Told::new("pod-traffic-masqueraded", node)
            .what(format!(
                "the source {} becomes {to} on the way to another pod",
                path.packet.source
            ))
            .show("iptables-save -t nat; nft list ruleset")
            .fix(format!(
                "iptables -t nat -I POSTROUTING -s {} -d {} -j RETURN, for the ranges of pods",
                path.packet.source, path.packet.destination
            ))
            .evidence(evidence),
    ))
}

/// The devices of nodes that lead to other nodes, as a packet passes them. Pods, pairs and bridges are the same both ways.
fn between<'a>(bundle: &'a Bundle, path: &'a Path) -> Vec<(&'a Hop, &'a str, &'a str)> {
    path.hops
        .iter()
        .filter_map(|hop| {
            let node = bundle.node(&hop.at.node)?;
            let netns = node.netns(hop.at.netns)?;
            let device = hop.at.device.as_ref()?;
            let link = netns.link(device.index)?;
            matches!(role(node, netns, link), Role::Underlay | Role::Tunnel).then_some((
                hop,
                node.name.as_str(),
                device.name.as_str(),
            ))
        })
        .collect()
}

/// The answer does not come back by the devices that the request took.
pub(super) fn asymmetric(bundle: &Bundle, there: &Path, back: &Path) -> Option<Finding> {
    if !there.is_delivered() || !back.is_delivered() {
        return None;
    }
    // A node sends to a pod elsewhere by the overlay, and is answered at its own address by the shortest way.
    let is_pod = |address| facts::holders(bundle, address).any(|holder| holder.is_pod());
    if !is_pod(there.packet.source) || !is_pod(back.packet.source) {
        return None;
    }
    let (out, home) = (between(bundle, there), between(bundle, back));
    let mut expected: Vec<_> = out
        .iter()
        .map(|(_, node, device)| (*node, *device))
        .collect();
    expected.reverse();
    let taken: Vec<_> = home
        .iter()
        .map(|(_, node, device)| (*node, *device))
        .collect();
    let plain = |mut list: Vec<(&str, &str)>| {
        list.dedup();
        list.into_iter()
            .map(|(n, d)| (n.to_owned(), d.to_owned()))
            .collect::<Vec<_>>()
    };
    if plain(expected.clone()) == plain(taken.clone()) {
        return None;
    }
    // A detour by a third node is told of as that.
    let nodes = |list: &[(&str, &str)]| {
        let mut names: Vec<_> = list.iter().map(|(node, _)| (*node).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    if nodes(&expected) != nodes(&taken) {
        return None;
    }
    let position = (0..taken.len()).find(|n| taken.get(*n) != expected.get(*n))?;
    let (hop, node, device) = home.get(position)?;
    // Where the request left its wrapping, the answer did not get one: the plain device is the odd one.
    let (node, device) = (*node, *device);
    let expected_device = expected.get(position).map_or("-", |(_, device)| device);
    Some(finding(
        Told::new("asymmetric-return", node)
            .device(device)
            .what(format!(
                "the answer leaves {node} by {device}; the request came by {expected_device}"
            ))
            .show(format!("ip route get {}", back.packet.destination))
            .fix("make both nodes reach each other by the same device")
            .evidence(rows(node, &hop.rows)),
    ))
}

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
        Some(finding(
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
                )]),
        ))
    })
}

/// What is to be thought of a packet that is handed to a router that no node is.
pub(super) struct Suspect {
    /// What is wrong if it is lost there.
    pub(super) finding: Finding,
    /// What is wrong if it was seen to leave, and is not heard of again.
    pub(super) left: Option<Finding>,
    /// The hop by which it leaves.
    pub(super) hop: usize,
    /// The tables alone say so; else only the loss does.
    pub(super) stands: bool,
}

/// The first place where the packet is handed to an address that no node has.
pub(super) fn suspect(bundle: &Bundle, path: &Path) -> Option<Suspect> {
    path.notes.iter().find_map(|note| {
        let NoteKind::UnderlayRoutes { router } = note.kind else {
            return None;
        };
        let hop = path
            .hops
            .iter()
            .position(|hop| hop.at == note.at && hop.wire.is_some())?;
        let until = Path {
            hops: path.hops.get(..=hop)?.to_vec(),
            ..path.clone()
        };
        let drop = Drop {
            cause: Cause::NobodyHasAddress { address: router },
            at: note.at.clone(),
            rows: path.hops.get(hop)?.rows.clone(),
        };
        let finding = super::cause::finding(bundle, &until, &drop);
        let asked = bundle
            .node(&note.at.node)?
            .netns(note.at.netns)?
            .neighbours
            .iter()
            .any(|row| {
                row.address == router
                    && !row.state.is_valid()
                    && row.state != crate::model::neighbour::NeighbourState::None
            });
        let stands = finding.id != "next-hop-unresolved" || asked;
        let node = bundle.node(&note.at.node)?;
        let case = Case {
            bundle,
            path: &until,
            drop: &drop,
            node,
            netns: node.netns(note.at.netns)?,
            link: None,
            name: note.at.name.clone(),
        };
        let left = super::origin::by_stranger(&case, case.destination(), router);
        Some(Suspect {
            left: left.map(self::finding),
            finding,
            hop,
            stands,
        })
    })
}

/// What a packet that does not fit is a finding of.
pub(super) fn size_finding(case: &Case<'_>, mtu: u32, size: u32, silent: bool) -> Told {
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
                "ip link set {name} mtu {size}, or a smaller MTU for the pods"
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
    if !next_to_pod
        && let Some(told) = uneven_pair(case, mtu, &what).or_else(|| odd_bridge(case, mtu, &what))
    {
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
            "ip link set {device} mtu SMALLER in the pod, and the network's setting for new pods"
        ))
        .evidence(vec![Evidence::new(
            format!("{} link", case.node.name),
            format!("{name} mtu {mtu}"),
        )])
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
        .filter(|link| matches!(link.kind, crate::model::LinkKind::Bridge(_)) && link.mtu == mtu)?;
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
