//! Each node held against each: block routes, tunnel ends and what they know of each other, ranges, duplicates, sizes.
//!
//! Nothing is sent and no packet is followed: every pair of nodes is a few look-ups in tables that were ordered once,
//! so that a thousand nodes take seconds.

mod blocks;
mod index;
mod plain;
mod tunnels;

use index::Index;

use super::{Evidence, Finding, Severity, catalogue};
use crate::model::Bundle;

/// What is wrong between the nodes. Nodes whose tables were not read whole are no proof of anything being absent.
pub(in crate::diagnose) fn check(bundle: &Bundle) -> Vec<Finding> {
    if bundle.nodes.len() < 2 {
        return Vec::new();
    }
    let index = Index::new(bundle);
    let mut findings = Vec::new();
    tunnels::check(&index, &mut findings);
    blocks::check(&index, &mut findings);
    plain::check(&index, &mut findings);
    findings
}

/// A finding with the words of the catalogue, to be filled in.
fn finding(id: &'static str, node: &str, device: Option<&str>) -> Finding {
    let entry = catalogue::find(id);
    let why = entry.map_or("", |entry| entry.mechanism);
    Finding {
        id,
        severity: entry.map_or(Severity::Fault, |entry| entry.severity),
        node: node.to_owned(),
        place: None,
        device: device.map(str::to_owned),
        what: String::new(),
        why: why
            .split_inclusive(". ")
            .next()
            .unwrap_or(why)
            .trim()
            .to_owned(),
        evidence: Vec::new(),
        show: String::new(),
        fix: String::new(),
    }
}

/// A row as evidence.
fn row(node: &str, table: &str, text: impl Into<String>) -> Evidence {
    Evidence::new(format!("{node} {table}"), text)
}
