//! What a rule makes of the addresses of pods' packets, where that keeps them from arriving or being answered.

use std::net::IpAddr;

use super::Told;
use crate::diagnose::trace::facts;
use crate::diagnose::trace::rows;
use crate::model::Bundle;
use crate::walk::path::{NoteKind, Packet, Path, Row};

/// A rule that gives packets for a pod another destination.
pub(in crate::diagnose::trace) fn redirected(bundle: &Bundle, there: &Path) -> Option<Told> {
    let destination = there.packet.destination;
    let is_pods = facts::holders(bundle, destination).any(|holder| holder.is_pod())
        || facts::given(bundle, destination).is_some();
    if !is_pods {
        return None;
    }
    let (note, to) = there.notes.iter().find_map(|note| match note.kind {
        NoteKind::DestinationTranslated { to } => Some((note, to)),
        _ => None,
    })?;
    let node = &note.at.node;
    let row = note.row.as_ref();
    let mut told = Told::new("pod-traffic-redirected", node);
    if let Some(device) = &note.at.device {
        told = told.device(&device.name);
    }
    if note.at.name != "root" {
        told = told.place(&note.at.name);
    }
    Some(
        told.what(format!(
            "a rule of {node} sends what is for {destination} to {to}{}",
            whose(bundle, to)
        ))
        .show("iptables-save -t nat; nft -a list ruleset; conntrack -L -d ADDRESS")
        .fix(row.map_or_else(String::new, without))
        .evidence(row.map_or_else(Vec::new, |row| rows(node, std::slice::from_ref(row)))),
    )
}

/// `, which is …`
fn whose(bundle: &Bundle, address: IpAddr) -> String {
    if address.is_loopback() {
        return ", the node itself".to_owned();
    }
    match facts::holders(bundle, address).next() {
        Some(holder) => format!(", which is {}", holder.name()),
        None => ", which nobody here has".to_owned(),
    }
}

/// The command that takes away a rule that changed the packet.
pub(in crate::diagnose::trace) fn without(row: &Row) -> String {
    let undo = row.undo.clone();
    undo.unwrap_or_else(|| format!("take the rule away: {}", row.text))
}

/// The command that spares a packet's conversation a rule that changes its source.
pub(in crate::diagnose::trace) fn spared(row: &Row, packet: &Packet) -> String {
    let (source, destination) = (packet.source, packet.destination);
    let undo = row.undo.as_deref().unwrap_or_default();
    if let Some(rule) = undo.strip_prefix("nft delete rule ") {
        let ip = if source.is_ipv4() { "ip" } else { "ip6" };
        return format!(
            "nft insert rule {rule} {ip} saddr {source} {ip} daddr {destination} accept"
        );
    }
    let program = undo
        .split(' ')
        .next()
        .filter(|word| word.contains("tables"));
    let program = program.unwrap_or("iptables");
    format!("{program} -t nat -I POSTROUTING -s {source} -d {destination} -j RETURN")
}
