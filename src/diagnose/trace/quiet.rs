//! What is wrong although packets pass: detours, rewritten sources, answers by another way, and routers that no
//! node is.

use super::cause::Case;
use super::facts::{self, Role, role};
use super::origin::Told;
use super::rows;
use crate::diagnose::{Evidence, Finding};
use crate::model::Bundle;
use crate::walk::path::{Cause, Drop, End, Hop, NoteKind, Path};

/// What is wrong with a way that is passed.
pub(super) fn of_path(bundle: &Bundle, path: &Path) -> Vec<Finding> {
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
    Some(
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
            .evidence(routed)
            .into_finding(),
    )
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
    Some(
        Told::new("pod-traffic-masqueraded", node)
            .what(format!(
                "the source {} becomes {to} on the way to another pod",
                path.packet.source
            ))
            .show("iptables-save -t nat; nft list ruleset")
            .fix(note.row.as_ref().map_or_else(String::new, |row| {
                let spared = super::origin::spared(row, &path.packet);
                format!("{spared} # better: for the ranges of pods")
            }))
            .evidence(evidence)
            .into_finding(),
    )
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
    Some(
        Told::new("asymmetric-return", node)
            .device(device)
            .what(format!(
                "the answer leaves {node} by {device}; the request came by {expected_device}"
            ))
            .show(format!("ip route get {}", back.packet.destination))
            .fix("make both nodes reach each other by the same device")
            .evidence(rows(node, &hop.rows))
            .into_finding(),
    )
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
            left: left.map(Told::into_finding),
            finding,
            hop,
            stands,
        })
    })
}
