//! Tables that are nearly full.

use super::{Evidence, Finding, Severity};
use crate::model::Node;

/// A table fuller than this is told of, in hundredths.
const NEARLY: u64 = 90;

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let nearly = |count: u64, limit: u64| {
        limit > 0 && count.saturating_mul(100) >= limit.saturating_mul(NEARLY)
    };
    let base = |id, severity| Finding {
        id,
        severity,
        node: node.name.clone(),
        place: None,
        device: None,
        what: String::new(),
        why: String::new(),
        evidence: Vec::new(),
        show: String::new(),
        fix: String::new(),
    };
    if let Some(conntrack) = node.root().and_then(|root| root.conntrack.known())
        && nearly(conntrack.count, conntrack.max)
    {
        let severity = if conntrack.count >= conntrack.max {
            Severity::Fault
        } else {
            Severity::Warning
        };
        findings.push(Finding {
            what: format!("{} of {} tracked connections are in use", conntrack.count, conntrack.max),
            why: "at the limit the first packet of every new connection is dropped (nf_conntrack: table full)".to_owned(),
            evidence: vec![Evidence::new("sysctl", format!("net.netfilter.nf_conntrack_count = {}, nf_conntrack_max = {}", conntrack.count, conntrack.max))],
            show: "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max".to_owned(),
            fix: format!("sysctl -w net.netfilter.nf_conntrack_max={}", conntrack.max * 2),
            ..base("conntrack-nearly-full", severity)
        });
    }
    for table in &node.neighbour_tables {
        if !nearly(u64::from(table.entries), u64::from(table.gc_thresh3)) {
            continue;
        }
        let family = if table.name == "arp_cache" {
            "ipv4"
        } else {
            "ipv6"
        };
        let severity = if table.entries >= table.gc_thresh3 {
            Severity::Fault
        } else {
            Severity::Warning
        };
        findings.push(Finding {
            what: format!("{} of {} entries of the {} are in use", table.entries, table.gc_thresh3, table.name),
            why: "the limit is the kernel's, all namespaces together; at it no new neighbour is resolved and packets to it are dropped".to_owned(),
            evidence: vec![Evidence::new("RTM_GETNEIGHTBL", format!("{} entries {} gc_thresh3 {} table_fulls {}", table.name, table.entries, table.gc_thresh3, table.table_fulls))],
            show: format!("ip ntable show name {}", table.name),
            fix: format!("sysctl -w net.{family}.neigh.default.gc_thresh3={}", u64::from(table.gc_thresh3) * 4),
            ..base("neighbour-table-nearly-full", severity)
        });
    }
}
