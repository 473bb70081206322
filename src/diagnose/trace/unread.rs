//! Tables that a conclusion rests on and that were not read whole. Nothing is concluded from what is absent in them.

use std::collections::BTreeSet;

use super::Ways;
use crate::model::number::NetnsId;
use crate::model::{Bundle, LinkKind, Netns, Table};
use crate::walk::path::{Cause, Drop, End, Path};

/// Why a loss that the tables seem to tell of is not to be believed; `None` if all that it may rest on was read.
pub(super) fn of_loss(
    bundle: &Bundle,
    ways: &Ways<'_>,
    path: &Path,
    drop: &Drop,
) -> Option<String> {
    // A rule that matched says so itself, where it stands; whatever else is not known, it stands.
    if matches!(drop.cause, Cause::Filtered { .. }) {
        return of_place(bundle, &drop.at.node, drop.at.netns);
    }
    places(bundle, ways, path)
        .into_iter()
        .find_map(|(node, netns)| of_place(bundle, &node, netns))
}

/// Why a way that seems to be passed may not be: whether bridged packets are filtered, and what is checked at a device,
/// are settings.
pub(super) fn of_passage(bundle: &Bundle, path: &Path) -> Option<String> {
    let places: BTreeSet<_> = path
        .hops
        .iter()
        .map(|hop| (hop.at.node.clone(), hop.at.netns))
        .collect();
    places.into_iter().find_map(|(node, id)| {
        let netns = bundle.node(&node)?.netns(id)?;
        Some(words(
            bundle,
            &node,
            netns,
            "settings",
            netns.sysctls.doubt()?,
        ))
    })
}

/// Every namespace that the way of a packet may depend on: those it comes by, those at both ends, and the nodes' own.
fn places(bundle: &Bundle, ways: &Ways<'_>, path: &Path) -> BTreeSet<(String, NetnsId)> {
    let mut places: BTreeSet<_> = path
        .hops
        .iter()
        .map(|hop| (hop.at.node.clone(), hop.at.netns))
        .collect();
    if let End::Dropped(drop) = &path.end {
        places.insert((drop.at.node.clone(), drop.at.netns));
    }
    for (node, netns) in ways.ends.into_iter().flatten() {
        places.insert((node.to_owned(), netns));
    }
    let is_found = ways.ends.iter().all(Option::is_some);
    // Whoever is not found may be anywhere.
    let nodes: BTreeSet<String> = if is_found {
        places.iter().map(|(node, _)| node.clone()).collect()
    } else {
        bundle.nodes.iter().map(|node| node.name.clone()).collect()
    };
    let roots = nodes.iter().filter_map(|name| bundle.node(name));
    places.extend(roots.map(|node| (node.name.clone(), node.root)));
    places
}

fn of_place(bundle: &Bundle, node: &str, id: NetnsId) -> Option<String> {
    let netns = bundle.node(node)?.netns(id)?;
    let doubt = |what: &'static str, why: Option<&str>| {
        why.map(|why| words(bundle, node, netns, what, why))
    };
    fn why<T>(table: &Table<T>) -> Option<&str> {
        table.doubt()
    }
    doubt("devices", why(&netns.links))
        .or_else(|| doubt("addresses", why(&netns.addresses)))
        .or_else(|| doubt("rules of routing", why(&netns.rules)))
        .or_else(|| doubt("routes", why(&netns.routes)))
        .or_else(|| doubt("neighbours", why(&netns.neighbours)))
        .or_else(|| doubt("forwarding entries", why(&netns.fdb)))
        .or_else(|| {
            doubt(
                "VLANs of ports",
                why(&netns.port_vlans).filter(|_| filters_vlans(netns)),
            )
        })
        .or_else(|| doubt("settings", why(&netns.sysctls)))
}

/// Elsewhere it does not matter who is in which VLAN.
fn filters_vlans(netns: &Netns) -> bool {
    netns
        .links
        .iter()
        .any(|link| matches!(&link.kind, LinkKind::Bridge(bridge) if bridge.vlan_filtering))
}

fn words(bundle: &Bundle, node: &str, netns: &Netns, what: &str, why: &str) -> String {
    let place = match bundle.node(node) {
        Some(owner) if owner.root != netns.id => {
            format!(" of {}", crate::inspect::find::occupant(owner, netns))
        }
        _ => String::new(),
    };
    format!("{node}: the {what}{place} were not read: {why}")
}
