//! What a rule makes of the addresses of pods' packets, where that keeps them from arriving or being answered.

use std::net::IpAddr;

use super::Told;
use crate::diagnose::trace::facts;
use crate::diagnose::trace::rows;
use crate::model::Bundle;
use crate::walk::path::{NoteKind, Path, Row};

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
        .fix(row.map_or_else(String::new, |row| without(row, to)))
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

/// The command that takes a rule away, as far as its row says which it is.
pub(in crate::diagnose::trace) fn without(row: &Row, address: IpAddr) -> String {
    let program = match address {
        IpAddr::V4(_) => "iptables",
        IpAddr::V6(_) => "ip6tables",
    };
    match row.text.split_once(": -A ") {
        Some((table, rule)) => format!("{program} -t {table} -D {rule}"),
        None => match row.text.split_once(": ") {
            Some((table, rule)) => {
                let chain = rule.split_whitespace().next().unwrap_or_default();
                format!(
                    "nft -a list chain {table} {chain}; nft delete rule {table} {chain} handle HANDLE"
                )
            }
            None => "take the rule away".to_owned(),
        },
    }
}
