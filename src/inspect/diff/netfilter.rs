//! What changed of the packet filters.

use super::{ChangeKind, Comparison, named};
use crate::model::{Netns, Table};

impl Comparison<'_> {
    pub(super) fn netfilter(&mut self, old: &Netns, new: &Netns) {
        for was in &old.netfilter.iptables {
            let Some(is) = new
                .netfilter
                .iptables
                .iter()
                .find(|is| is.backend == was.backend && is.family == was.family)
            else {
                continue;
            };
            let rules = |tables: &Table<crate::model::netfilter::IptablesTable>| Table {
                state: tables.state,
                reason: tables.reason.clone(),
                rows: tables
                    .iter()
                    .flat_map(|table| {
                        table.chains.iter().flat_map(move |chain| {
                            let policy = chain
                                .policy
                                .as_ref()
                                .map(|policy| format!("{} -P {} {policy}", table.name, chain.name));
                            let rules = chain.rules.iter().map(move |rule| {
                                format!("{} -A {} {}", table.name, chain.name, rule.text())
                            });
                            policy.into_iter().chain(rules)
                        })
                    })
                    .collect(),
            };
            let program = match is.family {
                crate::model::rule::Family::Inet => "iptables",
                crate::model::rule::Family::Inet6 => "ip6tables",
            };
            self.table(
                "rule",
                &rules(&was.tables),
                &rules(&is.tables),
                Clone::clone,
                |text| format!("{program} -t {text}"),
                |_, _, _| {},
            );
        }
        // Handles and counters change without a rule being another.
        let plain = |table: &Table<serde_json::Value>| {
            named(table, |value| without_counters(value.clone()).to_string())
        };
        let (was, is) = (plain(&old.netfilter.nft), plain(&new.netfilter.nft));
        if was.is_complete() && is.is_complete() && was.rows != is.rows {
            let (gone, come) = (
                difference(&was.rows, &is.rows),
                difference(&is.rows, &was.rows),
            );
            self.change(
                "nft",
                ChangeKind::Changed,
                format!("nft ruleset: {come} new, {gone} gone"),
            );
        }
    }
}

/// An nft object without what changes by itself.
fn without_counters(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(object) => {
            for key in ["handle", "packets", "bytes", "expires", "used"] {
                object.remove(key);
            }
            for (_, inner) in object.iter_mut() {
                *inner = without_counters(inner.take());
            }
        }
        serde_json::Value::Array(values) => {
            for inner in values {
                *inner = without_counters(inner.take());
            }
        }
        _ => {}
    }
    value
}

/// How many of `these` are not among `those`, each counted as often as it stands there.
fn difference(these: &[String], those: &[String]) -> usize {
    let mut rest: Vec<&String> = those.iter().collect();
    these
        .iter()
        .filter(|text| match rest.iter().position(|other| other == text) {
            Some(place) => {
                rest.swap_remove(place);
                false
            }
            None => true,
        })
        .count()
}
